//! Everything that an installation consists of, as values.
//!
//! Owns the install objects and their order. Must never contain a Secret's value: the signing key
//! is made by `bailiwick install`. No IO.

mod namespaces;
mod options;
pub mod policies;
pub mod render;
pub mod roles;
mod workload;

pub use options::{InstallOptions, OptionsError, PullPolicy, Territory};

use crate::schema::crds;
use serde_json::{Value, json};

/// Label of every object that belongs to the product.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// Value of that label.
pub const PRODUCT: &str = "bailiwick";
/// Name of the operator's Deployment, ServiceAccount and Lease.
pub const OPERATOR: &str = "bailiwick-operator";
/// User name of the operator as admission sees it.
pub const OPERATOR_USER: &str = "system:serviceaccount:bailiwick-system:bailiwick-operator";
/// Name of the Secret that holds the key with which receipts are signed.
pub const SIGNING_KEY_SECRET: &str = "bailiwick-signing-key";
/// Annotation that lets the namespace of grants be deleted.
pub const UNINSTALL_ANNOTATION: &str = "bailiwick.dev/uninstall";
/// Port that serves probes and metrics.
pub const ADMIN_PORT: u16 = 9090;

/// One step of an installation: objects that may be applied in any order.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What the step puts in place, for people.
    pub name: &'static str,
    /// The objects.
    pub objects: Vec<Value>,
}

/// All steps in the order of installation; an uninstallation takes them in reverse.
///
/// Policies come before the roles that they limit, so that no right ever exists unlimited.
pub fn install(options: &InstallOptions) -> Vec<Step> {
    let step = |name, objects| Step { name, objects };
    vec![
        step("namespaces", namespaces::namespaces()),
        step("kinds", crds().iter().map(to_value).collect()),
        step("policies", policies::objects(options.territory())),
        step("roles", roles::objects()),
        step("operator", workload::objects(options)),
    ]
}

fn to_value<T: serde::Serialize>(object: &T) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or(Value::Null);
    if let Some(map) = value.as_object_mut() {
        map.remove("status");
        map.insert("apiVersion".to_owned(), json!("apiextensions.k8s.io/v1"));
        map.insert("kind".to_owned(), json!("CustomResourceDefinition"));
    }
    value
}

/// The labels of every object.
fn labels() -> Value {
    json!({ PART_OF: PRODUCT, "app.kubernetes.io/managed-by": "bailiwick-install" })
}

#[cfg(test)]
mod tests;
