//! Tests of the JSON form of findings.

use super::{FindingJson, findings, parameters};
use crate::action::ChangeType;
use crate::analyze::fixture::{World, backing_off, spec, waiting};
use crate::object::Kind;
use crate::plan::fixture::action;
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../../../docs/DIAGNOSE-JSON.md");

/// How what a cluster would have named itself is called on the page, and in the world of the test.
const NAMES: [(&str, &str); 5] = [
    ("12655a62-fc97-4b88-a838-23aa928413fe", "Deployment-web"),
    ("2647b50e-202a-4c44-b6f4-e6164d5efbea", "Pod-web-r2-hjklm"),
    ("web-7b6d44d5f5-tr6tw", "web-r2-hjklm"),
    ("web-7b5d99f96d", "web-r1"),
    ("@2575#", "@105#"),
];

fn shown(world: &World, kind: Kind, name: &str) -> Value {
    serde_json::to_value(findings(&world.examine(kind, name).findings)).unwrap()
}

#[test]
fn the_documented_shape_is_what_is_printed() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]).well(1, "bcdfg");
    w.pod(2, "hjklm", waiting("ErrImagePull", "shop/web:2: not found"));
    let example = PAGE.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example = NAMES.iter().fold(example.to_owned(), |text, (there, here)| text.replace(there, here));
    let expected: Value = serde_json::from_str(&example).unwrap();
    assert_eq!(shown(&w, Kind::Deployment, "web"), expected);
    let back: Vec<FindingJson> = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(serde_json::to_value(back).unwrap(), expected, "the shape reads back");
}

#[test]
fn every_types_parameters_are_documented() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows: Vec<(Vec<&str>, &str)> = rows.map(|(types, told)| (types.split("`, `").collect(), told)).collect();
    for change_type in ChangeType::ALL {
        let told: Vec<&str> =
            rows.iter().filter(|(types, _)| types.contains(&change_type.as_str())).map(|(_, told)| *told).collect();
        let [told] = told[..] else { panic!("{change_type}: {told:?}") };
        let parameters = parameters(&action(*change_type));
        assert_eq!(told == "none |", parameters.is_empty(), "{change_type}");
        for parameter in parameters {
            assert!(told.contains(&format!("`{}`: ", parameter.name)), "{change_type}: {}", parameter.name);
        }
    }
}

#[test]
fn resources_are_shown_as_kubernetes_writes_them() {
    let limited = spec(json!({"resources": {"limits": {"memory": "64Mi"}}}));
    let mut w = World::new();
    w.deployment(1, std::slice::from_ref(&limited));
    let killed = backing_off(1, json!({"reason": "OOMKilled", "exitCode": 137}));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", limited, killed);
    let shown = shown(&w, Kind::Deployment, "web");
    let parameter =
        json!({"name": "resources", "value": {"limits": {"memory": "128Mi"}}, "origin": {"currentValue": {}}});
    assert_eq!(shown[0]["candidates"][0]["parameters"][1], parameter);
}

#[test]
fn a_finding_without_container_says_null() {
    let mut w = World::new();
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "no"}, "ports": [{"port": 80}]}}),
    );
    let shown = shown(&w, Kind::Service, "front");
    assert_eq!(shown[0]["container"], Value::Null);
    assert_eq!(shown[0]["candidates"], json!([]));
}
