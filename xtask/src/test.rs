//! `cargo xtask test`: every test there is, on clusters that come and go with the run.
//!
//! Owns the order of a run: unit tests, then the suites that need a cluster. A suite is an integration test behind the feature `cluster`; what it needs is prepared because its source says so. Prints each runner's closing line, a table, why tests failed, and a plain last line. A suite has a limit, and so has the run: what has not run by then has failed. A killed run leaves nothing: its clusters are ephemeral and every child dies with this process.

mod build;
mod discover;
mod outcome;
mod place;
mod reason;
mod rescue;
mod run;
mod session;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bailiwick_testbed::Config;

use crate::out;
use crate::workspace::Workspace;
use discover::Suite;
use outcome::Report;
use session::Session;

/// The name under which the unit tests are selected.
const UNIT: &str = "unit";

/// Run every test, on a real cluster where one is needed.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask test                            everything, on clusters of its own
  cargo xtask test --suite unit               no cluster needed
  cargo xtask test --suite harness -- audit   one suite, tests whose name contains `audit`
  cargo xtask test --cluster dev              on a cluster that is up and stays up
  cargo xtask test --context kind-x           on your own cluster; says what it skips
  cargo xtask test --list")]
pub(crate) struct Args {
    /// Only this suite (repeatable); `unit` are the tests that need no cluster
    #[arg(long = "suite", value_name = "NAME")]
    suites: Vec<String>,
    /// Use this cluster of `cargo xtask cluster`, and leave it up
    #[arg(long, value_name = "NAME", conflicts_with_all = ["context", "kubeconfig"])]
    cluster: Option<String>,
    /// How to call the cluster that comes and goes with the run
    #[arg(long, value_name = "NAME", conflicts_with_all = ["cluster", "context", "kubeconfig"])]
    name: Option<String>,
    /// Clusters on which suites run side by side; two where there are as many processors
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=4), conflicts_with_all = ["cluster", "context", "kubeconfig"])]
    lanes: Option<u16>,
    /// Minutes after which what has not run has failed
    #[arg(long, default_value_t = 55)]
    minutes: u32,
    /// Use this context of your own kubeconfig
    #[arg(long)]
    context: Option<String>,
    /// Use this kubeconfig of your own
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// With your own cluster: an image of the operator that its nodes can pull
    #[arg(long, value_name = "REF")]
    operator_image: Option<String>,
    /// Leave the tests' namespaces behind
    #[arg(long)]
    keep: bool,
    /// Show the suites and run nothing
    #[arg(long)]
    list: bool,
    /// Arguments for each test runner, such as a filter
    #[arg(last = true)]
    runner: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let config = Config::from_env()?;
    let workspace = Workspace::read(&config)?;
    let (unit, suites) = select(&args.suites, discover::suites(&workspace)?)?;
    if args.list {
        let names = std::iter::once(UNIT).chain(suites.iter().map(|s| s.name.as_str()));
        out(&names.collect::<Vec<_>>().join("\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let begin = Instant::now();
    let room = rescue::Room::make(&config)?;
    let deadline = begin + Duration::from_secs(60 * u64::from(args.minutes));
    let session = Session { config: &config, workspace: &workspace, room: &room, args: &args, deadline };
    let mut report = Report::default();
    if unit {
        session.units(&mut report)?;
    }
    if !suites.is_empty() {
        session.suites(&suites, &mut report)?;
    }
    room.tidy(&report)?;
    out(&report.render(begin.elapsed()))?;
    Ok(report.exit_code())
}

/// Whether the unit tests are wanted, and which suites.
fn select(wanted: &[String], all: Vec<Suite>) -> Result<(bool, Vec<Suite>)> {
    if wanted.is_empty() {
        return Ok((true, all));
    }
    for name in wanted {
        let known = name == UNIT || all.iter().any(|s| s.name == *name);
        ensure!(known, "there is no suite `{name}`: see `cargo xtask test --list`");
    }
    let unit = wanted.iter().any(|name| name == UNIT);
    let chosen = all.into_iter().filter(|s| wanted.contains(&s.name)).collect();
    Ok((unit, chosen))
}

/// The names of all suites.
#[cfg(test)]
pub(crate) fn suite_names() -> Result<Vec<String>> {
    let workspace = Workspace::read(&Config::from_env()?)?;
    Ok(discover::suites(&workspace)?.into_iter().map(|suite| suite.name).collect())
}
