//! The whole story of a change.
//!
//! Owns what `bailiwick show` says of one. Must never assert what the record does not hold. No IO.

use super::list::short_ref;
use super::{action, phase_role, plan, timeline};
use crate::sheet::Sheet;
use crate::style::{Look, Role};
use crate::table::{Cell, Table, cut, whole};
use crate::when;
use bailiwick_api::conditions::HINDERED;
use bailiwick_api::{Change, Incident};
use bailiwick_core::catalogue::entry;
use bailiwick_core::finding::Evidence;
use bailiwick_core::life::{Counted, DecisionKind, Execution, Phase, Purpose, Record};
use bailiwick_core::mandate::{Outcome, Verdict};
use jiff::SignedDuration;

/// A change with what is known beside it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The change.
    pub change: &'a Change,
    /// The incident it answers, where it could be read.
    pub incident: Option<&'a Incident>,
    /// How the program is called, for what to do next.
    pub called: &'a str,
}

/// The page.
pub fn page(told: &Told<'_>, look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    head(&mut sheet, told);
    evidence(&mut sheet, told);
    let Some(record) = &told.change.status else {
        sheet.heading("Nothing is recorded yet");
        sheet.say(2, Role::Warn, "the operator has not taken it up: bailiwick status says whether it runs");
        return sheet.finish();
    };
    if let Some(verdict) = &record.verdict {
        put_verdict(&mut sheet, verdict);
        deadline(&mut sheet, record, verdict);
    }
    if let Some(found) = &record.plan {
        sheet.heading("Plan");
        plan::put(&mut sheet, found);
    }
    approvals(&mut sheet, record);
    for execution in &record.executions {
        put_execution(&mut sheet, execution);
    }
    verification(&mut sheet, record);
    receipts(&mut sheet, record);
    timeline::put(&mut sheet, &timeline::moments(told.change));
    next(&mut sheet, told, record);
    sheet.finish()
}

fn head(sheet: &mut Sheet, told: &Told<'_>) {
    let (meta, spec) = (&told.change.metadata, &told.change.spec);
    let name = meta.name.clone().unwrap_or_default();
    let namespace = meta.namespace.clone().unwrap_or_default();
    sheet.heading(&format!("Change {namespace}/{name}"));
    let phase = told.change.status.as_ref().map_or(Phase::Proposed, |r| r.phase);
    sheet.field_as(phase_role(phase), "Phase", phase.as_str());
    if let Some(reason) = told.change.status.as_ref().and_then(|r| r.reason.as_ref()) {
        sheet.field_as(phase_role(phase), "Because", &format!("{}: {}", reason.code, reason.message));
        if reason.message != reason.code.meaning() {
            sheet.field_as(Role::Dim, "That means", reason.code.meaning());
        }
    }
    let mut conditions = told.change.status.iter().flat_map(|r| &r.conditions);
    if let Some(hindered) = conditions.find(|c| c.kind == HINDERED) {
        let since = when::stamp(hindered.last_transition_time);
        sheet.field_as(Role::Bad, "Hindered", &format!("{} since {since}: {}", hindered.reason, hindered.message));
        sheet.field_as(Role::Dim, "That means", "the operator cannot go on, and tries again and again");
    }
    sheet.field("Type", &format!("{}: {}", spec.change_type, entry(spec.change_type).effect));
    sheet
        .field("Target", &format!("{} (uid {})", spec.target, spec.target.uid.as_ref().map_or("none", |u| u.as_str())));
    sheet.field("What", &action::sentence(&spec.action));
    for (name, value, origin) in action::parameters(&spec.action) {
        sheet.field("Value", &format!("{name} = {value}, {origin}"));
    }
    sheet.field("Proposer", &spec.proposer);
    sheet.field("Reason given", if spec.reason.text.is_empty() { "none" } else { &spec.reason.text });
    if let Some(undone) = &spec.undoes {
        sheet.field("Undoes", &format!("change {}", undone.name));
    }
}

fn evidence(sheet: &mut Sheet, told: &Told<'_>) {
    let spec = &told.change.spec;
    let Some(named) = &spec.incident_ref else {
        if !spec.reason.evidence.is_empty() {
            sheet.heading("Evidence");
            for id in &spec.reason.evidence {
                sheet.line(2, Role::Plain, id);
            }
        }
        return;
    };
    sheet.heading(&format!("Incident {}", named.name));
    let Some(incident) = told.incident else {
        sheet.say(2, Role::Dim, "it cannot be read, or is gone; the evidence is named by id only");
        for id in &spec.reason.evidence {
            sheet.line(2, Role::Plain, id);
        }
        return;
    };
    let status = incident.status.clone().unwrap_or_default();
    sheet.field("Cause", incident.spec.cause.as_str());
    sheet.field("Subject", &incident.spec.subject.to_string());
    if let Some(diagnosis) = &status.diagnosis {
        sheet.field("Diagnosis", &diagnosis.text);
    }
    put_evidence(sheet, &status.evidence);
}

/// Puts pieces of evidence on a page: what was read, where.
pub fn put_evidence(sheet: &mut Sheet, evidence: &[Evidence]) {
    for piece in evidence {
        sheet.pieces(
            2,
            &[(Role::Dim, "• "), (Role::Plain, &short_ref(&piece.object)), (Role::Dim, &format!("  {}", piece.id))],
        );
        sheet.say(6, Role::Plain, &piece.value);
    }
}

