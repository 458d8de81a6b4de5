//! Between an Incident's record and its status on the wire.
//!
//! Owns the conditions and their reading: the phase is printed from them, and what has no field
//! of its own is kept in them. Must never assert what the record does not hold. No IO.

use bailiwick_api::kinds::incident::{Diagnosis, DiagnosisSource};
use bailiwick_api::{IncidentPhase, IncidentStatus};
use bailiwick_core::finding::Severity;
use bailiwick_core::incident::{Phase, Presence, Record};
use bailiwick_core::life::Condition;
use jiff::Timestamp;

/// The present occurrence began; the reason tells whether it was wrong already at start.
pub(crate) const BEGUN: &str = "Begun";
/// The finding holds.
pub(crate) const PRESENT: &str = "Present";
/// A Change is under way.
pub(crate) const CHANGING: &str = "Changing";
/// The Incident ended; the reason names how.
pub(crate) const ENDED: &str = "Ended";

const AT_START: &str = "WrongAtStart";
const OBSERVED: &str = "Observed";
const PROPOSING: &str = "Proposing";
const UNDER_WAY: &str = "UnderWay";

/// Most characters of a diagnosis.
const MOST_DIAGNOSIS: usize = 4000;
/// Most bytes of a diff.
const MOST_DIFF: usize = 16_000;

/// The status that shows a record. `before` gives the times of conditions that stay as they are.
pub(crate) fn status_of(record: &Record, before: Option<&IncidentStatus>, now: Timestamp) -> IncidentStatus {
    let known = before.map_or(&[][..], |s| &s.conditions);
    IncidentStatus {
        observed_generation: 1,
        phase: wire_phase(record.phase),
        severity: Some(record.severity),
        first_seen: Some(record.first_seen),
        last_seen: Some(record.last_seen),
        count: record.count,
        returns: record.returns.clone(),
        evidence: record.evidence.clone(),
        diagnosis: Some(Diagnosis {
            text: record.summary.chars().take(MOST_DIAGNOSIS).collect(),
            source: DiagnosisSource::Rules,
        }),
        changes: record.changes.clone(),
        candidates: record.candidates.clone(),
        diff: cut(&record.diff),
        reason: record.reason.clone(),
        ended_at: record.ended_at,
        conditions: conditions(record, known, now),
    }
}

/// Whole lines of a text, as many as fit.
fn cut(text: &str) -> String {
    if text.len() <= MOST_DIFF {
        return text.to_owned();
    }
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        if out.len() + line.len() > MOST_DIFF {
            break;
        }
        out.push_str(line);
    }
    out.push_str("… the rest is in the change's plan\n");
    out
}

fn wire_phase(phase: Phase) -> IncidentPhase {
    match phase {
        Phase::Open => IncidentPhase::Open,
        Phase::Changing => IncidentPhase::Changing,
        Phase::Resolved => IncidentPhase::Resolved,
        Phase::Escalated => IncidentPhase::Escalated,
        Phase::Dismissed => IncidentPhase::Dismissed,
    }
}

fn conditions(record: &Record, known: &[Condition], now: Timestamp) -> Vec<Condition> {
    let latest = record.changes.last().map_or("", |name| name.as_str());
    let changing = match (record.phase == Phase::Changing, record.proposing) {
        (true, true) => (true, PROPOSING, format!("Change {latest} is being made.")),
        (true, false) => (true, UNDER_WAY, format!("Change {latest} is under way.")),
        (false, _) => (false, "None", "No change is under way.".to_owned()),
    };
    let ended = match (&record.reason, record.phase.is_terminal()) {
        (Some(reason), true) => (true, record.phase.as_str(), reason.message.clone()),
        (None, true) => (true, record.phase.as_str(), String::new()),
        (_, false) => (false, "NotEnded", "It has not ended.".to_owned()),
    };
    let begun = if record.primed { AT_START } else { OBSERVED };
    let present = if record.presence.holds { "Found" } else { "NotFound" };
    let since = |holds: bool, kind: &str| {
        let same = |c: &&Condition| c.kind == kind && (c.status == "True") == holds;
        known.iter().find(same).map_or(now, |c| c.last_transition_time)
    };
    let occurrence = format!("Occurrence {}.", record.count);
    let found = "Whether the analyzers find it now.".to_owned();
    vec![
        condition(BEGUN, (true, begun, occurrence), record.began),
        condition(PRESENT, (record.presence.holds, present, found), record.presence.since),
        condition(CHANGING, changing.clone(), since(changing.0, CHANGING)),
        condition(ENDED, ended.clone(), record.ended_at.unwrap_or_else(|| since(ended.0, ENDED))),
    ]
}

