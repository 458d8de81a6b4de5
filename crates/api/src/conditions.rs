//! The standard conditions of a Change, projected from its record.
//!
//! Owns their types and meaning. Must never assert what the record does not prove. No IO.

use bailiwick_core::life::{Condition, Execution, Grant, Phase, Purpose, Record};
use bailiwick_core::plan::DryRun;
use jiff::Timestamp;

/// A plan exists; the reason says whether the API server confirmed it.
pub const PLANNED: &str = "Planned";
/// The mandate or the humans it asks for said yes.
pub const APPROVED: &str = "Approved";
/// The fence was seen to hold for the latest write's account.
pub const FENCE_PROVED: &str = "FenceProved";
/// The write is known to have happened.
pub const APPLIED: &str = "Applied";
/// No authority of this Change is left.
pub const REVOKED: &str = "Revoked";
/// The workload recovered.
pub const RECOVERED: &str = "Recovered";
/// The Change has ended.
pub const ENDED: &str = "Ended";
/// The ending has a receipt.
pub const RECEIPTED: &str = "Receipted";
/// Something keeps the operator from going on; it tries again with growing pauses. Absent otherwise.
pub const HINDERED: &str = "Hindered";

/// Other people's words may be long.
const MESSAGE_CAP: usize = 1000;

/// What one condition says, before its time is known.
struct Claim {
    kind: &'static str,
    status: &'static str,
    reason: String,
    message: String,
}

fn claim(kind: &'static str, status: &'static str, reason: &str, message: &str) -> Claim {
    Claim { kind, status, reason: reason.to_owned(), message: message.to_owned() }
}

const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// Has a record say what keeps the operator from going on.
pub fn hinder(record: &mut Record, reason: &str, message: &str, now: Timestamp) {
    let since = record.conditions.iter().find(|c| c.kind == HINDERED).map_or(now, |c| c.last_transition_time);
    free(record);
    record.conditions.push(Condition {
        kind: HINDERED.to_owned(),
        status: TRUE.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_CAP).collect(),
        last_transition_time: since,
        observed_generation: record.observed_generation,
    });
}

/// Nothing keeps the operator from going on any more.
pub fn free(record: &mut Record) {
    record.conditions.retain(|c| c.kind != HINDERED);
}

/// The conditions of a record. A condition that says what it said before keeps its time.
pub fn conditions(record: &Record, now: Timestamp) -> Vec<Condition> {
    [
        planned(record),
        approved(record),
        fence_proved(record),
        applied(record),
        revoked(record),
        recovered(record),
        ended(record),
        receipted(record),
    ]
    .into_iter()
    .map(|claim| {
        let before = record.conditions.iter().find(|c| c.kind == claim.kind);
        let since = before.filter(|c| c.status == claim.status).map_or(now, |c| c.last_transition_time);
        Condition {
            kind: claim.kind.to_owned(),
            status: claim.status.to_owned(),
            reason: claim.reason,
            message: claim.message,
            last_transition_time: since,
            observed_generation: record.observed_generation,
        }
    })
    .chain(record.conditions.iter().filter(|c| c.kind == HINDERED).cloned())
    .collect()
}

fn planned(record: &Record) -> Claim {
    match &record.plan {
        None => claim(PLANNED, FALSE, "NoPlan", "There is no plan."),
        Some(plan) if !plan.is_intact() => {
            let message = "The recorded plan does not match its digest.";
            claim(PLANNED, FALSE, "PlanAltered", message)
        }
        Some(plan) => match plan.dry_run {
            DryRun::Server => {
                let message = "Two equal dry runs on the API server gave the result.";
                claim(PLANNED, TRUE, "DryRun", message)
            }
            DryRun::NotDryRun => {
                let message = "The result was computed without a dry run and is never executed.";
                claim(PLANNED, TRUE, "NotDryRun", message)
            }
        },
    }
}

