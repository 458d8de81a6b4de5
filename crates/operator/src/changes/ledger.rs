//! What this process has recorded of Changes and the watch has not shown yet.
//!
//! Owns these versions. The guards count by them: passes run side by side, and two that looked only
//! at what the watch shows would both be let through. Must never hide a newer version. No IO.

use super::stores::Guarded;
use bailiwick_api::Change;
use bailiwick_core::life::Record;
use kube::core::DeserializeGuard;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The ledger.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<HashMap<String, Arc<Guarded<Change>>>>);

/// A Change's version; none while it is being written.
fn version(change: &Guarded<Change>) -> Option<u64> {
    change.0.as_ref().ok()?.metadata.resource_version.as_ref()?.parse().ok()
}

fn uid(change: &Guarded<Change>) -> Option<&str> {
    change.0.as_ref().ok()?.metadata.uid.as_deref()
}

impl Ledger {
    /// Notes a record that is about to be stored: from now on it counts.
    pub(crate) fn begin(&self, change: &Change, record: &Record) {
        let mut next = change.clone();
        next.status = Some(record.clone());
        next.metadata.resource_version = None;
        self.put(next);
    }

    /// The Change as the API server stored it.
    pub(crate) fn stored(&self, change: &Change) {
        self.put(change.clone());
    }

    /// What was noted was not stored: the version that it was made from counts again, which the watch
    /// need not have shown yet.
    pub(crate) fn failed(&self, change: &Change) {
        self.put(change.clone());
    }

    fn put(&self, change: Change) {
        if let Some(uid) = change.metadata.uid.clone() {
            let change = Arc::new(DeserializeGuard(Ok(change)));
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, change);
        }
    }

    /// What the watch shows, newer versions of this process in place of older ones. What the watch
    /// has caught up with, or shows no more, is forgotten.
    pub(crate) fn newest(&self, shown: Vec<Arc<Guarded<Change>>>) -> Vec<Arc<Guarded<Change>>> {
        let mut ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = std::mem::take(&mut *ledger);
        let newest = shown.into_iter().map(|change| {
            let Some((uid, own)) = uid(&change).and_then(|uid| left.remove_entry(uid)) else { return change };
            if matches!((version(&own), version(&change)), (Some(own), Some(shown)) if shown >= own) {
                return change;
            }
            ledger.insert(uid, own.clone());
            own
        });
        newest.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::life::Phase;
    use serde_json::json;

    fn change(uid: &str, version: &str, phase: Phase) -> Change {
        let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"});
        let mut change: Change = serde_json::from_value(json!({
            "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change",
            "metadata": {"name": uid, "uid": uid, "resourceVersion": version},
            "spec": {"proposer": "p", "type": "RolloutRestart", "action": {"rolloutRestart": {}},
                "target": reference, "reason": {"text": "t"}},
        }))
        .unwrap();
        change.status = Some(Record { phase, ..Record::default() });
        change
    }

    fn phases(found: &[Arc<Guarded<Change>>]) -> Vec<Phase> {
        found.iter().map(|c| c.0.as_ref().unwrap().status.as_ref().unwrap().phase).collect()
    }

    fn shown(change: &Change) -> Vec<Arc<Guarded<Change>>> {
        vec![Arc::new(DeserializeGuard(Ok(change.clone())))]
    }

    #[test]
    fn what_was_decided_counts_until_the_watch_has_caught_up() {
        let ledger = Ledger::default();
        let old = change("a", "5", Phase::PreApproved);
        ledger.begin(&old, &Record { phase: Phase::Granting, ..Record::default() });
        assert_eq!(phases(&ledger.newest(shown(&old))), [Phase::Granting]);
        let stored = change("a", "6", Phase::Granting);
        ledger.stored(&stored);
        assert_eq!(phases(&ledger.newest(shown(&old))), [Phase::Granting]);
        let later = change("a", "7", Phase::PreApproved);
        assert_eq!(phases(&ledger.newest(shown(&later))), [Phase::PreApproved]);
        assert_eq!(phases(&ledger.newest(shown(&old))), [Phase::PreApproved], "it was forgotten");
    }

    #[test]
    fn what_was_stored_counts_although_the_next_record_was_not() {
        let ledger = Ledger::default();
        let (old, stored) = (change("a", "5", Phase::PreApproved), change("a", "6", Phase::Granting));
        ledger.stored(&stored);
        ledger.begin(&stored, &Record { phase: Phase::Executing, ..Record::default() });
        ledger.failed(&stored);
        assert_eq!(phases(&ledger.newest(shown(&old))), [Phase::Granting]);
    }

    #[test]
    fn what_was_not_stored_does_not_count() {
        let ledger = Ledger::default();
        let old = change("a", "5", Phase::PreApproved);
        ledger.begin(&old, &Record { phase: Phase::Granting, ..Record::default() });
        ledger.failed(&old);
        assert_eq!(phases(&ledger.newest(shown(&old))), [Phase::PreApproved]);
        ledger.begin(&old, &Record { phase: Phase::Granting, ..Record::default() });
        assert!(ledger.newest(Vec::new()).is_empty());
        assert_eq!(phases(&ledger.newest(shown(&old))), [Phase::PreApproved], "a Change that is gone is forgotten");
    }
}
