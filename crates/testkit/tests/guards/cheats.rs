//! R24: recovery that is faked after the write. The verification says failed, whoever fakes it.

use anyhow::{Context as _, ensure};
use bailiwick_core::life::{Phase, Purpose, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Proposal, Result, Row, SECONDS, Seen, wait_for};
use jiff::{SignedDuration, Timestamp};
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
const HOLD: u32 = 15;
const WINDOW: u32 = 55;

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
        cheat.broken(scene).await?;
        let change = scene.restart(&cheat.name()).await?;
        change.until("written", LATER, |r| r.phase == Phase::Verifying).await?;
        cheat.happen(scene, &change, &mut fakes).await.with_context(|| format!("{cheat:?}"))?;
        in_time(&change).await.with_context(|| format!("{cheat:?}"))?;
        proposals.push((cheat, change));
    }
    for (cheat, change) in proposals {
        judge(cheat, &change).await?;
    }
    honest.phase(Phase::Recovered, LATER).await.map(drop)
}

/// What looks well from now on would have been held long enough, had it been taken for what it looks like.
async fn in_time(change: &Proposal) -> Result<()> {
    let record = change.record().await?;
    let own = record.executions.iter().rfind(|e| e.purpose == Purpose::Apply);
    let applied = own.and_then(|e| e.applied_at).context("nothing was written")?;
    let took = Timestamp::now().duration_since(applied);
    let most = SignedDuration::from_secs(i64::from(WINDOW - HOLD - 1));
    ensure!(took <= most, "too late to be a cheat: {took:#} after the write, {most:#} leave time to hold");
    Ok(())
}

async fn judge(cheat: Cheat, change: &Proposal) -> Result<()> {
    let record = change.end(LATER).await?;
    let seen = record.verification.as_ref().map(|v| v.observed.clone()).unwrap_or_default();
    let why = record.reason.as_ref().map(|r| r.code);
    ensure!(
        record.phase == Phase::Failed && why == Some(cheat.told()),
        "{cheat:?} ended {} for {why:?}: {seen}",
        record.phase
    );
    Ok(())
}

impl Cheat {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Why it fails: all but those without the target have their whole time.
    fn told(self) -> Code {
        match self {
            Self::Deleted | Self::Replaced => Code::TargetVanished,
            Self::Scaled | Self::Flattered | Self::OldReady | Self::Foreign | Self::Paused | Self::Blinked => {
                Code::WindowEnded
            }
        }
    }

    async fn happen(self, scene: &Scene, change: &Proposal, fakes: &mut JoinSet<()>) -> Result<()> {
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
                flatter(&api, &name).await?;
                fakes.spawn(flatter_on(api, name));
                Ok(())
            }
            Self::OldReady => self.ready(scene, 0).await.map(drop),
            Self::Foreign => {
                self.foreign(scene).await?;
                flatter(&api, &name).await?;
                fakes.spawn(flatter_on(api, name));
                Ok(())
            }
            Self::Paused => {
                patch(&api, &name, json!({"spec": {"paused": true}})).await?;
                self.ready(scene, 0).await.map(drop)
            }
            Self::Blinked => {
                let pod = self.ready(scene, 1).await?;
                change.until("been seen well", LATER, |r| holding(r).is_some()).await?;
                forge(&scene.namespace.api(), &pod, false).await?;
                // Had it held for long enough meanwhile, it would have recovered.
                change.until("been seen unwell again", LATER, |r| holding(r).is_none()).await.map(drop)
            }
        }
    }

    /// Returns when its one pod is not ready and its status says so: what it was like before decides what is worse.
    async fn broken(self, scene: &Scene) -> Result<()> {
        self.until_pods(scene, 1).await?;
        let unavailable = |d: Option<&Deployment>| {
            let status = d.and_then(|d| d.status.as_ref());
            status.is_some_and(|s| s.available_replicas.unwrap_or(0) == 0)
        };
        scene.namespace.until(&self.name(), ("no replica available", LATER), unavailable).await.map(drop)
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
        scene.namespace.apply(&pod).await?;
        let serves = |p: Option<&Pod>| p.is_some_and(is_ready);
        scene.namespace.until("nobodys", ("it to be ready", LATER), serves).await.map(drop)
    }
}

async fn patch(api: &Api<Deployment>, name: &str, body: Value) -> Result<()> {
    api.patch(name, &PatchParams::default(), &Patch::Merge(&body)).await.map(|_| ()).context("patch it")
}

/// Says in the status of a Deployment that all is well.
async fn flatter(api: &Api<Deployment>, name: &str) -> Result<()> {
    let live = api.get(name).await?;
    let well = json!({"status": {
        "observedGeneration": live.metadata.generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
        "availableReplicas": 1, "unavailableReplicas": null,
    }});
    let patch = Patch::Merge(&well);
    api.patch_status(name, &PatchParams::default(), &patch).await.map(|_| ()).context("flatter its status")
}

/// The same again and again, for somebody else says otherwise.
async fn flatter_on(api: Api<Deployment>, name: String) {
    let mut ticks = tokio::time::interval(SECONDS / 20);
    loop {
        ticks.tick().await;
        let _the_controller_may_be_faster = flatter(&api, &name).await;
    }
}

/// Since when it is seen to be well.
fn holding(record: &Record) -> Option<Timestamp> {
    record.verification.as_ref().and_then(|v| v.holding_since)
}

fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|s| s.conditions.iter().flatten());
    conditions.any(|c| c.type_ == "Ready" && c.status == "True")
}
