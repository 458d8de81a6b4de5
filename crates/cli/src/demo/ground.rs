//! What every drill stands on: the cluster, the people, the images, and looks at our kinds.
//!
//! Owns the waits for Incidents, Changes and Deployments. Must never take a Change's word for
//! what the target can be asked itself. Talks to the API server.

use super::args::Images;
use super::ask::{Answer, ask, get, patch};
use super::mend::Mends;
use super::people::{ERIN, People};
use super::story::{Stop, Story, Told};
use super::wait::{Look, Missed, any, poll, until};
use super::workload;
use super::yourself::Yourself;
use crate::cluster::Cluster;
use bailiwick_api::kinds::incident::IncidentPhase;
use bailiwick_api::manifests::Territory;
use bailiwick_api::{Change, Incident};
use bailiwick_core::index::SERVED_FOR;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::mandate::Limits;
use http::Method;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::watcher;
use kube::{Api, Client};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longest wait for something that takes a moment.
pub(super) const SOON: Duration = Duration::from_secs(20);
/// Longest wait for something that takes a rollout.
pub(super) const LATER: Duration = Duration::from_secs(60);

/// What every drill stands on.
pub(super) struct Ground {
    /// The telling.
    pub(super) story: Story,
    /// The cluster, as the caller.
    pub(super) cluster: Cluster,
    /// The caller, whose every refusal is seen once.
    pub(super) admin: Client,
    /// Everybody else.
    pub(super) people: People,
    /// The command line.
    pub(super) yourself: Yourself,
    /// Images of the workload.
    pub(super) images: Images,
    /// Before every namespace's name.
    pub(super) prefix: String,
    /// The label that draws the territory.
    pub(super) territory: Territory,
    /// The delays of the demo's Mandate.
    pub(super) limits: Limits,
    /// What must be put back.
    pub(super) mends: Mends,
}

