//! Tests of what proves that a revision served, and of what tells two revisions apart.

use crate::analyze::fixture::{World, at, backing_off, merge, spec, waiting, well};
use serde_json::{Value, json};

fn crashing(old: Value, new: Value) -> Vec<String> {
    let mut w = World::new();
    w.deployment(1, &[spec(old), spec(new)]).well(1, "bcdfg").pod(2, "hjklm", backing_off(2, json!({})));
    w.web()
}

#[test]
fn revisions_differ_in_what_is_not_kept_of_them_too() {
    for (old, new) in [
        (json!({"command": ["run"]}), json!({"command": ["rum"]})),
        (json!({}), json!({"args": ["--strict"]})),
        (json!({"env": [{"name": "DB", "value": "db:1"}]}), json!({"env": [{"name": "DB", "value": "db:2"}]})),
        (json!({}), json!({"securityContext": {"readOnlyRootFilesystem": true}})),
        (json!({}), json!({"workingDir": "/nowhere"})),
    ] {
        let found = crashing(old.clone(), new.clone());
        assert!(found[0].ends_with("-> RolloutUndo(1)"), "{old} {new}: {found:?}");
    }
    let same = json!({"args": ["--strict"], "env": [{"name": "DB", "value": "db:1"}]});
    let found = crashing(same.clone(), same);
    assert!(!found[0].contains("->"), "what only was restarted is the same: {found:?}");
}

/// The old revision's pod, restarted once: its last run from 100 to `end`, this one since `since`.
fn restarted(end: i64, since: i64) -> Vec<String> {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    let mut old = well();
    merge(
        &mut old["containerStatuses"][0],
        json!({"restartCount": 1, "state": {"running": {"startedAt": at(since)}},
            "lastState": {"terminated": {"exitCode": 1, "startedAt": at(100), "finishedAt": at(end)}}}),
    );
    old["conditions"][0]["lastTransitionTime"] = json!(at(since));
    w.pod(1, "bcdfg", old).pod(2, "hjklm", waiting("ErrImagePull", "x: not found"));
    w.web()
}

#[test]
fn a_revision_that_outlived_its_crash_served() {
    assert!(restarted(101, 580)[0].contains("-> RolloutUndo(1)"), "it only waited for another to come up");
    assert!(!restarted(111, 580)[0].contains("->"), "it may end as it did before");
    assert!(!restarted(101, 597)[0].contains("->"), "not yet");
}
