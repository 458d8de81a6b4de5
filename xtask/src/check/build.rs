//! The checks that Cargo's own tools make: rustfmt and clippy. Runs both; changes no file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Ground;
use super::report::Finding;
use crate::cargo::{cargo, messages, mortal, package_name};

/// rustfmt would change nothing.
pub(super) fn format(ground: &Ground) -> Result<Finding> {
    let output = mortal(cargo())
        .current_dir(&ground.workspace.root)
        .args(["fmt", "--all", "--check", "--", "-l"])
        .output()
        .context("start `cargo fmt`")?;
    let root = format!("{}/", ground.workspace.root.display());
    // A file that several targets include is named several times.
    let files: BTreeSet<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| line.replace(&root, "")).collect();
    if output.status.success() {
        return Ok(Finding::good("nothing to change"));
    }
    if files.is_empty() {
        bail!("`cargo fmt` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(Finding::wrong(files.into_iter().collect()).note("run `cargo fmt --all`"))
}

/// The lints of `Cargo.toml` and `clippy.toml`, in every target with every feature.
pub(super) fn clippy(ground: &Ground) -> Result<Finding> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--keep-going",
        "--message-format=json",
        "--",
        "-Dwarnings",
    ];
    let (messages, success) = messages(&ground.workspace, &args)?;
    let found = diagnostics(&messages);
    if success && found.is_empty() {
        return Ok(Finding::good("no warning in any target or feature"));
    }
    if found.is_empty() {
        bail!("`cargo clippy` failed and named no reason in the code");
    }
    let mut per_crate: BTreeMap<&str, usize> = BTreeMap::new();
    for (package, _) in &found {
        *per_crate.entry(package).or_default() += 1;
    }
    let table: Vec<String> = per_crate.iter().map(|(package, count)| format!("{package}: {count}")).collect();
    Ok(Finding::wrong(found.iter().map(|(_, line)| line.clone()).collect()).note(table.join(", ")))
}

/// Warnings and errors with a place in the code, once each: package and a line.
pub(super) fn diagnostics(messages: &[Value]) -> BTreeSet<(String, String)> {
    let told = |message: &Value| {
        let diagnostic = &message["message"];
        let level = diagnostic["level"].as_str()?;
        let spans = diagnostic["spans"].as_array()?;
        let span = spans.iter().find(|span| span["is_primary"] == true)?;
        let (file, line) = (span["file_name"].as_str()?, &span["line_start"]);
        let lint = diagnostic["code"]["code"].as_str().unwrap_or(level);
        let text = diagnostic["message"].as_str()?.lines().next().unwrap_or_default();
        let package = package_name(message["package_id"].as_str()?).to_owned();
        Some((package, format!("{file}:{line}: {lint}: {text}")))
    };
    messages.iter().filter(|message| message["reason"] == "compiler-message").filter_map(told).collect()
}
