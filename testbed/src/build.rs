//! Builds the cluster's programs from their Go modules, once: each is kept with a stamp of what it was built from and is built again only when the stamp differs. Writes under the cache only; a lock keeps two builders apart.

mod module;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::versions::{Artifact, Versions};
use crate::{config::Config, lock::Lock, progress::Progress, step};

/// Makes sure that all programs of the cluster, and the optional ones named in `with`, are built as pinned.
pub fn ensure_binaries(config: &Config, with: &[String], progress: &Progress) -> Result<()> {
    let wanted = wanted(&Versions::pinned()?, with)?;
    if stale(config, &wanted).is_empty() {
        return Ok(());
    }
    let lock = match Lock::try_take(config, "build")? {
        Some(lock) => lock,
        None => {
            progress.line("waiting for another build of the cluster's programs");
            Lock::wait(config, "build")?
        }
    };
    let stale = stale(config, &wanted);
    let begin = Instant::now();
    for (n, artifact) in stale.iter().enumerate() {
        let label = format!("[{}/{}] {} {}", n + 1, stale.len(), artifact.name, artifact.version);
        build(config, artifact, &label, progress)?;
    }
    if !stale.is_empty() {
        progress.line(format!("built {} programs in {} s", stale.len(), begin.elapsed().as_secs()));
    }
    drop(lock);
    Ok(())
}

fn wanted(versions: &Versions, with: &[String]) -> Result<Vec<Artifact>> {
    let artifacts = versions.artifacts();
    for name in with {
        let names: Vec<_> = artifacts.iter().map(|a| a.name.as_str()).collect();
        ensure!(
            names.contains(&name.as_str()),
            "no program `{name}` in testbed/versions.toml; there are: {}",
            names.join(", ")
        );
    }
    Ok(artifacts.into_iter().filter(|a| !a.optional || with.contains(&a.name)).collect())
}

fn stale<'a>(config: &Config, wanted: &'a [Artifact]) -> Vec<&'a Artifact> {
    let fresh = |a: &Artifact| {
        config.bin().join(&a.name).exists()
            && std::fs::read_to_string(stamp_path(config, a)).is_ok_and(|s| s == a.stamp())
    };
    wanted.iter().filter(|a| !fresh(a)).collect()
}

fn stamp_path(config: &Config, artifact: &Artifact) -> PathBuf {
    config.bin().join(".stamps").join(artifact.name.replace('/', "-"))
}

fn build(config: &Config, artifact: &Artifact, label: &str, progress: &Progress) -> Result<()> {
    progress.line(format!("{label}: building"));
    let begin = Instant::now();
    let out = config.bin().join(&artifact.name);
    let partial = out.with_extension("partial");
    let log_path = config.logs().join(format!("build-{}.log", artifact.name.replace('/', "-")));
    for dir in [out.parent(), log_path.parent(), stamp_path(config, artifact).parent()].into_iter().flatten() {
        std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    }
    let log = File::create(&log_path).with_context(|| format!("create {}", log_path.display()))?;
    let dir = module::prepare(config, artifact, &log_path)?;
    let mut go = go_build(artifact, &dir, &partial);
    go.stdout(log.try_clone().context("share the build log")?).stderr(log);
    if !step::patiently(&mut go, label, progress)? {
        bail!(
            "build {}: `go build` failed; the whole log is {}\n{}",
            artifact.name,
            log_path.display(),
            step::tail(&log_path, 25)
        );
    }
    std::fs::rename(&partial, &out).with_context(|| format!("move {} into place", out.display()))?;
    std::fs::write(stamp_path(config, artifact), artifact.stamp())
        .with_context(|| format!("stamp {}", artifact.name))?;
    progress.line(format!("{label}: built in {:.0} s", begin.elapsed().as_secs_f64()));
    Ok(())
}

fn go_build(artifact: &Artifact, dir: &Path, out: &Path) -> Command {
    let mut go = step::mortal("go");
    go.current_dir(dir).args([
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-tags",
        &artifact.tags,
        "-ldflags",
        &artifact.ldflags,
        "-o",
    ]);
    go.arg(out).arg(&artifact.package);
    go.env("CGO_ENABLED", if artifact.cgo { "1" } else { "0" }).stdin(Stdio::null());
    go
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_programs_are_built_only_when_named() {
        let versions = Versions::pinned().unwrap();
        let has = |with: &[String]| wanted(&versions, with).unwrap().iter().any(|a| a.name == "kwok");
        assert!(!has(&[]));
        assert!(has(&["kwok".to_owned()]));
        let error = wanted(&versions, &["nonsense".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("there are: kube-apiserver"), "{error}");
    }
}
