//! What it takes to begin a write, written anew from the design.
//!
//! Owns the rule that the checker holds every intent against. It looks at the truth of the moment
//! of the look, and never at what the driver made of it.

use crate::history::Seen;
use crate::setting::{APPROVAL_TTL, APPROVERS};
use bailiwick_core::life::{DecisionKind, Execution, Purpose, Record};
use bailiwick_core::mandate::Outcome;
use std::collections::BTreeSet;

/// Whether this execution might be begun; what is missing, if anything is.
pub(crate) fn permit(
    run: &Execution,
    record: &Record,
    seen: &Seen,
    proposer: &str,
    change: usize,
) -> Result<(), String> {
    let truth = &seen.truth;
    let plan = if run.purpose == Purpose::RollBack { &record.undo_plan } else { &record.plan };
    let plan = plan.as_ref().filter(|p| p.is_executable() && p.digest == run.digest);
    let grounds = [
        (plan.is_some(), "its plan is not the recorded one"),
        (run.attempts == 1, "it is begun again"),
        (run.outcome.is_none() && run.grant.revoked_at.is_none(), "its execution has ended"),
        (!truth.suspended, "all is suspended"),
        (truth.key, "nobody can sign"),
        (truth.fence, "the fence's policies are absent"),
        (truth.namespace && truth.territory, "the ground is gone"),
    ];
    if let Some((_, why)) = grounds.iter().find(|(holds, _)| !holds) {
        return Err((*why).to_owned());
    }
    if run.purpose == Purpose::RollBack || truth.outcome == Outcome::PreApproved {
        return rejected(seen, change, run.purpose);
    }
    if truth.outcome == Outcome::Refused {
        return Err("the mandate refuses".into());
    }
    let mine = truth.ballots.iter().filter(|(of, _)| *of == change).map(|(_, ballot)| ballot);
    let counts = mine.filter(|b| {
        let age = seen.at.duration_since(b.at).as_secs();
        b.decision == DecisionKind::Approve
            && b.digest == run.digest
            && b.approver != proposer
            && APPROVERS.contains(&b.approver.as_str())
            && age <= APPROVAL_TTL
    });
    let people: BTreeSet<&str> = counts.map(|b| b.approver.as_str()).collect();
    if people.len() < usize::try_from(truth.quorum).unwrap_or(usize::MAX) {
        return Err(format!("{} of {} people approve", people.len(), truth.quorum));
    }
    rejected(seen, change, run.purpose)
}

/// A person's no stands above everything but the way back.
fn rejected(seen: &Seen, change: usize, purpose: Purpose) -> Result<(), String> {
    let mut mine = seen.truth.ballots.iter().filter(|(of, _)| *of == change).map(|(_, ballot)| ballot);
    let no = mine.any(|b| b.decision == DecisionKind::Reject && APPROVERS.contains(&b.approver.as_str()));
    if no && purpose == Purpose::Apply { Err("a person rejected it".into()) } else { Ok(()) }
}
