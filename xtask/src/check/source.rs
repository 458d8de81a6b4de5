//! The checks that read the Rust sources: headers, waivers, sizes. Reads every `.rs` of the workspace; runs nothing.

mod function;
pub(super) mod size;
mod token;
pub(super) mod waiver;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Ground;
use super::report::Finding;

pub(super) use token::{functions, tests};

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the root of the repository.
    pub(super) path: String,
    /// The member it belongs to.
    pub(super) package: String,
    pub(super) text: String,
}

/// Every Rust file opens with `//!`.
pub(super) fn headers(ground: &Ground) -> Result<Finding> {
    let sources = read(ground)?;
    let wrong = sources.iter().filter(|source| !has_header(&source.text));
    let wrong = wrong.map(|source| format!("{}: does not open with `//!`", source.path)).collect();
    Ok(Finding::of(format!("{} files", sources.len()), wrong))
}

/// What the file owns is said before anything else.
pub(super) fn has_header(text: &str) -> bool {
    text.strip_prefix("//!").is_some_and(|rest| rest.lines().next().is_some_and(|line| !line.trim().is_empty()))
}

/// No file or crate exempts itself from a lint.
pub(super) fn waivers(ground: &Ground) -> Result<Finding> {
    let sources = read(ground)?;
    let mut wrong = Vec::new();
    for source in &sources {
        wrong.extend(waiver::in_file(source)?);
    }
    for package in members(ground) {
        let manifest = package["manifest_path"].as_str().context("a package without a manifest")?;
        let text = std::fs::read_to_string(manifest).with_context(|| format!("read {manifest}"))?;
        let name = package["name"].as_str().unwrap_or(manifest);
        wrong.extend(waiver::in_manifest(name, &text)?);
        if Path::new(manifest).with_file_name("clippy.toml").exists() && !manifest_is_root(ground, manifest) {
            wrong.push(format!("{name}: a clippy.toml of its own replaces the one at the root"));
        }
    }
    Ok(Finding::of(format!("{} files", sources.len()), wrong))
}

fn manifest_is_root(ground: &Ground, manifest: &str) -> bool {
    Path::new(manifest).parent() == Some(&ground.workspace.root)
}

/// Lengths of files and functions, arguments, nesting.
pub(super) fn sizes(ground: &Ground) -> Result<Finding> {
    let sources = read(ground)?;
    let measured = size::measure(&sources)?;
    let seen = format!("{} files, {} functions", sources.len(), measured.functions());
    Ok(Finding::of(seen, measured.faults()).note(measured.table()))
}

fn members(ground: &Ground) -> impl Iterator<Item = &Value> {
    let ours = &ground.workspace.metadata()["workspace_members"];
    ground.workspace.packages().filter(|p| ours.as_array().is_some_and(|all| all.contains(&p["id"])))
}

/// All Rust files of all members, by path.
pub(super) fn read(ground: &Ground) -> Result<Vec<Source>> {
    let root = &ground.workspace.root;
    let mut homes: Vec<(PathBuf, String)> = members(ground)
        .filter_map(|p| {
            let dir = Path::new(p["manifest_path"].as_str()?).parent()?;
            Some((dir.to_owned(), p["name"].as_str()?.to_owned()))
        })
        .collect();
    // A member inside another's directory owns its files.
    homes.sort_by_key(|(dir, _)| std::cmp::Reverse(dir.as_os_str().len()));
    let mut sources = Vec::new();
    for path in files(root, "rs")? {
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let home = homes.iter().find(|(dir, _)| path.starts_with(dir));
        let package = home.map_or("(no crate)", |(_, name)| name).to_owned();
        sources.push(Source { path: path.strip_prefix(root)?.display().to_string(), package, text });
    }
    Ok(sources)
}

/// All files of the repository with an extension, by path; neither hidden directories nor build output.
pub(super) fn files(root: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).with_context(|| format!("read {}", dir.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let skipped = name.to_string_lossy().starts_with('.') || name == "target";
            let path = entry.path();
            if entry.file_type()?.is_dir() && !skipped {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
