//! What a run may use beside this machine's processor: a cluster.
//!
//! Owns the flags that name it. Must never make or remove a cluster. No IO.

use clap::Args;
use std::path::PathBuf;

/// Where benches that need a cluster find it.
#[derive(Debug, Clone, Default, Args)]
pub struct Setup {
    /// Cluster of `cargo xtask cluster`, for benches that need one
    #[arg(long, env = "BAILIWICK_BENCH_CLUSTER", value_name = "NAME", conflicts_with = "kubeconfig")]
    pub cluster: Option<String>,
    /// Kubeconfig of another cluster with Bailiwick installed
    #[arg(long, env = "BAILIWICK_BENCH_KUBECONFIG", value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

impl Setup {
    /// True where a cluster was named.
    pub fn has_cluster(&self) -> bool {
        self.cluster.is_some() || self.kubeconfig.is_some()
    }
}