fn put_verdict(sheet: &mut Sheet, verdict: &Verdict) {
    sheet.heading("Verdict");
    let (words, role) = match verdict.outcome {
        Outcome::PreApproved => ("pre-approved", Role::Good),
        Outcome::NeedsApproval => ("needs approval", Role::Warn),
        Outcome::Refused => ("refused", Role::Bad),
    };
    sheet.field_as(role, "Outcome", words);
    sheet.field("Mandate", verdict.mandate.as_deref().unwrap_or("none has a rule for it"));
    for reason in &verdict.reasons {
        sheet.field("Because", &format!("{}: {}", reason.code, reason.message));
    }
    if verdict.outcome == Outcome::NeedsApproval {
        let people = [&verdict.approvers.users[..], &verdict.approvers.groups[..]].concat();
        let who = if people.is_empty() { "whoever holds the verb approve".to_owned() } else { people.join(", ") };
        sheet.field("Approvers", &format!("{} of: {who}", verdict.quorum));
    }
}

/// Until when a decision is waited for, by the limits that the verdict froze.
fn deadline(sheet: &mut Sheet, record: &Record, verdict: &Verdict) {
    let asked = record.timeline.iter().rev().find(|t| t.phase == Phase::AwaitingApproval);
    let (Phase::AwaitingApproval, Some(asked)) = (record.phase, asked) else { return };
    let Ok(end) = asked.at.checked_add(SignedDuration::from_secs(i64::from(verdict.limits.approval_ttl_seconds)))
    else {
        return;
    };
    let left = when::human(end.duration_since(sheet.look().now));
    sheet.field("Expires", &format!("{} (in {left})", when::stamp(end)));
}

fn approvals(sheet: &mut Sheet, record: &Record) {
    if record.approvals.is_empty() {
        return;
    }
    sheet.heading("Approvals");
    let mut table =
        Table::new(vec![whole("WHO"), whole("DECISION"), whole("AT"), whole("COUNTS"), cut("WORDS")]).indented(2);
    for counted in &record.approvals {
        table.push(approval_row(counted));
    }
    sheet.table(&table);
}

fn approval_row(counted: &Counted) -> Vec<Cell> {
    let role = match counted.decision {
        DecisionKind::Approve => Role::Good,
        DecisionKind::Reject => Role::Bad,
    };
    let counts = match &counted.ignored {
        None => Cell::new("yes").role(Role::Good),
        Some(why) => Cell::new(format!("no: {}", why.code)).role(Role::Warn),
    };
    let decision = match counted.decision {
        DecisionKind::Approve => "Approve",
        DecisionKind::Reject => "Reject",
    };
    vec![
        Cell::new(&counted.approver),
        Cell::new(decision).role(role),
        Cell::new(when::stamp(counted.at)),
        counts,
        Cell::new(&counted.reason),
    ]
}

fn put_execution(sheet: &mut Sheet, execution: &Execution) {
    let title = match execution.purpose {
        Purpose::Plan => "Dry run",
        Purpose::Apply => "Write",
        Purpose::RollBack => "Way back",
    };
    sheet.heading(title);
    let grant = &execution.grant;
    sheet.field("Account", &grant.account);
    match grant.revoked_at {
        Some(at) => {
            let life = when::precise(at.duration_since(grant.granted_at));
            sheet.field("Grant", &format!("{} to {}, {life}", when::clock(grant.granted_at), when::clock(at)));
        }
        None => sheet.field_as(Role::Warn, "Grant", &format!("{}, not yet revoked", when::clock(grant.granted_at))),
    }
    match (&grant.proof, grant.proved_at) {
        (Some(proof), Some(_)) => sheet.field_as(Role::Good, "Fence proof", &format!("refused as it must be: {proof}")),
        (_, Some(_)) => sheet.field_as(Role::Good, "Fence proof", "proved"),
        (_, None) => sheet.field_as(Role::Warn, "Fence proof", "not proved"),
    }
    match execution.applied_at {
        Some(at) => {
            let version = execution.resource_version.as_deref().unwrap_or("unknown");
            sheet.field_as(Role::Good, "Written", &format!("{} (resourceVersion {version})", when::clock(at)));
        }
        None => sheet.field("Written", "not known to have been"),
    }
    if execution.attempts > 1 {
        sheet.field("Attempts", &execution.attempts.to_string());
    }
    if let Some(outcome) = &execution.outcome {
        sheet.field("Outcome", &format!("{}: {}", outcome.code, outcome.message));
    }
}

fn verification(sheet: &mut Sheet, record: &Record) {
    let Some(seen) = &record.verification else { return };
    sheet.heading("Verification");
    sheet.field("Observed", if seen.observed.is_empty() { "nothing yet" } else { &seen.observed });
    if let Some(since) = seen.holding_since {
        sheet.field("Holds since", &when::stamp(since));
    }
}

fn receipts(sheet: &mut Sheet, record: &Record) {
    if record.receipts.is_empty() {
        return;
    }
    sheet.heading("Receipts");
    let mut table = Table::new(vec![whole("RECEIPT"), whole("ABOUT"), cut("HASH")]).indented(2);
    for receipt in &record.receipts {
        table.push(vec![Cell::new(&receipt.name), Cell::new(&receipt.about), Cell::new(&receipt.hash)]);
    }
    sheet.table(&table);
}

fn next(sheet: &mut Sheet, told: &Told<'_>, record: &Record) {
    let meta = &told.change.metadata;
    let at =
        format!("{} -n {}", meta.name.as_deref().unwrap_or_default(), meta.namespace.as_deref().unwrap_or_default());
    let called = told.called;
    let lines: Vec<String> = match record.phase {
        Phase::AwaitingApproval => vec![format!("{called} approve {at}"), format!("{called} reject {at}")],
        Phase::Recovered if record.plan.as_ref().is_some_and(|p| p.undoable) => vec![format!("{called} undo {at}")],
        _ => return,
    };
    sheet.heading("Next");
    for line in lines {
        sheet.line(2, Role::Key, &line);
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
