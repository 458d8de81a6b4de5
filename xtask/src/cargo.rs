//! Running Cargo: what it builds, and where the programs are. Its progress goes to this process's stderr; what it starts ends with this process.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::workspace::Workspace;

/// A program that Cargo built.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) label: String,
    pub(crate) package: String,
    pub(crate) path: PathBuf,
    /// It runs tests; Cargo builds the programs that they use beside them.
    pub(crate) test: bool,
}

/// The Cargo that runs this.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A command that ends when this process does, however that happens.
pub(crate) fn mortal(program: impl Into<OsString>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program.into());
    command
}

/// The program `name` of `package`, in the profile of developers.
pub(crate) fn binary(workspace: &Workspace, package: &str, name: &str) -> Result<PathBuf> {
    let (built, success) = try_build(workspace, &["build", "--package", package, "--bin", name])?;
    ensure!(success, "the program `{name}` of {package} cannot be built");
    let found = built.into_iter().find(|p| p.path.ends_with(name));
    Ok(found.with_context(|| format!("Cargo built no program `{name}`"))?.path)
}

/// Runs Cargo and returns every program that it says it has made, and whether it succeeded.
pub(crate) fn try_build(workspace: &Workspace, args: &[impl AsRef<str>]) -> Result<(Vec<Program>, bool)> {
    let mut args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    args.push("--message-format=json-render-diagnostics");
    let (messages, success) = messages(workspace, &args)?;
    Ok((messages.iter().filter_map(program).collect(), success))
}

/// Runs Cargo, whose arguments must ask for JSON, and returns its messages and whether it succeeded.
pub(crate) fn messages(workspace: &Workspace, args: &[&str]) -> Result<(Vec<Value>, bool)> {
    let mut command = mortal(cargo());
    let mut child = command
        .current_dir(&workspace.root)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start Cargo: is `setpriv` of util-linux there?")?;
    let stdout = child.stdout.take().context("open Cargo's stdout")?;
    let mut messages = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("read Cargo's messages")?;
        messages.extend(serde_json::from_str::<Value>(&line).ok());
    }
    let status = child.wait().context("wait for Cargo")?;
    Ok((messages, status.success()))
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
    Some(Program { label, package: package.to_owned(), path: path.into(), test: message["profile"]["test"] == true })
}

/// `path+file:///x/crates/core#bailiwick-core@0.1.0`, or `path+file:///x/xtask#0.1.0` where the directory has the package's name.
pub(crate) fn package_name(id: &str) -> &str {
    let (path, rest) = id.split_once('#').unwrap_or(("", id));
    match rest.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(rest),
    }
}
