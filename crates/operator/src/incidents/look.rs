//! One look at a subject: what the analyzers find, and what of its surroundings a decision needs.
//!
//! Owns the reading of the index for Incidents. Must never hold the index while anything waits.
//! No IO.

use crate::shared::SharedIndex;
use bailiwick_core::analyze::{Analysis, examine};
use bailiwick_core::finding::Severity;
use bailiwick_core::index::{Thing, UidKey, View};
use bailiwick_core::names::Uid;
use bailiwick_core::object::{Kind, ObjectRef};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What a look saw.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    /// The subject.
    pub(crate) subject: ObjectRef,
    /// What is wrong with it.
    pub(crate) analysis: Analysis,
    /// False once it is gone.
    pub(crate) exists: bool,
    /// Labels by which it is in the territory, as [`labels_of`] has them.
    pub(crate) labels: Option<BTreeMap<String, String>>,
    /// When it was looked at.
    pub(crate) at: Timestamp,
}

/// Looks at a subject. Takes as long as its workload has pods: not for an async thread.
pub(crate) fn look(index: &SharedIndex, subject: ObjectRef, at: Timestamp) -> Sight {
    index.read(|view| Sight {
        analysis: pressing(examine(view, &subject, at)),
        exists: exists(view, &subject),
        labels: labels_of(view, &subject),
        at,
        subject,
    })
}

/// What nobody suffers from yet is told by `bailiwick diagnose`: an Incident asks people to act.
fn pressing(mut analysis: Analysis) -> Analysis {
    analysis.findings.retain(|finding| finding.severity > Severity::Info);
    analysis
}

fn exists(view: &View<'_>, subject: &ObjectRef) -> bool {
    let Some(uid) = &subject.uid else { return true };
    if subject.kind == Kind::Pod {
        return view.pod(uid).is_some() || !view.reads(Kind::Pod);
    }
    view.thing(UidKey::of(uid.as_str())).is_some() || !view.reads(subject.kind)
}

/// Labels of a namespace; none if that is absent or terminating.
pub(crate) fn labels(view: &View<'_>, namespace: &str) -> Option<BTreeMap<String, String>> {
    let namespace = view.namespace(namespace)?;
    let terminating = namespace.namespace().is_some_and(|n| n.terminating) || namespace.head.marks.deleting();
    (!terminating).then(|| own_labels(namespace))
}

/// Labels by which an object is in the territory: those of its namespace, or its own where it lives in none.
pub(crate) fn labels_of(view: &View<'_>, object: &ObjectRef) -> Option<BTreeMap<String, String>> {
    match &object.namespace {
        Some(namespace) => labels(view, namespace.as_str()),
        None => Some(view.named(object.kind, "", object.name.as_str()).map(own_labels).unwrap_or_default()),
    }
}

fn own_labels(thing: &Thing) -> BTreeMap<String, String> {
    thing.head.labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// Everything that may have findings.
pub(crate) fn subjects(index: &SharedIndex) -> Vec<ObjectRef> {
    index.read(|view| view.subjects())
}

/// True if the uid is that of the sight's subject: what belongs to another is that one's affair.
pub(crate) fn is_about(sight: &Sight, uid: Option<&Uid>) -> bool {
    sight.subject.uid.as_ref() == uid
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::index::Observed;
    use serde_json::json;

    fn cordoned(waiting: bool) -> (SharedIndex, ObjectRef) {
        let index = SharedIndex::new();
        let node = json!({"metadata": {"name": "n1", "uid": "n1", "resourceVersion": "1"}, "spec": {"unschedulable": true},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let pod = json!({"metadata": {"name": "p", "namespace": "shop", "uid": "p", "resourceVersion": "2"}, "status": {"conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 node(s) were unschedulable."}]}});
        let objects = [(Kind::Node, node), (Kind::Pod, pod)];
        for (kind, object) in objects.into_iter().take(if waiting { 2 } else { 1 }) {
            let observed = Observed::from_json(kind, object).unwrap().unwrap();
            index.write(|index| index.apply(observed));
        }
        let subject = subjects(&index).into_iter().find(|s| s.kind == Kind::Node).unwrap();
        (index, subject)
    }

    #[test]
    fn what_is_information_opens_no_incident() {
        for (waiting, found) in [(false, 0), (true, 1)] {
            let (index, subject) = cordoned(waiting);
            assert_eq!(look(&index, subject, Timestamp::UNIX_EPOCH).analysis.findings.len(), found, "{waiting}");
        }
    }
}
