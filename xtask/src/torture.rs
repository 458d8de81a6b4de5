//! `cargo xtask torture`: the rows of `docs/RELIABILITY.md` at their full figures, one after the other.
//!
//! Owns how often each row is run, what came of it, and the table in the document. A row is a test that the suites hold as well; here it is told how often to run. Must never count a run that did not hold. Keeps its state under the cache, so that what was interrupted can go on.

mod batch;
mod document;
mod rows;
mod state;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use bailiwick_testbed::Config;

use crate::workspace::Workspace;
use crate::{out, say};
use batch::Batches;
use rows::{ROWS, Row};
use state::State;

/// Run rows of docs/RELIABILITY.md at their full figures.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask torture --list               the rows and their figures
  cargo xtask torture R07                  one row, 200 runs
  cargo xtask torture R05 R06 --seeds 10   ten runs of each
  cargo xtask torture --resume             all rows, going on where they were
  cargo xtask torture --cluster dev R10    on a cluster that is up and stays up")]
pub(crate) struct Args {
    /// Only these rows, such as R07
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
    /// So many runs of each row, instead of its figure
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Go on after the last seed that was run, instead of from the first
    #[arg(long)]
    resume: bool,
    /// Use this cluster of `cargo xtask cluster`, and leave it up
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Show the rows and run nothing
    #[arg(long)]
    list: bool,
    /// How to print the results
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let config = Config::from_env()?;
    let chosen = choose(&args.rows)?;
    if args.list {
        let lines = chosen.iter().map(|row| format!("{:<4} {:>6}  {}", row.name, row.figure, row.what));
        out(&lines.collect::<Vec<_>>().join("\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::read(&config)?;
    let mut state = State::read(&config.cache().join("torture"))?;
    let mut held = true;
    for row in chosen {
        if !args.resume {
            state.forget(row.name);
        }
        say(&format!("\n{}: {}", row.name, row.what));
        let batches = Batches { workspace: &workspace, cluster: args.cluster.as_deref(), most: args.seeds };
        held &= batches.run(row, &mut state)?;
        document::merge(&workspace.root, &state)?;
    }
    match args.output {
        Output::Text => out(&document::table(&state))?,
        Output::Json => out(&state.json()?)?,
    }
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(names: &[String]) -> Result<Vec<&'static Row>> {
    for name in names {
        ensure!(ROWS.iter().any(|row| row.name == name), "there is no row `{name}`: see `cargo xtask torture --list`");
    }
    Ok(ROWS.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name)).collect())
}
