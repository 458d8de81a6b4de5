//! The driver: how it is built for coverage on a stable toolchain, and what its output says. Runs Cargo and the driver; writes to the cache and to `fuzz/corpus`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::Config;
use serde_json::{Value, json};

use crate::cargo::{cargo, mortal};
use crate::workspace::Workspace;

/// What libFuzzer needs, which Cargo's own switches for coverage do not give. Build scripts stay as
/// they are, because the target is named.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];
const PROGRAM: &str = "bailiwick-fuzz-driver";

/// A built driver.
pub(super) struct Driver {
    program: PathBuf,
    corpus: PathBuf,
    words: PathBuf,
    scratch: PathBuf,
}

/// How one target did.
pub(super) struct Outcome {
    pub(super) target: String,
    pub(super) seconds: u64,
    pub(super) executions: u64,
    pub(super) edges: u64,
    pub(super) kept: usize,
    pub(super) failing: Vec<String>,
}

impl Outcome {
    /// As one record.
    pub(super) fn record(&self) -> Value {
        json!({
            "target": self.target, "seconds": self.seconds, "executions": self.executions, "edges": self.edges,
            "kept": self.kept, "failing": self.failing,
        })
    }
}

impl Driver {
    /// Builds it, in a directory of its own, for the same crates without coverage are built elsewhere.
    pub(super) fn build(config: &Config, workspace: &Workspace) -> Result<Self> {
        let built = config.cache().join("fuzz-target");
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let status = mortal(cargo())
            .current_dir(workspace.root.join("fuzz/driver"))
            .args(["build", "--release", "--locked", "--target", &triple])
            .env("RUSTFLAGS", FLAGS.join(" "))
            .env("CARGO_TARGET_DIR", &built)
            .stdin(Stdio::null())
            .status()
            .context("start Cargo")?;
        ensure!(status.success(), "the driver of the fuzz targets cannot be built");
        let fuzz = workspace.root.join("fuzz");
        Ok(Self {
            program: built.join(triple).join("release").join(PROGRAM),
            corpus: fuzz.join("corpus"),
            words: fuzz.join("words.dict"),
            scratch: config.cache().join("fuzz"),
        })
    }

    fn command(&self, target: &str) -> Command {
        let mut command = mortal(&self.program);
        command.env("BAILIWICK_FUZZ_TARGET", target).stdin(Stdio::null());
        command
    }

    /// True where the target holds for this input.
    pub(super) fn replay(&self, target: &str, input: &Path) -> Result<bool> {
        ensure!(input.is_file(), "there is no file {}", input.display());
        Ok(self.command(target).arg(input).status().context("start the driver")?.success())
    }

    /// Runs a target for so long, and keeps the fewest inputs that reach what the corpus did not.
    pub(super) fn run(&self, target: &str, seconds: u32) -> Result<Outcome> {
        let (kept, found, failing) = self.folders(target)?;
        let begun = Instant::now();
        let output = self
            .command(target)
            .args([&found, &kept])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-dict={}", self.words.display()))
            .arg(format!("-artifact_prefix={}/", failing.display()))
            .args(["-max_len=8192", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"])
            .output()
            .context("start the driver")?;
        let seconds = begun.elapsed().as_secs();
        let said = String::from_utf8_lossy(&output.stderr);
        let failing = files(&failing)?.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        ensure!(output.status.success() || !failing.is_empty(), "the driver failed on {target}: {}", tail(&said));
        let before = files(&kept)?.len();
        if failing.is_empty() {
            let merge =
                self.command(target).args(["-set_cover_merge=1", "-use_counters=0"]).args([&kept, &found]).output();
            ensure!(merge.context("start the driver")?.status.success(), "the new inputs of {target} cannot be merged");
        }
        let kept = files(&kept)?.len() - before;
        Ok(Outcome {
            target: target.to_owned(),
            seconds,
            executions: statistic(&said, "stat::number_of_executed_units:"),
            edges: edges(&said),
            kept,
            failing,
        })
    }

    /// The kept corpus, an empty folder for what is found, one for what fails.
    fn folders(&self, target: &str) -> Result<(PathBuf, PathBuf, PathBuf)> {
        let (found, failing) = (self.scratch.join(target), self.scratch.join(format!("{target}-failing")));
        for folder in [&found, &failing] {
            if folder.exists() {
                std::fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
            }
            std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        Ok((self.corpus.join(target), found, failing))
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    read.map(|entry| Ok(entry?.path())).collect()
}

/// The number behind a word of libFuzzer's last lines.
pub(super) fn statistic(said: &str, word: &str) -> u64 {
    let line = said.lines().rev().find_map(|line| line.trim().strip_prefix(word));
    line.and_then(|rest| rest.trim().parse().ok()).unwrap_or_default()
}

/// How many edges were reached in the end: `#12 DONE cov: 34 ft: 56 …`.
pub(super) fn edges(said: &str) -> u64 {
    let last = said.lines().rev().find_map(|line| line.split_once("cov: "));
    last.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
