//! `cargo xtask image`: container images, through `bailiwick-testbed`. Parses arguments and prints; does no work of its own.

use std::process::ExitCode;

/// Build container images.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
