//! Removes what a dead cluster left on the host: cgroups, its veth, its directory. Nothing else; called by the keeper, and for a keeper that was itself killed by whoever comes next.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::{spec::Spec, step};

const CGROUPS: &str = "/sys/fs/cgroup";
const PATIENCE: Duration = Duration::from_secs(10);

/// Removes all that belongs to `spec`, whose processes have ended or are about to.
pub(crate) fn clean(spec: &Spec) -> Result<()> {
    let cgroup = spec.cgroup();
    retry("remove the cluster's cgroups", || {
        hierarchies().iter().try_for_each(|root| remove_cgroup(&root.join(&cgroup)))
    })?;
    if Path::new("/sys/class/net").join(spec.veth()).exists() {
        // It vanishes by itself with the node's namespace, at a time of the kernel's choosing.
        let _may_be_gone = step::output("remove the veth", step::command("ip").args(["link", "del", &spec.veth()]));
    }
    retry("remove the cluster's directory", || match std::fs::remove_dir_all(&spec.dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    })
}

/// The single hierarchy of cgroup v2, and every one of v1.
fn hierarchies() -> Vec<PathBuf> {
    let children = std::fs::read_dir(CGROUPS).into_iter().flatten().flatten().map(|e| e.path());
    std::iter::once(PathBuf::from(CGROUPS))
        .chain(children.filter(|p| p.join("cgroup.procs").exists() && !p.is_symlink()))
        .collect()
}

fn remove_cgroup(dir: &Path) -> std::io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(dir)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove_cgroup(&entry.path())?;
        }
    }
    std::fs::remove_dir(dir)
}

fn retry(step: &str, mut attempt: impl FnMut() -> std::io::Result<()>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= deadline => {
                return Err(error).with_context(|| step.to_owned());
            }
            Err(_) => std::thread::sleep(Duration::from_millis(30)),
        }
    }
}
