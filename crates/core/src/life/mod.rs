//! The life of a Change: its phases, its record, and what a decision may ask for.
//!
//! Owns the record's form, which is a Change's status. Must never lose what a phase needs after
//! a crash: whatever an effect depends on is in the record before the effect runs. No IO.

mod ballots;
pub mod decide;
mod ending;
pub mod fold;
mod gate;
mod phase;
mod running;
mod verifying;
pub mod world;

pub use decide::{Decision, Effect, decide};
pub use fold::{Report, fold};
pub use phase::Phase;
pub use world::World;

use crate::mandate::Verdict;
use crate::plan::Plan;
use crate::reason::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a one-shot account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Purpose {
    /// Dry runs only, to make the plan.
    Plan,
    /// The approved write.
    Apply,
    /// Putting the previous state back.
    RollBack,
}

/// One one-shot authority: the names are recorded before anything is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Name of the ServiceAccount, its Secret and its RoleBinding: `bwk-<uid8>-<purpose><n>`.
    pub account: String,
    /// What it is for.
    pub purpose: Purpose,
    /// When the names were recorded, by the operator's bounded clock.
    pub granted_at: Timestamp,
    /// When the fence was seen to hold for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved_at: Option<Timestamp>,
    /// What the API server answered to the write that must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub proof: Option<String>,
    /// When fence entry and RoleBinding were gone and a request as that account was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// One write, applied at most once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// `<change uid>/<n>`.
    pub key: String,
    /// Why it is done.
    pub purpose: Purpose,
    /// Digest of the plan it applies.
    pub digest: String,
    /// The authority it uses.
    pub grant: Grant,
    /// When `Executing` was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When the API server acknowledged the write, or the read-back found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
    /// How often the write was begun; more than one only after a read-back found it not done.
    #[serde(default)]
    pub attempts: u32,
    /// The written object's resourceVersion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// The written object's generation, where its kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Reason>,
}

impl Execution {
    /// True if the write is known to have happened.
    pub const fn is_applied(&self) -> bool {
        self.applied_at.is_some()
    }
}

/// One person's decision as the operator counted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Name of the Approval object.
    pub name: String,
    /// Who decided, as admission proved.
    pub approver: String,
    /// `Approve` or `Reject`.
    pub decision: DecisionKind,
    /// When, by the API server's clock.
    pub at: Timestamp,
    /// The digest that was decided on.
    pub digest: String,
    /// The person's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why it does not count, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Reason>,
}

/// A person's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DecisionKind {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// What was observed after the write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Since when the oracle holds without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holding_since: Option<Timestamp>,
    /// What was last observed, in one sentence.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub observed: String,
    /// When it was last observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// One step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// The phase that was entered.
    pub phase: Phase,
    /// When it was entered.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A receipt that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRef {
    /// Name of the Receipt object: its zero-padded sequence number.
    pub name: String,
    /// What was receipted: a phase's name, or `RollBack` for a rolled back execution.
    pub about: String,
    /// The receipt's hash.
    pub hash: String,
}

/// A Change's status: everything a restarted operator needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The generation of the specification this record is about.
    #[serde(default)]
    pub observed_generation: i64,
    /// Where the Change stands.
    #[serde(default)]
    pub phase: Phase,
    /// The terminal phase that was decided but is not shown before its receipt exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Transition>,
    /// Why it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The planning grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planning: Option<Grant>,
    /// How often a plan was begun; part of the account's name.
    #[serde(default)]
    pub plannings: u32,
    /// The verdict with its reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// People's decisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Counted>,
    /// Writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executions: Vec<Execution>,
    /// The plan of the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_plan: Option<Plan>,
    /// What was observed after the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Receipts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<ReceiptRef>,
    /// Every phase that was entered, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Transition>,
    /// Standard conditions, projected from the fields above by the API layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A standard Kubernetes condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The condition's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A code.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When the status last changed.
    pub last_transition_time: Timestamp,
    /// The generation it is about.
    #[serde(default)]
    pub observed_generation: i64,
}
