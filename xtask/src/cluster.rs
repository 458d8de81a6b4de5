//! `cargo xtask cluster`: a real Kubernetes on this machine, through `bailiwick-testbed`. Parses arguments and prints; does no work of its own.

use std::process::ExitCode;

/// Bring up, use and take down a real Kubernetes.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
