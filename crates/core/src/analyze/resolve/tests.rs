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
    w.index.apply(crate::index::Observed::Deleted { kind: Kind::Service, uid: "Service-front".to_owned(), at: None });
    assert!(w.web()[0].starts_with("CrashLoop"));
}

#[test]
fn a_programs_own_words_count_where_they_name_a_service() {
    let told = |message: &str, more: Value| {
        let mut w = world(more.clone());
        let mut pod = spec(json!({}));
        merge(&mut pod, more);
        w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", pod, backing_off(4, json!({"message": message})));
        w.web()
    };
    for message in [
        "Unable to resolve host front:80",
        "cannot resolve front: no such name",
        "ssh: Could not resolve hostname front: x",
    ] {
        let found = told(message, json!({"dnsPolicy": "Default"}));
        assert!(found[0].starts_with("NameNotResolved "), "{message}: {found:?}");
        assert!(told(message, json!({"dnsPolicy": "ClusterFirst"}))[0].starts_with("CrashLoop "), "{message}");
    }
    for message in
        ["Module not found: cannot resolve lodash", "unable to resolve symbol", "could not resolve front.example.com"]
    {
        let found = told(message, json!({"dnsPolicy": "Default"}));
        assert!(found[0].starts_with("CrashLoop "), "{message}: {found:?}");
    }
}

#[test]
fn other_settings_than_those_of_the_revision_that_served_are_told() {
    let settings = |searches: &str| {
        let mut pod = spec(json!({}));
        merge(&mut pod, json!({"dnsPolicy": "ClusterFirst", "dnsConfig": {"searches": [searches]}}));
        pod
    };
    let looks = |old: &str, new: &str| {
        let mut w = World::new();
        w.put(Kind::Service, json!({"metadata": {"name": "front"}, "spec": {"type": "ExternalName"}}));
        w.deployment(1, &[settings(old), settings(new)]).well(1, "bcdfg");
        w.pod(2, "hjklm", backing_off(4, json!({"message": "lookup front on 10.96.0.10:53: no such host"})));
        w.web()
    };
    let found = looks("svc.cluster.local", "example.com");
    assert!(
        found[0].starts_with("NameNotResolved ")
            && found[0].contains("not those of revision 1")
            && found[0].ends_with("-> RolloutUndo(1)"),
        "{found:?}"
    );
    assert!(looks("example.com", "example.com")[0].starts_with("CrashLoop "));
}
