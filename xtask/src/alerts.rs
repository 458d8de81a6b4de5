//! `cargo xtask alerts`: the alert rules under `deploy/monitoring`, each shown to fire by Prometheus' own `promtool`.
//!
//! Builds `promtool` first if it was not built yet, which takes minutes; after that it takes a second. Writes nothing else.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bailiwick_testbed::{Config, Progress, ensure_binaries};

use crate::cargo::mortal;
use crate::generate::DIR;
use crate::say;
use crate::workspace::Workspace;

/// The program, as `testbed/versions.toml` names it.
const PROGRAM: &str = "promtool";

/// Show that each alert fires where it must, with `promtool test rules`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask alerts")]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_args: &Args) -> Result<ExitCode> {
    let config = Config::from_env()?;
    let dir = Workspace::read(&config)?.root.join(DIR).join("monitoring");
    ensure_binaries(&config, &[PROGRAM.to_owned()], &Progress::new(say))?;
    let promtool = config.bin().join(PROGRAM);
    for args in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let status = mortal(&promtool).current_dir(&dir).args(args).status().context("run promtool")?;
        if !status.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
