//! Before authority exists: planning, the verdict, people's decisions, the last look.
//!
//! Owns every way a Change is stopped before a grant is made. Must never count an approval of
//! another digest, an expired one, or the proposer's own. No IO.

use super::decide::{Decision, Effect, POLL, account_name};
use super::ending::end;
use super::world::{Ballot, TargetNow, World};
use super::{Counted, DecisionKind, Grant, Phase, Purpose, Record};
use crate::mandate::{Approvers, Outcome};
use crate::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// Reasons that end a Change before anything was granted, whatever its phase.
fn withdrawn(record: &Record, world: &World<'_>) -> Option<(Phase, Reason)> {
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

fn hold(mut record: Record, reason: Reason, wait: SignedDuration) -> Decision {
    record.reason = Some(reason);
    Decision::wait(record, wait)
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
    if let Some(reason) = held_up(world) {
        return hold(record, reason, POLL);
    }
    let live = record.planning.as_ref().filter(|g| g.revoked_at.is_none());
    let account = match live {
        Some(grant) => grant.account.clone(),
        None => {
            let number = usize::try_from(record.plannings).unwrap_or(usize::MAX);
            let account = account_name(proposal.uid.short(), 'p', number);
            record.plannings += 1;
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
    };
    record.reason = None;
    Decision::act(record, Effect::Plan { account })
}

/// A refused Change still shows what it would have done, where that can be computed without a grant.
fn refuse_with_diff(mut record: Record, world: &World<'_>) -> Decision {
    let first = record.verdict.is_none();
    record.verdict = Some(world.verdict.clone());
    if first && record.plan.is_none() {
        return Decision::act(record, Effect::PlanUnconfirmed);
    }
    let reason = world
        .verdict
        .reasons
        .first()
        .cloned()
        .unwrap_or_else(|| Reason::plain(Code::RefusedByMandate));
    end(record, Phase::Refused, reason, world)
}

pub(super) fn planned(mut record: Record, world: &World<'_>) -> Decision {
    if let Some((phase, reason)) = withdrawn(&record, world) {
        return end(record, phase, reason, world);
    }
    let verdict = world.verdict.clone();
    let reason = verdict.reasons.first().cloned();
    record.verdict = Some(verdict.clone());
    match verdict.outcome {
        Outcome::Refused => {
            let reason = reason.unwrap_or_else(|| Reason::plain(Code::RefusedByMandate));
            return end(record, Phase::Refused, reason, world);
        }
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
        let reason = world
            .verdict
            .reasons
            .first()
            .cloned()
            .unwrap_or_else(|| Reason::plain(Code::RefusedByMandate));
        return end(record, Phase::Refused, reason, world);
    }
    record.approvals = counted(&record, world);
    if let Some(reason) = rejection(&record, world) {
        return end(record, Phase::Rejected, reason, world);
    }
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    if let Some(about) = unreceipted(&record).filter(|_| world.can_sign) {
        return Decision::act(record, Effect::Receipt { about });
    }
    let (have, need) = (approving(&record), quorum(&record));
    if have >= need {
        record.enter(
            Phase::Approved,
            world.now,
            Some(Reason::plain(Code::Approved)),
        );
        return Decision::again(record);
    }
    let left = time_left(record.entered(), &record, world.now);
    if left <= SignedDuration::ZERO {
        return end(
            record,
            Phase::Expired,
            Reason::plain(Code::ApprovalExpired),
            world,
        );
    }
    if have > 0 {
        record.reason = Some(Reason::new(
            Code::AwaitingQuorum,
            format!("{have} of {need} approvals"),
        ));
    }
    Decision::wait(record, left)
}

pub(super) fn ready(mut record: Record, world: &World<'_>) -> Decision {
    if let Some((phase, reason)) = withdrawn(&record, world) {
        return end(record, phase, reason, world);
    }
    if let Some(decision) = no_longer_allowed(&mut record, world) {
        return decision;
    }
    if drifted(&record, world) {
        return replan(record, world);
    }
    if let Some(reason) = held_up(world) {
        return hold(record, reason, POLL);
    }
    if let Err((reason, wait)) = &world.guards {
        return hold(record, reason.clone(), *wait);
    }
    let Some(execution) = record.new_execution(Purpose::Apply, world) else {
        return end(
            record,
            Phase::Refused,
            Reason::plain(Code::InvalidSpec),
            world,
        );
    };
    record.executions.push(execution);
    record.enter(Phase::Granting, world.now, None);
    let execution = record.executions.len() - 1;
    Decision::act(record, Effect::Arm { execution })
}

/// What may have changed since the verdict: the mandate, the approvals, their age.
fn no_longer_allowed(record: &mut Record, world: &World<'_>) -> Option<Decision> {
    let take = std::mem::take::<Record>;
    if record.executions.iter().any(|e| e.outcome.is_some())
        && let Some(account) = record.unrevoked()
    {
        return Some(Decision::act(take(record), Effect::Revoke { account }));
    }
    if !record.plan.as_ref().is_some_and(|p| p.is_executable()) {
        return Some(end(
            take(record),
            Phase::Failed,
            Reason::plain(Code::PlanAltered),
            world,
        ));
    }
    if world.verdict.outcome == Outcome::Refused {
        let reason = world
            .verdict
            .reasons
            .first()
            .cloned()
            .unwrap_or_else(|| Reason::plain(Code::RefusedByMandate));
        return Some(end(take(record), Phase::Refused, reason, world));
    }
    if record.phase == Phase::PreApproved && world.verdict.outcome == Outcome::NeedsApproval {
        record.verdict = Some(world.verdict.clone());
        record.enter(
            Phase::AwaitingApproval,
            world.now,
            world.verdict.reasons.first().cloned(),
        );
        return Some(Decision::again(take(record)));
    }
    record.approvals = counted(record, world);
    if let Some(reason) = rejection(record, world) {
        return Some(end(take(record), Phase::Rejected, reason, world));
    }
    if record.phase == Phase::Approved {
        let expired = time_left(record.entered(), record, world.now) <= SignedDuration::ZERO
            || approving(record) < quorum(record);
        if expired {
            return Some(end(
                take(record),
                Phase::Expired,
                Reason::plain(Code::ApprovalExpired),
                world,
            ));
        }
    }
    None
}

fn drifted(record: &Record, world: &World<'_>) -> bool {
    let Some(plan) = &record.plan else {
        return true;
    };
    match &world.target {
        TargetNow::Unknown => false,
        TargetNow::Absent => !plan.fingerprint.is_empty(),
        TargetNow::Present(fingerprint) => *fingerprint != plan.fingerprint,
    }
}

/// Forgets the plan; the next one has another digest, so old approvals no longer count.
pub(super) fn replan(mut record: Record, world: &World<'_>) -> Decision {
    record.plan = None;
    record.verdict = None;
    record.enter(
        Phase::Proposed,
        world.now,
        Some(Reason::plain(Code::Drifted)),
    );
    Decision::again(record)
}

fn ttl(record: &Record) -> SignedDuration {
    let seconds = record
        .verdict
        .as_ref()
        .map_or(3600, |v| v.limits.approval_ttl_seconds);
    SignedDuration::from_secs(i64::from(seconds))
}

fn time_left(from: Option<Timestamp>, record: &Record, now: Timestamp) -> SignedDuration {
    from.map_or(SignedDuration::ZERO, |from| {
        ttl(record) - now.duration_since(from)
    })
}

fn quorum(record: &Record) -> usize {
    record
        .verdict
        .as_ref()
        .map_or(1, |v| usize::try_from(v.quorum).unwrap_or(usize::MAX))
}

/// How many different people's approvals count.
fn approving(record: &Record) -> usize {
    let counts = |c: &&Counted| c.decision == DecisionKind::Approve && c.ignored.is_none();
    record
        .approvals
        .iter()
        .filter(counts)
        .map(|c| c.approver.as_str())
        .collect::<BTreeSet<_>>()
        .len()
}

/// A person's no counts for any plan of the Change, and at once.
pub(super) fn rejection(record: &Record, world: &World<'_>) -> Option<Reason> {
    let approvers = record
        .verdict
        .as_ref()
        .map_or(&world.verdict.approvers, |v| &v.approvers);
    let no = world
        .ballots
        .iter()
        .find(|b| b.decision == DecisionKind::Reject && listed(b, approvers))?;
    let words = if no.reason.is_empty() {
        String::new()
    } else {
        format!(": {:?}", no.reason)
    };
    Some(Reason::new(
        Code::RejectedByHuman,
        format!("{} rejected it{words}", no.approver),
    ))
}

fn listed(ballot: &Ballot, approvers: &Approvers) -> bool {
    (approvers.users.is_empty() && approvers.groups.is_empty())
        || approvers.users.contains(&ballot.approver)
        || ballot.groups.iter().any(|g| approvers.groups.contains(g))
}

fn counted(record: &Record, world: &World<'_>) -> Vec<Counted> {
    let mut counted: Vec<Counted> = world
        .ballots
        .iter()
        .map(|b| count(b, record, world))
        .collect();
    counted.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    counted
}

fn count(ballot: &Ballot, record: &Record, world: &World<'_>) -> Counted {
    let digest = record
        .plan
        .as_ref()
        .map(|p| p.digest.as_str())
        .unwrap_or_default();
    let own = world
        .proposal
        .as_ref()
        .is_ok_and(|p| p.proposer == ballot.approver);
    let approvers = record
        .verdict
        .as_ref()
        .map(|v| v.approvers.clone())
        .unwrap_or_default();
    let age = world.now.duration_since(ballot.at);
    let ignored = if ballot.digest != digest {
        Some(Reason::plain(Code::OtherDigest))
    } else if own {
        Some(Reason::plain(Code::OwnProposal))
    } else if !listed(ballot, &approvers) {
        Some(Reason::new(
            Code::NotAnApprover,
            format!("{} is not among the approvers", ballot.approver),
        ))
    } else if age > ttl(record) {
        Some(Reason::plain(Code::ApprovalExpired))
    } else {
        None
    };
    Counted {
        name: ballot.name.clone(),
        approver: ballot.approver.clone(),
        decision: ballot.decision,
        at: ballot.at,
        digest: ballot.digest.clone(),
        reason: ballot.reason.clone(),
        ignored,
    }
}

/// The first counted approval that has no receipt yet.
fn unreceipted(record: &Record) -> Option<String> {
    let about = |c: &Counted| format!("Approval/{}", c.name);
    record
        .approvals
        .iter()
        .filter(|c| c.ignored.is_none())
        .map(about)
        .find(|about| !record.receipts.iter().any(|r| r.about == *about))
}
