//! A row of `docs/RELIABILITY.md`: how often a test repeats what it shows, and a line for each time it held.
//!
//! `cargo xtask torture` says how often and from which seed on; without it a test runs as often as the whole suite has time for. Writes to the file that it names. Judges nothing.

use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::env::Env;

/// What `cargo xtask torture` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Torture {
    row: String,
    /// The first seed.
    first: u64,
    runs: u64,
    /// Where the lines go.
    file: PathBuf,
}

/// A row under way.
#[derive(Debug)]
pub struct Row {
    name: &'static str,
    seeds: Range<u64>,
    file: Option<PathBuf>,
}

/// One run that held.
#[derive(Serialize)]
struct Held<'a> {
    row: &'a str,
    seed: u64,
    /// What the row's figure is about, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

impl Row {
    /// The row `name`, with so many runs where nobody asks for more.
    ///
    /// # Errors
    /// Fails where the environment makes no sense.
    pub fn of(name: &'static str, usually: u64) -> Result<Self> {
        Ok(Self::asked(name, usually, Env::read()?.torture))
    }

    fn asked(name: &'static str, usually: u64, torture: Option<Torture>) -> Self {
        match torture.filter(|t| t.row == name) {
            Some(t) => Self { name, seeds: t.first..t.first + t.runs, file: Some(t.file) },
            None => Self { name, seeds: 0..usually, file: None },
        }
    }

    /// The seeds to run.
    pub fn seeds(&self) -> Range<u64> {
        self.seeds.clone()
    }

    /// Whether the full figure is asked for, with the delays that the product has by default.
    pub fn is_torture(&self) -> bool {
        self.file.is_some()
    }

    /// Tells that a run held, and what was measured.
    ///
    /// # Errors
    /// Fails where the line cannot be written.
    pub fn held(&self, seed: u64, measured: Option<Duration>) -> Result<()> {
        let seconds = measured.map(|m| m.as_secs_f64());
        let line = serde_json::to_string(&Held { row: self.name, seed, seconds })?;
        writeln!(std::io::stdout(), "{line}").context("say that a run held")?;
        let Some(path) = &self.file else { return Ok(()) };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let mut file = file.with_context(|| format!("open {}", path.display()))?;
        writeln!(file, "{line}").with_context(|| format!("write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_row_is_run_as_usual() {
        let torture: Torture = serde_json::from_str(r#"{"row": "R07", "first": 40, "runs": 2, "file": "/f"}"#).unwrap();
        assert_eq!(Row::asked("R07", 3, Some(torture.clone())).seeds(), 40..42);
        let usual = Row::asked("R08", 3, Some(torture));
        assert_eq!((usual.seeds(), usual.is_torture()), (0..3, false));
    }

    #[test]
    fn every_run_that_held_is_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lines");
        let torture = Torture { row: "R07".to_owned(), first: 1, runs: 2, file: file.clone() };
        let row = Row::asked("R07", 1, Some(torture));
        row.held(1, None).unwrap();
        row.held(2, Some(Duration::from_millis(1500))).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(text, "{\"row\":\"R07\",\"seed\":1}\n{\"row\":\"R07\",\"seed\":2,\"seconds\":1.5}\n");
    }
}
