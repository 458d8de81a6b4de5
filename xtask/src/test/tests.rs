//! Reading runners' output and Cargo's names.

use std::time::Duration;

use super::outcome::{Outcome, Reading, Report, SKIPPED};
use crate::cargo::package_name;

fn read(lines: &[&str], success: bool) -> Outcome {
    let mut reading = Reading::default();
    for line in lines {
        reading.line(line);
    }
    reading.outcome("x", success, Duration::from_secs(1))
}

fn render(outcome: Outcome) -> String {
    let mut report = Report::default();
    report.add(outcome);
    report.render(Duration::from_secs(2))
}

#[test]
fn closing_lines_are_counted() {
    let lines = [
        "test a ... ok",
        "test b ... FAILED",
        "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    ];
    let text = render(read(&lines, false));
    assert!(text.contains("FAILED x: b"), "{text}");
    assert!(text.ends_with("\n12 passed, 1 failed, 2 skipped"), "{text}");
}

#[test]
fn a_runner_that_dies_has_failed() {
    let text = render(read(&["test a ... ok"], false));
    assert!(text.ends_with("\n0 passed, 1 failed"), "{text}");
}

#[test]
fn a_run_without_any_test_has_failed() {
    let report = Report::default();
    assert!(report.failed());
}

#[test]
fn a_runner_without_harness_is_counted() {
    let text = render(read(&["lifecycle: side by side: ok (3.1 s)", "lifecycle: twice: ok (1.0 s)"], true));
    assert!(text.ends_with("\n2 passed, 0 failed"), "{text}");
}

#[test]
fn a_skipped_test_is_not_a_passed_one() {
    let dir = std::env::temp_dir().join(format!("xtask-test-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join(SKIPPED), "a\tneeds the audit log\n").unwrap();
    let mut outcome = read(&["test result: ok. 2 passed; 0 failed; 0 ignored"], true);
    outcome.note_skipped(&dir).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let text = render(outcome);
    assert!(text.contains("x::a needs the audit log"), "{text}");
    assert!(text.ends_with("\n1 passed, 0 failed, 1 skipped"), "{text}");
}

#[test]
fn package_names_are_read_from_ids() {
    assert_eq!(package_name("path+file:///x/crates/core#bailiwick-core@0.1.0"), "bailiwick-core");
    assert_eq!(package_name("path+file:///x/xtask#0.1.0"), "xtask");
}
