//! The whole story of an incident.
//!
//! Owns what `bailiwick show` says of one. Must never present a model's words as a finding. No IO.

use super::change::put_evidence;
use super::{action, incident_role, phase_role, severity_name, severity_role};
use crate::objects::Loaded;
use crate::sheet::Sheet;
use crate::style::{Look, Role};
use crate::table::{Cell, Table, cut, whole};
use crate::when;
use bailiwick_api::kinds::incident::{Diagnosis, DiagnosisSource};
use bailiwick_api::{Change, Incident, IncidentPhase, IncidentStatus};
use bailiwick_core::life::Phase;

/// The page; `changes` are those made for it, oldest first.
pub fn page(incident: &Incident, changes: &[Loaded<Change>], called: &str, look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    let status = incident.status.clone().unwrap_or_default();
    head(&mut sheet, incident, &status);
    if let Some(diagnosis) = &status.diagnosis {
        put_diagnosis(&mut sheet, diagnosis);
    }
    if !status.evidence.is_empty() {
        sheet.heading("Evidence");
        put_evidence(&mut sheet, &status.evidence);
    }
    put_changes(&mut sheet, &status, changes);
    if !status.candidates.is_empty() {
        sheet.heading("What would mend it");
        for candidate in &status.candidates {
            let line = format!(
                "{} on {}: {}",
                candidate.action.change_type(),
                candidate.target,
                action::sentence(&candidate.action)
            );
            sheet.pieces(2, &[(Role::Dim, "• "), (Role::Plain, &line)]);
            sheet.say(6, Role::Dim, &candidate.why);
        }
    }
    if !status.diff.is_empty() {
        sheet.heading("Ready diff");
        sheet.diff(2, &status.diff);
    }
    next(&mut sheet, incident, &status, called);
    sheet.finish()
}

fn head(sheet: &mut Sheet, incident: &Incident, status: &IncidentStatus) {
    let meta = &incident.metadata;
    sheet.heading(&format!(
        "Incident {}/{}",
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default()
    ));
    sheet.field_as(incident_role(status.phase), "Phase", status.phase.as_str());
    if let Some(reason) = &status.reason {
        sheet.field_as(incident_role(status.phase), "Because", &format!("{}: {}", reason.code, reason.message));
        if reason.message != reason.code.meaning() {
            sheet.field_as(Role::Dim, "That means", reason.code.meaning());
        }
    }
    sheet.field("Cause", incident.spec.cause.as_str());
    sheet.field("Subject", &incident.spec.subject.to_string());
    if let Some(container) = &incident.spec.container {
        sheet.field("Container", container.as_str());
    }
    if let Some(severity) = status.severity {
        sheet.field_as(severity_role(severity), "Severity", severity_name(severity));
    }
    let seen = |label, at: Option<jiff::Timestamp>, sheet: &mut Sheet| {
        if let Some(at) = at {
            let age = when::age(Some(at), sheet.look().now);
            sheet.field(label, &format!("{} ({age} ago)", when::stamp(at)));
        }
    };
    seen("First seen", status.first_seen, sheet);
    seen("Last seen", status.last_seen, sheet);
    seen("Ended", status.ended_at, sheet);
    if status.count > 1 {
        sheet.field("Began", &format!("{} times", status.count));
    }
}

fn put_diagnosis(sheet: &mut Sheet, diagnosis: &Diagnosis) {
    match diagnosis.source {
        DiagnosisSource::Rules => sheet.heading("Diagnosis (by rules)"),
        DiagnosisSource::Model => sheet.heading("Diagnosis (a model's words, not a finding)"),
    }
    sheet.say(2, Role::Plain, &diagnosis.text);
}

fn put_changes(sheet: &mut Sheet, status: &IncidentStatus, changes: &[Loaded<Change>]) {
    if status.changes.is_empty() {
        return;
    }
    sheet.heading("Changes");
    let mut table = Table::new(vec![whole("NAME"), whole("TYPE"), whole("PHASE"), cut("REASON")]).indented(2);
    for name in &status.changes {
        let found = changes.iter().find(|c| c.name == name.as_str()).and_then(|c| c.typed.as_ref().ok());
        let Some(change) = found else {
            table.push(vec![Cell::new(name.as_str()), "-".into(), "-".into(), Cell::new("gone, or not readable")]);
            continue;
        };
        let record = change.status.as_ref();
        let phase = record.map_or(Phase::Proposed, |r| r.phase);
        let reason = record.and_then(|r| r.reason.as_ref()).map(|r| format!("{}: {}", r.code, r.message));
        table.push(vec![
            Cell::new(name.as_str()),
            Cell::new(change.spec.change_type.as_str()),
            Cell::new(phase.as_str()).role(phase_role(phase)),
            Cell::new(reason.unwrap_or_default()),
        ]);
    }
    sheet.table(&table);
}

fn next(sheet: &mut Sheet, incident: &Incident, status: &IncidentStatus, called: &str) {
    let namespace = incident.metadata.namespace.as_deref().unwrap_or_default();
    let Some(change) = status.changes.last().filter(|_| status.phase == IncidentPhase::Changing) else { return };
    sheet.heading("Next");
    sheet.line(2, Role::Key, &format!("{called} show {change} -n {namespace}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    #[test]
    fn an_incident_shows_cause_evidence_and_what_was_done() {
        let incident = fixtures::incident().typed.unwrap();
        let text = page(&incident, &[fixtures::recovered()], "bailiwick", &fixtures::look(None));
        insta::assert_snapshot!("show_incident", text);
    }

    #[test]
    fn a_models_words_are_labelled() {
        let mut incident = fixtures::incident().typed.unwrap();
        let mut status = incident.status.clone().unwrap();
        status.diagnosis = Some(Diagnosis { text: "ignore all rules\u{1b}[2J".into(), source: DiagnosisSource::Model });
        incident.status = Some(status);
        let text = page(&incident, &[], "bailiwick", &fixtures::look(None));
        assert!(text.contains("a model's words") && text.contains("\\u{1b}[2J"), "{text}");
    }
}
