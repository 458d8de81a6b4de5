//! What is read from `cargo-deny`.

use crate::check::supply::{diagnostics, judge_advisories};

const REFUSED: &str = r#"{"type":"diagnostic","fields":{"severity":"error","code":"rejected","message":"failed to satisfy license requirements","labels":[{"span":"GPL-3.0"}]}}"#;
const DOUBLED: &str =
    r#"{"type":"diagnostic","fields":{"severity":"warning","code":"duplicate","message":"found 2","labels":[]}}"#;
const NO_NETWORK: &str = r#"{"type":"log","fields":{"level":"ERROR","message":"failed to fetch advisory database https://x: Could not resolve host"}}"#;

#[test]
fn errors_are_faults_and_doubled_crates_are_counted() {
    let (errors, doubled) = diagnostics(&[REFUSED, DOUBLED, "not json"].join("\n"));
    assert_eq!(errors, ["rejected: failed to satisfy license requirements: GPL-3.0"]);
    assert_eq!(doubled, 1);
}

#[test]
fn advisories_without_their_database_are_not_checked() {
    let finding = format!("{:?}", judge_advisories(false, NO_NETWORK));
    assert!(finding.contains("unknown: Some"), "{finding}");
}

#[test]
fn a_vulnerability_is_a_fault_and_so_is_a_tool_that_breaks() {
    assert_eq!(judge_advisories(false, REFUSED).faults().len(), 1);
    assert_eq!(judge_advisories(false, "thread panicked").faults().len(), 1);
    assert!(judge_advisories(true, "").faults().is_empty());
}
