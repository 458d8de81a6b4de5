//! What runners reported: counts read from their closing lines, the table, why tests failed, the exit code. Pure, but for reading the list of skipped tests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::reason::{Reason, Reasons};

/// Where a test writes that it was skipped, within its suite's directory.
pub(super) const SKIPPED: &str = "skipped.txt";

/// What is read from a runner's output.
#[derive(Debug, Default)]
pub(super) struct Reading {
    passed: usize,
    failed: usize,
    ignored: usize,
    closing: Vec<String>,
    broken: Vec<String>,
    said_ok: usize,
    reasons: Reasons,
}

impl Reading {
    pub(super) fn line(&mut self, line: &str) {
        self.reasons.line(line);
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.passed += number_before(rest, " passed");
            self.failed += number_before(rest, " failed");
            self.ignored += number_before(rest, " ignored");
            self.closing.push(line.to_owned());
        } else if let Some(name) = line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... FAILED")) {
            self.broken.push(name.to_owned());
        } else if line.contains(": ok (") {
            // A runner without the standard harness says so of each test.
            self.said_ok += 1;
        }
    }

    /// `success` is the runner's own verdict, which no count can overrule.
    pub(super) fn outcome(self, suite: &str, success: bool, took: Duration) -> Outcome {
        let standard = !self.closing.is_empty();
        let passed = if standard { self.passed } else { self.said_ok };
        let failed = if success { self.failed } else { self.failed.max(1) };
        Outcome {
            suite: suite.to_owned(),
            passed,
            failed,
            skipped: self.ignored,
            took,
            closing: self.closing,
            broken: self.broken,
            reasons: if failed > 0 { self.reasons.end() } else { Vec::new() },
            why_skipped: Vec::new(),
            kept: None,
        }
    }
}

fn number_before(text: &str, word: &str) -> usize {
    let end = text.find(word).unwrap_or(0);
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|d| d.parse().ok()).unwrap_or(0)
}

/// How one runner ended.
#[derive(Debug)]
pub(super) struct Outcome {
    suite: String,
    passed: usize,
    pub(super) failed: usize,
    skipped: usize,
    took: Duration,
    closing: Vec<String>,
    broken: Vec<String>,
    reasons: Vec<Reason>,
    why_skipped: Vec<String>,
    /// Where its logs are, if it failed.
    pub(super) kept: Option<PathBuf>,
}

impl Outcome {
    pub(super) fn skipped(suite: &str, why: &str) -> Self {
        let mut outcome = Reading::default().outcome(suite, true, Duration::ZERO);
        outcome.skipped = 1;
        outcome.why_skipped = vec![format!("{suite}: {why}")];
        outcome
    }

    /// Something that never came to run.
    pub(super) fn broken(name: &str, why: &str) -> Self {
        let mut outcome = Reading::default().outcome(name, false, Duration::ZERO);
        outcome.broken = vec![why.to_owned()];
        outcome.reasons.clear();
        outcome
    }

    /// Each failed test with its reason, indented under its name.
    fn why_failed(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for reason in &self.reasons {
            let of = if reason.test.is_empty() { "" } else { "::" };
            lines.push(format!("\nWHY {}{of}{}", self.suite, reason.test));
            lines.extend(reason.text.iter().map(|line| format!("  {line}").trim_end().to_owned()));
        }
        lines
    }

    /// How many tests it has.
    pub(super) fn count(&self) -> usize {
        self.passed + self.failed + self.skipped
    }

    /// Tests that found a need unmet returned early, and their runner took that for success.
    pub(super) fn note_skipped(&mut self, dir: &Path) -> Result<()> {
        let path = dir.join(SKIPPED);
        if !path.exists() {
            return Ok(());
        }
        let text = std::fs::read_to_string(&path).context("read the list of skipped tests")?;
        for line in text.lines() {
            let (test, why) = line.split_once('\t').unwrap_or((line, ""));
            self.why_skipped.push(format!("{}::{test} {why}", self.suite));
            self.passed = self.passed.saturating_sub(1);
            self.skipped += 1;
        }
        Ok(())
    }
}

/// All outcomes of a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    outcomes: Vec<Outcome>,
}

impl Report {
    /// Adds an outcome and returns its runner's closing lines, and why tests failed.
    pub(super) fn add(&mut self, outcome: Outcome) -> Vec<String> {
        let told = outcome.closing.iter().filter(|line| !line.contains(" 0 passed; 0 failed; 0 ignored"));
        let mut lines: Vec<String> = told.map(|line| format!("{:<28} {line}", outcome.suite)).collect();
        lines.extend(outcome.why_failed());
        self.outcomes.push(outcome);
        lines
    }

    pub(super) fn failed(&self) -> bool {
        self.outcomes.iter().any(|o| o.failed > 0) || self.sum(Outcome::count) == 0
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn sum(&self, of: impl Fn(&Outcome) -> usize) -> usize {
        self.outcomes.iter().map(of).sum()
    }

    /// The table, what was skipped and why, what failed and where its logs are, why, and the plain last line: who sees only the end of a log must find the reasons there.
    pub(super) fn render(&self, took: Duration) -> String {
        let mut lines =
            vec![format!("\n{:<28} {:>7} {:>7} {:>8} {:>9}", "SUITE", "PASSED", "FAILED", "SKIPPED", "SECONDS")];
        for o in &self.outcomes {
            lines.push(format!(
                "{:<28} {:>7} {:>7} {:>8} {:>9.1}",
                o.suite,
                o.passed,
                o.failed,
                o.skipped,
                o.took.as_secs_f64()
            ));
        }
        let why: Vec<&String> = self.outcomes.iter().flat_map(|o| &o.why_skipped).collect();
        if !why.is_empty() {
            lines.push("\nSkipped on this cluster:".to_owned());
            lines.extend(why.iter().map(|line| format!("  {line}")));
        }
        for o in self.outcomes.iter().filter(|o| o.failed > 0) {
            lines.push(format!("\nFAILED {}: {}", o.suite, o.broken.join(", ")));
            lines.extend(o.kept.iter().map(|dir| format!("  logs: {}", dir.display())));
        }
        lines.extend(self.outcomes.iter().flat_map(Outcome::why_failed));
        lines.push(format!("\nall of it took {:.0} s", took.as_secs_f64()));
        lines.push(self.last_line());
        lines.join("\n")
    }

    /// Tells a reader of any language.
    fn last_line(&self) -> String {
        let (passed, failed, skipped) = (self.sum(|o| o.passed), self.sum(|o| o.failed), self.sum(|o| o.skipped));
        let more = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        format!("{passed} passed, {failed} failed{more}")
    }
}