fn approved(record: &Record) -> Claim {
    let (status, reason, message) = match record.phase {
        Phase::Refused => (FALSE, "Refused", "It is not allowed."),
        Phase::Rejected => (FALSE, "Rejected", "A person said no."),
        Phase::Expired => (FALSE, "Expired", "Nobody decided in time."),
        Phase::AwaitingApproval => (FALSE, "AwaitingApproval", "A human must decide."),
        Phase::Proposed | Phase::Planned => (UNKNOWN, "Undecided", "It is not decided yet."),
        Phase::PreApproved
        | Phase::Approved
        | Phase::Granting
        | Phase::Executing
        | Phase::Verifying
        | Phase::RollingBack
        | Phase::Recovered
        | Phase::RolledBack
        | Phase::Failed
        | Phase::Cancelled => match decided_by(record) {
            Some((reason, message)) => (TRUE, reason, message),
            None => (FALSE, "Undecided", "It ended before it was decided."),
        },
    };
    claim(APPROVED, status, reason, message)
}

/// Who said yes last: a plan that was made again may need another yes.
fn decided_by(record: &Record) -> Option<(&'static str, &'static str)> {
    let latest = record
        .timeline
        .iter()
        .rev()
        .map(|t| t.phase)
        .find(|p| matches!(p, Phase::PreApproved | Phase::Approved | Phase::AwaitingApproval));
    match latest.unwrap_or(record.phase) {
        Phase::PreApproved => Some(("PreApproved", "The mandate pre-approves it.")),
        Phase::Approved => Some(("Approved", "It has the approvals it needs.")),
        _ => None,
    }
}

/// The latest write of the Change itself, or of its way back.
fn latest(record: &Record) -> Option<&Execution> {
    record.executions.last()
}

fn fence_proved(record: &Record) -> Claim {
    match latest(record) {
        None => claim(FENCE_PROVED, UNKNOWN, "NoGrant", "No write was granted."),
        Some(execution) if execution.grant.proved_at.is_some() => {
            let message = "A forbidden dry run was refused and the planned one admitted.";
            claim(FENCE_PROVED, TRUE, "Proved", message)
        }
        Some(_) => claim(FENCE_PROVED, FALSE, "Unproved", "The fence was not seen to hold for this write."),
    }
}

fn applied(record: &Record) -> Claim {
    let write = record.executions.iter().rev().find(|e| e.purpose == Purpose::Apply);
    match write {
        Some(execution) if execution.is_applied() => {
            let code = execution.outcome.as_ref().map_or("Written", |r| r.code.as_str());
            claim(APPLIED, TRUE, code, "The write is known to have happened.")
        }
        Some(execution) => match &execution.outcome {
            Some(reason) => claim(APPLIED, FALSE, reason.code.as_str(), &reason.message),
            None => claim(APPLIED, UNKNOWN, "UnderWay", "The write may be under way."),
        },
        None => claim(APPLIED, FALSE, "NotExecuted", "Nothing was written."),
    }
}

fn grants(record: &Record) -> impl Iterator<Item = &Grant> {
    let writes = record.executions.iter().map(|e| &e.grant);
    record.planning.iter().chain(writes)
}

fn revoked(record: &Record) -> Claim {
    let live: Vec<&str> = grants(record).filter(|g| g.revoked_at.is_none()).map(|g| g.account.as_str()).collect();
    if live.is_empty() {
        return claim(REVOKED, TRUE, "NoneLive", "No authority of this change is left.");
    }
    let message = format!("Not yet revoked: {}.", live.join(", "));
    claim(REVOKED, FALSE, "Live", &message)
}

fn recovered(record: &Record) -> Claim {
    let why = record.reason.as_ref();
    let message = why.map_or("", |r| r.message.as_str());
    let code = why.map_or(record.phase.as_str(), |r| r.code.as_str());
    match record.phase {
        Phase::Recovered => claim(RECOVERED, TRUE, code, message),
        phase if phase.is_terminal() => claim(RECOVERED, FALSE, code, message),
        _ => claim(RECOVERED, UNKNOWN, "NotEnded", "The change has not ended."),
    }
}

