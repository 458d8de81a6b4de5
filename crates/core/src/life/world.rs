//! What a decision looks at beside the record.
//!
//! Owns the form of an observed world. Every field was read just before the decision; what could
//! not be read is an absence that closes, never one that opens. No IO.

use super::DecisionKind;
use crate::mandate::Verdict;
use crate::oracle::Health;
use crate::plan::Proposal;
use crate::reason::Reason;
use jiff::{SignedDuration, Timestamp};

/// An Approval as admission let it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// Name of the Approval object.
    pub name: String,
    /// Who decided.
    pub approver: String,
    /// The person's groups, each proved by admission.
    pub groups: Vec<String>,
    /// Yes or no.
    pub decision: DecisionKind,
    /// The API server's creation time.
    pub at: Timestamp,
    /// The digest that was decided on.
    pub digest: String,
    /// The person's own words.
    pub reason: String,
}

/// The target as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetNow {
    /// It could not be read, or was not needed.
    Unknown,
    /// It does not exist.
    Absent,
    /// It exists; its fingerprint with the plan's free keys.
    Present(String),
}

/// What was observed.
#[derive(Debug, Clone)]
pub struct World<'a> {
    /// The API server's time.
    pub now: Timestamp,
    /// Generation of the Change's specification.
    pub generation: i64,
    /// The proposal, or why it cannot be read.
    pub proposal: Result<&'a Proposal, Reason>,
    /// The verdict as it would be now.
    pub verdict: Verdict,
    /// True if the target's namespace exists and is not terminating.
    pub namespace_alive: bool,
    /// True if the namespace carries the territory label.
    pub in_territory: bool,
    /// The target as it is now.
    pub target: TargetNow,
    /// People's decisions on this Change.
    pub ballots: &'a [Ballot],
    /// True while Bailiwick is suspended.
    pub suspended: bool,
    /// Whether the fence's policies are present and as compiled in.
    pub fence: Result<(), Reason>,
    /// True if there is a signing key.
    pub can_sign: bool,
    /// Whether the guards let another change start now, or for how long not.
    pub guards: Result<(), (Reason, SignedDuration)>,
    /// What the oracle says, once something was written.
    pub health: Option<Health>,
}
