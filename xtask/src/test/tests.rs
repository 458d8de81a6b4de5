//! Reading runners' output and Cargo's names.

use std::time::Duration;

use super::discover::said;
use super::outcome::{Outcome, Reading, Report, SKIPPED};
use super::run::watch;
use crate::cargo::{mortal, package_name};

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

#[test]
fn what_never_ran_has_failed_and_says_why() {
    let text = render(Outcome::broken("fence", "Cargo could not build it"));
    assert!(text.contains("FAILED fence: Cargo could not build it"), "{text}");
    assert!(text.ends_with("\n0 passed, 1 failed"), "{text}");
}

#[test]
fn a_suite_says_its_limits_in_its_header() {
    let source = "//! The fence.\n//! Threads: 4.\n//! Minutes: 15\n#![cfg(x)]\n//! Threads: 9.\n";
    assert_eq!(said(source, "//! Threads: "), Some(4));
    assert_eq!(said(source, "//! Minutes: "), Some(15));
    assert_eq!(said("//! The fence.\n", "//! Minutes: "), None);
}

#[test]
fn a_runner_over_its_limit_is_ended_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = mortal("sh");
    command.args(["-c", "sleep 300 & echo $!; wait"]);
    let outcome = watch("x", command, (Duration::from_millis(500), false), dir.path()).unwrap();
    let log = std::fs::read_to_string(dir.path().join("output.log")).unwrap();
    let child = std::path::Path::new("/proc").join(log.lines().next().unwrap()).join("cmdline");
    let lives = || std::fs::read(&child).is_ok_and(|cmdline| !cmdline.is_empty());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while lives() {
        assert!(std::time::Instant::now() < deadline, "the runner's child outlived it");
        std::thread::yield_now();
    }
    assert!(outcome.failed == 1, "{outcome:?}");
}
