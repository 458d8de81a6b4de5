//! Reading folders, and saying what is wrong with one before anything is run.
//!
//! Reads files. Must never let a folder through whose expectation cannot be told from a mistyped one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::format::{Check, Expectation, Outcome, Scenario, Step, Target};
use super::parts;
use crate::apply::documents;

/// The file that makes a folder a scenario.
const FILE: &str = "scenario.yaml";
const MANIFESTS: [&str; 2] = ["yaml", "yml"];

/// What `${NAME}` stands for in a folder's files.
#[derive(Debug, Clone)]
pub struct Variables(BTreeMap<&'static str, String>);

impl Variables {
    /// All names there are.
    const NAMES: [&'static str; 10] = [
        "IMAGE",
        "IMAGE_NEXT",
        "IMAGE_ABSENT",
        "IMAGE_REFUSED",
        "IMAGE_OTHER_ARCH",
        "IMAGE_KUBECTL",
        "IMAGE_METRICS_SERVER",
        "NAMESPACE",
        "OTHER_NAMESPACE",
        "NODE",
    ];

    /// These values; a name without one is not to be had in this run.
    pub(super) fn new(values: BTreeMap<&'static str, String>) -> Self {
        Self(values)
    }

    /// Values that could be, for looking at a folder without a cluster.
    fn sample() -> Self {
        Self(Self::NAMES.into_iter().map(|name| (name, name.to_lowercase().replace('_', "-"))).collect())
    }

    /// The text with every variable replaced.
    fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').context("`${` without `}`")?;
            let known = || format!("there is no variable `{name}`; there are {}", Self::NAMES.join(", "));
            filled += before;
            filled += self.0.get(name).with_context(known)?;
            rest = tail;
        }
        Ok(filled + rest)
    }
}

/// A folder that was found to be in order.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    files: BTreeMap<String, String>,
    sample: Scenario,
}

impl Folder {
    /// The scenario as it is written; names and images in it are samples.
    pub fn scenario(&self) -> &Scenario {
        &self.sample
    }

    /// The scenario for one run.
    pub(super) fn scenario_for(&self, variables: &Variables) -> Result<Scenario> {
        serde_saphyr::from_str(&variables.fill(self.text(FILE)?)?).with_context(|| format!("read {FILE}"))
    }

    /// The objects of one of its files.
    pub(super) fn objects(&self, file: &str, variables: &Variables) -> Result<Vec<Value>> {
        documents(&variables.fill(self.text(file)?)?).with_context(|| format!("read {file}"))
    }

    /// Causes and Change types that are expected and that this product does not know.
    pub fn unknown_words(&self) -> Vec<String> {
        self.sample.expect.iter().flat_map(parts::unknown_words).collect()
    }

    /// Whether a file of it uses the variable.
    pub(super) fn mentions(&self, variable: &str) -> bool {
        let used = format!("${{{variable}}}");
        self.files.values().any(|text| text.contains(&used))
    }

    fn text(&self, file: &str) -> Result<&str> {
        self.files.get(file).map(String::as_str).with_context(|| format!("there is no file `{file}`"))
    }
}

