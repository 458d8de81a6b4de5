//! What is kept of a run for whoever reads its failures: runners' output, the operator's and the API server's logs, events, and the product's objects. Never fails a run by itself.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use bailiwick_testbed::{Cluster, Config};

use super::outcome::Report;
use super::place::Place;
use crate::say;

const RUNS_KEPT: usize = 5;
/// A cluster that is broken must not keep the run.
const PATIENCE: &str = "--request-timeout=15s";
const LOG_TAIL: u64 = 4 * 1024 * 1024;

/// What to ask the cluster, and the file the answer goes to.
const QUESTIONS: [(&str, &[&str]); 6] = [
    ("events.txt", &["get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"]),
    ("pods.txt", &["get", "pods", "--all-namespaces", "--output=wide"]),
    ("objects.yaml", &["get", "bailiwick", "--all-namespaces", "--output=yaml"]),
    ("grants.yaml", &["get", "controllerrevisions,serviceaccounts", "--namespace=bailiwick-grants", "--output=yaml"]),
    (
        "operator.log",
        &[
            "logs",
            "--namespace=bailiwick-system",
            "--selector=app.kubernetes.io/name=bailiwick-operator",
            "--tail=-1",
            "--prefix",
        ],
    ),
    (
        "operator-previous.log",
        &[
            "logs",
            "--namespace=bailiwick-system",
            "--selector=app.kubernetes.io/name=bailiwick-operator",
            "--tail=-1",
            "--prefix",
            "--previous",
        ],
    ),
];

/// The directory of one run.
pub(super) struct Room {
    dir: PathBuf,
}

impl Room {
    /// A new directory; the oldest of earlier runs go.
    pub(super) fn make(config: &Config) -> Result<Self> {
        let all = config.logs().join("test");
        let dir = all.join(std::process::id().to_string());
        // A process number comes again one day.
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
        }
        std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        forget_old(&all)?;
        Ok(Self { dir })
    }

    /// The directory of one suite.
    pub(super) fn dir(&self, suite: &str) -> Result<PathBuf> {
        let dir = self.dir.join(suite.replace(['/', ' '], "-"));
        std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(dir)
    }

    /// Nothing is kept of a run that passed.
    pub(super) fn tidy(&self, report: &Report) -> Result<()> {
        if !report.failed() {
            std::fs::remove_dir_all(&self.dir).with_context(|| format!("remove {}", self.dir.display()))?;
        }
        Ok(())
    }
}

fn forget_old(all: &Path) -> Result<()> {
    let mut runs: Vec<_> = std::fs::read_dir(all)
        .with_context(|| format!("read {}", all.display()))?
        .flatten()
        // Named by the process that makes it.
        .filter(|entry| !Path::new("/proc").join(entry.file_name()).exists())
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    runs.sort();
    let old = runs.len().saturating_sub(RUNS_KEPT);
    for (_, path) in &runs[..old] {
        let _another_run_removes_it_too = std::fs::remove_dir_all(path);
    }
    Ok(())
}

/// Saves what explains a failed suite into `dir`.
pub(super) fn collect(place: &Place, dir: &Path) {
    for (file, question) in QUESTIONS {
        if let Err(error) = ask(place, question).and_then(|text| Ok(std::fs::write(dir.join(file), text)?)) {
            say(&format!("{file} could not be saved: {error:#}"));
        }
    }
    if let Place::Testbed(cluster) = place {
        keep_logs(cluster, dir);
    }
}

fn ask(place: &Place, question: &[&str]) -> Result<Vec<u8>> {
    let mut command = match place {
        Place::Testbed(cluster) => cluster.command(&[&["kubectl", PATIENCE], question].concat())?,
        Place::Own { kubeconfig, context } => {
            let mut command = Command::new("kubectl");
            command.arg("--kubeconfig").arg(kubeconfig);
            if let Some(context) = context {
                command.args(["--context", context]);
            }
            command.arg(PATIENCE).args(question);
            command
        }
    };
    let output = command.output().context("run kubectl")?;
    // What it complains about explains the failure as well.
    Ok([output.stdout, output.stderr].concat())
}

fn keep_logs(cluster: &Cluster, dir: &Path) {
    for name in ["kube-apiserver.log", "kube-controller-manager.log", "kubelet.log", "audit.log"] {
        let kept = tail(&cluster.logs().join(name)).and_then(|bytes| Ok(std::fs::write(dir.join(name), bytes)?));
        if let Err(error) = kept {
            say(&format!("{name} could not be saved: {error:#}"));
        }
    }
}

fn tail(path: &Path) -> Result<Vec<u8>> {
    let mut file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
    let start = file.metadata()?.len().saturating_sub(LOG_TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
