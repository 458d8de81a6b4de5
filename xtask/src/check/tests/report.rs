//! Verdicts: what failed, and what was not looked at.

use std::time::Duration;

use crate::check::CHECKS;
use crate::check::report::{Finding, Report};

fn report(findings: Vec<Finding>) -> Report {
    let mut report = Report::default();
    for finding in findings {
        report.add("x", finding, Duration::from_secs(1));
    }
    report
}

#[test]
fn what_could_not_be_looked_at_is_not_ok() {
    let unknown = report(vec![Finding::good("3 files"), Finding::unknown("no network")]);
    let text = unknown.render();
    assert!(text.contains("NOT CHECKED") && text.contains("no network"), "{text}");
    assert!(text.ends_with("\n1 checks passed, 0 failed, 1 not checked"), "{text}");
    assert!(!unknown.failed(false));
    assert!(unknown.failed(true));
}

#[test]
fn one_fault_fails_the_run() {
    let bad = report(vec![Finding::good("3 files"), Finding::wrong(vec!["a.rs: bad".to_owned()])]);
    assert!(bad.failed(false));
    assert!(bad.render().ends_with("\n1 checks passed, 1 failed"));
}

#[test]
fn a_fault_is_shown_below_its_line() {
    let line = Report::default().add("x", Finding::wrong(vec!["a.rs: bad".to_owned()]), Duration::ZERO);
    assert!(line.ends_with("1 wrong\n  a.rs: bad"), "{line}");
}

#[test]
fn a_run_of_no_check_has_failed() {
    assert!(report(vec![]).failed(false));
}

#[test]
fn checks_have_different_names() {
    for (n, check) in CHECKS.iter().enumerate() {
        assert!(CHECKS[..n].iter().all(|other| other.name != check.name), "{}", check.name);
    }
}
