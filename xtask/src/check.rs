//! `cargo xtask check`: all that is verified without a cluster and without running the product.
//!
//! Owns the list of checks and how their findings are shown. A check that could not look says *not checked*, never *ok*. Changes nothing in the repository.

mod build;
mod direction;
mod docs;
mod report;
mod source;
mod supply;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};
use bailiwick_testbed::Config;

use crate::workspace::Workspace;
use crate::{generate, out};
use report::{Finding, Report};

/// Verify format, lints, sizes, directions, licences, generated files and the documents' claims.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask check
  cargo xtask check format sizes
  cargo xtask check --list")]
pub(crate) struct Args {
    /// Only these checks; all where none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Show the checks and run none
    #[arg(long)]
    list: bool,
    /// A check that could not look fails
    #[arg(long)]
    strict: bool,
}

/// Where a check looks.
struct Ground {
    config: Config,
    workspace: Workspace,
}

struct Check {
    name: &'static str,
    about: &'static str,
    run: fn(&Ground) -> Result<Finding>,
}

/// Those that take no time come first.
const CHECKS: [Check; 10] = [
    Check { name: "format", about: "rustfmt would change nothing", run: build::format },
    Check { name: "headers", about: "every Rust file opens with `//!`", run: source::headers },
    Check { name: "waivers", about: "no file or crate exempts itself from a lint", run: source::waivers },
    Check { name: "sizes", about: "files, functions, arguments, nesting", run: source::sizes },
    Check { name: "direction", about: "which crate may depend on which", run: direction::check },
    Check { name: "licences", about: "licences, banned and doubled crates, sources", run: supply::licences },
    Check { name: "advisories", about: "known vulnerabilities of dependencies", run: supply::advisories },
    Check { name: "generated", about: "deploy/ is what its source generates", run: generated },
    Check { name: "docs", about: "links, commands and tests named in documents exist", run: docs::check },
    Check { name: "clippy", about: "the lints of Cargo.toml and clippy.toml", run: build::clippy },
];

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.list {
        for check in &CHECKS {
            out(&format!("{:<11} {}", check.name, check.about))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    for name in &args.names {
        let known = CHECKS.iter().any(|check| check.name == name);
        ensure!(known, "there is no check `{name}`: see `cargo xtask check --list`");
    }
    let config = Config::from_env()?;
    let workspace = Workspace::read_with_dependencies(&config)?;
    let ground = Ground { config, workspace };
    let mut report = Report::default();
    for check in CHECKS.iter().filter(|check| args.names.is_empty() || args.names.iter().any(|n| n == check.name)) {
        let begin = Instant::now();
        // A check that broke has not passed, and the others are still worth running.
        let finding = (check.run)(&ground).unwrap_or_else(|error| Finding::wrong(vec![format!("{error:#}")]));
        out(&report.add(check.name, finding, begin.elapsed()))?;
    }
    out(&report.render())?;
    Ok(report.exit_code(args.strict))
}

fn generated(ground: &Ground) -> Result<Finding> {
    let found = generate::drifted(&ground.workspace)?;
    if found.is_empty() {
        return Ok(Finding::good(format!("{}/ is up to date", generate::DIR)));
    }
    Ok(Finding::wrong(found).note("run `cargo xtask generate`"))
}
