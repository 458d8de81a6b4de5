//! One pure decision: from the record and the case to the next record and at most one effect.
//!
//! Owns the steps between an Incident's phases. Must never propose while a Change of the same
//! Incident is under way, and must never end an Incident without a reason. No IO.

use super::choose::{Choice, choose};
use super::ending::{end, ended, escalate, escalated, fading, reopen};
use super::{Attempt, Case, Phase, Record};
use crate::finding::{Candidate, Finding};
use crate::guards::flapping;
use crate::life;
use crate::names::ObjectName;
use crate::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};

/// How soon to look again where something else must end first.
const SOON: SignedDuration = SignedDuration::from_secs(5);
/// How long after the healthy delay a finding without candidates waits for one to ripen.
const SETTLING: SignedDuration = SignedDuration::from_secs(10);
/// How long a finding without candidates waits for a neighbour's Change to mend it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What the caller shall do after persisting the record. Each is safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Create the Change of that name.
    Propose {
        /// Its name, which the record holds.
        name: ObjectName,
        /// What it does.
        candidate: Box<Candidate>,
    },
    /// Delete the Incident: it ended long ago.
    Forget,
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
    pub(super) fn rest(record: Record) -> Self {
        Self { record, effect: None, recheck: None }
    }

    pub(super) fn wait(record: Record, recheck: SignedDuration) -> Self {
        Self { record, effect: None, recheck: Some(recheck.max(SignedDuration::from_millis(50))) }
    }
}

/// Decides.
pub fn decide(record: &Record, case: &Case<'_>) -> Decision {
    let mut next = record.clone();
    match case.finding {
        Some(finding) => {
            if !next.presence.holds && !is_blink(&next, case) {
                next.note_return(case.now);
            }
            next.see(finding, case.now);
        }
        None => next.miss(case.now),
    }
    match next.phase {
        Phase::Open => open(next, case),
        Phase::Changing => changing(next, case),
        Phase::Escalated => escalated(next, case),
        Phase::Resolved | Phase::Dismissed => ended(next, case),
    }
}

/// True where the finding was gone so shortly that a rollout's usual course explains it.
fn is_blink(record: &Record, case: &Case<'_>) -> bool {
    lasted(record, case.now) * 4 < case.limits.hold()
}

/// How long the finding has been as it is.
pub(super) fn lasted(record: &Record, now: Timestamp) -> SignedDuration {
    now.duration_since(record.presence.since)
}

pub(super) fn open(mut record: Record, case: &Case<'_>) -> Decision {
    if let Some(active) = case.attempts.iter().find(|a| !a.phase.is_terminal()) {
        if record.changes.last() != Some(&active.name) {
            record.note_change(active.name.clone());
        }
        record.phase = Phase::Changing;
        return changing(record, case);
    }
    if case.finding.is_none() {
        return fading(record, case.limits.hold(), case);
    }
    let left = case.limits.healthy_delay() - lasted(&record, case.now);
    if left > SignedDuration::ZERO && case.storm.is_none() && too_often(&record, case).is_none() {
        return Decision::wait(record, left);
    }
    go_on(record, None, case)
}

fn too_often(record: &Record, case: &Case<'_>) -> Option<Reason> {
    flapping(record.count, &record.returns, case.limits, case.now)
}

/// Nothing is done one by one while Incidents of its cause come in a storm.
fn sit_out(mut record: Record, reason: Reason, calm_in: SignedDuration) -> Decision {
    record.phase = Phase::Open;
    record.proposing = false;
    record.reason = Some(reason);
    Decision::wait(record, calm_in)
}

/// Proposes the next candidate, or escalates with what the last one came to.
fn go_on(mut record: Record, last: Option<&Attempt>, case: &Case<'_>) -> Decision {
    if let Some((reason, calm_in)) = &case.storm {
        return sit_out(record, reason.clone(), *calm_in);
    }
    if let Some(reason) = too_often(&record, case) {
        return escalate(record, reason, last, case);
    }
    record.reason = None;
    if let Some(choice) = choose(&record, case) {
        if case.busy {
            return Decision::wait(record, SOON);
        }
        return propose(record, choice, case);
    }
    if let Some(last) = last {
        let reason = last.reason.clone();
        let reason = reason.unwrap_or_else(|| Reason::plain(Code::CandidatesSpent));
        return escalate(record, reason, Some(last), case);
    }
    let settles = case.limits.healthy_delay() + SETTLING - lasted(&record, case.now);
    if let Some(soon) = case.ripens.filter(|_| settles > SignedDuration::ZERO) {
        return Decision::wait(record, soon.min(settles));
    }
    // What is wrong here may be the shadow of what is being mended next door.
    if case.neighbours && lasted(&record, case.now) < PATIENCE {
        return Decision::wait(record, SOON);
    }
    let code = if case.choices.is_empty() { Code::NoCandidate } else { Code::CandidatesSpent };
    escalate(record, Reason::plain(code), None, case)
}

