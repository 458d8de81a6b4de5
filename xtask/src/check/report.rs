//! What checks found, and how it is shown. Pure.

use std::process::ExitCode;
use std::time::Duration;

/// What one check found.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// What was looked at, in a few words.
    seen: String,
    /// What is wrong, a paragraph each.
    wrong: Vec<String>,
    /// Why nothing can be said.
    unknown: Option<String>,
    /// Shown below the check's line in any case.
    notes: Vec<String>,
}

impl Finding {
    pub(super) fn good(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), ..Self::default() }
    }

    pub(super) fn wrong(wrong: Vec<String>) -> Self {
        Self { wrong, ..Self::default() }
    }

    /// Nothing was looked at.
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self { unknown: Some(why.into()), ..Self::default() }
    }

    /// Good if nothing is wrong.
    pub(super) fn of(seen: impl Into<String>, wrong: Vec<String>) -> Self {
        Self { seen: seen.into(), wrong, ..Self::default() }
    }

    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    #[cfg(test)]
    pub(super) fn faults(&self) -> &[String] {
        &self.wrong
    }

    fn verdict(&self) -> Verdict {
        match (&self.unknown, self.wrong.is_empty()) {
            (_, false) => Verdict::Failed,
            (Some(_), true) => Verdict::NotChecked,
            (None, true) => Verdict::Ok,
        }
    }

    fn summary(&self) -> String {
        match self.verdict() {
            Verdict::Ok => self.seen.clone(),
            Verdict::Failed => format!("{} wrong", self.wrong.len()),
            Verdict::NotChecked => self.unknown.clone().unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Failed,
    NotChecked,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "FAILED",
            Self::NotChecked => "NOT CHECKED",
        }
    }
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
    summary: String,
}

impl Row {
    fn line(&self) -> String {
        let seconds = self.took.as_secs_f64();
        format!("{:<11} {:<11} {seconds:>7.1} s  {}", self.name, self.verdict.word(), self.summary)
    }
}

/// The findings of a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Takes a check's finding and returns its line, with what is below it.
    pub(super) fn add(&mut self, name: &'static str, finding: Finding, took: Duration) -> String {
        let row = Row { name, verdict: finding.verdict(), took, summary: finding.summary() };
        let mut lines = vec![row.line()];
        let below = finding.wrong.iter().chain(&finding.notes).flat_map(|text| text.lines());
        lines.extend(below.map(|line| format!("  {line}")));
        self.rows.push(row);
        lines.join("\n")
    }

    /// The closing table and the plain last line.
    pub(super) fn render(&self) -> String {
        let mut lines = vec![format!("\n{:<11} {:<11} {:>9}  FOUND", "CHECK", "VERDICT", "TIME")];
        lines.extend(self.rows.iter().map(Row::line));
        let count = |verdict: Verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let left = count(Verdict::NotChecked);
        let more = if left > 0 { format!(", {left} not checked") } else { String::new() };
        lines.push(format!("{} checks passed, {} failed{more}", count(Verdict::Ok), count(Verdict::Failed)));
        lines.join("\n")
    }

    /// Failure if any check failed or, where `strict`, could not look.
    pub(super) fn exit_code(&self, strict: bool) -> ExitCode {
        if self.failed(strict) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    pub(super) fn failed(&self, strict: bool) -> bool {
        let bad = |verdict: Verdict| verdict == Verdict::Failed || (strict && verdict == Verdict::NotChecked);
        self.rows.is_empty() || self.rows.iter().any(|row| bad(row.verdict))
    }
}
