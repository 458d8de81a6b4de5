//! The checker on a history of a real cluster, and on the same history with something wrong in it.

use serde_json::{Value, json};

use super::{History, Stored};

/// A quota's deletion that a person approved, as it was recorded.
fn real() -> History {
    serde_json::from_str(include_str!("history.json")).unwrap()
}

/// The name of its Change.
const NAME: &str = "quota-1";

fn is_change(stored: &Stored) -> bool {
    stored.kind == "Change" && stored.name == NAME
}

fn at(history: &History, which: impl Fn(&Stored) -> bool) -> usize {
    history.stored.iter().position(which).expect("it is in the recorded history")
}

fn phase(stored: &Stored) -> &str {
    stored.object.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default()
}

fn is_write(stored: &Stored) -> bool {
    stored.kind == "ResourceQuota" && stored.removed
}

/// Takes what is at `from` to where `to` is.
fn shift(history: &mut History, from: usize, to: usize) {
    let stored = history.stored.remove(from);
    history.stored.insert(to, stored);
}

/// Changes each version of the record from the first that `from` holds for.
fn rewrite(history: &mut History, from: impl Fn(&Stored) -> bool, change: impl Fn(&mut Value)) {
    let first = at(history, from);
    history.stored[first..].iter_mut().filter(|s| is_change(s)).for_each(|s| change(&mut s.object["status"]));
}

fn is_mine(stored: &Stored) -> bool {
    stored.name.starts_with("bwk-")
}

/// A name, and how a history is spoilt.
type Bug = (&'static str, fn(&mut History));

const BUGS: [Bug; 17] = [
    ("the write is made before it was recorded that it would be", |h| {
        let (write, intent) = (at(h, is_write), at(h, |s| phase(s) == "Executing"));
        shift(h, write, intent);
    }),
    ("it is written twice", |h| {
        let write = at(h, is_write);
        h.stored.insert(write + 1, h.stored[write].clone());
    }),
    ("it is recorded as applied and was never written", |h| {
        let write = at(h, is_write);
        h.stored.remove(write);
    }),
    ("it is written after the account was recorded revoked", |h| {
        let write = at(h, is_write);
        let last = h.stored.len() - 1;
        shift(h, write, last);
    }),
    ("nobody approved", |h| h.stored.retain(|s| s.kind != "Approval")),
    ("another plan was approved", |h| {
        let approval = at(h, |s| s.kind == "Approval");
        h.stored[approval].object["spec"]["digest"] = json!("another");
    }),
    ("the approval came after the write", |h| {
        let (approval, write) = (at(h, |s| s.kind == "Approval"), at(h, is_write));
        shift(h, approval, write);
    }),
    ("the end is shown without a receipt", |h| h.stored.retain(|s| s.kind != "Receipt")),
    ("the end is shown before its receipt", |h| {
        let last = h.stored.iter().rposition(|s| s.kind == "Receipt").unwrap();
        let end = h.stored.len() - 1;
        shift(h, last, end);
    }),
    ("a receipt is made twice", |h| {
        let receipt = at(h, |s| s.kind == "Receipt");
        h.stored.insert(receipt + 1, h.stored[receipt].clone());
    }),
    ("a terminal phase leaves", |h| {
        let early = h.stored[at(h, |s| phase(s) == "Executing")].clone();
        h.stored.push(early);
    }),
    ("it never ends", |h| {
        let end = at(h, |s| phase(s) == "Recovered");
        h.stored.remove(end);
        h.stored.retain(|s| phase(s) != "Recovered");
    }),
    ("a binding is left", |h| h.stored.retain(|s| !(s.kind == "RoleBinding" && s.removed))),
    ("an account is left", |h| h.stored.retain(|s| !(s.kind == "ServiceAccount" && s.removed))),
    ("an account is made before its name was recorded", |h| {
        let account = at(h, |s| s.kind == "ServiceAccount" && is_mine(s));
        let first = at(h, is_change);
        shift(h, account, first);
    }),
    ("the fence has no entry when it is written", |h| {
        for stored in h.stored.iter_mut().filter(|s| s.kind == "ControllerRevision") {
            stored.object["data"]["grants"] = json!({});
        }
    }),
    ("an execution is forgotten", |h| {
        rewrite(h, |s| phase(s) == "Verifying", |status| status["executions"] = json!([]));
    }),
];

#[test]
fn a_real_history_keeps_every_promise() {
    real().check(NAME).unwrap();
}

#[test]
fn every_seeded_bug_is_found() {
    for (what, spoil) in BUGS {
        let mut history = real();
        spoil(&mut history);
        assert_ne!(history, real(), "{what}: nothing was spoilt");
        let found = history.check(NAME);
        assert!(found.is_err(), "not found: {what}");
    }
}
