//! One cluster's identity and everything derived from it: addresses, names of host objects, paths. Pure, but for reading and writing `cluster.json`.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// Service addresses; the first is that of the API server.
pub(crate) const SERVICE_RANGE: &str = "10.96.0.0/16";
/// The Service `kubernetes`.
pub(crate) const SERVICE_IP: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
/// Pod addresses.
pub(crate) const POD_RANGE: &str = "10.244.0.0/22";
/// The node's name in Kubernetes.
pub(crate) const NODE: &str = "node1";
/// The image of every pod's sandbox container.
pub(crate) const PAUSE: &str = "testbed.local/pause:1";

/// What a cluster was brought up with; written once, read by every process that deals with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) name: String,
    /// Which of the subnets 10.213.N.0/30 it has; unique on the host.
    pub(crate) index: u8,
    /// Dies with the process that brought it up.
    pub(crate) ephemeral: bool,
    pub(crate) dir: PathBuf,
    pub(crate) bin: PathBuf,
    /// Archives imported before the node is announced.
    pub(crate) images: Vec<PathBuf>,
}

/// Refuses names that would not fit into a path, a lock or an interface's alias.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let fits = (1..=30).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && name.as_bytes()[0].is_ascii_lowercase();
    ensure!(fits, "`{name}` is no name for a cluster: 1 to 30 of a-z, 0-9 and -, beginning with a letter");
    Ok(())
}

/// The lowest subnet that nobody has.
pub(crate) fn allocate(taken: impl Fn(u8) -> bool) -> Result<u8> {
    (0..=u8::MAX).find(|n| !taken(*n)).context("allocate a subnet: all of 10.213.0.0/16 is in use; take a cluster down")
}

impl Spec {
    pub(crate) fn dir_of(config: &Config, name: &str) -> PathBuf {
        config.clusters().join(name)
    }

    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("cluster.json");
        let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))
    }

    pub(crate) fn save(&self) -> Result<()> {
        std::fs::create_dir_all(&self.dir).with_context(|| format!("create {}", self.dir.display()))?;
        let partial = self.dir.join("cluster.json.partial");
        std::fs::write(&partial, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("write {}", partial.display()))?;
        std::fs::rename(&partial, self.dir.join("cluster.json")).context("move cluster.json into place")
    }

    pub(crate) fn host_ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.index, 1)
    }

    pub(crate) fn node_ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.index, 2)
    }

    pub(crate) fn veth(&self) -> String {
        veth(self.index)
    }

    /// Name of the cgroup that all pods are under, in every hierarchy.
    pub(crate) fn cgroup(&self) -> String {
        format!("bailiwick-{}", self.index)
    }

    pub(crate) fn keeper_lock(&self) -> String {
        format!("keeper-{}", self.name)
    }

    pub(crate) fn registry(&self) -> String {
        format!("{}:5000", self.node_ip())
    }

    pub(crate) fn refusing_registry(&self) -> String {
        format!("{}:5001", self.node_ip())
    }

    pub(crate) fn pki(&self, file: &str) -> PathBuf {
        self.dir.join("pki").join(file)
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.dir.join("log").join(name)
    }

    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.dir.join(format!("{user}.kubeconfig"))
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    /// Written by the keeper when the cluster is ready.
    pub(crate) fn ready_file(&self) -> PathBuf {
        self.dir.join("ready")
    }

    /// Host pid of the node's first process.
    pub(crate) fn init_pid_file(&self) -> PathBuf {
        self.dir.join("init.pid")
    }

    pub(crate) fn keeper_pid_file(&self) -> PathBuf {
        self.dir.join("keeper.pid")
    }
}

pub(crate) fn veth(index: u8) -> String {
    format!("bw{index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_do_not_collide() {
        assert_eq!(allocate(|n| n < 3).unwrap(), 3);
        assert_eq!(allocate(|n| n != 7).unwrap(), 7);
        assert!(allocate(|_| true).unwrap_err().to_string().contains("take a cluster down"));
    }

    #[test]
    fn names_fit_everywhere() {
        for good in ["dev", "test-123", "a"] {
            check_name(good).unwrap();
        }
        for bad in ["", "Dev", "1dev", "../x", "a b", "abcdefghijabcdefghijabcdefghijk"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
