//! What has been run of each row, kept in a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What came of one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ran {
    /// For each part, the seed to go on with.
    pub(super) next: Vec<u64>,
    pub(super) held: u64,
    /// Parts and seeds that did not hold.
    pub(super) failed: Vec<(usize, u64)>,
    /// Measured seconds.
    pub(super) seconds: Vec<f64>,
    /// Commits that were run, and days, as they came.
    pub(super) commits: BTreeSet<String>,
    pub(super) days: BTreeSet<String>,
}

/// All rows that have been run.
#[derive(Debug, Default)]
pub(super) struct State {
    dir: PathBuf,
    rows: BTreeMap<String, Ran>,
}

impl State {
    /// What earlier runs have left.
    pub(super) fn read(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        let path = dir.join("state.json");
        let rows = match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text).with_context(|| format!("read {}", path.display()))?,
            Err(_) => BTreeMap::new(),
        };
        Ok(Self { dir: dir.to_owned(), rows })
    }

    /// Begins a row anew.
    pub(super) fn forget(&mut self, row: &str) {
        self.rows.remove(row);
    }

    /// What came of a row; nothing if it was never run.
    pub(super) fn of(&self, row: &str) -> Option<&Ran> {
        self.rows.get(row)
    }

    /// The same, to be added to.
    pub(super) fn of_mut(&mut self, row: &str) -> &mut Ran {
        self.rows.entry(row.to_owned()).or_default()
    }

    /// The file into which tests write their lines.
    pub(super) fn lines(&self) -> PathBuf {
        self.dir.join("lines.jsonl")
    }

    /// Keeps it.
    pub(super) fn save(&self) -> Result<()> {
        let (path, new) = (self.dir.join("state.json"), self.dir.join("state.new"));
        std::fs::write(&new, self.json()?).with_context(|| format!("write {}", new.display()))?;
        std::fs::rename(&new, &path).with_context(|| format!("write {}", path.display()))
    }

    /// All of it.
    pub(super) fn json(&self) -> Result<String> {
        let rows: BTreeMap<&String, Value> = self.rows.iter().map(|(name, ran)| (name, value(ran))).collect();
        Ok(serde_json::to_string_pretty(&rows)?)
    }
}

fn value(ran: &Ran) -> Value {
    json!({
        "next": ran.next, "held": ran.held, "failed": ran.failed, "seconds": ran.seconds,
        "commits": ran.commits, "days": ran.days,
    })
}

fn parse(text: &str) -> Result<BTreeMap<String, Ran>> {
    let rows: BTreeMap<String, Value> = serde_json::from_str(text)?;
    rows.into_iter().map(|(name, value)| Ok((name, ran(&value)?))).collect()
}

fn ran(value: &Value) -> Result<Ran> {
    let texts = |key: &str| -> BTreeSet<String> {
        value[key].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    Ok(Ran {
        next: serde_json::from_value(value["next"].clone())?,
        held: serde_json::from_value(value["held"].clone())?,
        failed: serde_json::from_value(value["failed"].clone())?,
        seconds: serde_json::from_value(value["seconds"].clone())?,
        commits: texts("commits"),
        days: texts("days"),
    })
}
