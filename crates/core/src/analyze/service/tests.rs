//! Tests of the analyzer of Services without endpoints.

use crate::analyze::fixture::{World, at, spec, waiting, well};
use crate::object::Kind;
use serde_json::{Value, json};

fn service(w: &mut World, selector: Value, target: Value) -> &mut World {
    w.put(Kind::Service, json!({"metadata": {"name": "front"}, "spec": {"selector": selector, "ports": [{"port": 80, "targetPort": target}]}}))
}

fn front(w: &World) -> Vec<String> {
    w.findings(Kind::Service, "front")
}

fn serving(ports: Value) -> World {
    let mut w = World::new();
    let spec = spec(json!({"ports": ports}));
    w.deployment(1, std::slice::from_ref(&spec));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", spec, well());
    w
}

#[test]
fn a_selector_that_fits_no_pod_is_shown_beside_the_labels_there_are() {
    let mut w = serving(json!([]));
    service(&mut w, json!({"app": "wed"}), json!(8080));
    assert_eq!(
        front(&w),
        [
            "ServiceSelectsNothing Critical: the Service selects \"app=wed\" but no pod has these labels; pod \"web-r1-bcdfg\" has \"app=web\" -> PatchService"
        ]
    );
    // What is not nearly that may be another program, or one that is not there yet.
    for (selector, proposes) in [
        (json!({"app": "web-v2"}), true),
        (json!({"app": "front"}), false),
        (json!({"app": "api"}), false),
        (json!({"app": "wed", "tier": "front"}), false),
    ] {
        let mut w = serving(json!([]));
        service(&mut w, selector.clone(), json!(8080));
        assert_eq!(front(&w)[0].ends_with(" -> PatchService"), proposes, "{selector}");
    }
    let mut w = serving(json!([]));
    service(&mut w, json!({"app": "wed"}), json!(8080));
    w.put(
        Kind::Pod,
        json!({"metadata": {"name": "wet", "labels": {"app": "wet"}}, "spec": spec(json!({})), "status": well()}),
    );
    assert!(!front(&w)[0].ends_with(" -> PatchService"), "two are as near: {:?}", front(&w));
}

#[test]
fn a_service_that_works_or_selects_nothing_on_purpose_has_no_finding() {
    let mut w = serving(json!([]));
    assert!(front(service(&mut w, json!({"app": "web"}), json!(8080))).is_empty());
    assert!(front(service(&mut w, json!({}), json!(8080))).is_empty(), "endpoints are written by someone else");
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"type": "ExternalName", "selector": {"app": "no"}}}),
    );
    assert!(front(&w).is_empty());
    let mut w = World::new();
    w.deployment(0, &[spec(json!({}))]);
    assert!(front(service(&mut w, json!({"app": "web"}), json!(80))).is_empty(), "scaled to zero on purpose");
    let mut w = World::new();
    service(&mut w, json!({"app": "other"}), json!(80));
    w.put(
        Kind::EndpointSlice,
        json!({"metadata": {"name": "front-x", "labels": {"kubernetes.io/service-name": "front"}},
        "endpoints": [{"conditions": {"ready": true}}]}),
    );
    assert!(front(&w).is_empty(), "it has endpoints all the same");
    w.now = at(10).parse().unwrap();
    let mut w = World::new();
    w.now = at(10).parse().unwrap();
    service(&mut w, json!({"app": "soon"}), json!(80));
    assert_eq!(w.examine(Kind::Service, "front").recheck.unwrap().to_string(), at(30), "made together with its pods");
}

#[test]
fn a_target_port_is_compared_with_what_the_pods_declare() {
    let http = json!([{"name": "http", "containerPort": 8080}]);
    for (target, expected) in [
        (json!("http"), None),
        (json!(8080), None),
        (
            json!("web"),
            Some(
                "ServicePortMismatch Critical: the Service sends port 80 to target port named \"web\", but its pods declare \"http 8080\" -> PatchService",
            ),
        ),
        (
            json!(9999),
            Some(
                "ServicePortMismatch Warning: the Service sends port 80 to target port 9999, but its pods declare \"http 8080\" -> PatchService",
            ),
        ),
    ] {
        let mut w = serving(http.clone());
        assert_eq!(front(service(&mut w, json!({"app": "web"}), target)).first().map(String::as_str), expected);
    }
    let mut w = serving(json!([]));
    assert!(
        front(service(&mut w, json!({"app": "web"}), json!(9999))).is_empty(),
        "a declared port is only a statement"
    );
}

#[test]
fn pods_that_say_why_they_are_not_ready_speak_for_the_service() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]);
    service(&mut w, json!({"app": "web"}), json!(8080));
    w.pod(1, "bcdfg", waiting("ErrImagePull", "shop/web:1: not found"));
    assert_eq!(w.web().len(), 1);
    assert!(front(&w).is_empty(), "one fault, one finding");
}

#[test]
fn pods_that_are_not_ready_for_no_known_reason_are_the_services_finding() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]);
    service(&mut w, json!({"app": "web"}), json!(8080));
    w.pod(1, "bcdfg", waiting("ContainerCreating", ""));
    assert_eq!(front(&w), ["ServiceWithoutEndpoints Critical: the Service selects one pod, which is not ready"]);
    w.now = at(20).parse().unwrap();
    assert!(front(&w).is_empty(), "they may still be starting");
}

#[test]
fn pods_of_another_workload_that_do_not_serve_the_port_are_told() {
    let mut w = World::new();
    let (web, job) =
        (spec(json!({"ports": [{"containerPort": 8080}]})), spec(json!({"ports": [{"containerPort": 9000}]})));
    w.deployment(1, std::slice::from_ref(&web));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", web, crate::analyze::fixture::well());
    w.put(Kind::Service, json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}));
    assert_eq!(w.findings(Kind::Service, "front"), [""; 0]);
    w.put(Kind::StatefulSet, json!({"metadata": {"name": "queue"}, "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": "web"}}, "spec": job.clone()}}}));
    w.pod_of((Kind::StatefulSet, "queue"), "0", job, crate::analyze::fixture::well());
    assert_eq!(
        w.findings(Kind::Service, "front"),
        [
            "ServiceSelectsOthers Warning: the Service selects pods of Deployment web and of StatefulSet queue, and the latter do not serve its port 8080: a part of the requests fails"
        ]
    );
}
