//! Before authority exists: planning, the verdict, people's decisions, the last look.
//!
//! Owns every way a Change is stopped before a grant is made. Must never keep a grant while it
//! only waits, nor go on where the target could not be looked at. No IO.

use super::ballots::{approving, authority, counted, quorum, refusal, rejection, time_left, unreceipted};
use super::decide::{Decision, Effect, POLL, account_name};
use super::ending::end;
use super::running::MOST_EXECUTIONS;
use super::world::{TargetNow, World};
use super::{Grant, Phase, Purpose, Record};
use crate::mandate::Outcome;
use crate::reason::{Code, Reason};
use jiff::SignedDuration;

/// How often a target may drift under one Change before it is given up.
const MOST_DRIFTS: usize = 10;

/// Reasons that end a Change before anything was granted, whatever its phase.
pub(super) fn withdrawn(record: &Record, world: &World<'_>) -> Option<(Phase, Reason)> {
    if !world.namespace_alive {
        return Some((Phase::Cancelled, Reason::plain(Code::NamespaceGone)));
    }
    let planned = record.plan.as_ref().is_some_and(|p| p.is_executable());
    if planned && !world.in_territory {
        return Some((Phase::Cancelled, Reason::plain(Code::TerritoryWithdrawn)));
    }
    None
}

/// What keeps anything from being granted right now.
pub(super) fn held_up(world: &World<'_>) -> Option<Reason> {
    if world.suspended {
        return Some(Reason::plain(Code::Suspended));
    }
    if !world.can_sign {
        return Some(Reason::plain(Code::NoSigningKey));
    }
    world.fence.clone().err()
}

/// Waits, and takes away first what authority is left: a wait may last for ever.
fn hold(mut record: Record, reason: Reason, wait: SignedDuration) -> Decision {
    record.reason = Some(reason);
    match live_planning(&record) {
        Some(account) => Decision::act(record, Effect::Revoke { account }),
        None => Decision::wait(record, wait),
    }
}

fn live_planning(record: &Record) -> Option<String> {
    let live = record.planning.as_ref().filter(|g| g.revoked_at.is_none())?;
    Some(live.account.clone())
}

pub(super) fn proposed(mut record: Record, world: &World<'_>) -> Decision {
    let proposal = match &world.proposal {
        Ok(proposal) => proposal,
        Err(reason) => return end(record, Phase::Refused, reason.clone(), world),
    };
    if let Some((phase, reason)) = withdrawn(&record, world) {
        return end(record, phase, reason, world);
    }
    if world.verdict.outcome == Outcome::Refused {
        return refuse_with_diff(record, world);
    }
    if let Some(reason) = rejection(&record, world) {
        return end(record, Phase::Rejected, reason, world);
    }
    // After drift the old plan's account must not outlive it, nor be planned with again.
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    if let Some(reason) = held_up(world) {
        return hold(record, reason, POLL);
    }
    let account = live_planning(&record).unwrap_or_else(|| begin_planning(&mut record, proposal.uid.short(), world));
    record.reason = None;
    Decision::act(record, Effect::Plan { account })
}

fn begin_planning(record: &mut Record, uid8: &str, world: &World<'_>) -> String {
    let number = usize::try_from(record.plannings).unwrap_or(usize::MAX);
    let account = account_name(uid8, 'p', number);
    record.plannings = record.plannings.saturating_add(1);
    record.planning = Some(Grant {
        account: account.clone(),
        purpose: Purpose::Plan,
        granted_at: world.now,
        proved_at: None,
        proof: None,
        revoked_at: None,
    });
    account
}

/// A refused Change still shows what it would have done, where that can be computed without a grant.
fn refuse_with_diff(mut record: Record, world: &World<'_>) -> Decision {
    let first = record.verdict.is_none();
    record.verdict = Some(world.verdict.clone());
    if first && record.plan.is_none() {
        return Decision::act(record, Effect::PlanUnconfirmed);
    }
    end(record, Phase::Refused, refusal(world), world)
}

pub(super) fn planned(mut record: Record, world: &World<'_>) -> Decision {
    if let Some((phase, reason)) = withdrawn(&record, world) {
        return end(record, phase, reason, world);
    }
    let verdict = world.verdict.clone();
    let reason = verdict.reasons.first().cloned();
    record.verdict = Some(verdict.clone());
    match verdict.outcome {
        Outcome::Refused => return end(record, Phase::Refused, refusal(world), world),
        Outcome::PreApproved => record.enter(Phase::PreApproved, world.now, reason),
        Outcome::NeedsApproval => record.enter(Phase::AwaitingApproval, world.now, reason),
    }
    Decision::again(record)
}