/// All folders of scenarios directly in `dir`, or `dir` itself if it is one, by name.
///
/// # Errors
/// Fails where there is none, or one is not in order; then with everything that is wrong.
pub fn folders(dir: &Path) -> Result<Vec<Folder>> {
    if dir.join(FILE).exists() {
        return Ok(vec![read(dir)?]);
    }
    let entries = std::fs::read_dir(dir).with_context(|| format!("read the directory {}", dir.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    paths.sort();
    let (mut good, mut faults) = (Vec::new(), Vec::new());
    for path in &paths {
        match read(path) {
            Ok(folder) => good.push(folder),
            Err(error) => faults.push(format!("{error:#}")),
        }
    }
    for (at, folder) in good.iter().enumerate() {
        let same = |other: &&Folder| other.sample.id.eq_ignore_ascii_case(&folder.sample.id);
        if let Some(other) = good[..at].iter().find(same) {
            faults.push(format!(
                "{} and {} are both called {}",
                other.path.display(),
                folder.path.display(),
                folder.sample.id
            ));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    ensure!(!good.is_empty(), "no folder of {} has a {FILE}: see docs/SCENARIOS.md", dir.display());
    Ok(good)
}

/// Reads one folder.
///
/// # Errors
/// Fails where it is not in order, saying what to change.
pub fn read(path: &Path) -> Result<Folder> {
    read_files(path).and_then(|files| folder(path, files)).with_context(|| path.display().to_string())
}

fn read_files(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path).context("read the directory")?.flatten() {
        let file = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if file.extension().is_some_and(|e| MANIFESTS.iter().any(|m| e == *m)) {
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {name}"))?;
            files.insert(name, text);
        }
    }
    ensure!(files.contains_key(FILE), "it has no {FILE}: see docs/SCENARIOS.md");
    Ok(files)
}

fn folder(path: &Path, files: BTreeMap<String, String>) -> Result<Folder> {
    let sample = Variables::sample();
    let text = sample.fill(&files[FILE]).context(FILE)?;
    let scenario: Scenario = serde_saphyr::from_str(&text).context(FILE)?;
    let folder = Folder { path: path.to_owned(), files, sample: scenario };
    check_scenario(&folder.sample).context(FILE)?;
    check_files(&folder, &sample)?;
    Ok(folder)
}

fn check_scenario(scenario: &Scenario) -> Result<()> {
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    ensure!(plain(&scenario.id), "`id` must be letters, digits and dashes");
    ensure!(plain(&scenario.name), "`name` must be letters, digits and dashes");
    ensure!(!scenario.expect.is_empty(), "`expect` is empty: write `outcome: nothing` where nothing is expected");
    for (part, steps) in steps(scenario) {
        for (at, step) in steps.iter().enumerate() {
            check_step(step).with_context(|| format!("`{part}`, step {}", at + 1))?;
        }
    }
    for (part, checks) in [("healthy", &scenario.healthy), ("oracle", &scenario.oracle), ("never", &scenario.never)] {
        for (at, check) in checks.iter().enumerate() {
            check_check(check).with_context(|| format!("`{part}`, entry {}", at + 1))?;
        }
    }
    for (at, expectation) in scenario.expect.iter().enumerate() {
        check_expectation(expectation).with_context(|| format!("`expect`, entry {}", at + 1))?;
    }
    let changes = scenario.expect.iter().any(|e| matches!(e.outcome, Outcome::Change(_)));
    ensure!(
        !changes || !scenario.oracle.is_empty(),
        "a Change is expected, but `oracle` does not say what mended means"
    );
    parts::mandate(&scenario.mandate, "sample").context("`mandate`").map(|_| ())
}

fn steps(scenario: &Scenario) -> [(&'static str, &Vec<Step>); 3] {
    [("setup", &scenario.setup), ("fault", &scenario.fault), ("cleanup", &scenario.cleanup)]
}

fn check_step(step: &Step) -> Result<()> {
    let given = [
        ("apply", step.apply.is_some()),
        ("patch", step.patch.is_some()),
        ("delete", step.delete.is_some()),
        ("exec", step.exec.is_some()),
        ("until", step.until.is_some()),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    ensure!(
        given.len() == 1,
        "exactly one of apply, patch, delete, exec, until is needed; given: {}",
        given.join(", ")
    );
    let patches = usize::from(step.merge.is_some()) + usize::from(step.json.is_some());
    match step.patch {
        Some(_) => ensure!(patches == 1, "`patch` needs `merge` or `json`, and not both"),
        None => {
            ensure!(patches == 0 && step.subresource.is_none(), "`merge`, `json` and `subresource` go with `patch`")
        }
    }
    ensure!(step.exec.as_ref().is_none_or(|argv| !argv.is_empty()), "`exec` is empty");
    step.patch.iter().chain(&step.delete).try_for_each(|target| target.api().map(|_| ()))?;
    step.until.iter().try_for_each(check_check)
}

fn check_check(check: &Check) -> Result<()> {
    check.target().api()?;
    let says = check.is.is_some() || !check.has.is_empty() || !check.conditions.is_empty();
    ensure!(says, "it asks nothing: give `is`, `has` or `conditions`");
    let pointers = check.has.keys().find(|p| !p.starts_with('/'));
    ensure!(pointers.is_none(), "`has`: {pointers:?} is no JSON pointer: it must begin with `/`");
    Ok(())
}

fn check_expectation(expectation: &Expectation) -> Result<()> {
    let named = !expectation.cause.is_empty() && !expectation.subject.is_empty();
    let bare = expectation.cause.is_empty() && expectation.subject.is_empty();
    expectation.subject.iter().try_for_each(|target| target.api().map(|_| ()))?;
    match &expectation.outcome {
        Outcome::Nothing => ensure!(named || bare, "`cause` and `subject` go together"),
        Outcome::Escalate => ensure!(named, "`cause` and `subject` are needed"),
        Outcome::Change(wanted) => {
            ensure!(named, "`cause` and `subject` are needed");
            ensure!(!wanted.is_empty(), "`change` is empty");
            for change in wanted {
                change.target.iter().try_for_each(|target| target.api().map(|_| ()))?;
            }
        }
    }
    Ok(())
}

/// Every file is used by a step, and every step's file is there and holds objects.
fn check_files(folder: &Folder, sample: &Variables) -> Result<()> {
    let all = steps(&folder.sample);
    let used: Vec<&str> = all.iter().flat_map(|(_, steps)| *steps).filter_map(|step| step.apply.as_deref()).collect();
    for file in &used {
        let objects = folder.objects(file, sample)?;
        ensure!(!objects.is_empty(), "{file} holds no object");
        for object in objects {
            let named = object.pointer("/metadata/name").is_some_and(Value::is_string);
            ensure!(named && object["kind"].is_string(), "{file}: an object without `kind` or `metadata.name`");
        }
    }
    if let Some(file) = folder.files.keys().find(|file| *file != FILE && !used.contains(&file.as_str())) {
        bail!("{file} is used by no step");
    }
    Ok(())
}

impl Target {
    /// Its `apiVersion`.
    pub(super) fn api(&self) -> Result<String> {
        parts::api_version(self.api_version.as_deref(), &self.kind)
    }
}

impl Check {
    /// What it looks at.
    pub(super) fn target(&self) -> Target {
        Target {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
        }
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
