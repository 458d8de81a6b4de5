//! What scenarios share: the mandate that holds where a scenario says nothing, API versions of common kinds, and the product's vocabulary.
//!
//! Pure.

use anyhow::{Context as _, Result, ensure};
use bailiwick_core::action::ChangeType;
use bailiwick_core::finding::Cause;
use bailiwick_core::mandate::{KeepCopies, Limits, Rule};
use bailiwick_core::object::Kind;
use serde_json::{Map, Value, json};

use super::format::{Expectation, MandateParts, Outcome};

/// The person who approves.
pub(super) const APPROVER: &str = "sre@example.com";
/// The person who breaks things where a scenario names nobody.
pub(super) const DEVELOPER: &str = "dev@example.com";
/// Whoever may do everything.
pub(super) const ADMINISTRATOR: &str = "administrator";

/// Kinds of Kubernetes that the product does not know and scenarios use.
const OTHERS: [(&str, &str); 5] = [
    ("Role", "rbac.authorization.k8s.io/v1"),
    ("RoleBinding", "rbac.authorization.k8s.io/v1"),
    ("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
    ("Lease", "coordination.k8s.io/v1"),
    ("FlowSchema", "flowcontrol.apiserver.k8s.io/v1"),
];

/// `apiVersion` of a kind, if it is given or known.
pub(super) fn api_version(given: Option<&str>, kind: &str) -> Result<String> {
    let known = || Kind::parse(kind).map(Kind::api_version);
    let other = || OTHERS.iter().find(|(name, _)| *name == kind).map(|(_, version)| (*version).to_owned());
    given
        .map(str::to_owned)
        .or_else(known)
        .or_else(other)
        .with_context(|| format!("give `apiVersion` for the kind {kind}"))
}

/// Causes and Change types that the product does not know.
pub(super) fn unknown_words(expectation: &Expectation) -> Vec<String> {
    let causes = expectation.cause.iter().filter(|c| !Cause::ALL.iter().any(|known| known.as_str() == *c));
    let types: Vec<&String> = match &expectation.outcome {
        Outcome::Change(wanted) => wanted.iter().map(|w| &w.change_type).collect(),
        Outcome::Escalate | Outcome::Nothing => Vec::new(),
    };
    let types = types.into_iter().filter(|t| ChangeType::parse(t).is_none());
    causes.map(|c| format!("cause {c}")).chain(types.map(|t| format!("type {t}"))).collect()
}

/// Rules and limits of a Mandate for one namespace, and of what it has copies kept.
pub(super) fn mandate(parts: &MandateParts, namespace: &str) -> Result<(Value, Value, Value)> {
    let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    let mut rules = if parts.changes.is_empty() { usual_rules() } else { parts.changes.clone() };
    for rule in &mut rules {
        let fields = rule.as_object_mut().context("`changes` holds something else than rules")?;
        ensure!(!fields.contains_key("namespaceSelector"), "`namespaceSelector` is the runner's to set");
        fields.insert("namespaceSelector".to_owned(), selector.clone());
    }
    let mut limits = usual_limits();
    limits.extend(parts.limits.iter().map(|(key, value)| (key.clone(), value.clone())));
    let _: Vec<Rule> = serde_json::from_value(json!(rules)).context("`changes`")?;
    let _: Limits = serde_json::from_value(json!(limits)).context("`limits`")?;
    let keep = match parts.keep_copies.is_empty() {
        true => Value::Null,
        false => json!({"namespaceSelector": selector, "kinds": parts.keep_copies, "goodForSeconds": 2}),
    };
    let _: Option<KeepCopies> = serde_json::from_value(keep.clone()).context("`keepCopies`")?;
    Ok((json!(rules), json!(limits), keep))
}

/// What is of the first tier is done at once; the rest is for the approver.
fn usual_rules() -> Vec<Value> {
    let of = |first: bool| -> Vec<&str> {
        ChangeType::ALL.iter().filter(|t| (t.tier() == 1) == first).map(|t| t.as_str()).collect()
    };
    vec![
        json!({"types": of(true), "approval": "preApproved"}),
        json!({"types": of(false), "approval": "human", "approvers": {"users": [APPROVER]}}),
    ]
}

/// Guards wide enough that scenarios beside each other are not held back by one another, and short delays.
fn usual_limits() -> Map<String, Value> {
    let limits = json!({
        "concurrent": 100, "perHour": 10000, "breakerFailures": 100, "coolDownSeconds": 0, "stormIncidents": 10000,
        "cascadeWindowSeconds": 0, "flapRecurrences": 20, "flapWindowSeconds": 1,
        "healthyDelaySeconds": 3, "holdSeconds": 10, "recoveryWindowSeconds": 90, "lateRecoverySeconds": 0,
    });
    limits.as_object().cloned().unwrap_or_default()
}
