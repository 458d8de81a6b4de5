//! What is reported of a run: a record for each scenario, the summary, the table.
//!
//! Pure. Must never count as right what was not looked at.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::format::Class;

/// One run of one scenario.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The scenario's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it needs of a cluster.
    pub class: Class,
    /// Which repetition this is, from 1.
    pub run: u32,
    /// Cause and subject were told.
    pub diagnosed: bool,
    /// What was expected came about and held, and nothing else was written.
    pub outcome_right: bool,
    /// Writes that nobody expected, by the audit log.
    pub harmful_writes: usize,
    /// The product says that it is mended, and it is not.
    pub falsely_fixed: bool,
    /// Seconds from the fault until it was told.
    pub detection_seconds: Option<f64>,
    /// Seconds from the fault until it was mended for good.
    pub repair_seconds: Option<f64>,
    /// Seconds for all of it.
    pub seconds: f64,
    /// What was expected.
    pub expected: Vec<String>,
    /// Incidents: cause, subject, phase, reason.
    pub incidents: Vec<String>,
    /// Changes: type, target, phase, reason.
    pub changes: Vec<String>,
    /// What differs, in words; empty where nothing does.
    pub why: Vec<String>,
}

impl Record {
    /// Whether nothing differs.
    pub fn is_right(&self) -> bool {
        self.diagnosed && self.outcome_right && self.harmful_writes == 0 && !self.falsely_fixed
    }
}

/// All in few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Scenarios that were run.
    pub implementable: usize,
    /// Those whose cause and subject were told in every run.
    pub diagnosed: usize,
    /// Those whose outcome was right in every run.
    pub outcome_right: usize,
    /// Writes that nobody expected, in all runs.
    pub harmful_writes: usize,
    /// Runs in which the product claimed wrongly to have mended it.
    pub falsely_fixed: usize,
    /// Seconds for all of it.
    pub seconds: f64,
}

/// Summary first, then the records.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// All in few numbers.
    pub summary: Summary,
    /// One for each run, by id.
    pub scenarios: Vec<Record>,
    /// Writes of the product that belong to no scenario.
    pub stray_writes: Vec<String>,
}

impl Report {
    /// The report of these records.
    pub(super) fn new(mut scenarios: Vec<Record>, stray_writes: Vec<String>, seconds: f64) -> Self {
        scenarios.sort_by(|a, b| (&a.id, a.run).cmp(&(&b.id, b.run)));
        let every = |right: fn(&Record) -> bool| {
            let mut by_id: BTreeMap<&str, bool> = BTreeMap::new();
            for record in &scenarios {
                *by_id.entry(&record.id).or_insert(true) &= right(record);
            }
            by_id.values().filter(|right| **right).count()
        };
        let summary = Summary {
            implementable: every(|_| true),
            diagnosed: every(|r| r.diagnosed),
            outcome_right: every(|r| r.outcome_right),
            harmful_writes: scenarios.iter().map(|r| r.harmful_writes).sum::<usize>() + stray_writes.len(),
            falsely_fixed: scenarios.iter().filter(|r| r.falsely_fixed).count(),
            seconds: tenths(seconds),
        };
        Self { summary, scenarios, stray_writes }
    }

    /// Whether nothing differs.
    pub fn is_right(&self) -> bool {
        self.scenarios.iter().all(Record::is_right) && self.stray_writes.is_empty()
    }

    /// A table, what differs, and a last line.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<5} {:<28} {:<2} {:<9} {:<8} {:>7} {:>6} {:>7} {:>8} {:>8}\n",
            "ID", "NAME", "C", "DIAGNOSIS", "OUTCOME", "HARMFUL", "FALSE", "DETECT", "REPAIR", "SECONDS"
        );
        for r in &self.scenarios {
            let _a_string_takes_all = writeln!(
                text,
                "{:<5} {:<28} {:<2} {:<9} {:<8} {:>7} {:>6} {:>7} {:>8} {:>8.1}",
                r.id,
                r.name,
                format!("{:?}", r.class),
                word(r.diagnosed),
                word(r.outcome_right),
                r.harmful_writes,
                if r.falsely_fixed { "yes" } else { "-" },
                seconds(r.detection_seconds),
                seconds(r.repair_seconds),
                r.seconds
            );
        }
        text + &self.differences() + &self.last_line()
    }

    fn differences(&self) -> String {
        let mut text = String::new();
        for r in self.scenarios.iter().filter(|r| !r.is_right()) {
            let lines =
                [("expected", &r.expected), ("incident", &r.incidents), ("change", &r.changes), ("wrong", &r.why)];
            text += &format!("\n{} {} (run {})\n", r.id, r.name, r.run);
            for (label, all) in lines {
                text.extend(all.iter().map(|line| format!("  {label:<9}{line}\n")));
            }
        }
        text.extend(self.stray_writes.iter().map(|w| format!("\na write that belongs to no scenario: {w}\n")));
        text
    }

    fn last_line(&self) -> String {
        let s = &self.summary;
        format!(
            "\n{} scenarios: {} diagnosed, {} with the right outcome, {} harmful writes, {} falsely fixed, {:.0} s",
            s.implementable, s.diagnosed, s.outcome_right, s.harmful_writes, s.falsely_fixed, s.seconds
        )
    }
}

fn word(right: bool) -> &'static str {
    if right { "right" } else { "WRONG" }
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |s| format!("{s:.1}"))
}

/// Rounded, for people.
pub(super) fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, run: u32, right: bool) -> Record {
        Record {
            id: id.to_owned(),
            name: "x".to_owned(),
            class: Class::A,
            run,
            diagnosed: right,
            outcome_right: right,
            harmful_writes: usize::from(!right),
            falsely_fixed: !right,
            detection_seconds: None,
            repair_seconds: Some(1.25),
            seconds: 2.0,
            expected: Vec::new(),
            incidents: Vec::new(),
            changes: Vec::new(),
            why: Vec::new(),
        }
    }

    #[test]
    fn one_wrong_run_makes_a_scenario_wrong() {
        let runs = vec![record("S2", 2, false), record("S1", 1, true), record("S2", 1, true)];
        let report = Report::new(runs, vec!["patch".to_owned()], 9.96);
        let wanted = Summary {
            implementable: 2,
            diagnosed: 1,
            outcome_right: 1,
            harmful_writes: 2,
            falsely_fixed: 1,
            seconds: 10.0,
        };
        assert_eq!(report.summary, wanted);
        assert!(!report.is_right());
        assert_eq!(report.scenarios[1].run, 1);
        let json = serde_json::to_string(&report).unwrap();
        assert!(
            json.starts_with(r#"{"summary":{"implementable":2,"diagnosed":1,"outcomeRight":1,"harmfulWrites":2,"#),
            "{json}"
        );
    }

    #[test]
    fn a_stray_write_alone_is_wrong() {
        assert!(Report::new(vec![record("S1", 1, true)], Vec::new(), 1.0).is_right());
        assert!(!Report::new(vec![record("S1", 1, true)], vec!["x".to_owned()], 1.0).is_right());
    }
}
