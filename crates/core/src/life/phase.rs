//! The phases of a Change.
//!
//! Owns their names and which of them end it. Must never hold a phase that a Change can leave and
//! that is called terminal, but `Failed`, which a late recovery may follow. No IO.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a Change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Seen, not yet planned.
    #[default]
    Proposed,
    /// The dry run's result is recorded.
    Planned,
    /// The mandate decided: yes.
    PreApproved,
    /// A human must decide.
    AwaitingApproval,
    /// The humans decided: yes.
    Approved,
    /// The one-shot authority is being made and proved.
    Granting,
    /// The write may be under way.
    Executing,
    /// The write is acknowledged; the workload is being watched.
    Verifying,
    /// The previous state is being put back.
    RollingBack,
    /// Ended: the workload recovered.
    Recovered,
    /// Ended: the previous state was put back.
    RolledBack,
    /// Ended: not allowed.
    Refused,
    /// Ended: a person said no.
    Rejected,
    /// Ended: nobody decided in time.
    Expired,
    /// Ended: it did not work.
    Failed,
    /// Ended: the ground for it is gone.
    Cancelled,
}

impl Phase {
    /// Every phase.
    pub const ALL: &'static [Phase] = &[
        Phase::Proposed,
        Phase::Planned,
        Phase::PreApproved,
        Phase::AwaitingApproval,
        Phase::Approved,
        Phase::Granting,
        Phase::Executing,
        Phase::Verifying,
        Phase::RollingBack,
        Phase::Recovered,
        Phase::RolledBack,
        Phase::Refused,
        Phase::Rejected,
        Phase::Expired,
        Phase::Failed,
        Phase::Cancelled,
    ];

    /// True where the Change has ended.
    pub const fn is_terminal(self) -> bool {
        match self {
            Phase::Recovered
            | Phase::RolledBack
            | Phase::Refused
            | Phase::Rejected
            | Phase::Expired
            | Phase::Failed
            | Phase::Cancelled => true,
            Phase::Proposed
            | Phase::Planned
            | Phase::PreApproved
            | Phase::AwaitingApproval
            | Phase::Approved
            | Phase::Granting
            | Phase::Executing
            | Phase::Verifying
            | Phase::RollingBack => false,
        }
    }

    /// True once authority to write was asked for, or it has ended.
    pub const fn has_begun(self) -> bool {
        match self {
            Phase::Proposed | Phase::Planned | Phase::PreApproved | Phase::AwaitingApproval | Phase::Approved => false,
            Phase::Granting
            | Phase::Executing
            | Phase::Verifying
            | Phase::RollingBack
            | Phase::Recovered
            | Phase::RolledBack
            | Phase::Refused
            | Phase::Rejected
            | Phase::Expired
            | Phase::Failed
            | Phase::Cancelled => true,
        }
    }

    /// The phase's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Proposed => "Proposed",
            Phase::Planned => "Planned",
            Phase::PreApproved => "PreApproved",
            Phase::AwaitingApproval => "AwaitingApproval",
            Phase::Approved => "Approved",
            Phase::Granting => "Granting",
            Phase::Executing => "Executing",
            Phase::Verifying => "Verifying",
            Phase::RollingBack => "RollingBack",
            Phase::Recovered => "Recovered",
            Phase::RolledBack => "RolledBack",
            Phase::Refused => "Refused",
            Phase::Rejected => "Rejected",
            Phase::Expired => "Expired",
            Phase::Failed => "Failed",
            Phase::Cancelled => "Cancelled",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
