//! Images beside the workload's that scenarios run: one for another processor, `kubectl`, the metrics server.
//!
//! Builds archives in a directory of its own and pushes them to the cluster's registry; builds a program only where a folder asks for its image.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use bailiwick_testbed::{Cluster, Config, File, Image, Progress, ensure_binaries, write_image};

use super::load::Folder;
use crate::cluster::TestCluster;

const REPOSITORY: &str = "scenarios";
/// Name of the metrics server's image; the rest of it is in `metrics.rs`.
pub(super) const METRICS: &str = "IMAGE_METRICS_SERVER";
const OTHER_ARCH: &str = "IMAGE_OTHER_ARCH";
/// Variables, and the programs in their images.
const PROGRAMS: [(&str, &str); 2] = [("IMAGE_KUBECTL", "kubectl"), (METRICS, "metrics-server")];

/// References of all images that scenarios may name.
pub(super) type Pushed = BTreeMap<&'static str, String>;

/// Pushes what the folders name.
pub(super) async fn push(cluster: &TestCluster, folders: &[Folder], metrics: bool) -> Result<Pushed> {
    let asked = |variable: &str| folders.iter().any(|f| f.mentions(variable)) || (metrics && variable == METRICS);
    let programs: Vec<_> = PROGRAMS.into_iter().filter(|(variable, _)| asked(variable)).collect();
    cluster.blocking(move |cluster| push_all(cluster, &programs)).await.context("push the scenarios' images")
}

fn push_all(cluster: &Cluster, programs: &[(&'static str, &'static str)]) -> Result<Pushed> {
    let dir = tempfile::tempdir().context("make a directory for archives")?;
    let foreign = File { path: "/main".to_owned(), content: foreign_program(), mode: 0o755 };
    let mut pushed = Pushed::from([(OTHER_ARCH, push_one(cluster, dir.path(), "other-arch", foreign)?)]);
    let config = Config::from_env()?;
    for (variable, program) in programs {
        let path = config.bin().join(program);
        if !path.exists() {
            ensure_binaries(&config, &[(*program).to_owned()], &Progress::silent())?;
        }
        let content = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let file = File { path: format!("/{program}"), content, mode: 0o755 };
        pushed.insert(variable, push_one(cluster, dir.path(), program, file)?);
    }
    Ok(pushed)
}

fn push_one(cluster: &Cluster, dir: &Path, name: &str, file: File) -> Result<String> {
    let archive = dir.join(format!("{name}.tar"));
    let image = Image {
        reference: format!("testbed.local/{name}:1"),
        entrypoint: vec![file.path.clone()],
        files: vec![file],
        ..Image::default()
    };
    write_image(&archive, &image)?;
    let repository = format!("{REPOSITORY}/{name}");
    cluster.push_image(&archive, &repository, &["1"])?;
    Ok(format!("{}/{repository}:1", cluster.registry()))
}

/// The header of a program for another processor, which is all that the kernel looks at before it refuses.
fn foreign_program() -> Vec<u8> {
    const X86_64: u8 = 62;
    const AARCH64: u8 = 183;
    let machine = if cfg!(target_arch = "x86_64") { AARCH64 } else { X86_64 };
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    header.resize(16, 0);
    header.extend([2, 0, machine, 0, 1]);
    header.resize(64, 0);
    header
}
