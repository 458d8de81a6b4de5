//! The throw-away Go modules that programs are built in: one directory per program and version, moved into place when complete. Runs `go mod` and `go get`, which download through the Go module proxy.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::versions::{Artifact, Module, Versions};
use crate::{config::Config, step};

/// The directory to build `artifact` in; made if it is not there.
pub(super) fn prepare(config: &Config, artifact: &Artifact, log: &Path) -> Result<PathBuf> {
    let name = match artifact.module {
        Module::Kubernetes => "kubernetes".to_owned(),
        Module::Tool => artifact.name.replace('/', "-"),
    };
    let dir = config.modules().join(format!("{name}@{}", artifact.version));
    if dir.join("go.sum").exists() {
        return Ok(dir);
    }
    let partial = config.modules().join(format!("{name}.partial"));
    remake(&partial)?;
    let filled = match artifact.module {
        Module::Kubernetes => fill_kubernetes(&partial),
        Module::Tool => fill_tool(&partial, artifact),
    };
    filled.with_context(|| format!("download the sources of {} (log: {})", artifact.name, log.display()))?;
    std::fs::rename(&partial, &dir).with_context(|| format!("move {} into place", dir.display()))?;
    Ok(dir)
}

fn remake(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))
}

fn go(dir: &Path, step: &str, args: &[&str]) -> Result<Vec<u8>> {
    step::output(step, step::mortal("go").current_dir(dir).args(args))
}

fn write_go_mod(dir: &Path, text: &str) -> Result<()> {
    std::fs::write(dir.join("go.mod"), text).context("write go.mod")
}

fn fill_tool(dir: &Path, artifact: &Artifact) -> Result<()> {
    write_go_mod(dir, &format!("module testbed\n\ngo {}\n", Versions::pinned()?.go))?;
    go(dir, "go get", &["get", "-tool", &format!("{}@{}", artifact.package, artifact.version)])?;
    Ok(())
}

fn fill_kubernetes(dir: &Path) -> Result<()> {
    let versions = Versions::pinned()?;
    let target = format!("k8s.io/kubernetes@{}", versions.kubernetes.version);
    write_go_mod(dir, "module testbed\n")?;
    let answer = go(dir, "go mod download", &["mod", "download", "-json", &target])?;
    let answer: serde_json::Value = serde_json::from_slice(&answer).context("read the answer of `go mod download`")?;
    let path = answer["GoMod"].as_str().context("`go mod download` named no go.mod")?;
    let upstream = std::fs::read_to_string(path).with_context(|| format!("read {path}"))?;
    let packages: Vec<_> =
        versions.artifacts().into_iter().filter(|a| a.module == Module::Kubernetes).map(|a| a.package).collect();
    write_go_mod(dir, &kubernetes_go_mod(&versions, &upstream, &packages))?;
    go(dir, "go mod tidy", &["mod", "tidy"])?;
    Ok(())
}

/// Kubernetes pins its staging modules by path, which holds only in its own tree: name their released versions instead.
fn kubernetes_go_mod(versions: &Versions, upstream: &str, packages: &[String]) -> String {
    let kubernetes = &versions.kubernetes;
    let mut text = format!(
        "module testbed\n\ngo {}\n\nrequire k8s.io/kubernetes {}\n\nreplace (\n",
        versions.go, kubernetes.version
    );
    for module in upstream.lines().filter_map(staged) {
        let _infallible = writeln!(text, "\t{module} => {module} {}", kubernetes.staging);
    }
    text.push_str(")\n\ntool (\n");
    for package in packages {
        let _infallible = writeln!(text, "\t{package}");
    }
    text.push_str(")\n");
    text
}

fn staged(line: &str) -> Option<&str> {
    let (module, target) = line.trim().split_once(" => ")?;
    target.starts_with("./staging/").then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_paths_become_versions() {
        let versions = Versions::pinned().unwrap();
        let upstream = "replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tother.io/x => other.io/y v1\n)\n";
        let text = kubernetes_go_mod(&versions, upstream, &["k8s.io/kubernetes/cmd/kubelet".to_owned()]);
        assert!(text.contains(&format!("\tk8s.io/api => k8s.io/api {}\n", versions.kubernetes.staging)), "{text}");
        assert!(!text.contains("other.io"), "{text}");
        assert!(text.ends_with("tool (\n\tk8s.io/kubernetes/cmd/kubelet\n)\n"), "{text}");
    }
}
