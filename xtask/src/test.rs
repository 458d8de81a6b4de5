//! `cargo xtask test`: every test there is, on a cluster that comes and goes with the run.
//!
//! Owns the order of a run: unit tests, then the suites that need a cluster. A suite is an integration test behind the feature `cluster`; what it needs is prepared because its source says so. Prints each runner's closing line, a table, and a plain last line. A killed run leaves nothing: the cluster is ephemeral and every child dies with this process.

mod build;
mod discover;
mod outcome;
mod place;
mod rescue;
mod run;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::Config;

use crate::workspace::Workspace;
use crate::{out, say};
use discover::Suite;
use outcome::{Outcome, Report};
use place::Place;
use run::Job;

/// The name under which the unit tests are selected.
const UNIT: &str = "unit";
const UNIT_LIMIT: Duration = Duration::from_secs(10 * 60);
const SUITE_LIMIT: Duration = Duration::from_secs(20 * 60);

/// Run every test, on a real cluster where one is needed.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask test                            everything, on a cluster of its own
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
    let mut report = Report::default();
    if unit {
        run_unit(&workspace, &room, &args, &mut report)?;
    }
    if !suites.is_empty() {
        run_suites((&config, &workspace), &room, (&args, &suites), &mut report)?;
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

fn run_unit(workspace: &Workspace, room: &rescue::Room, args: &Args, report: &mut Report) -> Result<()> {
    say("building the unit tests");
    let programs = build::unit_tests(workspace)?;
    for program in &programs {
        let job = Job {
            name: format!("unit {}", program.label),
            program,
            args: args.runner.clone(),
            env: Vec::new(),
            limit: UNIT_LIMIT,
            live: false,
        };
        let outcome = run::run(&job, workspace, &room.dir(&job.name)?)?;
        // A filter leaves most runners with nothing to do.
        if outcome.count() > 0 || outcome.failed > 0 {
            tell(report, outcome)?;
        }
    }
    if args.runner.is_empty() {
        tell(report, run::doc_tests(workspace, &room.dir("unit docs")?)?)?;
    }
    Ok(())
}

/// Takes an outcome into the report and prints its runner's closing lines.
fn tell(report: &mut Report, outcome: Outcome) -> Result<()> {
    report.add(outcome).iter().try_for_each(|line| out(line))
}

fn run_suites(
    (config, workspace): (&Config, &Workspace),
    room: &rescue::Room,
    (args, suites): (&Args, &[Suite]),
    report: &mut Report,
) -> Result<()> {
    say("building the suites that need a cluster");
    let programs = build::suites(workspace, suites)?;
    let place = Place::open(config, args)?;
    let shared = place.prepare((config, workspace), suites, args)?;
    for suite in suites {
        let program = programs.iter().find(|p| p.label == suite.name);
        let program = program.with_context(|| format!("Cargo built no program for the suite `{}`", suite.name))?;
        let dir = room.dir(&suite.name)?;
        let mut runner = vec![format!("--test-threads={}", suite.threads)];
        runner.extend(args.runner.iter().cloned());
        let job = Job {
            name: suite.name.clone(),
            program,
            args: runner,
            env: [shared.clone(), place::own_env(&dir)].concat(),
            limit: SUITE_LIMIT,
            live: true,
        };
        let outcome = run_suite(&job, (workspace, &place), suite, &dir)?;
        tell(report, outcome)?;
    }
    Ok(())
}

fn run_suite(
    job: &Job<'_>,
    (workspace, place): (&Workspace, &Place),
    suite: &Suite,
    dir: &std::path::Path,
) -> Result<Outcome> {
    if suite.owns_clusters && place.is_own() {
        return Ok(Outcome::skipped(&suite.name, "brings up clusters of the testbed itself"));
    }
    say(&format!("\n{}", suite.name));
    let mut outcome = run::run(job, workspace, dir)?;
    outcome.note_skipped(dir)?;
    if outcome.failed > 0 {
        rescue::collect(place, dir);
        outcome.kept = Some(dir.to_owned());
    }
    Ok(outcome)
}
