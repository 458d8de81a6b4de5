//! Which crate may depend on which, from `cargo metadata`. Pure but for the metadata it is handed.
//!
//! The product's crates point towards `core`; nothing that serves development is part of the product.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Ground;
use super::report::Finding;
use crate::cargo::package_name;

/// Crates of the product, and those of ours that each may depend on.
const PRODUCT: [(&str, &[&str]); 5] = [
    ("bailiwick-core", &[]),
    ("bailiwick-api", &["bailiwick-core"]),
    ("bailiwick-kit", &["bailiwick-core"]),
    ("bailiwick-operator", &["bailiwick-core", "bailiwick-api", "bailiwick-kit"]),
    ("bailiwick-cli", &["bailiwick-core", "bailiwick-api", "bailiwick-kit"]),
];

/// Crates that serve development; they may depend on anything of ours.
const DEVELOPMENT: [&str; 6] =
    ["bailiwick-testkit", "bailiwick-workload", "bailiwick-testbed", "bailiwick-benches", "bailiwick-fuzz", "xtask"];

/// `core` decides; it must not be able to act, wait or log, not even through another crate.
const NOT_IN_CORE: [&str; 12] = [
    "tokio",
    "kube",
    "kube-client",
    "kube-core",
    "kube-runtime",
    "http",
    "hyper",
    "reqwest",
    "tower",
    "tracing",
    "axum",
    "rustls",
];

/// Runs the check.
pub(super) fn check(ground: &Ground) -> Result<Finding> {
    let metadata = ground.workspace.metadata();
    let mut wrong = members(metadata);
    wrong.extend(core(metadata)?);
    let count = metadata["workspace_members"].as_array().map_or(0, Vec::len);
    Ok(Finding::of(format!("{count} crates"), wrong))
}

/// What members declare among themselves. A dependency for tests alone is free.
pub(super) fn members(metadata: &Value) -> Vec<String> {
    let ours: BTreeSet<&str> =
        each(&metadata["workspace_members"]).filter_map(Value::as_str).map(package_name).collect();
    let mut wrong = Vec::new();
    for package in each(&metadata["packages"]) {
        let Some(name) = package["name"].as_str().filter(|name| ours.contains(name)) else {
            continue;
        };
        let Some((_, allowed)) = PRODUCT.iter().find(|(product, _)| *product == name) else {
            if !DEVELOPMENT.contains(&name) {
                wrong.push(format!("{name}: no rule says what it may depend on (xtask/src/check/direction.rs)"));
            }
            continue;
        };
        let declared = each(&package["dependencies"]).filter(|d| d["kind"] != "dev").filter_map(|d| d["name"].as_str());
        let refused = declared.filter(|d| ours.contains(d) && !allowed.contains(d));
        wrong.extend(refused.map(|d| format!("{name} must not depend on {d}")));
    }
    wrong
}

/// What `core` reaches in a normal build, with the way to it.
pub(super) fn core(metadata: &Value) -> Result<Vec<String>> {
    let nodes: BTreeMap<&str, &Value> =
        each(&metadata["resolve"]["nodes"]).filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let start = nodes.keys().find(|id| package_name(id) == "bailiwick-core").context("no crate `bailiwick-core`")?;
    let mut ways = BTreeMap::from([(*start, package_name(start).to_owned())]);
    let mut waiting = vec![*start];
    while let Some(id) = waiting.pop() {
        let way = ways[id].clone();
        let node = nodes.get(id).with_context(|| format!("`cargo metadata` does not resolve {id}"))?;
        let normal = |dep: &&Value| each(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null());
        for next in each(&node["deps"]).filter(normal).filter_map(|dep| dep["pkg"].as_str()) {
            if !ways.contains_key(next) {
                ways.insert(next, format!("{way} → {}", package_name(next)));
                waiting.push(next);
            }
        }
    }
    let refused = ways.iter().filter(|(id, _)| NOT_IN_CORE.contains(&package_name(id)));
    Ok(refused.map(|(_, way)| format!("core must not reach {way}")).collect())
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
