//! The record of checks, and the report at the end.
//!
//! Owns the table and the JSON form. Must never count a check that did not run as passed. No IO.

use super::drill::Drill;
use crate::style::{Look, Role};
use crate::table::{Cell, Table, cut, whole};
use serde::Serialize;
use serde_json::{Value, json};

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// The drill it belongs to.
    pub(super) drill: Drill,
    /// The step it belongs to.
    pub(super) step: String,
    /// Its name.
    pub(super) check: String,
    /// What was expected.
    pub(super) expected: String,
    /// What was seen.
    pub(super) seen: String,
    /// True where they agree.
    pub(super) passed: bool,
    /// Seconds from the moment it was expected, or broken, to the moment it was seen.
    pub(super) seconds: f64,
    /// Seconds of these that are a delay which the mandate asks for.
    pub(super) policy_seconds: f64,
    /// Seconds of these in which the workload itself came up.
    pub(super) workload_seconds: f64,
}

/// How many passed and how many did not.
pub(super) fn count(records: &[Record]) -> (usize, usize) {
    let passed = records.iter().filter(|r| r.passed).count();
    (passed, records.len() - passed)
}

/// The table of all checks.
pub(super) fn table(records: &[Record], look: &Look) -> String {
    let columns =
        vec![whole("STEP"), whole("CHECK"), whole("OWN"), whole("POLICY"), whole("WORKLOAD"), whole(""), cut("SEEN")];
    let mut table = Table::new(columns);
    for record in records {
        let (sign, role) = if record.passed { ("✔", Role::Good) } else { ("✗", Role::Bad) };
        let seconds = |s: f64| if s < 0.05 { "·".to_owned() } else { format!("{s:.1}s") };
        let seen: String = record.seen.chars().take(72).collect();
        table.push(vec![
            Cell::new(&record.step).role(Role::Dim),
            Cell::new(&record.check),
            Cell::new(seconds((record.seconds - record.policy_seconds - record.workload_seconds).max(0.0))),
            Cell::new(seconds(record.policy_seconds)),
            Cell::new(seconds(record.workload_seconds)),
            Cell::new(sign).role(role),
            Cell::new(seen).role(Role::Dim),
        ]);
    }
    table.render(look, true)
}

/// The records as a program reads them.
pub(super) fn json(records: &[Record], seconds: f64, skipped: &[String]) -> Value {
    let (passed, failed) = count(records);
    json!({
        "records": records,
        "passed": passed,
        "failed": failed,
        "seconds": (seconds * 10.0).round() / 10.0,
        "skipped": skipped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn record(passed: bool) -> Record {
        Record {
            drill: Drill::Quota,
            step: "2.1".into(),
            check: "the quota is back".into(),
            expected: "an equal spec".into(),
            seen: "pods: 1\u{1b}[2J".into(),
            passed,
            seconds: 3.25,
            policy_seconds: 2.0,
            workload_seconds: 0.0,
        }
    }

    #[test]
    fn a_failure_is_counted_and_shown() {
        let records = [record(true), record(false)];
        assert_eq!(count(&records), (1, 1));
        let look = Look { colour: false, width: None, now: Timestamp::UNIX_EPOCH };
        let text = table(&records, &look);
        assert!(text.contains('✗') && text.contains("the quota is back") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("1.2s") || text.contains("1.3s"), "{text}");
        let value = json(&records, 12.34, &[]);
        assert_eq!((value["passed"].clone(), value["failed"].clone()), (json!(1), json!(1)));
        assert_eq!(value["records"][0]["drill"], "quota");
        assert_eq!(value["seconds"], 12.3);
    }
}
