//! Directions on small workspaces.

use serde_json::{Value, json};

use crate::check::direction::{core, members};

fn id(name: &str) -> String {
    format!("path+file:///x/{name}#{name}@0.1.0")
}

fn workspace(packages: &[(&str, Value)]) -> Value {
    let package = |(name, deps): &(&str, Value)| json!({ "name": name, "id": id(name), "dependencies": deps });
    json!({
        "workspace_members": packages.iter().map(|(name, _)| id(name)).collect::<Vec<_>>(),
        "packages": packages.iter().map(package).collect::<Vec<_>>(),
    })
}

fn normal(name: &str) -> Value {
    json!([{ "name": name, "kind": null }])
}

#[test]
fn core_and_api_point_one_way() {
    let good = workspace(&[("bailiwick-core", json!([])), ("bailiwick-api", normal("bailiwick-core"))]);
    assert!(members(&good).is_empty());
    let bad = workspace(&[("bailiwick-core", normal("bailiwick-api")), ("bailiwick-api", json!([]))]);
    assert_eq!(members(&bad), ["bailiwick-core must not depend on bailiwick-api"]);
}

#[test]
fn the_command_never_depends_on_the_operator() {
    let bad = workspace(&[("bailiwick-cli", normal("bailiwick-operator")), ("bailiwick-operator", json!([]))]);
    assert_eq!(members(&bad), ["bailiwick-cli must not depend on bailiwick-operator"]);
}

#[test]
fn development_is_no_part_of_the_product() {
    for kind in [Value::Null, json!("build")] {
        let deps = json!([{ "name": "bailiwick-testkit", "kind": kind }]);
        let bad = workspace(&[("bailiwick-operator", deps), ("bailiwick-testkit", json!([]))]);
        assert_eq!(members(&bad).len(), 1, "{kind}");
    }
    let tests = json!([{ "name": "bailiwick-testkit", "kind": "dev" }]);
    assert!(members(&workspace(&[("bailiwick-operator", tests), ("bailiwick-testkit", json!([]))])).is_empty());
}

#[test]
fn a_crate_without_a_rule_is_refused() {
    let found = members(&workspace(&[("bailiwick-new", json!([]))]));
    assert!(found.len() == 1 && found[0].contains("no rule"), "{found:?}");
}

/// `core` depends on `helper`, which depends on `last` in the given way.
fn graph(last: &str, kind: &Value) -> Value {
    let dep = |name: &str, kind: &Value| json!({ "pkg": id(name), "dep_kinds": [{ "kind": kind }] });
    json!({ "resolve": { "nodes": [
        { "id": id("bailiwick-core"), "deps": [dep("helper", &Value::Null)] },
        { "id": id("helper"), "deps": [dep(last, kind)] },
        { "id": id(last), "deps": [] },
    ] } })
}

#[test]
fn core_reaches_no_runtime_through_others() {
    let found = core(&graph("tokio", &Value::Null)).unwrap();
    assert_eq!(found, ["core must not reach bailiwick-core → helper → tokio"]);
    assert!(core(&graph("serde", &Value::Null)).unwrap().is_empty());
    // What only builds or tests it is not in the product.
    assert!(core(&graph("tokio", &json!("build"))).unwrap().is_empty());
}

#[test]
fn a_workspace_without_core_is_an_error() {
    assert!(core(&json!({ "resolve": { "nodes": [] } })).is_err());
}
