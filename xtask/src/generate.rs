//! `cargo xtask generate`: the files under `deploy/`, made from the types and objects of the `api` crate, and
//! `docs/DIAGNOSIS.md`, made from the analyzers' table.
//!
//! Runs `bailiwick-generate`, which owns what is in the files; the chart is made of `install.yaml`. Must never touch another file. `--check` writes nothing and shows where the files differ.

mod chart;
mod drift;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::Config;

use crate::cargo::{binary, mortal};
use crate::workspace::Workspace;
use crate::{out, say};

/// Where the generated files are.
pub(crate) const DIR: &str = "deploy";
/// The page that is generated.
const PAGE: &str = "docs/DIAGNOSIS.md";

/// Write the generated files: CRDs, roles, admission policies, install manifest, Helm chart.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask generate
  cargo xtask generate --check")]
pub(crate) struct Args {
    /// Write nothing; fail if a file differs, and show how
    #[arg(long)]
    check: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::read(&Config::from_env()?)?;
    if !args.check {
        let said = generate(&workspace, &workspace.root.join(DIR))?;
        std::fs::write(workspace.root.join(PAGE), page(&workspace)?).context("write the page")?;
        say(if said.is_empty() { "nothing to change" } else { &said });
        return Ok(ExitCode::SUCCESS);
    }
    let found = drifted(&workspace)?;
    for line in &found {
        out(line)?;
    }
    if found.is_empty() {
        say("the generated files are what their source says");
        return Ok(ExitCode::SUCCESS);
    }
    say("run `cargo xtask generate`");
    Ok(ExitCode::FAILURE)
}

/// What differs between the generated files and what their source generates, a paragraph for each file.
pub(crate) fn drifted(workspace: &Workspace) -> Result<Vec<String>> {
    let fresh = tempfile::tempdir().context("make a directory for fresh files")?;
    generate(workspace, fresh.path())?;
    let mut found = drift::compare(&workspace.root.join(DIR), fresh.path())?;
    if std::fs::read_to_string(workspace.root.join(PAGE)).unwrap_or_default() != page(workspace)? {
        found.push(format!("{PAGE} differs from what its source generates"));
    }
    Ok(found)
}

fn page(workspace: &Workspace) -> Result<String> {
    let program = binary(workspace, "bailiwick-api", "bailiwick-generate")?;
    let output = mortal(&program).arg("--diagnosis").output().context("start bailiwick-generate")?;
    ensure!(output.status.success(), "bailiwick-generate failed ({})", output.status);
    String::from_utf8(output.stdout).context("read the page")
}

/// Returns what it says it wrote and removed.
fn generate(workspace: &Workspace, dir: &Path) -> Result<String> {
    let program = binary(workspace, "bailiwick-api", "bailiwick-generate")?;
    let output = mortal(&program).arg(dir).output().context("start bailiwick-generate")?;
    let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    ensure!(output.status.success(), "bailiwick-generate failed ({}): {said}", output.status);
    let mut lines = chart::write(dir, workspace.version()?)?;
    if !said.is_empty() {
        lines.insert(0, said);
    }
    Ok(lines.join("\n"))
}
