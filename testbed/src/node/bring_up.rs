//! The order in which a node comes up. Reads as a list of steps; waits by asking, never by guessing.

use std::path::Path;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use super::{components::Components, files::CONTAINERD, network, probe, supervisor::Supervisor};
use crate::{spec::Spec, step};

const PATIENCE: Duration = Duration::from_secs(120);
const INTERVAL: Duration = Duration::from_millis(100);

/// Brings the node up; `done` hears of each step that is done.
pub(super) fn run(spec: &Spec, supervisor: &Supervisor, done: impl Fn(&str)) -> Result<()> {
    let components = Components(spec);
    network::configure(spec)?;
    make_cgroups(spec)?;
    supervisor.start(components.etcd())?;
    supervisor.start(components.api_server())?;
    supervisor.start(components.containerd())?;
    supervisor.start(components.registry())?;
    supervisor.start(components.refusing_registry())?;
    let images = import_images(spec);
    wait("the API server to be ready", || probe::api_server_ready(spec))?;
    done("API server ready");
    // Not before: both exit when they find no roles.
    supervisor.start(components.controller_manager())?;
    supervisor.start(components.scheduler())?;
    supervisor.start(components.dns())?;
    images.join().map_err(|_| anyhow!("import images: the thread died"))??;
    supervisor.start(components.kubelet())?;
    wait("the node to be registered", || probe::node_registered(spec))?;
    // Not before: it would wait 30 s for the node's address.
    supervisor.start(components.proxy())?;
    wait("the node to be Ready", || probe::node_ready(spec))?;
    done("node Ready");
    wait("the service account default/default", || probe::default_account_exists(spec))?;
    done("default service account exists");
    wait("DNS to answer", || probe::dns_answers(spec))?;
    done("DNS answers");
    Ok(())
}

/// The kubelet wants its root cgroup to be there, in every hierarchy.
fn make_cgroups(spec: &Spec) -> Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let make = |dir: &Path| std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()));
    if root.join("cgroup.controllers").exists() {
        let dir = root.join(spec.cgroup());
        make(&dir)?;
        for controller in ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"] {
            for parent in [root, &dir] {
                let _a_missing_controller_is_the_kubelets_to_judge =
                    std::fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}"));
            }
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(root).context("read /sys/fs/cgroup")?.flatten() {
        if entry.path().join("cgroup.procs").exists() && !entry.path().is_symlink() {
            make(&entry.path().join(spec.cgroup()))?;
        }
    }
    Ok(())
}

fn import_images(spec: &Spec) -> JoinHandle<Result<()>> {
    let spec = spec.clone();
    std::thread::spawn(move || {
        wait("containerd to listen", || Path::new(CONTAINERD).exists())?;
        for archive in &spec.images {
            let mut ctr = Command::new(spec.bin.join("ctr"));
            ctr.args(["--address", CONTAINERD, "--namespace", "k8s.io", "images", "import"]).arg(archive);
            step::output("import an image", &mut ctr)?;
        }
        Ok(())
    })
}

fn wait(what: &str, mut is_there: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_there() {
        if Instant::now() >= deadline {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(INTERVAL);
    }
    Ok(())
}
