//! `cargo xtask fuzz`: builds the driver of the fuzz targets and runs them, one after the other. Keeps what reached something new in `fuzz/corpus`; prints where a failing input is, and how to run it again.

mod driver;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::Config;
use serde_json::json;

use crate::workspace::Workspace;
use crate::{out, say};
use driver::{Driver, Outcome};

/// Run the fuzz targets, guided by coverage.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask fuzz                              a minute for each target
  cargo xtask fuzz change receipts --seconds 600
  cargo xtask fuzz text --replay crash-3b1f     one input again
  cargo xtask fuzz -o json")]
pub(crate) struct Args {
    /// Targets: the folders of fuzz/corpus; all, if none is named
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Run one input through one target, and nothing else
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// `json` prints a record for each target
    #[arg(short, long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json"])]
    output: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let config = Config::from_env()?;
    let workspace = Workspace::read(&config)?;
    let targets = wanted(&workspace, &args.targets)?;
    let driver = Driver::build(&config, &workspace)?;
    if let Some(input) = &args.replay {
        ensure!(args.targets.len() == 1, "--replay needs the one target that the input is for");
        let passed = driver.replay(&targets[0], input)?;
        say(if passed { "it passes" } else { "it fails" });
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut outcomes = Vec::new();
    for target in &targets {
        say(&format!("{target}: {} s", args.seconds));
        outcomes.push(driver.run(target, args.seconds)?);
    }
    print(args, &outcomes)?;
    let failed = outcomes.iter().any(|outcome| !outcome.failing.is_empty());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The targets that were named, or all of them.
fn wanted(workspace: &Workspace, named: &[String]) -> Result<Vec<String>> {
    let folder = workspace.root.join("fuzz/corpus");
    let read = std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let mut known: Vec<String> = read.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    known.sort();
    for name in named {
        ensure!(known.contains(name), "there is no target {name:?}: {}", known.join(", "));
    }
    Ok(if named.is_empty() { known } else { named.to_vec() })
}

fn print(args: &Args, outcomes: &[Outcome]) -> Result<()> {
    if args.output == "json" {
        let records: Vec<_> = outcomes.iter().map(Outcome::record).collect();
        return out(&serde_json::to_string_pretty(&json!(records))?);
    }
    for o in outcomes {
        let (name, many, seconds) = (&o.target, o.executions, o.seconds);
        out(&format!("{name}: {many} executions in {seconds} s, {} edges, {} inputs kept anew", o.edges, o.kept))?;
        for path in &o.failing {
            out(&format!("  fails: {path}\n  again: cargo xtask fuzz {name} --replay {path}"))?;
        }
    }
    Ok(())
}
