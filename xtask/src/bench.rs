//! `cargo xtask bench`: builds the benches in release and runs them. Owns nothing of them: arguments go to `bailiwick-benches` as they are, and its output and exit code are this command's.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::Config;

use crate::cargo::{mortal, try_build};
use crate::workspace::Workspace;

const PACKAGE: &str = "bailiwick-benches";
/// What some benches measure as a whole.
const PROGRAM: &str = "bailiwick";
const PROGRAM_PACKAGE: &str = "bailiwick-cli";

/// Measure, and print the figures.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench                    all that can run here
  cargo xtask bench receipts -o json   one bench, as a list of records
  cargo xtask bench --list")]
pub(crate) struct Args {
    /// Names of benches, and options of `bailiwick-benches`
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::read(&Config::from_env()?)?;
    let wanted = ["--package", PACKAGE, "--bin", PACKAGE, "--package", PROGRAM_PACKAGE, "--bin", PROGRAM];
    let (built, success) = try_build(&workspace, &[&["build", "--release"], wanted.as_slice()].concat())?;
    ensure!(success, "the benches cannot be built");
    let built = |name| built.iter().find(|p| p.path.ends_with(name)).context("Cargo built no benches");
    let mut benches = mortal(&built(PACKAGE)?.path);
    benches.args(&args.arguments).env("BAILIWICK_BENCH_BAILIWICK", &built(PROGRAM)?.path);
    let status = benches.status().context("start the benches")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