fn ended(record: &Record) -> Claim {
    let status = if record.phase.is_terminal() { TRUE } else { FALSE };
    let message = record.reason.as_ref().map_or("", |r| r.message.as_str());
    claim(ENDED, status, record.phase.as_str(), message)
}

fn receipted(record: &Record) -> Claim {
    let about = record.phase.as_str();
    match record.receipts.iter().rev().find(|r| r.about == about) {
        Some(receipt) => {
            let message = format!("Receipt {} states it.", receipt.name);
            claim(RECEIPTED, TRUE, "Receipted", &message)
        }
        None => claim(RECEIPTED, FALSE, "NoReceipt", "There is no receipt of an ending yet."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::life::{ReceiptRef, Transition};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn status<'a>(all: &'a [Condition], kind: &str) -> &'a str {
        &all.iter().find(|c| c.kind == kind).unwrap().status
    }

    fn grant(revoked: bool) -> Grant {
        Grant {
            account: "bwk-1-p1".into(),
            purpose: Purpose::Plan,
            granted_at: at(1),
            proved_at: None,
            proof: None,
            revoked_at: revoked.then(|| at(2)),
        }
    }

    #[test]
    fn an_empty_record_claims_nothing_but_that_nothing_is_granted() {
        let all = conditions(&Record::default(), at(5));
        assert_eq!(status(&all, PLANNED), "False");
        assert_eq!(status(&all, APPROVED), "Unknown");
        assert_eq!(status(&all, FENCE_PROVED), "Unknown");
        assert_eq!(status(&all, APPLIED), "False");
        assert_eq!(status(&all, REVOKED), "True");
        assert_eq!(status(&all, RECOVERED), "Unknown");
    }

    #[test]
    fn a_live_grant_is_never_shown_as_revoked() {
        let mut record = Record { planning: Some(grant(false)), ..Record::default() };
        assert_eq!(status(&conditions(&record, at(5)), REVOKED), "False");
        record.planning = Some(grant(true));
        assert_eq!(status(&conditions(&record, at(5)), REVOKED), "True");
    }

    #[test]
    fn a_failure_after_a_withdrawn_yes_is_not_shown_as_approved() {
        let step = |phase| Transition { phase, at: at(1), reason: None };
        let record = Record {
            phase: Phase::Cancelled,
            timeline: vec![step(Phase::Approved), step(Phase::AwaitingApproval)],
            ..Record::default()
        };
        assert_eq!(status(&conditions(&record, at(5)), APPROVED), "False");
    }

    #[test]
    fn what_hinders_is_told_until_it_does_no_more() {
        let mut record = Record::default();
        hinder(&mut record, "RequestFailed", &"é".repeat(2000), at(5));
        record.conditions = conditions(&record, at(6));
        hinder(&mut record, "NotPermitted", "no", at(7));
        record.conditions = conditions(&record, at(8));
        let found: Vec<_> = record.conditions.iter().filter(|c| c.kind == HINDERED).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].reason.as_str(), found[0].last_transition_time), ("NotPermitted", at(5)));
        free(&mut record);
        assert!(conditions(&record, at(9)).iter().all(|c| c.kind != HINDERED));
    }

    #[test]
    fn times_move_only_with_the_status() {
        let mut record = Record::default();
        record.conditions = conditions(&record, at(5));
        let again = conditions(&record, at(9));
        assert!(again.iter().all(|c| c.last_transition_time == at(5)));
        record.phase = Phase::Recovered;
        record.receipts.push(ReceiptRef {
            name: "000000000001".into(),
            about: "Recovered".into(),
            hash: String::new(),
        });
        let later = conditions(&record, at(12));
        assert_eq!(status(&later, RECOVERED), "True");
        assert_eq!(status(&later, RECEIPTED), "True");
        let planned = later.iter().find(|c| c.kind == PLANNED).unwrap();
        assert_eq!(planned.last_transition_time, at(5));
    }
}
