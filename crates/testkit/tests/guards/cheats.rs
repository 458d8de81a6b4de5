//! R24: recovery that is faked after the write. The verification says failed, whoever fakes it.

use anyhow::{Context as _, ensure};
use bailiwick_core::life::Phase;
use bailiwick_testkit::{ProcessOptions, Proposal, Result, Row, SECONDS, Seen, wait_for};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::kubelet::{FICKLE, GOOD, forge};
use crate::scene::{LATER, Scene};

/// What somebody does so that a workload whose new pod does not serve looks as if it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cheat {
    /// It wants no replicas any more.
    Scaled,
    /// It is gone, and its pods with it.
    Deleted,
    /// Another of its name serves.
    Replaced,
    /// Its status says again and again that all is well.
    Flattered,
    /// The pod of before the write is ready.
    OldReady,
    /// Ready pods of nobody carry its labels, and its status says that all is well.
    Foreign,
    /// The rollout stands still, with the pod of before ready.
    Paused,
    /// The new pod is ready for less than has to be held.
    Blinked,
}

const ALL: [Cheat; 8] = [
    Cheat::Scaled,
    Cheat::Deleted,
    Cheat::Replaced,
    Cheat::Flattered,
    Cheat::OldReady,
    Cheat::Foreign,
    Cheat::Paused,
    Cheat::Blinked,
];

/// For how long it must look well, and how long it may take until it does.
const HOLD: u32 = 8;
const WINDOW: u32 = 16;

#[tokio::test]
async fn faked_recovery_is_none() -> Result<()> {
    let row = Row::of("R24", 1)?;
    for seed in row.seeds() {
        let limits = json!({"healthyDelaySeconds": 3600, "holdSeconds": HOLD, "recoveryWindowSeconds": WINDOW});
        let Some(scene) = Box::pin(Scene::set("cheats", limits)).await? else { return Ok(()) };
        Box::pin(all_at_once(&scene)).await?;
        row.held(seed, None)?;
    }
    Ok(())
}

async fn all_at_once(scene: &Scene) -> Result<()> {
    for cheat in ALL {
        scene.namespace.apply(&scene.workload(&cheat.name(), FICKLE[0], 1)).await?;
    }
    scene.serving("honest", GOOD, 1).await?;
    for cheat in ALL {
        scene.namespace.available(&cheat.name(), LATER).await?;
    }
    let _operator = scene.operator(ProcessOptions::default()).await?;
    // The same without a fault and without a cheat.
    let honest = scene.restart("honest").await?;
    scene.kubelet.turn(false);
    let mut fakes = JoinSet::new();
    let mut proposals = Vec::new();
    for cheat in ALL {
        cheat.until_pods(scene, 1).await?;
        let change = scene.restart(&cheat.name()).await?;
        change.until("written", LATER, |r| r.phase == Phase::Verifying).await?;
        cheat.happen(scene, &mut fakes).await.with_context(|| format!("{cheat:?}"))?;
        proposals.push((cheat, change));
    }
    for (cheat, change) in proposals {
        judge(cheat, &change).await?;
    }
    honest.phase(Phase::Recovered, LATER).await.map(drop)
}

async fn judge(cheat: Cheat, change: &Proposal) -> Result<()> {
    let record = change.end(LATER).await?;
    let seen = record.verification.as_ref().map(|v| v.observed.clone()).unwrap_or_default();
    ensure!(record.phase == Phase::Failed, "{cheat:?} ended {}: {seen}", record.phase);
    Ok(())
}

impl Cheat {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    async fn happen(self, scene: &Scene, fakes: &mut JoinSet<()>) -> Result<()> {
        let (name, api) = (self.name(), scene.namespace.api::<Deployment>());
        match self {
            Self::Scaled => patch(&api, &name, json!({"spec": {"replicas": 0}})).await,
            Self::Deleted => api.delete(&name, &DeleteParams::background()).await.map(|_| ()).context("delete it"),
            Self::Replaced => {
                api.delete(&name, &DeleteParams::foreground()).await?;
                scene.namespace.gone::<Deployment>(&name, LATER).await?;
                scene.serving(&name, GOOD, 1).await
            }
            Self::Flattered => {
                fakes.spawn(flatter(api, name));
                Ok(())
            }
            Self::OldReady => self.ready(scene, 0).await.map(drop),
            Self::Foreign => {
                fakes.spawn(flatter(api, name));
                self.foreign(scene).await
            }
            Self::Paused => {
                patch(&api, &name, json!({"spec": {"paused": true}})).await?;
                self.ready(scene, 0).await.map(drop)
            }
            Self::Blinked => {
                let pod = self.ready(scene, 1).await?;
                forge(&scene.namespace.api(), &pod, false).await
            }
        }
    }

    /// Its pods, oldest first, once there are so many and none is ready.
    async fn until_pods(self, scene: &Scene, wanted: usize) -> Result<Vec<String>> {
        let (name, api) = (self.name(), scene.namespace.api::<Pod>());
        wait_for(&format!("{wanted} pods of {name}"), LATER, async || {
            let mut pods = api.list(&ListParams::default()).await?.items;
            pods.retain(|p| p.name_any().starts_with(&format!("{name}-")));
            pods.sort_by_key(|p| p.creation_timestamp().map(|t| t.0));
            let unready = pods.iter().filter(|p| !is_ready(p)).count();
            let names: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
            Ok(Seen::when(unready == wanted && names.len() == wanted, names.clone(), names))
        })
        .await
    }

    /// Has its pod of before the write, or the one after that, said to be ready.
    async fn ready(self, scene: &Scene, index: usize) -> Result<String> {
        let pod = self.until_pods(scene, 2).await?.remove(index);
        forge(&scene.namespace.api(), &pod, true).await?;
        Ok(pod)
    }

    /// A pod of nobody that serves, with the labels of this one's.
    async fn foreign(self, scene: &Scene) -> Result<()> {
        let mut pod = scene.workload(&self.name(), GOOD, 1)["spec"]["template"].clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!("nobodys");
        scene.namespace.apply(&pod).await.map(|_| ())
    }
}

async fn patch(api: &Api<Deployment>, name: &str, body: Value) -> Result<()> {
    api.patch(name, &PatchParams::default(), &Patch::Merge(&body)).await.map(|_| ()).context("patch it")
}

/// Says in the status of a Deployment that all is well, whenever somebody else has said something.
async fn flatter(api: Api<Deployment>, name: String) {
    let mut ticks = tokio::time::interval(SECONDS / 20);
    loop {
        ticks.tick().await;
        let Ok(live) = api.get(&name).await else { continue };
        let well = json!({"status": {
            "observedGeneration": live.metadata.generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
            "availableReplicas": 1, "unavailableReplicas": null,
        }});
        let _the_controller_may_be_faster =
            api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&well)).await;
    }
}

fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|s| s.conditions.iter().flatten());
    conditions.any(|c| c.type_ == "Ready" && c.status == "True")
}
