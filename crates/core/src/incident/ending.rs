//! How an Incident ends, and how an ended one begins again.
//!
//! Owns the endings and what may lift them. Must never end an Incident without a reason. No IO.

use super::choose::{choose, lifted, may_be_lifted};
use super::decide::{Decision, Effect, lasted, open, propose};
use super::{Attempt, Case, Phase, REOPENS_WITHIN, RETENTION, Record};
use crate::mandate::Outcome;
use crate::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};

/// The longest pause between two proposals that were refused for the label or a mandate.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// How long an escalated Incident's finding must at least be gone before people are told so.
const CALM: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn end(record: Record, phase: Phase, reason: Reason, case: &Case<'_>) -> Decision {
    conclude(record, phase, reason, case.now)
}

pub(super) fn conclude(mut record: Record, phase: Phase, reason: Reason, now: Timestamp) -> Decision {
    record.phase = phase;
    record.proposing = false;
    record.reason = Some(reason);
    record.ended_at = Some(now);
    if phase == Phase::Escalated {
        Decision::rest(record)
    } else {
        record.diff.clear();
        Decision::wait(record, RETENTION)
    }
}

pub(super) fn escalate(mut record: Record, reason: Reason, last: Option<&Attempt>, case: &Case<'_>) -> Decision {
    record.diff = last.map(|a| a.diff.clone()).unwrap_or_default();
    end(record, Phase::Escalated, reason, case)
}

/// The finding does not hold: the Incident ends once that lasts, or the subject is gone.
pub(super) fn fading(record: Record, hold: SignedDuration, case: &Case<'_>) -> Decision {
    if !case.subject_exists {
        return end(record, Phase::Dismissed, Reason::plain(Code::SubjectGone), case);
    }
    let left = hold - lasted(&record, case.now);
    if left > SignedDuration::ZERO {
        return Decision::wait(record, left);
    }
    end(record, Phase::Resolved, Reason::plain(Code::FindingGone), case)
}

pub(super) fn reopen(record: &mut Record, ended: Timestamp, now: Timestamp) {
    let soon = now.duration_since(ended) <= REOPENS_WITHIN;
    record.count = if soon { record.count + 1 } else { 1 };
    record.began = now;
    record.presence.since = now;
    if record.returns.last() != Some(&now) {
        record.note_return(now);
    }
    record.primed = false;
    record.phase = Phase::Open;
    record.reason = None;
    record.ended_at = None;
    record.diff.clear();
}

pub(super) fn ended(mut record: Record, case: &Case<'_>) -> Decision {
    let ended = record.ended_at.unwrap_or(case.now);
    if case.finding.is_some() {
        reopen(&mut record, ended, case.now);
        return open(record, case);
    }
    kept(record, ended, case.now)
}

pub(super) fn kept(record: Record, ended: Timestamp, now: Timestamp) -> Decision {
    let left = RETENTION - now.duration_since(ended);
    if left > SignedDuration::ZERO {
        return Decision::wait(record, left);
    }
    Decision { record, effect: Some(Effect::Forget), recheck: None }
}

pub(super) fn escalated(record: Record, case: &Case<'_>) -> Decision {
    let ended = record.ended_at.unwrap_or(case.now);
    if case.finding.is_none() && !case.subject_exists {
        return kept(record, ended, case.now);
    }
    if case.finding.is_none() {
        return fading(record, (case.limits.hold() * 4).max(CALM), case);
    }
    let code = record.reason.as_ref().map(|r| r.code);
    let open = code.is_some_and(|c| may_be_lifted(c) || matches!(c, Code::NoCandidate | Code::ApprovalExpired));
    let allowed = choose(&record, case).filter(|c| c.outcome != Outcome::Refused);
    let Some(choice) = allowed.filter(|_| open) else {
        return Decision::rest(record);
    };
    let left = pause(&record, case) - case.now.duration_since(ended);
    if let Some((_, calm_in)) = &case.storm {
        return Decision::wait(record, *calm_in);
    }
    if left > SignedDuration::ZERO || case.busy {
        return Decision::wait(record, left.max(SignedDuration::from_secs(1)));
    }
    propose(record, choice, case)
}

/// Each refusal for the label or a mandate doubles the pause before the next proposal: what this
/// process sees of them may be older than what the executor sees.
fn pause(record: &Record, case: &Case<'_>) -> SignedDuration {
    let refused = case.attempts.iter().rev().filter(|a| a.created >= record.began);
    let times = refused.take_while(|a| lifted(a)).count();
    let doubled = 1_i64 << times.saturating_sub(1).min(16);
    (SignedDuration::from_millis(500) * i32::try_from(doubled).unwrap_or(i32::MAX)).min(LONGEST_PAUSE)
}
