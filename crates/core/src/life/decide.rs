//! One pure decision: from the record and the world to the next record and at most one effect.
//!
//! Owns the dispatch over phases. Must never emit an effect whose intent is not in the returned
//! record, which the caller persists before it runs the effect. No IO.

use super::world::World;
use super::{Execution, Grant, Phase, Purpose, Record, Transition, ending, gate, running, verifying};
use crate::fence::ACCOUNT_PREFIX;
use crate::mandate::Outcome;
use crate::reason::Reason;
use jiff::{SignedDuration, Timestamp};

/// What the caller shall do after persisting the record. Each is safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make the planning account and plan by two dry runs.
    Plan {
        /// The account to use.
        account: String,
    },
    /// Compute the plan here, for show only.
    PlanUnconfirmed,
    /// Plan the way back by two dry runs.
    PlanUndo {
        /// The account to use.
        account: String,
    },
    /// Make the account, put its grant into the fence and prove that the fence holds.
    Arm {
        /// Index of the execution.
        execution: usize,
    },
    /// Send the one write.
    Write {
        /// Index of the execution.
        execution: usize,
    },
    /// Ask the world whether the write happened.
    ReadBack {
        /// Index of the execution.
        execution: usize,
    },
    /// Take an account's authority away and see it refused.
    Revoke {
        /// The account.
        account: String,
    },
    /// Create the receipt.
    Receipt {
        /// What it is about.
        about: String,
    },
}

/// The outcome of one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The record to persist before the effect runs.
    pub record: Record,
    /// What to do then.
    pub effect: Option<Effect>,
    /// When to look again even if nothing happens.
    pub recheck: Option<SignedDuration>,
}

impl Decision {
    pub(super) fn act(record: Record, effect: Effect) -> Self {
        Self { record, effect: Some(effect), recheck: None }
    }

    pub(super) fn wait(record: Record, recheck: SignedDuration) -> Self {
        Self { record, effect: None, recheck: Some(recheck.max(SignedDuration::from_millis(200))) }
    }

    pub(super) fn rest(record: Record) -> Self {
        Self { record, effect: None, recheck: None }
    }

    /// A changed record without effect: decide again at once.
    pub(super) fn again(record: Record) -> Self {
        Self { record, effect: None, recheck: Some(SignedDuration::ZERO) }
    }
}

/// How long to wait where only a look at the world can tell more.
pub(super) const POLL: SignedDuration = SignedDuration::from_secs(2);

/// Decides.
pub fn decide(record: &Record, world: &World<'_>) -> Decision {
    let mut next = record.clone();
    next.observed_generation = world.generation;
    if next.timeline.is_empty() {
        next.timeline.push(Transition { phase: Phase::Proposed, at: world.now, reason: None });
    }
    if let Some(ending) = next.ending.clone() {
        return ending::finish(next, &ending, world);
    }
    match next.phase {
        Phase::Proposed => gate::proposed(next, world),
        Phase::Planned => gate::planned(next, world),
        Phase::AwaitingApproval => gate::awaiting(next, world),
        Phase::PreApproved | Phase::Approved => gate::ready(next, world),
        Phase::Granting => running::granting(next, world),
        Phase::Executing => running::executing(next, world),
        Phase::Verifying => verifying::verifying(next, world),
        Phase::RollingBack => verifying::rolling_back(next, world),
        Phase::Failed => ending::late(next, world),
        Phase::Recovered | Phase::RolledBack | Phase::Refused | Phase::Rejected | Phase::Expired | Phase::Cancelled => {
            Decision::rest(next)
        }
    }
}

impl Record {
    /// Enters a phase and notes it in the timeline.
    pub(super) fn enter(&mut self, phase: Phase, at: Timestamp, reason: Option<Reason>) {
        self.phase = phase;
        self.reason.clone_from(&reason);
        self.timeline.push(Transition { phase, at, reason });
    }

    /// When the current phase was entered.
    pub fn entered(&self) -> Option<Timestamp> {
        self.last_entered(self.phase)
    }

    /// When a phase was entered last.
    pub(super) fn last_entered(&self, phase: Phase) -> Option<Timestamp> {
        let mut entries = self.timeline.iter().rev();
        entries.find(|t| t.phase == phase).map(|t| t.at)
    }

    /// True if it was the mandate that decided, and not people.
    pub(super) fn pre_approved(&self) -> bool {
        let outcome = self.verdict.as_ref().map(|v| v.outcome);
        outcome == Some(Outcome::PreApproved)
    }

    /// The first account whose authority was not yet seen revoked and that is no longer needed.
    pub(super) fn unrevoked(&self) -> Option<String> {
        let ended = self.executions.iter().filter(|e| e.outcome.is_some() || self.ending.is_some()).map(|e| &e.grant);
        let planning = self.planning.iter().filter(|_| !self.keeps_planning());
        ended.chain(planning).find(|g| g.revoked_at.is_none()).map(|g| g.account.clone())
    }

    /// A pre-approved change plans and executes under one account.
    fn keeps_planning(&self) -> bool {
        let running = matches!(
            self.phase,
            Phase::Proposed | Phase::Planned | Phase::PreApproved | Phase::Granting | Phase::Executing
        );
        let shared = |g: &Grant| self.executions.iter().any(|e| e.grant.account == g.account && e.outcome.is_none());
        let pre_approved = matches!(self.phase, Phase::Proposed | Phase::Planned | Phase::PreApproved);
        self.ending.is_none() && running && (pre_approved || self.planning.as_ref().is_some_and(shared))
    }

    /// A new execution with its own key; the grant's names are deterministic.
    pub(super) fn new_execution(&self, purpose: Purpose, world: &World<'_>) -> Option<Execution> {
        let proposal = world.proposal.as_ref().ok()?;
        let number = self.executions.len();
        let shared = self.planning.as_ref().filter(|g| purpose == Purpose::Apply && g.revoked_at.is_none());
        let letter = if purpose == Purpose::RollBack { 'r' } else { 'a' };
        let account = shared.map_or_else(|| account_name(proposal.uid.short(), letter, number), |g| g.account.clone());
        Some(Execution {
            key: format!("{}/{number}", proposal.uid),
            purpose,
            digest: self
                .plan
                .as_ref()
                .filter(|_| purpose == Purpose::Apply)
                .map(|p| p.digest.clone())
                .unwrap_or_default(),
            grant: Grant { account, purpose, granted_at: world.now, proved_at: None, proof: None, revoked_at: None },
            started_at: None,
            applied_at: None,
            attempts: 0,
            resource_version: None,
            generation: None,
            outcome: None,
        })
    }
}

/// The name of a one-shot account: `bwk-<first 8 of the Change's uid>-<purpose><number>`.
pub(super) fn account_name(uid8: &str, letter: char, number: usize) -> String {
    format!("{ACCOUNT_PREFIX}{uid8}-{letter}{number}")
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
