//! The workspace as Cargo describes it. Runs `cargo metadata`; reads nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::Config;
use serde_json::Value;

use crate::cargo::cargo;

/// Members, their features and targets.
pub(crate) struct Workspace {
    metadata: Value,
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// The members alone.
    pub(crate) fn read(config: &Config) -> Result<Self> {
        Self::ask(config, &["--no-deps"])
    }

    /// With everything they depend on.
    pub(crate) fn read_with_dependencies(config: &Config) -> Result<Self> {
        Self::ask(config, &[])
    }

    fn ask(config: &Config, more: &[&str]) -> Result<Self> {
        let root = config.workspace()?.to_owned();
        let output = Command::new(cargo())
            .current_dir(&root)
            .args(["metadata", "--format-version=1"])
            .args(more)
            .output()
            .context("run `cargo metadata`")?;
        ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).context("read `cargo metadata`")?;
        Ok(Self { metadata, root })
    }

    /// What Cargo said.
    pub(crate) fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// All packages that were asked for.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &Value> {
        self.metadata["packages"].as_array().into_iter().flatten()
    }

    /// The version that all members share.
    pub(crate) fn version(&self) -> Result<&str> {
        let found = self.packages().find(|p| p["name"] == "bailiwick-cli").and_then(|p| p["version"].as_str());
        found.context("no package `bailiwick-cli`")
    }

    /// Where a package's `Cargo.toml` is.
    pub(crate) fn dir_of(&self, package: &str) -> Result<PathBuf> {
        let found = self.packages().find(|p| p["name"] == package);
        let manifest = found.and_then(|p| p["manifest_path"].as_str()).map(Path::new);
        let dir = manifest.and_then(Path::parent).with_context(|| format!("no package `{package}`"))?;
        Ok(dir.to_owned())
    }
}
