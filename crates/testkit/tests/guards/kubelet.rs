//! A node without a kubelet, and somebody who writes into the status of its pods what a kubelet would.
//!
//! What a pod is like follows from the tag of its image. Keeps the node's lease fresh; the node goes with it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use bailiwick_testkit::{Result, Seen, TestCluster, create, wait_for};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// An image whose containers serve.
pub(crate) const GOOD: &str = "fake.test/web:good";
/// One that the registry does not have.
pub(crate) const ABSENT: &str = "fake.test/web:absent";
/// One whose program exits.
pub(crate) const CRASHING: &str = "fake.test/web:crashing";
/// Pods that carry this annotation are left as somebody else describes them: see [`forge`].
const FORGED: &str = "bailiwick-test/forged";
/// Two that the registry has and has not, by turns: see [`Kubelet::turn`].
pub(crate) const FICKLE: [&str; 2] = ["fake.test/web:fickle-1", "fake.test/web:fickle-2"];

const SIDE_BY_SIDE: usize = 16;
const LEASES: &str = "kube-node-lease";
const WRITER: &str = "bailiwick-test-kubelet";

/// The node; deleted when this is dropped.
pub(crate) struct Kubelet {
    node: String,
    config: kube::Config,
    well: watch::Sender<bool>,
    work: JoinSet<()>,
}

impl Kubelet {
    pub(crate) async fn start(cluster: &TestCluster, node: &str) -> Result<Self> {
        let (client, config) = (cluster.admin(), cluster_config(cluster).await?);
        let address = json!([{"type": "InternalIP", "address": "192.0.2.1"}]);
        let room = json!({"cpu": "1000", "memory": "4Ti", "pods": "5000"});
        let ready = json!([{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "",
            "lastHeartbeatTime": Timestamp::now(), "lastTransitionTime": Timestamp::now()}]);
        let object = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": node},
            "spec": {"taints": [{"key": "bailiwick-test/fake", "value": "true", "effect": "NoSchedule"}]},
            "status": {"addresses": address, "capacity": room, "allocatable": room, "conditions": ready},
        });
        create(&client, &object, None).await?;
        let (well, turns) = watch::channel(true);
        let mut work = JoinSet::new();
        work.spawn(play(client, node.to_owned(), turns));
        Ok(Self { node: node.to_owned(), config, well, work })
    }

    /// From now on containers of the fickle image are well, or not.
    pub(crate) fn turn(&self, well: bool) {
        self.well.send_replace(well);
    }

    /// Fields of a pod that make it this node's.
    pub(crate) fn pod_fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("nodeName", json!(self.node)),
            ("tolerations", json!([{"operator": "Exists"}])),
            ("terminationGracePeriodSeconds", json!(1)),
        ]
    }
}

async fn cluster_config(cluster: &TestCluster) -> Result<kube::Config> {
    let file = kube::config::Kubeconfig::read_from(cluster.kubeconfig()).context("read the kubeconfig")?;
    Ok(kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await?)
}

impl Drop for Kubelet {
    /// The test's runtime cannot be used here.
    fn drop(&mut self) {
        self.work.abort_all();
        let (config, node) = (self.config.clone(), self.node.clone());
        let farewell = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let api: Api<Node> = Api::all(Client::try_from(config)?);
                api.delete(&node, &DeleteParams::default()).await.map(|_| ()).context("delete the node")
            })
        });
        let _the_cluster_may_be_gone_already = farewell.join();
    }
}

/// Plays until aborted.
async fn play(client: Client, node: String, turns: watch::Receiver<bool>) {
    tokio::select! {
        () = breathe(client.clone(), node.clone()) => {}
        () = serve(client, node, turns) => {}
    }
}

/// The node is alive.
async fn breathe(client: Client, node: String) {
    let leases: Api<Lease> = Api::namespaced(client, LEASES);
    let mut beats = tokio::time::interval(Duration::from_secs(5));
    loop {
        beats.tick().await;
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": node},
            "spec": {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": MicroTime(Timestamp::now())},
        });
        let mine = PatchParams::apply(WRITER).force();
        let _the_next_beat_may_do = leases.patch(&node, &mine, &Patch::Apply(&lease)).await;
    }
}

