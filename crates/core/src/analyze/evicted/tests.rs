//! Tests of evictions.

use crate::analyze::fixture::{World, spec};
use crate::object::Kind;
use serde_json::json;

#[test]
fn many_evictions_of_a_workload_are_one_finding_though_it_runs() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    for (n, name) in ["hjklm", "npqrs", "tvwxz"].into_iter().enumerate() {
        let before = w.web();
        assert_eq!(before, [""; 0], "{n} may happen");
        w.pod(
            1,
            name,
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
        );
    }
    assert_eq!(
        w.web(),
        ["PodsEvicted Warning: nodes evicted 3 pods within an hour: \"The node was low on resource: memory.\""]
    );
}

#[test]
fn a_bare_pod_that_was_evicted_is_made_anew_by_nobody() {
    let mut w = World::new();
    w.put(Kind::Pod, json!({"metadata": {"name": "lone"}, "spec": spec(json!({})), "status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."}}));
    assert_eq!(
        w.findings(Kind::Pod, "lone"),
        [
            "PodsEvicted Warning: the pod was evicted, and nobody makes it anew: \"The node was low on resource: ephemeral-storage.\""
        ]
    );
}