pub(super) fn propose(mut record: Record, choice: &Choice, case: &Case<'_>) -> Decision {
    let Some(name) = next_name(&record, case) else {
        return escalate(record, Reason::plain(Code::CandidatesSpent), None, case);
    };
    record.note_change(name.clone());
    record.phase = Phase::Changing;
    record.proposing = true;
    record.reason = None;
    record.ended_at = None;
    record.diff.clear();
    make(record, name, choice)
}

fn make(record: Record, name: ObjectName, choice: &Choice) -> Decision {
    let candidate = Box::new(choice.candidate.clone());
    Decision { record, effect: Some(Effect::Propose { name, candidate }), recheck: Some(SOON) }
}

/// `<incident>-<n>`, n counting on from every such name in sight.
fn next_name(record: &Record, case: &Case<'_>) -> Option<ObjectName> {
    let number = |name: &ObjectName| {
        let tail = name.as_str().strip_prefix(case.name)?.strip_prefix('-')?;
        tail.parse::<u32>().ok()
    };
    let known = record.changes.iter().chain(case.taken).filter_map(number);
    let next = known.max().unwrap_or(0).checked_add(1)?;
    ObjectName::parse(format!("{}-{next}", case.name)).ok()
}

fn changing(mut record: Record, case: &Case<'_>) -> Decision {
    let name = record.changes.last().cloned();
    let attempt = case.attempts.iter().find(|a| Some(&a.name) == name.as_ref());
    let Some(attempt) = attempt else {
        return unmade(record, name, case);
    };
    record.proposing = false;
    if attempt.phase.is_terminal() {
        return outcome(record, attempt, case);
    }
    // Nobody need decide on what mended itself.
    if attempt.phase == life::Phase::AwaitingApproval && case.finding.is_none() {
        return fading(record, case.limits.hold(), case);
    }
    // The executor asks people as well before it begins.
    if let Some(reason) = too_often(&record, case).filter(|_| case.finding.is_some() && !attempt.phase.has_begun()) {
        return escalate(record, reason, Some(attempt), case);
    }
    Decision::rest(record)
}

/// The Change that the record names was not seen.
fn unmade(mut record: Record, name: Option<ObjectName>, case: &Case<'_>) -> Decision {
    if case.finding.is_none() {
        return fading(record, case.limits.hold(), case);
    }
    let Some(name) = name.filter(|_| record.proposing) else {
        let why = "the change was deleted before it ended";
        return escalate(record, Reason::new(Code::ChangeGone, why), None, case);
    };
    let Some(choice) = choose(&record, case) else {
        record.phase = Phase::Open;
        record.proposing = false;
        return go_on(record, case.attempts.last(), case);
    };
    if case.taken.contains(&name) {
        return propose(record, choice, case);
    }
    make(record, name, choice)
}

/// The last Change ended.
fn outcome(record: Record, last: &Attempt, case: &Case<'_>) -> Decision {
    let reason = || last.reason.clone().unwrap_or_else(|| Reason::plain(Code::Held));
    if !case.subject_exists {
        return end(record, Phase::Dismissed, Reason::plain(Code::SubjectGone), case);
    }
    match (last.phase, case.finding) {
        (life::Phase::Recovered, None) => end(record, Phase::Resolved, reason(), case),
        (life::Phase::Recovered, Some(finding)) => unmended(record, last, finding, case),
        (life::Phase::Rejected, Some(_)) => escalate(record, reason(), Some(last), case),
        (life::Phase::Refused, Some(_)) if is_about_target(reason().code) => {
            escalate(record, reason(), Some(last), case)
        }
        (life::Phase::Failed, None) => escalate(record, reason(), Some(last), case),
        // What comes back too often tells people more than that its last turn was not waited out.
        (life::Phase::RolledBack, None) => {
            let reason = too_often(&record, case).unwrap_or_else(reason);
            escalate(record, reason, Some(last), case)
        }
        (_, None) => fading(record, case.limits.hold(), case),
        (_, Some(_)) => go_on(record, Some(last), case),
    }
}

/// True where no other change of the same target would fare better.
const fn is_about_target(code: Code) -> bool {
    matches!(code, Code::Protected | Code::ManagedElsewhere)
}

/// The Change's own oracle was satisfied, yet the finding holds: either it is back, or the index
/// has not caught up, or it was not mended.
fn unmended(mut record: Record, last: &Attempt, finding: &Finding, case: &Case<'_>) -> Decision {
    let Some(ended) = last.ended else {
        return go_on(record, Some(last), case);
    };
    if finding.since > ended {
        reopen(&mut record, ended, case.now);
        return open(record, case);
    }
    let left = case.limits.hold() - case.now.duration_since(ended);
    if left > SignedDuration::ZERO {
        return Decision::wait(record, left);
    }
    go_on(record, Some(last), case)
}
