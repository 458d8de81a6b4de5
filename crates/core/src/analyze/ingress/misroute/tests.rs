//! Tests of paths that were led elsewhere.

use crate::analyze::fixture::{World, merge, spec, well};
use crate::object::Kind;
use serde_json::{Value, json};

/// A Service, and a pod of it that is ready.
fn serving(w: &mut World, name: &str) {
    let labels = json!({"app": name});
    w.put(Kind::Service, json!({"metadata": {"name": name}, "spec": {"selector": labels, "ports": [{"port": 80}]}}));
    w.put(
        Kind::Pod,
        json!({"metadata": {"name": format!("{name}-0"), "labels": labels}, "spec": spec(json!({})), "status": well()}),
    );
}

/// What is found of the Ingress `entry` once `/` of `shop.example` leads to that Service.
fn led(w: &mut World, service: &str, more: Value) -> Vec<String> {
    let backend = json!({"service": {"name": service, "port": {"number": 80}}});
    let mut object = json!({"metadata": {"name": "entry"}, "spec": {"ingressClassName": "nginx",
        "rules": [{"host": "cart.example", "http": {"paths": [{"path": "/", "backend": backend}]}}]}});
    merge(&mut object, more);
    w.put(Kind::Ingress, object);
    w.findings(Kind::Ingress, "entry")
}

/// A world in which each of these serves, and `/` led to the first of them and now leads to the second.
fn turned(services: &[&str]) -> (World, Vec<String>) {
    let mut w = World::new();
    w.put(Kind::IngressClass, json!({"metadata": {"name": "nginx"}, "spec": {"controller": "example.com/x"}}));
    services.iter().for_each(|name| serving(&mut w, name));
    assert_eq!(led(&mut w, services[0], json!({})), [""; 0]);
    let found = led(&mut w, services[1], json!({}));
    (w, found)
}

#[test]
fn a_path_whose_service_still_waits_for_requests_goes_back() {
    let (w, found) = turned(&["cart", "help"]);
    assert_eq!(
        found,
        [
            "IngressMisrouted Warning: the Ingress leads \"cart.example/\" to Service \"help\", and led it to \"cart\" before, which still serves and to which no Ingress here leads now -> PatchIngress"
        ]
    );
    let candidate = w.examine(Kind::Ingress, "entry").findings.swap_remove(0).candidates.swap_remove(0);
    let backend = json!({"host": "cart.example", "path": "/", "service": "cart", "port": "80"});
    assert_eq!(
        serde_json::to_value(&candidate.action).unwrap(),
        json!({"patchIngress": {"settings": {"value": {"backend": backend}, "origin": {"earlier": {}}}}})
    );
    assert!(turned(&["cart-v1", "help-v2"]).1[0].starts_with("IngressMisrouted "));
    assert!(turned(&["web", "gateway"]).1[0].starts_with("IngressMisrouted "), "names that say nothing of each other");
}

#[test]
fn a_switch_that_may_be_meant_is_not_told() {
    assert_eq!(turned(&["web-blue", "web-green"]).1, [""; 0], "two versions of one thing");
    assert_eq!(turned(&["help", "cart"]).1, [""; 0], "it is the host's own");
    assert_eq!(turned(&["cart", "maintenance-page"]).1, [""; 0], "a page for a while");
    let (mut w, _) = turned(&["cart", "help"]);
    let gitops = json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}});
    assert_eq!(led(&mut w, "help", gitops), [""; 0], "Git says so");
}

#[test]
fn what_is_over_is_forgotten() {
    let (mut w, _) = turned(&["cart", "help"]);
    assert_eq!(led(&mut w, "cart", json!({})), [""; 0], "it is back");
    let (mut w, _) = turned(&["cart", "help"]);
    w.put(Kind::Pod, json!({"metadata": {"name": "cart-0"}, "spec": spec(json!({}))}));
    assert_eq!(w.findings(Kind::Ingress, "entry"), [""; 0], "the former Service serves nobody");
    let (mut w, _) = turned(&["cart", "help"]);
    let rules = json!([{"host": "old.example", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "cart", "port": {"number": 80}}}}]}}]);
    w.put(Kind::Ingress, json!({"metadata": {"name": "old"}, "spec": {"ingressClassName": "nginx", "rules": rules}}));
    assert_eq!(w.findings(Kind::Ingress, "entry"), [""; 0], "the former Service is led to elsewhere");
}
