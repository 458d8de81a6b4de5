//! Tests of network policies.

use crate::analyze::fixture::{World, at, merge, spec};
use crate::object::Kind;
use serde_json::{Value, json};

fn policy(w: &mut World, name: &str, spec: Value) -> Vec<String> {
    w.put(Kind::NetworkPolicy, json!({"metadata": {"name": name}, "spec": spec}));
    w.findings(Kind::NetworkPolicy, name)
}

fn web() -> World {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    w
}

fn egress(rules: Value) -> Value {
    json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": rules})
}

#[test]
fn names_cannot_be_resolved_without_port_53() {
    let mut w = web();
    let nothing = policy(&mut w, "deny", egress(json!([])));
    assert_eq!(
        nothing,
        [
            "PolicyBlocksDns Info: pod \"web-r1-bcdfg\" cannot resolve names: no policy about them allows egress to port 53"
        ],
        "to open nothing may be meant"
    );
    let to_pods = json!([{"to": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 5432}]}]);
    assert!(
        policy(&mut w, "deny", egress(to_pods))[0].starts_with("PolicyBlocksDns Warning"),
        "whoever speaks to pods does it by name"
    );
    let to_addresses = json!([{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 5432}]}]);
    assert!(policy(&mut w, "deny", egress(to_addresses))[0].starts_with("PolicyBlocksDns Info"));
}

#[test]
fn a_name_server_may_listen_elsewhere_behind_its_service() {
    let to_pods =
        |port: u16| json!([{"to": [{"namespaceSelector": {}}], "ports": [{"port": port, "protocol": "UDP"}]}]);
    assert_eq!(policy(&mut web(), "dns", egress(to_pods(5353))), [""; 0]);
    assert_eq!(policy(&mut web(), "dns", egress(to_pods(5354))).len(), 1);
}

#[test]
fn pods_that_are_cut_off_are_told_before_pods_that_may_still_come() {
    let to_nobody = json!([{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}], "ports": [{"port": 5432}]}]);
    let made = |seconds: i64| {
        let mut w = web();
        w.put(
            Kind::NetworkPolicy,
            json!({"metadata": {"name": "deny", "creationTimestamp": at(seconds)}, "spec": egress(to_nobody.clone())}),
        );
        w.put(
            Kind::NetworkPolicy,
            json!({"metadata": {"name": "early", "creationTimestamp": at(seconds)}, "spec": {"podSelector": {"matchLabels": {"app": "wed"}}}}),
        );
        (w.findings(Kind::NetworkPolicy, "deny").len(), w.findings(Kind::NetworkPolicy, "early").len())
    };
    assert_eq!(made(575), (0, 0), "the policy that lets names through may be on its way");
    assert_eq!(made(565), (1, 0));
    assert_eq!(made(545), (1, 0), "so may the pods of the other");
    assert_eq!(made(535), (1, 1));
}

#[test]
fn any_way_to_a_name_server_is_enough() {
    for rules in [
        json!([{"ports": [{"port": 53, "protocol": "UDP"}]}]),
        json!([{"to": [{"namespaceSelector": {}}]}]),
        json!([{"ports": [{"protocol": "UDP"}]}]),
        json!([{"ports": [{"port": 1, "endPort": 1024, "protocol": "UDP"}]}]),
        json!([{"ports": [{"port": "dns", "protocol": "UDP"}]}]),
    ] {
        let mut w = web();
        policy(&mut w, "deny", egress(json!([])));
        assert_eq!(policy(&mut w, "allow", egress(rules.clone())), [""; 0], "{rules}");
        assert_eq!(w.findings(Kind::NetworkPolicy, "deny"), [""; 0], "policies add up");
    }
}

#[test]
fn pods_with_a_name_server_of_their_own_are_not_counted() {
    let mut w = World::new();
    let mut own = spec(json!({}));
    merge(&mut own, json!({"dnsPolicy": "Default"}));
    w.deployment(1, &[own.clone()]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", own, crate::analyze::fixture::well());
    assert_eq!(policy(&mut w, "deny", egress(json!([]))), [""; 0]);
}

#[test]
fn a_pod_that_is_unwell_behind_a_closed_way_makes_it_a_warning() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", crate::analyze::fixture::backing_off(4, json!({})));
    assert!(policy(&mut w, "deny", egress(json!([])))[0].starts_with("PolicyBlocksDns Warning"));
}

fn ingress(from: Value) -> Value {
    json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from": from}]})
}

#[test]
fn a_policy_that_admits_pods_that_do_not_exist_admits_nobody() {
    let mut w = web();
    w.put(Kind::Namespace, json!({"metadata": {"name": "shop", "labels": {"team": "a"}}}));
    let wrong = ingress(json!([{"podSelector": {"matchLabels": {"tier": "frontend"}}}]));
    assert_eq!(
        policy(&mut w, "allow", wrong),
        ["PolicyAdmitsNobody Warning: the policy admits only pods that do not exist: \"pods tier=frontend\""]
    );
    let elsewhere = ingress(
        json!([{"namespaceSelector": {"matchLabels": {"team": "b"}}, "podSelector": {"matchLabels": {"app": "web"}}}]),
    );
    assert_eq!(
        policy(&mut w, "allow", elsewhere),
        [
            "PolicyAdmitsNobody Warning: the policy admits only pods that do not exist: \"pods app=web of namespaces team=b\""
        ]
    );
    for right in [
        json!([{"podSelector": {"matchLabels": {"app": "web"}}}]),
        json!([{"namespaceSelector": {"matchLabels": {"team": "a"}}, "podSelector": {"matchLabels": {"app": "web"}}}]),
        json!([{"podSelector": {"matchLabels": {"tier": "frontend"}}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}]),
        json!([{"podSelector": {}}]),
        json!([]),
    ] {
        assert_eq!(policy(&mut w, "allow", ingress(right.clone())), [""; 0], "{right}");
    }
    w.index.set_only("shop");
    let unknown = ingress(json!([{"namespaceSelector": {"matchLabels": {"team": "b"}}}]));
    assert_eq!(policy(&mut w, "allow", unknown), [""; 0], "other namespaces are not read");
}

#[test]
fn a_closed_door_on_purpose_is_well_and_a_door_for_nobody_is_information() {
    let mut w = web();
    assert_eq!(policy(&mut w, "deny", json!({"podSelector": {}, "policyTypes": ["Ingress"]})), [""; 0]);
    let nobody = json!({"podSelector": {"matchLabels": {"app": "wed"}}, "policyTypes": ["Ingress"], "ingress": [{}]});
    assert_eq!(
        policy(&mut w, "deny", nobody),
        ["PolicySelectsNothing Info: the policy is about nothing: no pod has \"app=wed\""]
    );
}
