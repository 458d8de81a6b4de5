//! The writes that a step of an Incident needs, in the order that a crash allows.
//!
//! Owns every request of the dispatcher: the Incident, its status, the Change. Must never create a
//! Change before the status that names it is stored. Talks to the API server.

use super::project::status_of;
use super::state::{Known, read};
use super::table::Key;
use super::tell::Teller;
use crate::config::Config;
use crate::failpoint;
use crate::metrics::{Call, Metrics};
use bailiwick_api::{Change, ChangeSpec, Incident, IncidentStatus, NameRef, Why};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::finding::Candidate;
use bailiwick_core::incident::{Effect, Record, Story};
use bailiwick_core::names::{Namespace, ObjectName, Uid};
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;
use std::sync::Arc;

/// The one field manager of an Incident's status.
const FIELD_MANAGER: &str = "bailiwick-operator";
/// Most pieces of evidence that a Change names.
const MOST_REASONS: usize = 32;

/// What failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The Incident could not be created.
    #[error("creating the incident")]
    Create(#[source] kube::Error),
    /// Its status could not be stored.
    #[error("storing the incident's status")]
    Status(#[source] kube::Error),
    /// The Change could not be created.
    #[error("creating the change")]
    Change(#[source] kube::Error),
    /// The Incident could not be deleted.
    #[error("deleting the incident")]
    Forget(#[source] kube::Error),
    /// The decision lacks what the write needs.
    #[error("the incident has no {0}")]
    Absent(&'static str),
}

/// One step to be written.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Namespace and name of the Incident.
    pub(crate) key: Key,
    /// The Incident with its new record.
    pub(crate) known: Known,
    /// Whether the status is to be written.
    pub(crate) store: bool,
    /// What to do then.
    pub(crate) effect: Option<Effect>,
    /// What to tell, in order.
    pub(crate) stories: Vec<Story>,
}

/// What came of a step.
#[derive(Debug, Default)]
pub(crate) struct Wrote {
    /// The uid, if the Incident was created.
    pub(crate) uid: Option<String>,
    /// The status that was stored.
    pub(crate) status: Option<IncidentStatus>,
    /// True if there is no such Incident any more.
    pub(crate) gone: bool,
    /// The Incident that had the name already.
    pub(crate) found: Option<Box<Known>>,
    /// The Change's name, if another has it.
    pub(crate) taken: Option<ObjectName>,
    /// What failed.
    pub(crate) error: Option<WriteError>,
}

/// Who writes.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) client: Client,
    pub(crate) config: Arc<Config>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) teller: Teller,
}

fn status_code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

impl Writer {
    /// Writes a step as far as it goes.
    pub(crate) async fn write(&self, step: Step, now: Timestamp) -> Wrote {
        let mut wrote = Wrote::default();
        if let Err(error) = self.write_in_order(&step, &mut wrote, now).await {
            wrote.error = Some(error);
        }
        wrote
    }

    async fn write_in_order(&self, step: &Step, wrote: &mut Wrote, now: Timestamp) -> Result<(), WriteError> {
        if step.effect == Some(Effect::Forget) {
            wrote.gone = true;
            return self.forget(step).await;
        }
        let record = step.known.record.as_ref().ok_or(WriteError::Absent("record"))?;
        let uid = match &step.known.uid {
            Some(uid) => uid.clone(),
            None => match self.create(step).await? {
                Created::New(uid) => wrote.uid.insert(uid).clone(),
                Created::Found(known) => {
                    wrote.found = Some(known);
                    return Ok(());
                }
            },
        };
        if step.store {
            failpoint!("incident.status.before");
            let status = status_of(record, step.known.status.as_ref(), now);
            if !self.store(&step.key, &uid, &status).await? {
                wrote.gone = true;
                return Ok(());
            }
            wrote.status = Some(status);
            failpoint!("incident.status.after");
        }
        for story in &step.stories {
            self.teller.tell(&step.key, &uid, story).await;
        }
        if let Some(Effect::Propose { name, candidate }) = &step.effect {
            let change = self.change(&step.key, &uid, record, (name, candidate));
            wrote.taken = self.propose(change).await?;
        }
        Ok(())
    }

    fn incidents(&self, namespace: &str) -> Api<Incident> {
        Api::namespaced(self.client.clone(), namespace)
    }

    async fn create(&self, step: &Step) -> Result<Created, WriteError> {
        let (namespace, name) = &step.key;
        let incident = Incident::new(name, step.known.spec.clone());
        self.metrics.api(Call::Detect, "create");
        match self.incidents(namespace).create(&PostParams::default(), &incident).await {
            Ok(created) => Ok(Created::New(created.metadata.uid.unwrap_or_default())),
            Err(error) if status_code(&error) == Some(409) => {
                self.metrics.api(Call::Detect, "get");
                let found = self.incidents(namespace).get(name).await;
                found.map(|i| Created::Found(Box::new(read(&i)))).map_err(WriteError::Create)
            }
            Err(error) => Err(WriteError::Create(error)),
        }
    }

    /// False if there is no Incident of that uid.
    async fn store(&self, (namespace, name): &Key, uid: &str, status: &IncidentStatus) -> Result<bool, WriteError> {
        let apply = json!({
            "apiVersion": "bailiwick.dev/v1alpha1",
            "kind": "Incident",
            "metadata": { "name": name, "uid": uid },
            "status": status,
        });
        self.metrics.api(Call::Status, "patch");
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let incidents = self.incidents(namespace);
        match incidents.patch_status(name, &params, &Patch::Apply(&apply)).await {
            Ok(_) => Ok(true),
            // 409: an Incident of that name has another uid.
            Err(error) if matches!(status_code(&error), Some(404 | 409)) => Ok(false),
            Err(error) => Err(WriteError::Status(error)),
        }
    }

    async fn forget(&self, step: &Step) -> Result<(), WriteError> {
        let (namespace, name) = &step.key;
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid: step.known.uid.clone(), resource_version: None }),
            ..DeleteParams::default()
        };
        self.metrics.api(Call::Detect, "delete");
        match self.incidents(namespace).delete(name, &params).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(status_code(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(WriteError::Forget(error)),
        }
    }

    fn change(&self, key: &Key, uid: &str, record: &Record, (name, candidate): (&ObjectName, &Candidate)) -> Change {
        let why = Why {
            text: candidate.why.clone(),
            evidence: record.evidence.iter().take(MOST_REASONS).map(|e| e.id.clone()).collect(),
        };
        let (action, target) = (candidate.action.clone(), candidate.target.clone());
        let mut spec = ChangeSpec::new(&self.config.username, action, target, why);
        spec.incident_ref = ObjectName::parse(key.1.as_str())
            .ok()
            .map(|incident| NameRef { name: incident, uid: Uid::parse(uid).ok() });
        let mut change = Change::new(name.as_str(), spec);
        let namespace = candidate.target.namespace.as_ref();
        change.metadata.namespace = Some(namespace.map_or(SYSTEM_NAMESPACE, Namespace::as_str).to_owned());
        change
    }

    /// The Change's name, if another Change has it.
    async fn propose(&self, change: Change) -> Result<Option<ObjectName>, WriteError> {
        let namespace = change.metadata.namespace.clone().unwrap_or_default();
        let name = change.metadata.name.clone().unwrap_or_default();
        let changes = Api::<Change>::namespaced(self.client.clone(), &namespace);
        failpoint!("incident.propose.before");
        self.metrics.api(Call::Plan, "create");
        match changes.create(&PostParams::default(), &change).await {
            Ok(_) => {}
            Err(error) if status_code(&error) == Some(409) => {
                self.metrics.api(Call::Plan, "get");
                let found = changes.get(&name).await.map_err(WriteError::Change)?;
                let ours = found.spec == change.spec;
                return Ok(ObjectName::parse(name).ok().filter(|_| !ours));
            }
            Err(error) => return Err(WriteError::Change(error)),
        }
        failpoint!("incident.propose.after");
        Ok(None)
    }
}

/// How a creation went.
enum Created {
    /// It was created with that uid.
    New(String),
    /// It was there already.
    Found(Box<Known>),
}
