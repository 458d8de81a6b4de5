//! What is installed, object by object, against what is compiled in.
//!
//! Owns which fields count for each kind of object. Must never call an altered policy good. Reads
//! from the API server, and asks it dry runs that must be refused.

use super::summed;
use crate::args::Global;
use crate::cluster::Cluster;
use crate::objects::apply::{read, title};
use crate::probe::{self, Held};
use crate::render::check::{Item, State};
use bailiwick_api::manifests::policies::{deviation, is_lasting};
use bailiwick_api::manifests::{InstallOptions, OptionsError, Territory, install};
use serde_json::Value;

/// Looks at every install object but the operator's own, and at whether the policies hold.
pub(super) async fn look(cluster: &Cluster, territory: &Territory, acting: Option<&Global>) -> Vec<Item> {
    let steps = match options(territory) {
        Ok(options) => install(&options),
        Err(error) => return vec![Item::new("parts", State::Unproved, error.to_string())],
    };
    let mut items = Vec::new();
    for step in steps.into_iter().filter(|s| s.name != "operator") {
        let (mut bad, mut unread) = (Vec::new(), Vec::new());
        for object in &step.objects {
            match read(cluster, object).await {
                Ok(live) => bad.extend(difference(step.name, object, live.as_ref())),
                Err(failure) => unread.push(failure.what),
            }
        }
        let whole = step.objects.len();
        let lasting = step.objects.iter().filter(|o| is_lasting(o)).count();
        let policies_there = step.name == "policies" && bad.is_empty();
        items.extend(summed(step.name, (whole, lasting), bad, &unread));
        if policies_there {
            items.extend(in_force(cluster, territory, acting).await);
        }
    }
    items
}

fn options(territory: &Territory) -> Result<InstallOptions, OptionsError> {
    Ok(InstallOptions::new("unused")?.with_territory(territory.clone()))
}

/// Says by which way an object was installed, and guards nothing.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// What of a kind's definition decides what the API server accepts.
const KIND_PARTS: &[&str] = &[
    "/spec/scope",
    "/spec/names/plural",
    "/spec/versions/0/name",
    "/spec/versions/0/schema",
    "/spec/versions/0/subresources",
    "/spec/versions/0/selectableFields",
];

/// Equal but for how a number is written: the API server keeps `0.0` as `0`.
fn is_same(expected: Option<&Value>, live: Option<&Value>) -> bool {
    match (expected, live) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a == b || a.as_f64() == b.as_f64(),
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(Some(a), Some(b)))
        }
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.len() == b.len() && a.iter().all(|(key, value)| is_same(Some(value), b.get(key)))
        }
        (a, b) => a == b,
    }
}

/// How the live object differs in what counts.
fn difference(step: &str, expected: &Value, live: Option<&Value>) -> Option<String> {
    let name = title(expected);
    let Some(found) = live else { return Some(format!("{name} is absent")) };
    let differs = |pointer: &str| expected.pointer(pointer) != found.pointer(pointer);
    match step {
        "policies" => deviation(expected, live).map(|d| d.to_string()),
        "namespaces" => {
            let wanted = expected.pointer("/metadata/labels").and_then(Value::as_object);
            let has = |key: &str| found.pointer("/metadata/labels").and_then(|l| l.get(key));
            let counts = |key: &str| key != MANAGED_BY;
            let missing = wanted.into_iter().flatten().find(|(key, value)| counts(key) && has(key) != Some(value));
            missing.map(|(key, _)| format!("{name} does not carry its label {key}"))
        }
        "kinds" => {
            if let Some(at) = KIND_PARTS.iter().find(|at| !is_same(expected.pointer(at), found.pointer(at))) {
                return Some(format!(
                    "{name} is altered at {}, or of another version of Bailiwick",
                    at[1..].replace('/', ".")
                ));
            }
            (!is_established(found)).then(|| format!("{name} is not established"))
        }
        _ if expected.get("kind").and_then(Value::as_str) == Some("ServiceAccount") => None,
        _ => ["/rules", "/subjects", "/roleRef", "/aggregationRule"]
            .into_iter()
            .find(|p| differs(p))
            .map(|p| format!("{name} is altered at {}", &p[1..])),
    }
}

