//! The two namespaces of the product.
//!
//! Owns their names and labels. Must never carry the territory label. No IO.

use super::labels;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use serde_json::{Value, json};

pub(super) fn namespaces() -> Vec<Value> {
    [SYSTEM_NAMESPACE, GRANTS_NAMESPACE].into_iter().map(namespace).collect()
}

fn namespace(name: &str) -> Value {
    let mut labels = labels();
    for level in ["enforce", "audit", "warn"] {
        labels[format!("pod-security.kubernetes.io/{level}")] = json!("restricted");
    }
    labels["bailiwick.dev/protected"] = json!("true");
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "labels": labels },
    })
}
