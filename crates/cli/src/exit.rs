//! Exit codes, and the one form of a failure.
//!
//! Owns the mapping from outcomes to codes. Must never let two outcomes share a code that the
//! documentation tells apart. No IO.

use bailiwick_core::life::Phase;
use bailiwick_core::mandate::Outcome;
use std::fmt;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// It is done, or there is nothing to report.
    Ok,
    /// There is a finding, a difference, or nothing of that name.
    Finding,
    /// Wrong usage, or an error.
    Error,
    /// A policy refuses it.
    Refused,
    /// A person has to approve it, or has not yet.
    Pending,
    /// It ended with people having to look.
    Escalated,
    /// SIGINT ended it before its time.
    Interrupted,
    /// SIGTERM did.
    Terminated,
}

impl Exit {
    /// Every outcome with its code and meaning, as printed by `bailiwick --help`.
    pub const ALL: &'static [(Exit, &'static str)] = &[
        (Exit::Ok, "done, or nothing to report"),
        (Exit::Finding, "a finding, a difference, or not found"),
        (Exit::Error, "wrong usage, or an error"),
        (Exit::Refused, "refused by policy"),
        (Exit::Pending, "waits for an approval"),
        (Exit::Escalated, "escalated to people"),
        (Exit::Interrupted, "ended by SIGINT"),
        (Exit::Terminated, "ended by SIGTERM"),
    ];

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Finding => 1,
            Exit::Error => 2,
            Exit::Refused => 3,
            Exit::Pending => 4,
            Exit::Escalated => 5,
            // As a shell has it for a process that the signal ended by itself.
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// The outcome of asking what a mandate says.
    pub const fn of_verdict(outcome: Outcome) -> Exit {
        match outcome {
            Outcome::PreApproved => Exit::Ok,
            Outcome::NeedsApproval => Exit::Pending,
            Outcome::Refused => Exit::Refused,
        }
    }

    /// The outcome of having waited for a Change.
    pub const fn of_phase(phase: Phase) -> Exit {
        match phase {
            Phase::Recovered => Exit::Ok,
            Phase::AwaitingApproval => Exit::Pending,
            Phase::Refused | Phase::Rejected | Phase::Cancelled => Exit::Refused,
            Phase::RolledBack | Phase::Expired | Phase::Failed => Exit::Escalated,
            Phase::Proposed
            | Phase::Planned
            | Phase::PreApproved
            | Phase::Approved
            | Phase::Granting
            | Phase::Executing
            | Phase::Verifying
            | Phase::RollingBack => Exit::Pending,
        }
    }
}

/// Why a command could not do what it was asked, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code to exit with.
    pub exit: Exit,
    /// What is wrong, as one sentence.
    pub what: String,
    /// What to do next, if anything is known to help.
    pub next: Option<String>,
}

impl Failure {
    /// An error.
    pub fn error(what: impl Into<String>) -> Self {
        Self { exit: Exit::Error, what: what.into(), next: None }
    }

    /// Something that does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self { exit: Exit::Finding, ..Self::error(what) }
    }

    /// Something that a policy refuses.
    pub fn refused(what: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, ..Self::error(what) }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.next {
            Some(next) => write!(f, "\n{next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// What commands return.
pub type Outcomes<T = Exit> = Result<T, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 130, 143]);
        assert_eq!(Exit::of_verdict(Outcome::PreApproved).code(), 0);
        assert_eq!(Exit::of_verdict(Outcome::NeedsApproval).code(), 4);
        assert_eq!(Exit::of_verdict(Outcome::Refused).code(), 3);
    }

    #[test]
    fn every_phase_has_an_outcome_and_only_recovery_is_success() {
        for phase in Phase::ALL {
            let exit = Exit::of_phase(*phase);
            assert_eq!(exit == Exit::Ok, *phase == Phase::Recovered, "{phase}");
            assert!(phase.is_terminal() || exit == Exit::Pending, "{phase}");
        }
        assert_eq!(Exit::of_phase(Phase::Failed), Exit::Escalated);
        assert_eq!(Exit::of_phase(Phase::Rejected), Exit::Refused);
    }

    #[test]
    fn a_failure_says_what_to_do_on_its_own_line() {
        let failure = Failure::not_found("no change \"x\"").next("list them: bailiwick changes");
        assert_eq!(failure.to_string(), "no change \"x\"\nlist them: bailiwick changes");
        assert_eq!(failure.exit.code(), 1);
    }
}
