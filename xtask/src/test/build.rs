//! Building test runners and the programs they need, with Cargo. Its progress goes to this process's stderr.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::discover::{FEATURE, Suite, Workspace};

/// A test runner.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) label: String,
    pub(super) package: String,
    pub(super) path: PathBuf,
}

/// The Cargo that runs this.
pub(super) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A command that ends when this process does, however that happens.
pub(super) fn mortal(program: impl Into<OsString>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program.into());
    command
}

/// The runners of all tests that need no cluster.
pub(super) fn unit_tests(workspace: &Workspace) -> Result<Vec<Program>> {
    let built = build(workspace, &["test", "--workspace", "--no-run"])?;
    let suites = workspace.suites()?;
    // Without the feature a suite is an empty program.
    let is_suite =
        |p: &Program| suites.iter().any(|s| s.package == p.package && p.label.ends_with(&format!("/{}", s.name)));
    Ok(built.into_iter().filter(|p| !is_suite(p)).collect())
}

/// The runners of `suites`, labelled with their names.
pub(super) fn suites(workspace: &Workspace, suites: &[Suite]) -> Result<Vec<Program>> {
    let mut args = vec!["test".to_owned(), "--no-run".to_owned()];
    let mut packages: Vec<&str> = suites.iter().map(|s| s.package.as_str()).collect();
    packages.dedup();
    for package in packages {
        args.extend([
            "--package".to_owned(),
            package.to_owned(),
            "--features".to_owned(),
            format!("{package}/{FEATURE}"),
        ]);
    }
    for suite in suites {
        args.extend(["--test".to_owned(), suite.name.clone()]);
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut programs = build(workspace, &words)?;
    for program in &mut programs {
        if let Some((_, name)) = program.label.rsplit_once('/') {
            program.label = name.to_owned();
        }
    }
    Ok(programs)
}

/// The program `name` of `package`, in the profile of developers.
pub(super) fn binary(workspace: &Workspace, package: &str, name: &str) -> Result<PathBuf> {
    let built = build(workspace, &["build", "--package", package, "--bin", name])?;
    let found = built.into_iter().find(|p| p.path.ends_with(name));
    Ok(found.with_context(|| format!("Cargo built no program `{name}`"))?.path)
}

/// Runs Cargo and returns every program that it says it has made.
fn build(workspace: &Workspace, args: &[&str]) -> Result<Vec<Program>> {
    let mut command = mortal(cargo());
    command.current_dir(&workspace.root).args(args).arg("--message-format=json-render-diagnostics");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start Cargo: is `setpriv` of util-linux there?")?;
    let stdout = child.stdout.take().context("open Cargo's stdout")?;
    let mut programs = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("read Cargo's messages")?;
        programs.extend(serde_json::from_str(&line).ok().and_then(|message| program(&message)));
    }
    let status = child.wait().context("wait for Cargo")?;
    ensure!(status.success(), "`cargo {}` failed ({status})", args.join(" "));
    Ok(programs)
}

fn program(message: &Value) -> Option<Program> {
    let path = message["executable"].as_str()?;
    let package = package_name(message["package_id"].as_str()?);
    let target = message["target"]["name"].as_str()?;
    let kind = message["target"]["kind"][0].as_str().unwrap_or("");
    let short = package.strip_prefix("bailiwick-").unwrap_or(package);
    let label = match kind {
        "lib" => short.to_owned(),
        _ => format!("{short}/{target}"),
    };
    Some(Program { label, package: package.to_owned(), path: path.into() })
}

/// `path+file:///x/crates/core#bailiwick-core@0.1.0`, or `path+file:///x/xtask#0.1.0` where the directory has the package's name.
pub(super) fn package_name(id: &str) -> &str {
    let (path, rest) = id.split_once('#').unwrap_or(("", id));
    match rest.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(rest),
    }
}
