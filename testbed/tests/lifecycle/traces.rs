//! What a cluster has on the host, and whether any of it is left. Reads `/proc`, `/sys` and the cache only.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::{Config, list};

/// How long the kernel and the keeper may take.
pub(crate) const GONE_WITHIN: Duration = Duration::from_secs(30);

/// What a cluster has on the host, noted while it lives.
pub(crate) struct Traces {
    pub(crate) dir: PathBuf,
    veth: String,
    cgroup: String,
    /// Held open: the kernel gives the number of a namespace that is gone to the next one, which may be a container of another cluster.
    namespaces: BTreeMap<PathBuf, File>,
}

impl Traces {
    pub(crate) fn of(name: &str) -> Result<Self> {
        let dir = Config::from_env()?.cache().join("clusters").join(name);
        let index = list()?.into_iter().find(|c| c.name == name).context("it is not listed")?.address;
        let index = index.split('.').nth(2).context("it has no address")?.to_owned();
        let init = fs::read_to_string(dir.join("init.pid")).context("read init.pid")?;
        let namespaces: BTreeMap<_, _> = ["pid", "net", "mnt"]
            .iter()
            .map(|kind| PathBuf::from(format!("/proc/{}/ns/{kind}", init.trim())))
            .filter_map(|path| Some((fs::read_link(&path).ok()?, File::open(&path).ok()?)))
            .collect();
        ensure!(namespaces.len() == 3, "its namespaces cannot be read");
        let traces = Self { dir, veth: format!("bw{index}"), cgroup: format!("bailiwick-{index}"), namespaces };
        let kinds = traces.left().len();
        ensure!(kinds >= 4, "a live cluster shows only {kinds} traces: nothing would be noticed");
        Ok(traces)
    }

    pub(crate) fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        if self.dir.exists() {
            left.push(self.dir.display().to_string());
        }
        if Path::new("/sys/class/net").join(&self.veth).exists() {
            left.push(format!("veth {}", self.veth));
        }
        let roots = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|e| e.path());
        let roots = roots.chain([PathBuf::from("/sys/fs/cgroup")]);
        left.extend(roots.map(|r| r.join(&self.cgroup)).filter(|p| p.exists()).map(|p| p.display().to_string()));
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let inside = |kind| {
                fs::read_link(process.path().join("ns").join(kind)).is_ok_and(|n| self.namespaces.contains_key(&n))
            };
            if ["pid", "net", "mnt"].into_iter().any(inside) {
                left.push(format!("process {}", process.file_name().display()));
            }
        }
        left
    }

    pub(crate) fn gone(&self) -> Result<()> {
        let deadline = Instant::now() + GONE_WITHIN;
        loop {
            let left = self.left();
            if left.is_empty() {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "left after {} s: {}", GONE_WITHIN.as_secs(), left.join(", "));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
