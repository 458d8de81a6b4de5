//! The parts a receipt is made of.
//!
//! Owns their fields and wire names. Every struct declares its fields in the order of their wire
//! names: plain serialisation then is canonical JSON, and a test holds it to that. Must never hold
//! a Secret's value or a token. No IO.

use super::digest::Digest;
use super::json::Canonical;
use crate::names::{Namespace, ObjectName, Uid};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What happened that deserves a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A Change reached its terminal state.
    Change,
    /// An execution was rolled back.
    Rollback,
    /// A person decided.
    Approval,
    /// A Change was refused.
    Refusal,
    /// A failed Change's target was seen recovered afterwards.
    LateRecovery,
    /// The signing key gives way to a new one.
    KeyRotation,
}

impl Kind {
    /// Every kind, in the order of declaration.
    pub const ALL: &'static [Kind] =
        &[Kind::Change, Kind::Rollback, Kind::Approval, Kind::Refusal, Kind::LateRecovery, Kind::KeyRotation];

    /// The kind's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Change => "Change",
            Kind::Rollback => "Rollback",
            Kind::Approval => "Approval",
            Kind::Refusal => "Refusal",
            Kind::LateRecovery => "LateRecovery",
            Kind::KeyRotation => "KeyRotation",
        }
    }
}

/// An object of our own kinds, named with its uid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its name.
    pub name: ObjectName,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its uid.
    pub uid: Uid,
}

/// What the policy decided and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The outcome's name.
    pub outcome: String,
    /// Each reason, in the order found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// One person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// When the API server recorded it.
    pub at: Timestamp,
    /// `Approve` or `Reject`.
    pub decision: String,
    /// What the person gave as reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Uid of the Approval object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// The user as the API server authenticated it.
    pub user: String,
}

/// The plan that was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// SHA-256 over the canonical plan.
    pub digest: Digest,
    /// True where the API server computed the result in a dry run.
    pub dry_run: bool,
    /// The exact patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Canonical>,
}

/// The lifetime of one one-shot authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The one-shot account.
    pub account: String,
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it was seen refused again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// How the fence was seen to hold before the write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FenceProof {
    /// When both dry runs had answered.
    pub at: Timestamp,
    /// The fence revision that held the grant.
    pub fence: String,
    /// The API server's refusal of the forbidden dry run.
    pub refusal: String,
}

/// The write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Applied {
    /// When the API server acknowledged it.
    pub at: Timestamp,
    /// How it is known to have happened.
    pub outcome: String,
    /// The target's resourceVersion after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
}

/// What was observed after the write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// When it was concluded.
    pub at: Timestamp,
    /// The outcome's name.
    pub outcome: String,
    /// What was seen, in one sentence.
    pub summary: String,
}

/// What this undoes, or what would undo it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The earlier Change that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Named>,
    /// The patch that would undo this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Canonical>,
}
