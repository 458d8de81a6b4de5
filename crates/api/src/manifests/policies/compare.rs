//! Whether a policy in the cluster is the one compiled in.
//!
//! Owns the comparison that the operator makes before it acts. Must never call an object equal
//! that would admit more. No IO.

use serde_json::Value;

/// How an object in the cluster differs from the one compiled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Deviation {
    /// It is not there.
    #[error("{kind} {name} is absent")]
    Absent {
        /// The object's kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// It is on its way out.
    #[error("{kind} {name} is being deleted")]
    Terminating {
        /// The object's kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Its specification is another.
    #[error("{kind} {name} is altered at {at}")]
    Altered {
        /// The object's kind.
        kind: String,
        /// Its name.
        name: String,
        /// Where the first difference is, as a path.
        at: String,
    },
    /// The API server has found fault with an expression.
    #[error("{kind} {name} does not type-check: {warning}")]
    Warned {
        /// The object's kind.
        kind: String,
        /// Its name.
        name: String,
        /// The first warning.
        warning: String,
    },
}

/// The first way in which the live object differs from the one expected, if any.
pub fn deviation(expected: &Value, live: Option<&Value>) -> Option<Deviation> {
    let text = |pointer: &str| {
        let found = expected.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    let Some(live) = live else {
        return Some(Deviation::Absent { kind, name });
    };
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Some(Deviation::Terminating { kind, name });
    }
    if let Some(at) = difference("spec", expected.get("spec"), live.get("spec")) {
        return Some(Deviation::Altered { kind, name, at });
    }
    let warning = live.pointer("/status/typeChecking/expressionWarnings/0/warning")?;
    Some(Deviation::Warned { kind, name, warning: warning.as_str().unwrap_or_default().to_owned() })
}

/// The path of the first difference. Both sides spell all defaults out, so nothing is forgiven.
fn difference(path: &str, expected: Option<&Value>, live: Option<&Value>) -> Option<String> {
    match (expected, live) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            keys.into_iter().find_map(|key| difference(&format!("{path}.{key}"), a.get(key), b.get(key)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(&format!("{path}[{i}]"), Some(a), Some(b)))
        }
        (a, b) if a == b => None,
        _ => Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::Territory;
    use crate::manifests::policies::objects;
    use serde_json::json;

    #[test]
    fn an_unaltered_object_is_equal_whatever_the_server_adds_to_metadata() {
        for object in objects(&Territory::default()) {
            let mut live = object.clone();
            live["metadata"]["uid"] = json!("u");
            live["status"] = json!({ "typeChecking": {} });
            assert_eq!(deviation(&object, Some(&live)), None);
        }
    }

    #[test]
    fn every_alteration_is_named() {
        let mut all = objects(&Territory::default());
        all.retain(|o| o["metadata"]["name"] == "bailiwick-executor-fence");
        assert!(matches!(deviation(&all[0], None), Some(Deviation::Absent { .. })));
        let mut live = all[0].clone();
        live["spec"]["failurePolicy"] = json!("Ignore");
        let found = deviation(&all[0], Some(&live)).unwrap();
        assert_eq!(
            found.to_string(),
            "ValidatingAdmissionPolicy bailiwick-executor-fence is altered at spec.failurePolicy"
        );
        let mut live = all[0].clone();
        live["spec"]["matchConstraints"]["excludeResourceRules"] = json!([{}]);
        assert!(deviation(&all[0], Some(&live)).is_some());
        let mut live = all[1].clone();
        live["spec"]["validationActions"] = json!(["Warn"]);
        assert!(deviation(&all[1], Some(&live)).is_some());
    }
}