/// Every pod gets the status that its images ask for, again when it changes and at each turn.
async fn serve(client: Client, node: String, mut turns: watch::Receiver<bool>) {
    let config = Config::default().fields(&format!("spec.nodeName={node}"));
    let mut news = watcher(Api::<Pod>::all(client.clone()), config).boxed();
    let mut pods: HashMap<String, Pod> = HashMap::new();
    loop {
        let due: Vec<Pod> = tokio::select! {
            event = news.try_next() => match event {
                Ok(Some(Event::Apply(pod) | Event::InitApply(pod))) => {
                    pods.insert(pod.uid().unwrap_or_default(), pod.clone());
                    vec![pod]
                }
                Ok(Some(Event::Delete(pod))) => {
                    pods.remove(&pod.uid().unwrap_or_default());
                    Vec::new()
                }
                Ok(Some(Event::Init | Event::InitDone)) | Err(_) => Vec::new(),
                Ok(None) => return,
            },
            turned = turns.changed() => match turned {
                Ok(()) => pods.values().cloned().collect(),
                Err(_) => return,
            },
        };
        let well = *turns.borrow_and_update();
        let work = due.into_iter().map(|pod| attend(client.clone(), pod, well)).collect::<Vec<_>>();
        futures::stream::iter(work).buffer_unordered(SIDE_BY_SIDE).collect::<Vec<()>>().await;
    }
}

/// Writes what a kubelet would, unless it is there already. What fails is tried at the next news of the pod.
async fn attend(client: Client, pod: Pod, well: bool) {
    let api: Api<Pod> = Api::namespaced(client, &pod.namespace().unwrap_or_default());
    let name = pod.name_any();
    if pod.metadata.deletion_timestamp.is_some() {
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        let _gone_or_tried_again = api.delete(&name, &at_once).await;
        return;
    }
    if pod.annotations().contains_key(FORGED) {
        return;
    }
    let wanted = containers(&pod, well);
    let ready = wanted.iter().all(|c| c["ready"] == true);
    if shows(&pod, &wanted) {
        return;
    }
    let status = json!({"status": status(&wanted, ready)});
    let _gone_or_tried_again = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await;
}

/// Says of a pod that it is ready, or that it is not, whatever its image is; from then on nobody else says anything of it.
pub(crate) async fn forge(api: &Api<Pod>, name: &str, ready: bool) -> Result<()> {
    let mark = json!({"metadata": {"annotations": {FORGED: "true"}}});
    let pod = api.patch(name, &PatchParams::default(), &Patch::Merge(&mark)).await.context("mark a pod")?;
    let mut said = containers(&pod, ready);
    said.iter_mut().for_each(|c| c["ready"] = json!(ready));
    let status = json!({"status": status(&said, ready)});
    // What was on its way when it was marked may come later once.
    wait_for(&format!("{name} to be as forged"), Duration::from_secs(30), async || {
        let pod = api.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await?;
        Ok(Seen::when(shows(&pod, &said), (), pod.status))
    })
    .await
}

fn shows(pod: &Pod, wanted: &[Value]) -> bool {
    let shown = pod.status.as_ref().and_then(|s| s.container_statuses.as_ref());
    shown.is_some_and(|shown| {
        let ready: Vec<bool> = shown.iter().map(|c| c.ready).collect();
        ready == wanted.iter().map(|c| c["ready"] == true).collect::<Vec<_>>()
    })
}

/// When a container began to run that serves: long enough ago for its revision to count as good.
fn long_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(1)
}

fn containers(pod: &Pod, well: bool) -> Vec<Value> {
    let all = pod.spec.iter().flat_map(|s| &s.containers);
    let one = |name: &str, image: &str| {
        let running = json!({"running": {"startedAt": long_ago()}});
        let text = "failed to pull and unpack image: fake.test/web: not found";
        let waiting = json!({"waiting": {"reason": "ErrImagePull", "message": text}});
        let back_off =
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}});
        let exit = json!({"terminated": {"exitCode": 3, "reason": "Error", "startedAt": long_ago(), "finishedAt": long_ago()}});
        let (ready, state, last, restarts) = match image {
            ABSENT => (false, waiting, json!({}), 0),
            CRASHING => (false, back_off, exit, 6),
            image if FICKLE.contains(&image) && !well => (false, waiting, json!({}), 0),
            _ => (true, running, json!({}), 0),
        };
        json!({"name": name, "image": image, "imageID": "", "ready": ready, "started": ready, "state": state,
            "lastState": last, "restartCount": restarts})
    };
    all.map(|c| one(&c.name, c.image.as_deref().unwrap_or_default())).collect()
}

fn status(containers: &[Value], ready: bool) -> Value {
    let said = |kind: &str, holds: bool| {
        let since = if holds { long_ago() } else { Timestamp::now() };
        json!({"type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": since})
    };
    json!({
        "phase": if ready { "Running" } else { "Pending" },
        "podIP": "192.0.2.2", "podIPs": [{"ip": "192.0.2.2"}], "startTime": long_ago(),
        "conditions": [said("PodScheduled", true), said("Initialized", true), said("ContainersReady", ready), said("Ready", ready)],
        "containerStatuses": containers,
    })
}
