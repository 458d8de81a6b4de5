//! What the dispatcher knows of every Incident.
//!
//! Owns the records of Incidents between reading and writing: this process is their only writer
//! while it leads. Must never take an older status from a watch for its own newer one. No IO.

use super::board::{Board, Row};
use super::own::{Own, Seen};
use super::project::record_of;
use super::storms::is_storm;
use super::table::Key;
use bailiwick_api::{Incident, IncidentSpec, IncidentStatus};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::finding::{Cause, DedupeKey, Finding};
use bailiwick_core::incident::{Attempt, Phase, Record};
use bailiwick_core::names::{Namespace, ObjectName};
use bailiwick_core::object::ObjectRef;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One Incident as known here.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its uid, once it exists.
    pub(crate) uid: Option<String>,
    /// Its specification.
    pub(crate) spec: IncidentSpec,
    /// What is known of it, or is to be written.
    pub(crate) record: Option<Record>,
    /// The status that was last written or read.
    pub(crate) status: Option<IncidentStatus>,
    /// Names of Changes that were found to be taken by others.
    pub(crate) taken: Vec<ObjectName>,
}

/// Every Incident, by namespace and name, and by subject.
#[derive(Debug, Default)]
pub(crate) struct State {
    board: Board,
    known: BTreeMap<Key, Known>,
    by_subject: HashMap<ObjectRef, BTreeSet<Key>>,
}

/// Where the Incident of a finding lives: beside its subject, or with the product's own parts.
pub(crate) fn key_of(finding: &Finding) -> Key {
    let namespace = finding.subject.namespace.as_ref().map_or(SYSTEM_NAMESPACE, Namespace::as_str);
    (namespace.to_owned(), finding.key().incident_name())
}

/// The specification of the Incident of a key.
pub(crate) fn spec_of(key: DedupeKey) -> IncidentSpec {
    let subject = key.subject.uid.as_ref().map_or("", |uid| uid.as_str());
    let container = key.container.as_ref().map_or("", |c| c.as_str());
    IncidentSpec {
        dedupe_key: format!("{}|{subject}|{container}", key.cause),
        cause: key.cause,
        subject: key.subject,
        container: key.container,
    }
}

impl State {
    /// Nothing known yet; what comes is put on the board.
    pub(crate) fn new(board: Board) -> Self {
        Self { board, ..Self::default() }
    }

    /// Every Incident that was there is known.
    pub(crate) fn complete(&self) {
        self.board.complete();
    }

    /// The causes of all Incidents.
    pub(crate) fn causes(&self) -> BTreeSet<Cause> {
        self.known.values().map(|known| known.spec.cause).collect()
    }

    /// Every Incident of that cause that is known well enough, storms' own left out.
    pub(crate) fn alike(&self, cause: Cause) -> impl Iterator<Item = (&Key, &IncidentSpec, &Record)> {
        let alike = self.known.iter().filter(move |(_, k)| k.spec.cause == cause && !is_storm(&k.spec));
        alike.filter_map(|(key, k)| Some((key, &k.spec, k.record.as_ref()?)))
    }

    /// The Incident of that key.
    pub(crate) fn get(&self, key: &Key) -> Option<&Known> {
        self.known.get(key)
    }

    /// The Incident of that key, to be changed.
    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Known> {
        self.known.get_mut(key)
    }

    /// Every Incident.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Known)> {
        self.known.iter()
    }

    /// The keys of a subject's Incidents.
    pub(crate) fn of_subject(&self, subject: &ObjectRef) -> Vec<Key> {
        self.by_subject.get(subject).map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
    }

    /// Adds or replaces an Incident.
    pub(crate) fn put(&mut self, key: Key, known: Known) {
        self.remove(&key);
        self.by_subject.entry(known.spec.subject.clone()).or_default().insert(key.clone());
        if let Some(record) = known.record.as_ref().filter(|_| !is_storm(&known.spec)) {
            self.board.put(key.clone(), Row::of(known.spec.cause, &known.spec.subject, record));
        }
        self.known.insert(key, known);
    }

    /// Forgets an Incident.
    pub(crate) fn remove(&mut self, key: &Key) {
        let Some(old) = self.known.remove(key) else {
            return;
        };
        self.board.remove(key);
        if let Some(keys) = self.by_subject.get_mut(&old.spec.subject) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_subject.remove(&old.spec.subject);
            }
        }
    }

    /// Takes in what the watch shows of one Incident. Returns the subject to look at, if the
    /// watch says something that was not known here.
    pub(crate) fn hear(&mut self, key: &Key, incident: Option<&Incident>) -> Option<ObjectRef> {
        let known = self.known.get(key).map(|k| (k.uid.clone(), k.spec.subject.clone()));
        match (known, incident) {
            (None, None) => None,
            // One that this process is just creating is not missing.
            (Some((None, _)), None) => None,
            (Some((Some(_), subject)), None) => {
                self.remove(key);
                Some(subject)
            }
            (Some((uid, _)), Some(incident)) if uid == incident.metadata.uid => None,
            // One that this process has just created, whose status is on its way.
            (Some((None, _)), Some(incident)) if incident.status.is_none() => {
                if let Some(known) = self.known.get_mut(key) {
                    known.uid.clone_from(&incident.metadata.uid);
                }
                None
            }
            (_, Some(incident)) => {
                self.put(key.clone(), read(incident));
                Some(incident.spec.subject.clone())
            }
        }
    }

    /// True while another Incident's Change works on the same subject.
    pub(crate) fn is_busy(&self, key: &Key, subject: &ObjectRef) -> bool {
        let keys = self.by_subject.get(subject).into_iter().flatten();
        keys.filter(|other| *other != key).any(|other| self.is_changing(other))
    }

    /// True while another Incident of the namespace is being changed.
    pub(crate) fn has_changing_neighbour(&self, key: &Key) -> bool {
        let from = (key.0.clone(), String::new());
        let mut near = self.known.range(from..).take_while(|((ns, _), _)| *ns == key.0);
        near.any(|(other, _)| other != key && self.is_changing(other))
    }

    fn is_changing(&self, key: &Key) -> bool {
        let record = self.known.get(key).and_then(|k| k.record.as_ref());
        record.is_some_and(|r| r.phase == Phase::Changing)
    }
}

/// An Incident as it was read.
pub(crate) fn read(incident: &Incident) -> Known {
    Known {
        uid: incident.metadata.uid.clone(),
        spec: incident.spec.clone(),
        record: incident.status.as_ref().and_then(record_of),
        status: incident.status.clone(),
        taken: Vec::new(),
    }
}

/// The operator's own Changes for an Incident, oldest first, and every name that begins like
/// theirs.
pub(crate) fn attempts(own: &Own, key: &Key, uid: Option<&str>, operator: &str) -> (Vec<Attempt>, Vec<ObjectName>) {
    let head = format!("{}-", key.1);
    let rows: Vec<&Seen> = own.changes.beginning(&key.0, &head).map(|(_, seen)| seen).collect();
    let ours = |seen: &&&Seen| {
        let about = seen
            .incident
            .as_ref()
            .is_some_and(|(name, of)| name.as_str() == key.1 && (of.is_none() || of.as_deref() == uid));
        about && seen.proposer == operator
    };
    let mut attempts: Vec<Attempt> = rows.iter().filter(ours).map(|s| s.attempt.clone()).collect();
    attempts.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    let taken = rows.iter().filter(|s| !ours(s)).map(|s| s.attempt.name.clone()).collect();
    (attempts, taken)
}
