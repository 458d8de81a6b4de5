//! What the audit log says that the product wrote.
//!
//! Pure. Must never believe the product's own word: an expected write is one by the account of an expected Change to that Change's target, once.

use bailiwick_api::Change;
use bailiwick_core::fence::{GRANTS_NAMESPACE, username};

use crate::audit::Record;

/// Every identity of the product begins so.
const OURS: &str = "system:serviceaccount:bailiwick-";
/// What is asked by creating, and never stored.
const QUESTIONS: [&str; 2] = ["authorization.k8s.io", "authentication.k8s.io"];

/// A Change of a scenario, and whether it was expected.
pub(super) struct Known<'a> {
    pub(super) change: &'a Change,
    pub(super) expected: bool,
}

/// User names of the Change's one-shot accounts begin so.
pub(super) fn accounts(change: &Change) -> String {
    let uid = change.metadata.uid.as_deref().unwrap_or_default();
    username(&format!("bwk-{}", uid.get(..8).unwrap_or(uid)))
}

/// Writes of the product to objects that are not its own: neither its records and leases nor its grants.
pub(super) fn writes(records: &[Record]) -> Vec<&Record> {
    let ours = records.iter().filter(|r| r.user().starts_with(OURS));
    ours.filter(|r| r.is_write() && r.succeeded() && !is_bookkeeping(r)).collect()
}

fn is_bookkeeping(record: &Record) -> bool {
    let object = &record.object;
    let own_binding = ["rolebindings", "clusterrolebindings"].contains(&object.resource.as_str())
        && (object.name.starts_with("bwk-") || object.name.is_empty());
    object.api_group == "bailiwick.dev"
        || object.namespace == GRANTS_NAMESPACE
        || ["events", "leases"].contains(&object.resource.as_str())
        || QUESTIONS.contains(&object.api_group.as_str())
        || own_binding
}

/// Of the writes that concern a scenario (by its namespaces, or by its Changes' accounts), those that nobody expected, in words.
pub(super) fn harmful(writes: &[&Record], namespaces: &[&str], known: &[Known<'_>]) -> Vec<String> {
    let mut used = vec![false; known.len()];
    let mut wrong = Vec::new();
    for write in writes {
        let by = known.iter().position(|k| write.user().starts_with(&accounts(k.change)));
        if by.is_none() && !namespaces.contains(&write.object.namespace.as_str()) {
            continue;
        }
        match by.filter(|at| !used[*at] && known[*at].expected && is_target(write, known[*at].change)) {
            Some(at) => used[at] = true,
            None => wrong.push(told(write)),
        }
    }
    wrong
}

fn is_target(write: &Record, change: &Change) -> bool {
    let target = &change.spec.target;
    let object = &write.object;
    object.resource == target.kind.served().resource
        && object.name == target.name.as_str()
        && object.namespace == target.namespace_str()
        && object.subresource.is_empty()
}

/// A write in one line.
pub(super) fn told(write: &Record) -> String {
    let o = &write.object;
    format!("{} {} {}/{} by {}", write.verb, o.resource, o.namespace, o.name, write.user())
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
