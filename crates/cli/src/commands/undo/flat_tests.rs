//! Tests of the way back where no revision keeps a value. No IO.

use super::*;
use crate::commands::undo::inverse::inverse;
use crate::render::fixtures;
use bailiwick_core::names::Uid;
use bailiwick_core::object::Kind;
use serde_json::json;

/// What puts the action on the object back, its values alone; the live object has since been changed by `then`.
fn back(action: &Action, kind: Kind, mut before: Value, then: impl FnOnce(&mut Value)) -> Result<Value, Failure> {
    before["metadata"] = json!({"name": "web", "namespace": "shop", "uid": "d-web", "generation": 4});
    let plan = fixtures::plan_of(action.clone(), kind, &before);
    let mut live = plan.result_object().unwrap();
    live["metadata"]["uid"] = json!("d-web");
    then(&mut live);
    let (name, uid) = (ObjectName::parse("web-1").unwrap(), Uid::parse("c-1").unwrap());
    let given = Given { change: (&name, &uid), action, plan: &plan, live: Some(&live), revisions: &[] };
    let (undone, target) = inverse(&given)?;
    assert_eq!((undone.change_type(), &target), (action.change_type(), &plan.target));
    assert!(undone.origins().iter().all(|(_, origin)| **origin == Origin::Human {}), "a person stands for it");
    let value = serde_json::to_value(&undone).unwrap();
    let settings = value.as_object().and_then(|all| all.values().next()).and_then(|v| v.pointer("/settings/value"));
    Ok(settings.cloned().unwrap_or_default())
}

fn of(action: Value) -> Action {
    serde_json::from_value(action).unwrap()
}

#[test]
fn an_ingress_goes_back_to_the_class_and_the_service_that_it_named() {
    let path = |name: &str, service: &str| json!({"path": name, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}});
    let object = || {
        json!({"kind": "Ingress", "spec": {"ingressClassName": "nginx",
            "rules": [{"host": "a.example", "http": {"paths": [path("/", "web"), path("/cart", "cart")]}}]}})
    };
    let backend =
        |service: &str, port: &str| json!({"host": "a.example", "path": "/cart", "service": service, "port": port});
    let action = |value: Value| of(json!({"patchIngress": {"settings": {"value": value, "origin": {"human": {}}}}}));
    let both = action(json!({"class": "traefik", "backend": backend("basket", "http")}));
    let undone = back(&both, Kind::Ingress, object(), |_| {}).unwrap();
    assert_eq!(undone, json!({"class": "nginx", "backend": backend("cart", "80")}));
    let other = |live: &mut Value| live["spec"]["ingressClassName"] = json!("haproxy");
    let again = back(&both, Kind::Ingress, object(), other).unwrap_err();
    assert!(again.what.contains("changed again since"), "{again}");
    let mut classless = object();
    classless["spec"].as_object_mut().unwrap().remove("ingressClassName");
    let unset = back(&action(json!({"class": "traefik"})), Kind::Ingress, classless, |_| {}).unwrap_err();
    assert!(unset.what.contains("the class was not set before"), "{unset}");
}

#[test]
fn an_autoscaler_goes_back_to_the_bounds_and_the_target_that_it_had() {
    let object = || {
        json!({"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}})
    };
    let action = |value: Value| of(json!({"patchHPA": {"settings": {"value": value, "origin": {"human": {}}}}}));
    let all = action(json!({"minReplicas": 2, "maxReplicas": 6, "target": "shop"}));
    let undone = back(&all, Kind::HorizontalPodAutoscaler, object(), |_| {}).unwrap();
    assert_eq!(undone, json!({"minReplicas": 1, "maxReplicas": 3, "target": "web"}));
    let most = action(json!({"maxReplicas": 6}));
    assert_eq!(back(&most, Kind::HorizontalPodAutoscaler, object(), |_| {}).unwrap(), json!({"maxReplicas": 3}));
    let other = |live: &mut Value| live["spec"]["maxReplicas"] = json!(9);
    let again = back(&most, Kind::HorizontalPodAutoscaler, object(), other).unwrap_err();
    assert!(again.what.contains("changed again since"), "{again}");
}
