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
fn the_end_of_a_run_tells_why_each_test_failed() {
    let lines = "test a ... FAILED\ntest b ... FAILED\ntest c ... ok\n\nfailures:\n\n---- a stdout ----\nit began\n\n\
                 thread 'a' (7) panicked at x.rs:1:\nassertion failed: left == right\n  left: 1\nstack backtrace:\n   0: rust_begin_unwind\n\n---- b stdout ----\n\
                 Error: find the pod\n\nCaused by:\n    it is gone\n\n\nfailures:\n    a\n    b\n\n\
                 test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    let outcome = read(&lines.lines().collect::<Vec<_>>(), false);
    let why = "\n\nWHY x::a\n  thread 'a' (7) panicked at x.rs:1:\n  assertion failed: left == right\n    left: 1\n\
               \nWHY x::b\n  Error: find the pod\n\n  Caused by:\n      it is gone\n";
    let mut report = Report::default();
    let beside_its_closing_line = report.add(outcome).join("\n") + "\n";
    assert!(beside_its_closing_line.contains(why), "{beside_its_closing_line}");
    let text = report.render(Duration::from_secs(2));
    assert!(text.ends_with(&format!("{why}\nall of it took 2 s\n1 passed, 2 failed")), "{text}");
    assert!(text.find("FAILED x: a, b") < text.find(why), "the reasons come last: {text}");
}

#[test]
fn a_long_reason_is_cut() {
    let mut lines = vec!["failures:", "---- a stdout ----", "Error: much"];
    lines.extend(["more"; 98]);
    lines.extend(["failures:", "    a"]);
    let text = render(read(&lines, false));
    assert_eq!(text.matches("\n  more").count(), 38, "{text}");
    assert!(text.contains("\n  … and 60 lines more\n"), "{text}");
}

#[test]
fn a_runner_that_died_leaves_its_last_words() {
    let text = render(read(&["test a ... ok", "memory allocation of 9 bytes failed"], false));
    assert!(text.contains("\nWHY x\n  test a ... ok\n  memory allocation of 9 bytes failed\n"), "{text}");
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
    assert_eq!(said(source, "//! Threads: ").unwrap(), Some(4));
    assert_eq!(said(source, "//! Minutes: ").unwrap(), Some(15));
    assert_eq!(said("//! The fence.\n", "//! Minutes: ").unwrap(), None);
    let hidden = said("//! The fence.\n//! Threads: 1. Minutes: 20.\n", "//! Threads: ").unwrap_err();
    assert!(hidden.to_string().contains("`//! Threads: 1. Minutes: 20.` should end in a number"), "{hidden}");
}

#[test]
fn a_runner_over_its_limit_is_ended_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = mortal("sh");
    command.args(["-c", "sleep 300 & echo $!; wait"]);
    let outcome = watch("x", command, (Duration::from_millis(500), None), dir.path()).unwrap();
    let log = std::fs::read_to_string(dir.path().join("output.log")).unwrap();
    let child = std::path::Path::new("/proc").join(log.lines().next().unwrap()).join("cmdline");
    let lives = || std::fs::read(&child).is_ok_and(|cmdline| !cmdline.is_empty());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while lives() {
        assert!(std::time::Instant::now() < deadline, "the runner's child outlived it");
        std::thread::yield_now();
    }
    assert!(outcome.failed == 1, "{outcome:?}");
    let text = render(outcome);
    assert!(text.contains("\n  x: ended after 0 s, which is the limit\n"), "{text}");
}
