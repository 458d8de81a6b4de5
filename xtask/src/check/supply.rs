//! What the product is made from: licences, banned and doubled crates, sources, known vulnerabilities. Runs `cargo-deny`, installed below the cache when it is not there; its rules are in `deny.toml`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use bailiwick_testbed::Config;
use serde_json::Value;

use super::Ground;
use super::report::Finding;
use crate::cargo::{cargo, mortal};
use crate::say;

/// Of `cargo-deny`; another version is another directory in the cache.
const VERSION: &str = "0.20.2";

/// What cannot be seen without the database of advisories.
const NO_DATABASE: &str = "failed to fetch advisory database";

/// Licences, banned and doubled crates, sources.
pub(super) fn licences(ground: &Ground) -> Result<Finding> {
    let output = deny(ground, &["bans", "licenses", "sources"])?;
    let (wrong, doubled) = diagnostics(&String::from_utf8_lossy(&output.stderr));
    if wrong.is_empty() && !output.status.success() {
        bail!("`cargo deny` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(Finding::of(format!("{doubled} crates in more than one version"), wrong))
}

/// Known vulnerabilities. They are looked up in a database that must be fetched.
pub(super) fn advisories(ground: &Ground) -> Result<Finding> {
    let output = deny(ground, &["advisories"])?;
    Ok(judge_advisories(output.status.success(), &String::from_utf8_lossy(&output.stderr)))
}

/// Only a run that had the database can find nothing.
pub(super) fn judge_advisories(success: bool, said: &str) -> Finding {
    let (wrong, _) = diagnostics(said);
    if !wrong.is_empty() {
        return Finding::wrong(wrong);
    }
    if success {
        return Finding::good("none in the database of RustSec");
    }
    if said.contains(NO_DATABASE) {
        return Finding::unknown("the database of RustSec (github.com) cannot be fetched from here");
    }
    Finding::wrong(vec![format!("`cargo deny` failed: {}", said.trim())])
}

/// Errors, a line each, and how many crates are there in more than one version.
pub(super) fn diagnostics(text: &str) -> (Vec<String>, usize) {
    let (mut errors, mut doubled) = (Vec::new(), 0);
    for message in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let fields = &message["fields"];
        let code = fields["code"].as_str().unwrap_or_default();
        if code == "duplicate" {
            doubled += 1;
        }
        if message["type"] == "diagnostic" && fields["severity"] == "error" {
            let labels = fields["labels"].as_array().into_iter().flatten();
            let about: Vec<&str> = labels.filter_map(|label| label["span"].as_str()).collect();
            let text = fields["message"].as_str().unwrap_or_default();
            errors.push(format!("{code}: {text}: {}", about.join(" ").replace('\n', " ")));
        }
    }
    (errors, doubled)
}

fn deny(ground: &Ground, what: &[&str]) -> Result<Output> {
    let program = install(&ground.config)?;
    let mut command = mortal(program);
    command.current_dir(&ground.workspace.root).env("CARGO", cargo()).stdin(Stdio::null());
    command.args(["--format=json", "--all-features", "check"]).args(what);
    command.output().context("start cargo-deny")
}

/// Where the pinned `cargo-deny` is; builds it the first time.
fn install(config: &Config) -> Result<PathBuf> {
    let root = config.cache().join(format!("tools/cargo-deny-{VERSION}"));
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        say(&format!("building cargo-deny {VERSION} (once, ≈ 2 minutes)"));
        build(&root)?;
        ensure!(program.exists(), "cargo-deny is not at {}", program.display());
    }
    Ok(program)
}

fn build(root: &Path) -> Result<()> {
    let mut command = mortal(cargo());
    // Its own small target directory goes with the build; the workspace's must not fill with it.
    command.env_remove("CARGO_TARGET_DIR").current_dir(std::env::temp_dir()).stdin(Stdio::null());
    command.args(["install", "--quiet", "--locked", "--version", VERSION, "--root"]).arg(root).arg("cargo-deny");
    let status = command.status().context("start `cargo install`")?;
    ensure!(status.success(), "`cargo install cargo-deny` failed ({status})");
    Ok(())
}
