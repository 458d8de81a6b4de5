//! People's decisions: which count, how many it takes, and whether what was allowed still is.
//!
//! Owns the counting. Must never count an approval of another digest, an expired one, the
//! proposer's own, or that of a person whom the mandate of today no longer names. No IO.

use super::world::{Ballot, World};
use super::{Counted, DecisionKind, Phase, Record};
use crate::mandate::{Approvers, Outcome};
use crate::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// The authority for a write as it stands now; asked before a grant is made and again before it
/// is used. Where it is gone: the phase that follows, and why.
pub(super) fn authority(record: &mut Record, world: &World<'_>) -> Result<(), (Phase, Reason)> {
    if world.verdict.outcome == Outcome::Refused {
        return Err((Phase::Refused, refusal(world)));
    }
    record.approvals = counted(record, world);
    if let Some(reason) = rejection(record, world) {
        return Err((Phase::Rejected, reason));
    }
    if record.pre_approved() {
        return match world.verdict.outcome {
            Outcome::PreApproved => Ok(()),
            Outcome::NeedsApproval | Outcome::Refused => Err((Phase::AwaitingApproval, refusal(world))),
        };
    }
    let since = record.last_entered(Phase::Approved);
    if time_left(since, record, world.now) <= SignedDuration::ZERO || approving(record) < quorum(record, world) {
        return Err((Phase::Expired, Reason::plain(Code::ApprovalExpired)));
    }
    Ok(())
}

/// The verdict's first reason.
pub(super) fn refusal(world: &World<'_>) -> Reason {
    let first = world.verdict.reasons.first().cloned();
    first.unwrap_or_else(|| Reason::plain(Code::RefusedByMandate))
}

fn ttl(record: &Record) -> SignedDuration {
    let seconds = record.verdict.as_ref().map_or(3600, |v| v.limits.approval_ttl_seconds);
    SignedDuration::from_secs(i64::from(seconds))
}

/// How long what began at `from` stays usable.
pub(super) fn time_left(from: Option<Timestamp>, record: &Record, now: Timestamp) -> SignedDuration {
    from.map_or(SignedDuration::ZERO, |from| ttl(record) - now.duration_since(from))
}

/// How many people it takes: the more of the recorded verdict and today's, never none.
pub(super) fn quorum(record: &Record, world: &World<'_>) -> usize {
    let recorded = record.verdict.as_ref().map_or(1, |v| v.quorum);
    let needed = recorded.max(world.verdict.quorum).max(1);
    usize::try_from(needed).unwrap_or(usize::MAX)
}

/// How many different people's approvals count.
pub(super) fn approving(record: &Record) -> usize {
    let counts = |c: &&Counted| c.decision == DecisionKind::Approve && c.ignored.is_none();
    record.approvals.iter().filter(counts).map(|c| c.approver.as_str()).collect::<BTreeSet<_>>().len()
}

/// A person's no counts for any plan of the Change, and at once.
pub(super) fn rejection(record: &Record, world: &World<'_>) -> Option<Reason> {
    let recorded = record.verdict.as_ref().map(|v| &v.approvers);
    let may_refuse = |b: &Ballot| listed(b, &world.verdict.approvers) || recorded.is_some_and(|a| listed(b, a));
    let no = world.ballots.iter().find(|b| b.decision == DecisionKind::Reject && may_refuse(b))?;
    let words = if no.reason.is_empty() { String::new() } else { format!(": {:?}", no.reason) };
    Some(Reason::new(Code::RejectedByHuman, format!("{} rejected it{words}", no.approver)))
}

fn listed(ballot: &Ballot, approvers: &Approvers) -> bool {
    (approvers.users.is_empty() && approvers.groups.is_empty())
        || approvers.users.contains(&ballot.approver)
        || ballot.groups.iter().any(|g| approvers.groups.contains(g))
}

/// Every ballot with the reason for which it does not count, if there is one; oldest first.
pub(super) fn counted(record: &Record, world: &World<'_>) -> Vec<Counted> {
    let mut counted: Vec<Counted> = world.ballots.iter().map(|b| count(b, record, world)).collect();
    counted.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    counted
}

fn count(ballot: &Ballot, record: &Record, world: &World<'_>) -> Counted {
    Counted {
        name: ballot.name.clone(),
        approver: ballot.approver.clone(),
        decision: ballot.decision,
        at: ballot.at,
        digest: ballot.digest.clone(),
        reason: ballot.reason.clone(),
        ignored: ignored(ballot, record, world),
    }
}

fn ignored(ballot: &Ballot, record: &Record, world: &World<'_>) -> Option<Reason> {
    let digest = record.plan.as_ref().map(|p| p.digest.as_str());
    let own = world.proposal.as_ref().is_ok_and(|p| p.proposer == ballot.approver);
    let recorded = record.verdict.as_ref().map(|v| &v.approvers);
    if digest != Some(ballot.digest.as_str()) {
        Some(Reason::plain(Code::OtherDigest))
    } else if own {
        Some(Reason::plain(Code::OwnProposal))
    } else if !listed(ballot, &world.verdict.approvers) || !recorded.is_none_or(|a| listed(ballot, a)) {
        Some(Reason::new(Code::NotAnApprover, format!("{} is not among the approvers", ballot.approver)))
    } else if world.now.duration_since(ballot.at) > ttl(record) {
        Some(Reason::plain(Code::ApprovalExpired))
    } else {
        None
    }
}

/// The first counted approval that has no receipt yet.
pub(super) fn unreceipted(record: &Record) -> Option<String> {
    let about = |c: &Counted| format!("Approval/{}", c.name);
    record
        .approvals
        .iter()
        .filter(|c| c.ignored.is_none())
        .map(about)
        .find(|about| !record.receipts.iter().any(|r| r.about == *about))
}
