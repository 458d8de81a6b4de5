//! Where things are on this machine. The only place that reads the environment; the rest is handed a [`Config`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Directories and programs of this machine.
#[derive(Debug, Clone)]
pub struct Config {
    cache: PathBuf,
    cargo: OsString,
    workspace: Option<PathBuf>,
}

impl Config {
    /// Reads `BAILIWICK_CACHE` (default `~/.cache/bailiwick`), and what Cargo tells a program that
    /// it runs: `CARGO` and `CARGO_MANIFEST_DIR`.
    pub fn from_env() -> Result<Self> {
        let cache = match std::env::var_os("BAILIWICK_CACHE") {
            Some(dir) => PathBuf::from(dir),
            None => {
                let home = std::env::var_os("HOME")
                    .context("find the cache directory: neither BAILIWICK_CACHE nor HOME is set")?;
                Path::new(&home).join(".cache/bailiwick")
            }
        };
        let cache = std::path::absolute(&cache).with_context(|| format!("make {} absolute", cache.display()))?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Ok(Self { cache, cargo, workspace: workspace() })
    }

    /// The root of the repository this program works for.
    ///
    /// # Errors
    /// Fails outside of it: only building needs it.
    pub fn workspace(&self) -> Result<&Path> {
        self.workspace.as_deref().context("not inside the repository of Bailiwick")
    }

    /// The directory for all that can be made again.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Built programs.
    pub fn bin(&self) -> PathBuf {
        self.cache.join("bin")
    }

    /// Image archives.
    pub fn images(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// Programs of this workspace that run outside of a cluster.
    pub fn programs(&self) -> PathBuf {
        self.cache.join("programs")
    }

    /// Build logs, and the logs of clusters that failed to come up.
    pub fn logs(&self) -> PathBuf {
        self.cache.join("log")
    }

    pub(crate) fn modules(&self) -> PathBuf {
        self.cache.join("modules")
    }

    pub(crate) fn clusters(&self) -> PathBuf {
        self.cache.join("clusters")
    }

    pub(crate) fn locks(&self) -> PathBuf {
        self.cache.join("locks")
    }

    pub(crate) fn cargo(&self) -> &OsString {
        &self.cargo
    }
}

/// The repository that Cargo runs this program for, or else the one around the working directory.
/// Never the one it was compiled in: clones may share a target directory.
fn workspace() -> Option<PathBuf> {
    let begin = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).or_else(|| std::env::current_dir().ok())?;
    begin.ancestors().find(|dir| dir.join("testbed/versions.toml").is_file()).map(Path::to_owned)
}

/// Where programs are looked for: `PATH`, and what a plain user's lacks.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).collect()
}