pub(super) fn awaiting(mut record: Record, world: &World<'_>) -> Decision {
    if let Some((phase, reason)) = withdrawn(&record, world) {
        return end(record, phase, reason, world);
    }
    if world.verdict.outcome == Outcome::Refused {
        return end(record, Phase::Refused, refusal(world), world);
    }
    record.approvals = counted(&record, world);
    if let Some(reason) = rejection(&record, world) {
        return end(record, Phase::Rejected, reason, world);
    }
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    let owed = unreceipted(&record);
    if let Some(about) = owed.clone().filter(|_| world.can_sign) {
        return Decision::act(record, Effect::Receipt { about });
    }
    let (have, need) = (approving(&record), quorum(&record, world));
    if have >= need && owed.is_none() {
        let reason = Some(Reason::plain(Code::Approved));
        record.enter(Phase::Approved, world.now, reason);
        return Decision::again(record);
    }
    let left = time_left(record.entered(), &record, world.now);
    if left <= SignedDuration::ZERO {
        let reason = Reason::plain(Code::ApprovalExpired);
        return end(record, Phase::Expired, reason, world);
    }
    if owed.is_some() {
        return hold(record, Reason::plain(Code::NoSigningKey), left.min(POLL));
    }
    if have > 0 {
        let why = format!("{have} of {need} approvals");
        record.reason = Some(Reason::new(Code::AwaitingQuorum, why));
    }
    Decision::wait(record, left)
}

pub(super) fn ready(mut record: Record, world: &World<'_>) -> Decision {
    if let Some((phase, reason)) = withdrawn(&record, world) {
        return end(record, phase, reason, world);
    }
    // What an execution leaves behind goes first; the account of a fresh plan may still serve.
    if record.executions.iter().any(|e| e.outcome.is_some())
        && let Some(account) = record.unrevoked()
    {
        return Decision::act(record, Effect::Revoke { account });
    }
    if !record.plan.as_ref().is_some_and(|p| p.is_executable()) {
        let reason = Reason::plain(Code::PlanAltered);
        return end(record, Phase::Failed, reason, world);
    }
    match authority(&mut record, world) {
        Ok(()) => {}
        Err((Phase::AwaitingApproval, reason)) => return ask_people(record, reason, world),
        Err((phase, reason)) => return end(record, phase, reason, world),
    }
    match look(&record, world) {
        Look::Same => {}
        Look::Moved => return replan(record, world),
        Look::Unseen => return Decision::wait(record, POLL),
    }
    if let Some(reason) = held_up(world) {
        return hold(record, reason, POLL);
    }
    if let Err((reason, wait)) = &world.guards {
        return hold(record, reason.clone(), *wait);
    }
    if record.executions.len() >= MOST_EXECUTIONS {
        let last = record.executions.last().and_then(|e| e.outcome.clone());
        let reason = last.unwrap_or_else(|| Reason::plain(Code::WriteUnclear));
        return end(record, Phase::Failed, reason, world);
    }
    let Some(execution) = record.new_execution(Purpose::Apply, world) else {
        let reason = Reason::plain(Code::InvalidSpec);
        return end(record, Phase::Refused, reason, world);
    };
    record.executions.push(execution);
    record.enter(Phase::Granting, world.now, None);
    let execution = record.executions.len() - 1;
    Decision::act(record, Effect::Arm { execution })
}

/// The mandate no longer pre-approves: from now on people decide, by today's verdict.
pub(super) fn ask_people(mut record: Record, reason: Reason, world: &World<'_>) -> Decision {
    record.verdict = Some(world.verdict.clone());
    record.enter(Phase::AwaitingApproval, world.now, Some(reason));
    Decision::again(record)
}

/// How the target compares with the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It is as it was planned from.
    Same,
    /// It is another, or is gone, or is there although it was to be created.
    Moved,
    /// It could not be looked at.
    Unseen,
}

pub(super) fn look(record: &Record, world: &World<'_>) -> Look {
    let planned = record.plan.as_ref().map(|p| p.fingerprint.as_str());
    let same = match &world.target {
        TargetNow::Unknown => return Look::Unseen,
        TargetNow::Absent => planned == Some(""),
        TargetNow::Present(fingerprint) => planned == Some(fingerprint.as_str()),
    };
    if same { Look::Same } else { Look::Moved }
}

/// Forgets the plan; the next one has another digest, so old approvals no longer count.
pub(super) fn replan(mut record: Record, world: &World<'_>) -> Decision {
    let drifted = |code: Option<Code>| code == Some(Code::Drifted);
    let drifts = record.timeline.iter();
    let drifts = drifts.filter(|t| drifted(t.reason.as_ref().map(|r| r.code)));
    if drifts.count() >= MOST_DRIFTS {
        let why = format!("the target drifted more than {MOST_DRIFTS} times");
        let reason = Reason::new(Code::Drifted, why);
        return end(record, Phase::Failed, reason, world);
    }
    record.plan = None;
    record.verdict = None;
    let reason = Some(Reason::plain(Code::Drifted));
    record.enter(Phase::Proposed, world.now, reason);
    Decision::again(record)
}
