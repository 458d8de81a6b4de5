//! What the node sees differently from the host: its own `/proc`, empty `/run`, `/var/log` and `/var/lib/cni`, its own resolver. Mounts in the node's namespace only, which is private.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};

use crate::spec::Spec;

/// Where the kubelet keeps its state: a short path, because it makes Unix sockets below it.
pub(super) const KUBELET_ROOT: &str = "/run/kubelet-root";

/// A `/proc` of the new pid namespace.
pub(super) fn proc() -> Result<()> {
    mount("proc", "/proc", "proc", MountFlags::empty(), None).context("mount /proc")
}

/// Everything else; `/proc` is there.
pub(super) fn prepare(spec: &Spec) -> Result<()> {
    // Read before /run is hidden: it may lead there.
    let resolver = resolver()?;
    for dir in ["/run", "/var/log", "/var/lib/cni"] {
        make(Path::new(dir))?;
        mount("tmpfs", dir, "tmpfs", MountFlags::empty(), None).with_context(|| format!("mount a tmpfs on {dir}"))?;
    }
    for dir in ["/run/netns", "/var/log/pods", KUBELET_ROOT] {
        make(Path::new(dir))?;
    }
    let state = spec.dir.join("kubelet");
    mount_bind(&state, KUBELET_ROOT).context("mount the kubelet's directory")?;
    mount_change(KUBELET_ROOT, MountPropagationFlags::SHARED | MountPropagationFlags::REC)
        .context("share the kubelet's mounts with its containers")?;
    if !resolver.exists() {
        resolver.parent().map_or(Ok(()), make)?;
        fs::write(&resolver, "").with_context(|| format!("create {}", resolver.display()))?;
    }
    mount_bind(spec.dir.join("resolv.conf"), &resolver).context("mount the node's resolv.conf")
}

/// The file behind `/etc/resolv.conf`, which is often a link.
fn resolver() -> Result<PathBuf> {
    let path = Path::new("/etc/resolv.conf");
    match fs::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(_) => match fs::read_link(path) {
            Ok(target) => Ok(Path::new("/etc").join(target)),
            Err(_) => {
                fs::write(path, "").context("create /etc/resolv.conf to mount the node's over it")?;
                Ok(path.to_owned())
            }
        },
    }
}

fn make(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))
}
