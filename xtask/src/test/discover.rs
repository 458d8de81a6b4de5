//! Which suites there are, from the workspace's metadata and the suites' sources, which it reads. Runs nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::workspace::Workspace;

/// The feature behind which tests need a cluster.
pub(super) const FEATURE: &str = "cluster";
const GATE: &str = "#![cfg(feature = \"cluster\")]";
const THREADS: &str = "//! Threads: ";
const MINUTES: &str = "//! Minutes: ";
/// Of a suite that does not say how long it may take.
const USUAL_MINUTES: u8 = 10;

/// Something that is built because a suite asks for it in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Images,
    OperatorImage,
    OperatorProgram,
    Cli,
}

impl Want {
    const ALL: [Self; 4] = [Self::Images, Self::OperatorImage, Self::OperatorProgram, Self::Cli];

    fn word(self) -> &'static str {
        match self {
            Self::Images => "Need::Images",
            Self::OperatorImage => "Need::OperatorImage",
            Self::OperatorProgram => "Need::OperatorProgram",
            Self::Cli => "Need::Cli",
        }
    }
}

/// An integration test that needs a cluster.
#[derive(Debug, Clone)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) package: String,
    /// How many of its tests may run at once.
    pub(super) threads: u8,
    /// After which it has failed.
    pub(super) limit: Duration,
    pub(super) wants: Vec<Want>,
    /// It brings up its own clusters, and must not see the shared one.
    pub(super) owns_clusters: bool,
}

/// All suites, by name; those that bring up clusters themselves come last.
pub(super) fn suites(workspace: &Workspace) -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for package in workspace.packages().filter(|p| !p["features"][FEATURE].is_null()) {
        for target in package["targets"].as_array().into_iter().flatten() {
            suites.extend(suite(text(package, "name")?, target)?);
        }
    }
    suites.sort_by(|a, b| (a.owns_clusters, &a.name).cmp(&(b.owns_clusters, &b.name)));
    for pair in suites.windows(2) {
        ensure!(pair[0].name != pair[1].name, "two suites are named `{}`", pair[0].name);
    }
    Ok(suites)
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("`cargo metadata` names no {key}"))
}

/// A test target as a suite; `None` if it needs no cluster.
fn suite(package: &str, target: &Value) -> Result<Option<Suite>> {
    let has = |key: &str, word: &str| target[key].as_array().is_some_and(|all| all.iter().any(|v| v == word));
    if !has("kind", "test") {
        return Ok(None);
    }
    let (name, path) = (text(target, "name")?, Path::new(text(target, "src_path")?));
    let source = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let owns_clusters = has("required-features", FEATURE);
    let gated = owns_clusters || source.lines().any(|line| line == GATE);
    if !gated && package == "bailiwick-testkit" {
        bail!("{} needs a cluster: it must have the line {GATE}", path.display());
    }
    let said = |what| said(&source, what).with_context(|| format!("the header of {}", path.display()));
    let (threads, minutes) = (said(THREADS)?, said(MINUTES)?);
    let wants = wants(path)?;
    Ok(gated.then(|| Suite {
        name: name.to_owned(),
        package: package.to_owned(),
        // Tests share one operator, so one at a time is the rule.
        threads: threads.unwrap_or(1),
        limit: Duration::from_secs(60 * u64::from(minutes.unwrap_or(USUAL_MINUTES))),
        wants,
        owns_clusters,
    }))
}

/// The number in a line of the header such as `//! Threads: 4.` or `//! Minutes: 15.`, which says nothing else.
pub(super) fn said(source: &str, what: &str) -> Result<Option<u8>> {
    let header = source.lines().take_while(|line| line.starts_with("//!"));
    let Some((line, rest)) = header.into_iter().find_map(|line| Some((line, line.strip_prefix(what)?))) else {
        return Ok(None);
    };
    let number = rest.trim_end_matches('.').parse();
    number.map(Some).with_context(|| format!("`{line}` should end in a number"))
}

/// What the suite's files ask for, its own and those shared in `tests/common`.
fn wants(path: &Path) -> Result<Vec<Want>> {
    let dir = path.parent().context("a test without a directory")?;
    let mut text = std::fs::read_to_string(path)?;
    if path.ends_with("main.rs") {
        text += &read_all(dir)?;
    }
    let own = dir.join(path.file_stem().unwrap_or_default());
    let common = dir.join("common");
    for more in [own, common] {
        if more.is_dir() {
            text += &read_all(&more)?;
        }
    }
    Ok(Want::ALL.into_iter().filter(|want| text.contains(want.word())).collect())
}

fn read_all(dir: &Path) -> Result<String> {
    let mut text = String::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            text += &read_all(&path)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            text += &std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        }
    }
    Ok(text)
}
