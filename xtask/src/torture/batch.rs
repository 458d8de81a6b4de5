//! The runs of one row, so many in one go as a suite has time for. Starts `cargo xtask test`, or the simulation; both are told by one variable what to run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::rows::{Part, Row, SIMULATION};
use super::state::State;
use crate::cargo::{cargo, mortal};
use crate::say;
use crate::workspace::Workspace;

/// The variable that tests read.
const TORTURE: &str = "BAILIWICK_TEST_TORTURE";
/// Failures after which a row is given up.
const FAILURES: usize = 3;

/// How rows are run.
pub(super) struct Batches<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) cluster: Option<&'a str>,
    /// Instead of the row's figure.
    pub(super) most: Option<u64>,
}

/// The lines of one go.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Lines {
    /// The first seed of which no line says that it held.
    pub(super) next: u64,
    pub(super) held: u64,
    pub(super) seconds: Vec<f64>,
}

impl Batches<'_> {
    /// Runs what is left of a row; true if all of it held.
    pub(super) fn run(&self, row: &Row, state: &mut State) -> Result<bool> {
        let figure = self.most.unwrap_or(row.figure);
        let failures = state.of(row.name).map_or(0, |ran| ran.failed.len());
        for (index, part) in row.parts.iter().enumerate() {
            let share = share(figure, index, row.parts.len());
            loop {
                let ran = state.of_mut(row.name);
                ran.next.resize(row.parts.len(), 0);
                let first = ran.next[index];
                if first >= share {
                    break;
                }
                if ran.failed.len() >= failures + FAILURES {
                    say(&format!("{}: given up after {FAILURES} failures", row.name));
                    return Ok(false);
                }
                self.go((row, index, part), (first, part.batch.min(share - first)), state)?;
            }
        }
        Ok(state.of(row.name).is_none_or(|ran| ran.failed.is_empty()))
    }

    /// One go; what failed in it is noted and passed over.
    fn go(&self, (row, index, part): (&Row, usize, &Part), (first, runs): (u64, u64), state: &mut State) -> Result<()> {
        let file = state.lines();
        let _there_may_be_none = std::fs::remove_file(&file);
        let what = json!({"row": row.name, "first": first, "runs": runs, "file": file}).to_string();
        say(&format!("{}: seeds {first}..{} of {}::{}", row.name, first + runs, part.suite, part.test));
        let status = self.command(part)?.env(TORTURE, what).status().context("start the tests")?;
        let lines = read(&std::fs::read_to_string(&file).unwrap_or_default(), first)?;
        let ran = state.of_mut(row.name);
        ran.held += lines.held;
        ran.seconds.extend(&lines.seconds);
        ran.commits.insert(commit(&self.workspace.root)?);
        ran.days.insert(today()?);
        ran.next[index] = lines.next;
        if !status.success() || lines.next < first + runs {
            say(&format!("{}: seed {} of {} did not hold", row.name, lines.next, part.test));
            ran.failed.push((index, lines.next));
            ran.next[index] += 1;
        }
        state.save()
    }

    fn command(&self, part: &Part) -> Result<Command> {
        if part.suite == SIMULATION {
            let mut command = mortal(cargo());
            command.current_dir(&self.workspace.root).args(["test", "--release", "-p", "bailiwick-core", "--test"]);
            command.args([part.suite, "--", "--exact", part.test, "--nocapture"]);
            return Ok(command);
        }
        let mut command = mortal(std::env::current_exe().context("find this program")?);
        command.current_dir(&self.workspace.root).args(["test", "--suite", part.suite]);
        if let Some(cluster) = self.cluster {
            command.args(["--cluster", cluster]);
        }
        command.args(["--", "--exact", part.test]);
        Ok(command)
    }
}

/// How many runs of the figure are this part's.
pub(super) fn share(figure: u64, index: usize, parts: usize) -> u64 {
    let (index, parts) = (index as u64, parts.max(1) as u64);
    figure / parts + u64::from(index < figure % parts)
}

/// Lines such as `{"row":"R07","seed":3,"seconds":1.5}`; one may stand for several `runs`.
pub(super) fn read(text: &str, first: u64) -> Result<Lines> {
    let mut lines = Lines { next: first, ..Lines::default() };
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("read the line {line}"))?;
        let runs = line["runs"].as_u64().unwrap_or(1);
        lines.held += runs;
        lines.next = lines.next.max(line["seed"].as_u64().context("a line without a seed")? + runs);
        lines.seconds.extend(line["seconds"].as_f64());
    }
    Ok(lines)
}

/// The commit that is checked out, with `+` where files differ from it.
fn commit(root: &Path) -> Result<String> {
    let head = output(Command::new("git").current_dir(root).args(["rev-parse", "--short", "HEAD"]))?;
    let changed =
        output(Command::new("git").current_dir(root).args(["status", "--porcelain", "-uno", "--", "crates"]))?;
    Ok(format!("{head}{}", if changed.is_empty() { "" } else { "+" }))
}

fn today() -> Result<String> {
    output(Command::new("date").args(["-u", "+%Y-%m-%d"]))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().context("ask git or date")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
