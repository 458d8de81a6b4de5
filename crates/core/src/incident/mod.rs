//! The life of an Incident: from a finding that lasts to Resolved, Escalated or Dismissed.
//!
//! Owns the record that an Incident's status shows, and the decision what to do next. Must never
//! lose an Incident: each ends in one of three ways, and each ending names its reason. No IO.

mod choose;
mod decide;
mod ending;
mod group;
mod record;
mod redact;
mod story;

pub use choose::{Choice, same_action, weigh};
pub use decide::{Decision, Effect, decide};
pub use group::{Group, Member, gather, group_name};
pub use record::{Phase, Presence, Record, Writing};
pub use redact::redact;
pub use story::{Story, storm_story, story};

use crate::action::Action;
use crate::finding::Finding;
use crate::guards::Hold;
use crate::mandate::Limits;
use crate::names::ObjectName;
use crate::object::ObjectRef;
use crate::reason::Reason;
use jiff::{SignedDuration, Timestamp};

/// Most pieces of evidence that are kept.
pub const MOST_EVIDENCE: usize = 16;
/// Most candidates that are kept.
pub const MOST_CANDIDATES: usize = 8;
/// Most names of Changes that are kept.
pub const MOST_CHANGES: usize = 32;
/// Most Changes that one occurrence may see fail or be turned down.
pub const MOST_ATTEMPTS: usize = 6;
/// Most returns that are kept.
pub const MOST_RETURNS: usize = 20;
/// A resolved Incident whose finding comes back within this time is counted on.
pub const REOPENS_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// How long an ended Incident is kept.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// A Change that the operator proposed for the Incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its name.
    pub name: ObjectName,
    /// When it was created, by the API server's clock.
    pub created: Timestamp,
    /// What it does.
    pub action: Action,
    /// To which object.
    pub target: ObjectRef,
    /// Where it stands.
    pub phase: crate::life::Phase,
    /// Why.
    pub reason: Option<Reason>,
    /// True where the verdict was that a human must decide.
    pub asked: bool,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The difference it makes; the first line says whether the API server confirmed it.
    pub diff: String,
}

/// Everything a decision looks at beside the record.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The Incident's name.
    pub name: &'a str,
    /// The finding, while it holds.
    pub finding: Option<&'a Finding>,
    /// False once the subject is gone.
    pub subject_exists: bool,
    /// The finding's candidates, best first, each with what the mandates say now.
    pub choices: &'a [Choice],
    /// The operator's own Changes for this Incident, oldest first.
    pub attempts: &'a [Attempt],
    /// Names of Changes in the namespace that begin like this Incident's, whoever made them.
    pub taken: &'a [ObjectName],
    /// True while a Change of another Incident works on the same subject.
    pub busy: bool,
    /// True while another Incident of the namespace is being changed.
    pub neighbours: bool,
    /// When the analyzers may come to another result though nothing happens: a revision, say, is
    /// known to have served only after a while.
    pub ripens: Option<SignedDuration>,
    /// Whether Incidents of its cause come in a storm, and how long until that calms.
    pub storm: Option<Hold>,
    /// The limits that hold in the namespace.
    pub limits: &'a Limits,
    /// The time.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests;
