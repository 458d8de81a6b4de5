//! The fence's data: which account may write which object with which resulting content.
//!
//! Owns the form that the admission policies read. Must never contain a grant whose plan is not
//! intact. No IO.

use crate::plan::{Operation, Plan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Namespace of one-shot accounts and of the fence.
pub const GRANTS_NAMESPACE: &str = "bailiwick-grants";
/// Namespace of the product's own parts.
pub const SYSTEM_NAMESPACE: &str = "bailiwick-system";
/// Label by which the policies select fence revisions.
pub const FENCE_LABEL: &str = "bailiwick.dev/fence";
/// Value of that label.
pub const FENCE_VALUE: &str = "executor";
/// Name of the revision that suspends every one-shot account.
pub const SUSPEND_REVISION: &str = "suspend";
/// What the writes of one-shot accounts are called in the managed fields of their targets.
pub const EXECUTOR_MANAGER: &str = "bailiwick-executor";
/// Prefix of every one-shot account, Secret and RoleBinding.
pub const ACCOUNT_PREFIX: &str = "bwk-";

/// One live grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Admission operation.
    pub operation: String,
    /// API group of the resource.
    pub group: String,
    /// API version of the resource.
    pub version: String,
    /// Plural resource name.
    pub resource: String,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Uid of the object; empty for CREATE.
    pub uid: String,
    /// True where only dry runs are admitted.
    pub dry_run: bool,
    /// Keys of `.spec` that must stay as they are in the old object.
    pub free: Vec<String>,
    /// Labels the namespace must carry.
    pub live: BTreeMap<String, String>,
    /// The exact resulting object; for DELETE the object that the plan saw; empty for dry-run grants.
    pub result: Value,
}

/// The user name of a one-shot account as admission sees it.
pub fn username(account: &str) -> String {
    format!("system:serviceaccount:{GRANTS_NAMESPACE}:{account}")
}

impl Entry {
    /// The grant for dry runs of a request on an object.
    pub fn planning(operation: Operation, target: &crate::object::ObjectRef, live: BTreeMap<String, String>) -> Self {
        let served = target.kind.served();
        Self {
            operation: operation.admission().to_owned(),
            group: served.group.to_owned(),
            version: served.version.to_owned(),
            resource: served.resource.to_owned(),
            namespace: target.namespace_str().to_owned(),
            name: target.name.to_string(),
            uid: target.uid.as_ref().map(ToString::to_string).unwrap_or_default(),
            dry_run: true,
            free: Vec::new(),
            live,
            result: json!({}),
        }
    }

    /// The grant for the real write of a plan; `None` if the plan may not be executed.
    pub fn executing(plan: &Plan) -> Option<Self> {
        if !plan.is_executable() {
            return None;
        }
        let mut entry = Self::planning(plan.operation, &plan.target, plan.live.clone());
        entry.dry_run = false;
        entry.free.clone_from(&plan.free);
        let planned = match plan.operation {
            Operation::Delete => plan.before_object(),
            Operation::Update | Operation::Create => plan.result_object(),
        };
        entry.result = planned.unwrap_or_else(|| json!({}));
        Some(entry)
    }
}

/// The `data` of one fence revision.
///
/// # Errors
/// Fails only if an entry cannot be JSON, which its types rule out.
pub fn revision_data(grants: &BTreeMap<String, Entry>) -> Result<Value, serde_json::Error> {
    let mut map = Map::new();
    for (user, entry) in grants {
        map.insert(user.clone(), serde_json::to_value(entry)?);
    }
    Ok(json!({ "grants": Value::Object(map) }))
}

/// Reads the `data` of a fence revision back.
///
/// # Errors
/// Fails where the data was not written by [`revision_data`].
pub fn parse_revision(data: &Value) -> Result<BTreeMap<String, Entry>, serde_json::Error> {
    let grants = data.get("grants").cloned().unwrap_or(Value::Null);
    serde_json::from_value(grants)
}