impl Ground {
    /// A namespace of the demo.
    pub(super) fn ns(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Changes of a namespace.
    pub(super) fn changes(&self, namespace: &str) -> Api<Change> {
        Api::namespaced(self.cluster.watching.clone(), namespace)
    }

    /// Deployments of a namespace.
    pub(super) fn deployments(&self, namespace: &str) -> Api<Deployment> {
        Api::namespaced(self.cluster.watching.clone(), namespace)
    }

    /// Sends what must succeed for the demo to go on.
    pub(super) async fn must(&self, doing: &str, answer: impl Future<Output = Answer>) -> Told<Value> {
        let answer = answer.await;
        if answer.is_yes() {
            Ok(answer.body)
        } else {
            Err(Stop::broken(format!("cannot {doing}: {}", answer.summary())))
        }
    }

    /// Erin creates a workload.
    pub(super) async fn deploy(&self, object: &Value) -> Told {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let collection = format!("/apis/apps/v1/namespaces/{}/deployments", text("/metadata/namespace"));
        let erin = self.people.named(ERIN)?;
        self.must("create a Deployment", super::ask::create(&erin, &collection, object)).await.map(drop)
    }

    /// Erin sets a Deployment's image; returns the generation that this made.
    pub(super) async fn set_image(&self, (namespace, name): (&str, &str), image: &str) -> Told<i64> {
        let erin = self.people.named(ERIN)?;
        let path = workload::path(namespace, name);
        let object = self.must("set an image", patch(&erin, &path, &workload::image_patch(image))).await?;
        generation(&object).ok_or_else(|| Stop::broken("a Deployment without generation"))
    }

    /// A Deployment as it is.
    pub(super) async fn deployment(&self, (namespace, name): (&str, &str)) -> Told<Value> {
        self.must("read a Deployment", get(&self.admin, &workload::path(namespace, name))).await
    }

    /// Puts a label on a namespace, or takes it off.
    pub(super) async fn label(&self, namespace: &str, on: bool) -> Told {
        let value = if on { json!(self.territory.value()) } else { Value::Null };
        let change = json!({"metadata": {"labels": {self.territory.key(): value}}});
        let path = format!("/api/v1/namespaces/{namespace}");
        let request = ask(&self.admin, Method::PATCH, &path, Some((super::ask::MERGE_PATCH, &change)));
        self.must("label a namespace", request).await.map(drop)
    }

    /// Waits until a Deployment is rolled out and all of it is available.
    pub(super) async fn available(&self, (namespace, name): (&str, &str)) -> Result<i64, Missed> {
        until(&self.deployments(namespace), name, LATER, |seen| match seen {
            Some(deployment) => rolled_out(deployment),
            None => Look::NotYet("no such Deployment".to_owned()),
        })
        .await
    }

    /// Waits until a Deployment has been available for so long that its revision counts as good.
    pub(super) async fn served(&self, place: (&str, &str)) -> Told {
        let missed = |missed: Missed| Stop::broken(format!("{}/{} did not come up: {missed}", place.0, place.1));
        self.available(place).await.map_err(missed)?;
        let since = Instant::now();
        let enough = Duration::try_from(SERVED_FOR).unwrap_or_default() + Duration::from_millis(500);
        let waited = poll(enough * 2, async || {
            if since.elapsed() >= enough { Look::Yes(()) } else { Look::NotYet("not long enough".to_owned()) }
        });
        waited.await.map_err(missed)
    }

    /// Waits for an Incident on a workload that `look` is content with.
    pub(super) async fn incident<T>(
        &self,
        (namespace, workload): (&str, &str),
        look: impl Fn(&Incident) -> Look<T>,
    ) -> Result<T, Missed> {
        let api: Api<Incident> = Api::namespaced(self.cluster.watching.clone(), namespace);
        any(&api, watcher::Config::default(), LATER, |incident: &Incident| {
            if incident.spec.subject.name.as_str() != workload {
                return Look::NotYet(format!("an incident on {}", incident.spec.subject.name));
            }
            look(incident)
        })
        .await
    }

    /// Waits until an Incident on a workload stands in a phase.
    pub(super) async fn incident_in(&self, place: (&str, &str), wanted: IncidentPhase) -> Result<Incident, Missed> {
        self.incident(place, |incident| {
            let phase = incident.status.as_ref().map(|s| s.phase).unwrap_or_default();
            if phase == wanted {
                Look::Yes(incident.clone())
            } else {
                Look::NotYet(format!("{} is {}", incident.spec.cause, phase.as_str()))
            }
        })
        .await
    }

    /// Waits for a Change on a workload, other than the ones known, that Bailiwick proposed itself.
    pub(super) async fn proposal(&self, (namespace, incident): (&str, &str), known: &[&str]) -> Result<Change, Missed> {
        any(&self.changes(namespace), watcher::Config::default(), SOON, |change: &Change| {
            let name = change.metadata.name.as_deref().unwrap_or_default();
            let answers = change.spec.incident_ref.as_ref().is_some_and(|i| i.name.as_str() == incident);
            if answers && !known.contains(&name) {
                Look::Yes(change.clone())
            } else {
                Look::NotYet(format!("change {name}"))
            }
        })
        .await
    }

    /// Waits until a Change stands in a phase; gives up as soon as it has ended otherwise.
    pub(super) async fn phase(&self, (namespace, name): (&str, &str), wanted: Phase) -> Result<Change, Missed> {
        self.change((namespace, name), |_, record| record.phase == wanted).await
    }

    /// Waits until a Change is as wanted; gives up as soon as it has ended otherwise.
    pub(super) async fn change(
        &self,
        (namespace, name): (&str, &str),
        wanted: impl Fn(&Change, &Record) -> bool,
    ) -> Result<Change, Missed> {
        until(&self.changes(namespace), name, LATER, |seen: Option<&Change>| {
            let Some(change) = seen else { return Look::NotYet("no such change".to_owned()) };
            let Some(record) = &change.status else { return Look::NotYet("not looked at yet".to_owned()) };
            if wanted(change, record) {
                return Look::Yes(change.clone());
            }
            let stands = stands(record);
            if record.phase.is_terminal() { Look::Never(stands) } else { Look::NotYet(stands) }
        })
        .await
    }
}

/// Where a Change stands, and why, in a few words.
pub(super) fn stands(record: &Record) -> String {
    let why = record.reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
    format!("{}{why}", record.phase)
}

/// A Change's name.
pub(super) fn name_of(change: &Change) -> String {
    change.metadata.name.clone().unwrap_or_default()
}

/// A Change's record, empty where nobody has looked at it.
pub(super) fn record_of(change: &Change) -> Record {
    change.status.clone().unwrap_or_default()
}

/// An object's generation.
pub(super) fn generation(object: &Value) -> Option<i64> {
    object.pointer("/metadata/generation").and_then(Value::as_i64)
}

/// The image of a Deployment's one container.
pub(super) fn image(deployment: &Deployment) -> &str {
    let pod = deployment.spec.as_ref().and_then(|s| s.template.spec.as_ref());
    pod.and_then(|p| p.containers.first()).and_then(|c| c.image.as_deref()).unwrap_or_default()
}

fn rolled_out(deployment: &Deployment) -> Look<i64> {
    let wanted = deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
    let generation = deployment.metadata.generation.unwrap_or_default();
    let Some(status) = &deployment.status else { return Look::NotYet("no status".to_owned()) };
    let count = |n: Option<i32>| n.unwrap_or_default();
    let (updated, available, all) =
        (count(status.updated_replicas), count(status.available_replicas), count(status.replicas));
    let seen = status.observed_generation.unwrap_or_default() >= generation;
    if seen && updated == wanted && available == wanted && all == wanted {
        return Look::Yes(generation);
    }
    Look::NotYet(format!("{updated} of {wanted} updated, {available} available, {all} in all"))
}
