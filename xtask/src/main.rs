//! The entry for everything a contributor does: `cargo xtask <command>`.
//!
//! Owns only the list of commands; each lives in a module of its own, which holds its arguments and `run`. Prints to the terminal; must never hold logic that a test would want to call.

mod alerts;
mod bench;
mod cargo;
mod check;
mod cluster;
mod demo;
mod fuzz;
mod generate;
mod image;
mod scenarios;
mod test;
mod torture;
mod workspace;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Development commands of Bailiwick.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// One line per command here and one in `run`; arguments live in the command's own module.
#[derive(Subcommand)]
enum Command {
    /// Show that each alert fires where it must
    Alerts(alerts::Args),
    /// Measure, beside what others do
    Bench(bench::Args),
    /// Verify everything that needs no cluster
    Check(check::Args),
    /// Bring up, use and take down a real Kubernetes on this machine
    Cluster(cluster::Args),
    /// See Bailiwick at work on a real Kubernetes, on a cluster that comes and goes with it
    Demo(demo::Args),
    /// Feed what the product reads from others with anything, guided by coverage
    Fuzz(fuzz::Args),
    /// Build container images and load them into a cluster
    Image(image::Args),
    /// Write the files under deploy/, or check that they are up to date
    Generate(generate::Args),
    /// Break a real Kubernetes as people do, and report what Bailiwick makes of it
    Scenarios(scenarios::Args),
    /// Run every test, on a real cluster where one is needed
    Test(test::Args),
    /// Run the rows of docs/RELIABILITY.md at their full figures
    Torture(torture::Args),
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Alerts(args) => alerts::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Cluster(args) => cluster::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Image(args) => image::run(args),
        Command::Generate(args) => generate::run(&args),
        Command::Scenarios(args) => scenarios::run(&args),
        Command::Test(args) => test::run(args),
        Command::Torture(args) => torture::run(&args),
    }
}

fn main() -> ExitCode {
    // The keeper and the node of a cluster are this same program, started again.
    if let Some(code) = bailiwick_testbed::helper_main(std::env::args_os()) {
        return code;
    }
    run(Cli::parse().command).unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// All commands and their arguments, for who checks that they exist.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Prints a progress line: to stderr, so that stdout carries results only.
pub(crate) fn say(line: &str) {
    let _closed_terminal = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints a result to stdout.
pub(crate) fn out(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

#[cfg(test)]
mod tests {
    use super::command;

    /// A line without what is told of it.
    fn bare(line: &str) -> &str {
        line.split("   ").next().unwrap_or(line)
    }

    fn look(of: &clap::Command) {
        let text = of.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(text.contains("Examples:\n"), "{}: {text}", of.get_name());
        let examples: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("  cargo xtask ")).collect();
        assert!(!examples.is_empty(), "{}: {text}", of.get_name());
        for example in examples.into_iter().map(bare) {
            let words = std::iter::once("xtask").chain(example.split_whitespace());
            let parsed = command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
        of.get_subcommands().for_each(look);
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        command().get_subcommands().for_each(look);
    }
}