/// True where the API server serves the kind.
pub fn is_established(crd: &Value) -> bool {
    let conditions = crd.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|c| {
        c.get("type").and_then(Value::as_str) == Some("Established")
            && c.get("status").and_then(Value::as_str) == Some("True")
    })
}

/// What dry runs prove, and what they cannot.
async fn in_force(cluster: &Cluster, territory: &Territory, acting: Option<&Global>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut tried = probe::all(cluster).await;
    match acting {
        Some(global) => match probe::acting::all(cluster, global, territory).await {
            Ok(more) => tried.extend(more),
            Err(failure) => items.push(Item::new("fence", State::Unproved, failure.what)),
        },
        None => {
            let text =
                format!("{} speak only to one-shot accounts and the operator", probe::acting::POLICIES.join(", "));
            items.push(
                Item::new("fence", State::Unproved, text)
                    .next("whoever may impersonate can prove them: bailiwick check --prove"),
            );
        }
    }
    for (policy, held) in tried {
        items.push(match held {
            Held::Yes(words) => {
                Item::new("fence", State::Good, format!("{policy} refused a dry run it must refuse: {words}"))
            }
            Held::No => Item::new(
                "fence",
                State::Bad,
                format!("{policy} admitted a dry run it must refuse: it is not in force"),
            )
            .next("if it was made just now, wait a second; otherwise bailiwick install"),
            Held::Unknown(why) => Item::new("fence", State::Unproved, format!("{policy}: {why}")),
        });
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_counts_is_compared_and_what_does_not_is_forgiven() {
        let options = options(&Territory::default()).unwrap();
        for step in install(&options).iter().filter(|s| s.name != "operator") {
            for object in &step.objects {
                let mut live = object.clone();
                live["metadata"]["uid"] = json!("u");
                live["metadata"]["labels"][MANAGED_BY] = json!("Helm");
                live["status"] = json!({"conditions": [{"type": "Established", "status": "True"}]});
                assert_eq!(difference(step.name, object, Some(&live)), None, "{}", title(object));
                assert!(difference(step.name, object, None).is_some_and(|d| d.ends_with("is absent")));
            }
        }
    }

    #[test]
    fn every_policy_that_refuses_anything_can_be_proved() {
        use bailiwick_api::manifests::policies::NAMES;
        for name in NAMES {
            let refuses_nothing = is_lasting(&json!({"metadata": {"name": name}}));
            let provable = probe::PROVABLE.contains(name) || probe::acting::POLICIES.contains(name);
            assert_eq!(provable, !refuses_nothing, "{name}");
        }
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        let same = |a: Value, b: Value| is_same(Some(&a), Some(&b));
        assert!(same(json!({"minimum": 0.0, "a": [1]}), json!({"minimum": 0, "a": [1.0]})));
        assert!(!same(json!({"minimum": 0.0}), json!({"minimum": 1})));
        assert!(!same(json!({"a": [1]}), json!({"a": [1, 2]})));
        assert!(!same(json!({"a": 1}), json!({"a": 1, "b": true})));
        assert!(!is_same(Some(&json!(1)), None));
    }

    #[test]
    fn a_widened_role_and_a_stripped_namespace_are_named() {
        let options = options(&Territory::default()).unwrap();
        let steps = install(&options);
        let roles = steps.iter().find(|s| s.name == "roles").unwrap();
        let role = roles.objects.iter().find(|o| o["kind"] == "ClusterRole").unwrap();
        let mut live = role.clone();
        live["rules"][0]["verbs"] = json!(["*"]);
        assert!(difference("roles", role, Some(&live)).is_some_and(|d| d.ends_with("is altered at rules")));
        let namespace = &steps[0].objects[0];
        let mut live = namespace.clone();
        live["metadata"]["labels"] = json!({});
        assert!(difference("namespaces", namespace, Some(&live)).is_some_and(|d| d.contains("label")));
    }
}
