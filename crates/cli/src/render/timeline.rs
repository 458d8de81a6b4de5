//! The life of a change, step by step, with times.
//!
//! Owns which moments are told and in what order. Must never tell a moment that is not recorded.
//! No IO.

use super::phase_role;
use crate::sheet::{Sheet, wrapped};
use crate::style::Role;
use crate::{safe, when};
use bailiwick_api::Change;
use bailiwick_core::life::{Counted, DecisionKind, Execution, Grant, Purpose, Record};
use jiff::Timestamp;

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What happened, in a word or two.
    pub what: String,
    /// Particulars.
    pub detail: String,
    /// How it is painted.
    pub role: Role,
}

fn moment(at: Timestamp, role: Role, what: &str, detail: impl Into<String>) -> Moment {
    Moment { at, what: what.to_owned(), detail: detail.into(), role }
}

/// Every recorded moment of a change, oldest first.
pub fn moments(change: &Change) -> Vec<Moment> {
    let mut all = Vec::new();
    if let Some(created) = &change.metadata.creation_timestamp {
        all.push(moment(created.0, Role::Plain, "Created", format!("by {}", change.spec.proposer)));
    }
    if let Some(record) = &change.status {
        of_record(record, &mut all);
    }
    // Moments of the same instant stay in the order of their causes: sorting is stable.
    all.sort_by_key(|m| m.at);
    all
}

fn of_record(record: &Record, all: &mut Vec<Moment>) {
    if let Some(grant) = &record.planning {
        of_start(grant, "dry runs only", all);
        // The account of a pre-approved plan goes on to write; its end is told once, there.
        if !record.executions.iter().any(|e| e.grant.account == grant.account) {
            of_end(grant, all);
        }
    }
    all.extend(record.approvals.iter().map(of_approval));
    for execution in &record.executions {
        of_execution(execution, all);
    }
    if let Some(since) = record.verification.as_ref().and_then(|v| v.holding_since) {
        all.push(moment(since, Role::Good, "Healthy", "holds since then without a break"));
    }
    for step in &record.timeline {
        let why = step.reason.as_ref().map(|r| format!("{}: {}", r.code, r.message)).unwrap_or_default();
        all.push(moment(step.at, phase_role(step.phase), step.phase.as_str(), why));
    }
    if let Some(ending) = record.ending.as_ref().filter(|_| !record.phase.is_terminal()) {
        let why = format!("{} is decided and waits for its receipt", ending.phase);
        all.push(moment(ending.at, phase_role(ending.phase), "Ending", why));
    }
}

fn of_start(grant: &Grant, what_for: &str, all: &mut Vec<Moment>) {
    all.push(moment(grant.granted_at, Role::Dim, "Grant", format!("{} ({what_for})", grant.account)));
}

fn of_end(grant: &Grant, all: &mut Vec<Moment>) {
    if let Some(at) = grant.revoked_at {
        let life = when::precise(at.duration_since(grant.granted_at));
        all.push(moment(at, Role::Dim, "Revoked", format!("{} after {life}, seen refused", grant.account)));
    }
}

fn of_approval(counted: &Counted) -> Moment {
    let (what, role) = match counted.decision {
        DecisionKind::Approve => ("Approval", Role::Good),
        DecisionKind::Reject => ("Rejection", Role::Bad),
    };
    let words = if counted.reason.is_empty() { String::new() } else { format!(" {:?}", counted.reason) };
    match &counted.ignored {
        None => moment(counted.at, role, what, format!("by {}{words}", counted.approver)),
        Some(why) => {
            let detail = format!("by {}{words}, not counted: {}", counted.approver, why.message);
            moment(counted.at, Role::Dim, what, detail)
        }
    }
}

fn of_execution(execution: &Execution, all: &mut Vec<Moment>) {
    let what_for = match execution.purpose {
        Purpose::Plan => "dry runs only",
        Purpose::Apply => "the write",
        Purpose::RollBack => "the way back",
    };
    of_start(&execution.grant, what_for, all);
    if let Some(at) = execution.grant.proved_at {
        all.push(moment(at, Role::Good, "Fence proved", "a forbidden dry run was refused, the planned one admitted"));
    }
    if let Some(at) = execution.started_at {
        all.push(moment(at, Role::Plain, "Write begun", ""));
    }
    if let Some(at) = execution.applied_at {
        let version = execution.resource_version.as_ref().map(|v| format!("resourceVersion {v}")).unwrap_or_default();
        all.push(moment(at, Role::Good, "Written", version));
    }
    of_end(&execution.grant, all);
}

/// Puts the timeline on a page.
pub fn put(sheet: &mut Sheet, moments: &[Moment]) {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
        sheet.line(2, Role::Dim, "nothing is recorded yet");
        return;
    };
    let span = when::precise(last.at.duration_since(first.at));
    sheet.heading(&format!("Timeline (from {}, {span})", when::stamp(first.at)));
    let widest = moments.iter().map(|m| m.what.chars().count()).max().unwrap_or_default().max(8);
    let mut before = first.at;
    for m in moments {
        let step = format!("+{}", when::precise(m.at.duration_since(before)));
        before = m.at;
        let head = format!("{}  {step:>8}  ", when::clock(m.at));
        let indent = 2 + head.chars().count() + widest + 2;
        let room = sheet.look().wrap().saturating_sub(indent).max(30);
        let mut lines = wrapped(&safe::line(&m.detail), room).into_iter();
        let what = format!("{:widest$}  ", m.what);
        sheet.pieces(2, &[(Role::Dim, &head), (m.role, &what), (Role::Plain, &lines.next().unwrap_or_default())]);
        for line in lines {
            sheet.line(indent, Role::Plain, &line);
        }
    }
}
