//! The form of a policy and its binding.
//!
//! Owns the defaults that the API server would fill in: they are spelled out, so that an
//! unaltered object in the cluster is equal to the one compiled in. No IO.

use crate::manifests::labels;
use serde_json::{Value, json};

/// One check: where the expression is false, the request is refused with the message.
pub(super) struct Check {
    expression: String,
    message: &'static str,
}

pub(super) fn check(message: &'static str, expression: impl AsRef<str>) -> Check {
    Check { expression: one_line(expression.as_ref()), message }
}

/// A named part of a policy: a match condition or a variable.
pub(super) fn part(name: &'static str, expression: impl AsRef<str>) -> Value {
    json!({ "name": name, "expression": one_line(expression.as_ref()) })
}

/// Expressions are written over several lines and stored on one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a policy looks at.
pub(super) fn rule(groups: &[&str], versions: &[&str], operations: &[&str], resources: &[&str]) -> Value {
    json!({
        "apiGroups": groups,
        "apiVersions": versions,
        "operations": operations,
        "resources": resources,
        "scope": "*",
    })
}

/// The same for what lives in a namespace, or for what lives in none: a namespace selector alone
/// does not skip what lives in none.
pub(super) fn scoped(scope: &str, mut rule: Value) -> Value {
    rule["scope"] = json!(scope);
    rule
}

/// A list of texts in CEL. The texts are names of this program, never input.
pub(super) fn texts<T: AsRef<str>>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("'{}'", item.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

/// A policy before it becomes JSON.
pub(super) struct Policy {
    pub(super) name: &'static str,
    /// Namespaces by label; `{}` for all, and for what lives in none.
    pub(super) namespaces: Value,
    pub(super) rules: Vec<Value>,
    pub(super) conditions: Vec<Value>,
    pub(super) variables: Vec<Value>,
    pub(super) checks: Vec<Check>,
    /// Where the fence's revisions are the parameters.
    pub(super) params: Option<Value>,
}

impl Policy {
    pub(super) fn into_objects(self) -> [Value; 2] {
        let name = self.name;
        let binding = binding(name, self.params.clone());
        [self.into_policy(), binding]
    }

    fn into_policy(self) -> Value {
        let validations: Vec<Value> = self.checks.into_iter().map(validation).collect();
        let mut spec = json!({
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": self.namespaces,
                "objectSelector": {},
                "resourceRules": self.rules,
            },
            "validations": validations,
        });
        let lists = [("matchConditions", self.conditions), ("variables", self.variables)];
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            spec[key] = Value::Array(list);
        }
        if self.params.is_some() {
            // A built-in kind: with a kind of our own an API server that restarts would refuse
            // every user's writes for half a minute.
            spec["paramKind"] = json!({ "apiVersion": "apps/v1", "kind": "ControllerRevision" });
        }
        object("ValidatingAdmissionPolicy", self.name, spec)
    }
}

fn validation(check: Check) -> Value {
    json!({
        "expression": check.expression,
        "message": check.message,
        "reason": "Forbidden",
    })
}

fn binding(name: &str, params: Option<Value>) -> Value {
    let mut spec = json!({ "policyName": name, "validationActions": ["Deny"] });
    if let Some(params) = params {
        spec["paramRef"] = params;
    }
    object("ValidatingAdmissionPolicyBinding", name, spec)
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": { "name": name, "labels": labels() },
        "spec": spec,
    })
}