fn condition(kind: &str, (holds, reason, message): (bool, &str, String), at: Timestamp) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message,
        last_transition_time: at,
        observed_generation: 1,
    }
}

/// The record that a status shows; `None` where it shows none, as right after creation.
pub(crate) fn record_of(status: &IncidentStatus) -> Option<Record> {
    let of = |kind: &str| status.conditions.iter().find(|c| c.kind == kind);
    let (begun, present) = (of(BEGUN)?, of(PRESENT)?);
    Some(Record {
        phase: phase_of(&status.conditions),
        severity: status.severity.unwrap_or(Severity::Warning),
        first_seen: status.first_seen.unwrap_or(begun.last_transition_time),
        last_seen: status.last_seen.unwrap_or(present.last_transition_time),
        count: status.count,
        began: begun.last_transition_time,
        returns: status.returns.clone(),
        primed: begun.reason == AT_START,
        presence: Presence { holds: present.status == "True", since: present.last_transition_time },
        summary: status.diagnosis.as_ref().map(|d| d.text.clone()).unwrap_or_default(),
        evidence: status.evidence.clone(),
        candidates: status.candidates.clone(),
        changes: status.changes.clone(),
        proposing: of(CHANGING).is_some_and(|c| c.reason == PROPOSING),
        diff: status.diff.clone(),
        reason: status.reason.clone(),
        ended_at: status.ended_at,
    })
}

/// The phase that the conditions tell.
fn phase_of(conditions: &[Condition]) -> Phase {
    let holds = |kind: &str| conditions.iter().find(|c| c.kind == kind && c.status == "True");
    match holds(ENDED).map(|c| c.reason.as_str()) {
        Some("Resolved") => Phase::Resolved,
        Some("Dismissed") => Phase::Dismissed,
        // An ending that cannot be read is one that people must look at.
        Some(_) => Phase::Escalated,
        None if holds(CHANGING).is_some() => Phase::Changing,
        None => Phase::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::names::ObjectName;
    use bailiwick_core::reason::{Code, Reason};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn record(phase: Phase) -> Record {
        Record {
            phase,
            severity: Severity::Critical,
            first_seen: at(1),
            last_seen: at(9),
            count: 2,
            began: at(3),
            returns: vec![at(2), at(3)],
            primed: true,
            presence: Presence { holds: false, since: at(7) },
            summary: "the tag is absent".into(),
            evidence: Vec::new(),
            candidates: Vec::new(),
            changes: vec![ObjectName::parse("web-1").unwrap()],
            proposing: phase == Phase::Changing,
            diff: "# not dry-run".into(),
            reason: phase.is_terminal().then(|| Reason::plain(Code::Held)),
            ended_at: phase.is_terminal().then(|| at(8)),
        }
    }

    #[test]
    fn a_status_tells_the_whole_record() {
        for phase in [Phase::Open, Phase::Changing, Phase::Resolved, Phase::Escalated, Phase::Dismissed] {
            let record = record(phase);
            let status = status_of(&record, None, at(20));
            assert_eq!(record_of(&status), Some(record));
        }
    }

    #[test]
    fn times_of_conditions_move_only_with_their_status() {
        let first = status_of(&record(Phase::Changing), None, at(20));
        let mut under_way = record(Phase::Changing);
        under_way.proposing = false;
        let second = status_of(&under_way, Some(&first), at(30));
        let changing = second.conditions.iter().find(|c| c.kind == CHANGING).unwrap();
        assert_eq!(changing.last_transition_time, at(20));
        assert_eq!(changing.reason, UNDER_WAY);
    }

    #[test]
    fn a_long_diff_is_cut_at_a_line() {
        let long = "+ x\n".repeat(9000);
        let cut = cut(&long);
        assert!(cut.len() < 16_384 && cut.ends_with("change's plan\n"));
    }
}
