//! The watches of our own kinds, as the dispatcher hears them.
//!
//! Owns what is read of Incidents, Changes and Mandates. Must never let a malformed object stall a
//! watch: it is counted and left out. Talks to the API server.

use super::table::{Key, Table};
use crate::metrics::{Call, Metrics};
use bailiwick_api::parse::parse_mandate;
use bailiwick_api::{Change, Incident, Mandate};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::incident::{Attempt, redact};
use bailiwick_core::life::Phase;
use bailiwick_core::mandate::{self, Outcome};
use bailiwick_core::names::ObjectName;
use bailiwick_core::plan::{DryRun, Plan, rendered};
use bailiwick_kit::said::said;
use futures::stream::{BoxStream, Stream, StreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::{Config, Event, Result as Watched};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::Value;
use std::sync::Arc;

type Guarded<K> = DeserializeGuard<K>;

/// One event of one of the watches.
pub(crate) enum News {
    Incident(Box<Event<Guarded<Incident>>>),
    Change(Box<Event<Guarded<Change>>>),
    Mandate(Box<Event<Guarded<Mandate>>>),
}

/// A Change as the dispatcher sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The Incident it answers, by name.
    pub(crate) incident: Option<(ObjectName, Option<String>)>,
    /// Who proposed it.
    pub(crate) proposer: String,
    /// What matters of it to its Incident.
    pub(crate) attempt: Attempt,
}

/// What the watches have shown.
#[derive(Debug, Default)]
pub(crate) struct Own {
    pub(crate) incidents: Table<Incident>,
    pub(crate) changes: Table<Seen>,
    pub(crate) mandates: Table<Result<mandate::Mandate, String>>,
}

/// Which rows an event may have changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Incidents(Vec<Key>),
    Changes(Vec<Key>),
    Mandates,
}

/// All three watches as one stream that never ends.
pub(crate) fn watch(client: &kube::Client, metrics: &Arc<Metrics>) -> BoxStream<'static, News> {
    for _ in 0..3 {
        metrics.api(Call::Detect, "watch");
    }
    let incidents = watcher(Api::<Guarded<Incident>>::all(client.clone()), Config::default());
    let changes = watcher(Api::<Guarded<Change>>::all(client.clone()), Config::default());
    let system = Api::<Guarded<Mandate>>::namespaced(client.clone(), SYSTEM_NAMESPACE);
    let mandates = watcher(system, Config::default());
    futures::stream::select_all([
        told(incidents, "Incident").map(|e| News::Incident(Box::new(e))).boxed(),
        told(changes, "Change").map(|e| News::Change(Box::new(e))).boxed(),
        told(mandates, "Mandate").map(|e| News::Mandate(Box::new(e))).boxed(),
    ])
    .boxed()
}

/// The events of a watch; its failures are logged and it goes on.
fn told<K: Send + 'static>(
    stream: impl Stream<Item = Watched<Event<K>>> + Send + 'static,
    kind: &'static str,
) -> impl Stream<Item = Event<K>> + Send {
    stream.default_backoff().filter_map(move |event| {
        let event = event.inspect_err(|error: &kube::runtime::watcher::Error| {
            tracing::warn!(watch.kind = kind, error = said(error), "a watch failed and is being resumed");
        });
        std::future::ready(event.ok())
    })
}

impl Own {
    /// True once each kind was listed.
    pub(crate) fn is_ready(&self) -> bool {
        self.incidents.is_ready() && self.changes.is_ready() && self.mandates.is_ready()
    }

    /// Takes news in.
    pub(crate) fn hear(&mut self, news: News, metrics: &Metrics) -> Heard {
        match news {
            News::Incident(event) => {
                metrics.watch_seen("Incident");
                let read = |guarded: Guarded<Incident>| sound(guarded, "Incident", metrics);
                Heard::Incidents(self.incidents.take(*event, key_of, read))
            }
            News::Change(event) => {
                metrics.watch_seen("Change");
                let read = |guarded| sound(guarded, "Change", metrics).and_then(|c| seen(&c));
                Heard::Changes(self.changes.take(*event, key_of, read))
            }
            News::Mandate(event) => {
                metrics.watch_seen("Mandate");
                self.mandates.take(*event, key_of, |guarded: Guarded<Mandate>| Some(read_mandate(guarded, metrics)));
                Heard::Mandates
            }
        }
    }

    /// The mandates that can be read.
    pub(crate) fn readable(&self) -> Vec<mandate::Mandate> {
        self.mandates.iter().filter_map(|(_, m)| m.as_ref().ok().cloned()).collect()
    }

    /// The names of those that cannot.
    pub(crate) fn unreadable(&self) -> Vec<String> {
        self.mandates.iter().filter_map(|(_, m)| m.as_ref().err().cloned()).collect()
    }
}

fn meta_of<K: kube::Resource>(guarded: &Guarded<K>) -> &ObjectMeta {
    match &guarded.0 {
        Ok(object) => object.meta(),
        Err(bad) => &bad.metadata,
    }
}

fn key_of<K: kube::Resource>(guarded: &Guarded<K>) -> Key {
    let meta = meta_of(guarded);
    (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
}

fn sound<K>(guarded: Guarded<K>, kind: &'static str, metrics: &Metrics) -> Option<K> {
    match guarded.0 {
        Ok(object) => Some(object),
        Err(bad) => {
            let name = bad.metadata.name.as_deref().unwrap_or_default();
            metrics.malformed(kind);
            tracing::warn!(object.kind = kind, object.name = name, error = %bad.error, "an object cannot be read and is left out");
            None
        }
    }
}

fn read_mandate(guarded: Guarded<Mandate>, metrics: &Metrics) -> Result<mandate::Mandate, String> {
    let name = meta_of(&guarded).name.clone().unwrap_or_default();
    let mandate = sound(guarded, "Mandate", metrics);
    mandate.and_then(|m| parse_mandate(&m).ok()).ok_or(name)
}

fn seen(change: &Change) -> Option<Seen> {
    let spec = &change.spec;
    let record = change.status.clone().unwrap_or_default();
    let bad_end = record.phase.is_terminal() && record.phase != Phase::Recovered;
    let plan = record.plan.as_ref().filter(|_| bad_end);
    let uid = |u: &bailiwick_core::names::Uid| u.to_string();
    Some(Seen {
        incident: spec.incident_ref.as_ref().map(|r| (r.name.clone(), r.uid.as_ref().map(uid))),
        proposer: spec.proposer.clone(),
        attempt: Attempt {
            name: ObjectName::parse(change.metadata.name.clone()?).ok()?,
            created: change.metadata.creation_timestamp.as_ref()?.0,
            action: spec.action.clone(),
            target: spec.target.clone(),
            phase: record.phase,
            reason: record.reason.clone(),
            asked: record.verdict.as_ref().is_some_and(|v| v.outcome == Outcome::NeedsApproval),
            ended: record.phase.is_terminal().then(|| record.entered()).flatten(),
            diff: plan.map(diff_of).unwrap_or_default(),
        },
    })
}

/// The plan as a difference for people; the first line says what it rests on.
fn diff_of(plan: &Plan) -> String {
    let head = match plan.dry_run {
        DryRun::Server => "# confirmed by two equal dry runs on the API server",
        DryRun::NotDryRun => "# not dry-run: computed without asking the API server",
    };
    let before = plan.before_object().unwrap_or(Value::Null);
    let after = plan.result_object().unwrap_or(Value::Null);
    format!("{head}\n{}", redact(&rendered(&before, &after, 3)))
}
