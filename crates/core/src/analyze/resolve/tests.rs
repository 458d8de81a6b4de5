//! Tests of names that cannot be resolved.

use crate::analyze::fixture::{World, backing_off, merge, spec};
use crate::object::Kind;
use serde_json::{Value, json};

const LOOKUP: &str = "dial tcp: lookup front on 10.96.0.10:53: i/o timeout";

fn world(more: Value) -> World {
    let mut w = World::new();
    w.put(Kind::Service, json!({"metadata": {"name": "front"}, "spec": {"type": "ExternalName"}}));
    let mut pod = spec(json!({}));
    merge(&mut pod, more);
    w.deployment(1, &[pod.clone()]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", pod, backing_off(4, json!({"message": LOOKUP})));
    w
}

#[test]
fn a_service_that_exists_is_not_found_for_a_reason() {
    let node = world(json!({"dnsPolicy": "Default"})).web();
    assert!(
        node[0].starts_with("NameNotResolved Critical [web]")
            && node[0].contains("its DNS policy asks the node's name server"),
        "{node:?}"
    );
    let mut w = world(json!({"dnsPolicy": "ClusterFirst"}));
    assert!(w.web()[0].starts_with("CrashLoop"), "a time-out by itself says nothing");
    w.put(
        Kind::NetworkPolicy,
        json!({"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}),
    );
    let policy = w.web();
    assert!(
        policy[0].starts_with("NameNotResolved")
            && policy[0].contains("network policy \"deny\" allows it no egress to port 53"),
        "{policy:?}"
    );
}

#[test]
fn a_service_that_is_not_read_is_not_missing() {
    let mut w = world(json!({}));
    w.index.set_unread(Kind::Service, "forbidden");
    w.index.apply(crate::index::Observed::Deleted { kind: Kind::Service, uid: "Service-front".to_owned() });
    assert!(w.web()[0].starts_with("CrashLoop"));
}
