//! What a run may use beside this machine's processor: a cluster.
//!
//! Owns the flags that name it. Must never make or remove a cluster. No IO.

use clap::Args;
use std::path::PathBuf;

/// Where benches that need a cluster find it.
#[derive(Debug, Clone, Args)]
pub struct Setup {
    /// Cluster of `cargo xtask cluster`, for benches that need one
    #[arg(long, env = "BAILIWICK_BENCH_CLUSTER", value_name = "NAME", conflicts_with = "kubeconfig")]
    pub cluster: Option<String>,
    /// Kubeconfig of another cluster with Bailiwick installed
    #[arg(long, env = "BAILIWICK_BENCH_KUBECONFIG", value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Workload image for that cluster; a tag of it that does not exist breaks a Deployment
    #[arg(long, value_name = "IMAGE", requires = "kubeconfig")]
    pub image: Option<String>,
    /// Address of the operator's measures, where it runs outside of the cluster
    #[arg(long, value_name = "HOST:PORT")]
    pub metrics: Option<String>,
    /// How many Deployments to break, one after another
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub incidents: u16,
    /// How many pods a large cluster has, ten to a Deployment
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub pods: usize,
    /// The program `bailiwick`, where it is measured as a whole
    #[arg(long, env = "BAILIWICK_BENCH_BAILIWICK", value_name = "FILE")]
    pub bailiwick: Option<PathBuf>,
}

impl Setup {
    /// True where a cluster was named.
    pub fn has_cluster(&self) -> bool {
        self.cluster.is_some() || self.kubeconfig.is_some()
    }
}
