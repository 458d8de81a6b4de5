//! The plan: exactly what would be written, as bytes that a digest covers.
//!
//! Owns the plan's form and its digest. Must never hold a digest that was not computed from the
//! very fields beside it. No IO.

pub(crate) mod autoscaler;
pub mod bounds;
pub mod build;
#[cfg(test)]
mod checklist_tests;
mod diff;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod ingress;
mod node;
pub mod object;
mod parts;
pub(crate) mod probe;
mod render;
mod resources;
mod restore;
mod service;
mod strategy;
mod undo;
pub(crate) mod unnamed;

pub use render::rendered;

use crate::action::{Action, ChangeType};
use crate::canonical;
use crate::catalogue;
use crate::object::ObjectRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The largest object that can be fenced, in bytes of canonical JSON.
pub const LARGEST_RESULT: usize = 128 * 1024;

/// What the API server is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Operation {
    /// JSON Patch of an existing object.
    Update,
    /// Deletion with a uid precondition.
    Delete,
    /// Creation.
    Create,
}

impl Operation {
    /// The operation's name in admission.
    pub const fn admission(self) -> &'static str {
        match self {
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Create => "CREATE",
        }
    }

    /// The RBAC verb of the request.
    pub const fn verb(self) -> &'static str {
        match self {
            Operation::Update => "patch",
            Operation::Delete => "delete",
            Operation::Create => "create",
        }
    }
}

/// How the result was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DryRun {
    /// By two equal dry runs on the API server.
    Server,
    /// Computed here only, because no grant may exist; never executable.
    NotDryRun,
}

/// What the workload looked like when the plan was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// Replicas that were available.
    pub available: i32,
    /// Replicas that were wanted.
    pub desired: i32,
}

/// One planned write. Objects are kept as canonical JSON text, so that their bytes are exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The type of the change.
    pub change_type: ChangeType,
    /// What the API server is asked to do.
    pub operation: Operation,
    /// The object concerned; without uid where it is to be created.
    pub target: ObjectRef,
    /// Whether the API server confirmed the result.
    pub dry_run: DryRun,
    /// RFC 6902 patch with `test` operations, as canonical JSON; empty for DELETE and CREATE.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub patch: String,
    /// JSON pointers that the patch changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// The object before, without status and server bookkeeping, as canonical JSON; empty for CREATE.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// The object after, as the dry run returned it, as canonical JSON; empty for DELETE.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result: String,
    /// Keys of `.spec` that others own and that must stay as they are (an autoscaler's replicas).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub free: Vec<String>,
    /// Labels the namespace must still carry when the write arrives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub live: BTreeMap<String, String>,
    /// SHA-256 over the parts of the live object that must not have moved.
    pub fingerprint: String,
    /// How the workload was when the plan was made.
    pub baseline: Baseline,
    /// True where `RollingBack` is possible.
    pub undoable: bool,
    /// SHA-256 over the canonical form of all fields above, as lower-case hexadecimal.
    pub digest: String,
}

impl Plan {
    /// The digest of this plan's fields, computed anew.
    pub fn computed_digest(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or(Value::Null);
        if let Value::Object(map) = &mut value {
            map.remove("digest");
        }
        canonical::sha256_hex(&canonical::to_bytes(&value))
    }

    /// Sets the digest from the fields.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.digest = self.computed_digest();
        self
    }

    /// True if the recorded digest is that of the fields.
    pub fn is_intact(&self) -> bool {
        self.digest == self.computed_digest()
    }

    /// True if this plan may be executed at all.
    pub fn is_executable(&self) -> bool {
        self.dry_run == DryRun::Server && self.is_intact()
    }

    /// The object before, if there was one.
    pub fn before_object(&self) -> Option<Value> {
        serde_json::from_str(&self.before).ok()
    }

    /// The object after, if there is one.
    pub fn result_object(&self) -> Option<Value> {
        serde_json::from_str(&self.result).ok()
    }

    /// The patch as a list of operations; empty for DELETE and CREATE.
    pub fn patch_operations(&self) -> Value {
        serde_json::from_str(&self.patch).unwrap_or_else(|_| json!([]))
    }
}

/// The planned content of one write before the API server has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What the API server is asked to do.
    pub operation: Operation,
    /// The object concerned.
    pub target: ObjectRef,
    /// The patch, for `Update`.
    pub patch: Vec<Value>,
    /// The object to create, for `Create`.
    pub body: Option<Value>,
    /// The live object the draft was made from.
    pub before: Option<Value>,
    /// Keys of `.spec` that others own.
    pub free: Vec<String>,
    /// The type of the change.
    pub change_type: ChangeType,
}

/// What a proposal asks the API server for.
pub fn operation(action: &Action, target: &ObjectRef) -> Operation {
    let change_type = action.change_type();
    if change_type == ChangeType::RestoreObject {
        restore::operation(target)
    } else {
        catalogue::entry(change_type).operation
    }
}

/// The proposal that a plan is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Namespace of the Change itself.
    pub namespace: crate::names::Namespace,
    /// Name of the Change.
    pub name: crate::names::ObjectName,
    /// Uid of the Change.
    pub uid: crate::names::Uid,
    /// When the Change was created, by the API server's clock.
    pub created: jiff::Timestamp,
    /// Who proposed it, as admission proved.
    pub proposer: String,
    /// What is to be done.
    pub action: Action,
    /// To which object.
    pub target: ObjectRef,
}
