//! A real Kubernetes on one machine, in seconds: built from Go modules, run in namespaces of its own, gone without a trace.
//!
//! Owns the building of the programs, the life of clusters, and the images that tests run. Needs root on Linux. Speaks to no Kubernetes API except through `kubectl`, and never changes anything on the host outside the cache directory, one veth pair and one cgroup per cluster.
//!
//! A cluster is three kinds of process, all of the same program (see [`helper_main`]):
//! - the **owner** calls [`Cluster::up`];
//! - the **keeper** outlives a killed owner, notices, and removes what is left;
//! - the **node** is the first process in namespaces of its own; when it dies the kernel ends everything in them.

mod build;
mod cluster;
mod config;
mod helper;
mod http;
mod images;
mod keeper;
mod kubeconfig;
mod lock;
mod message;
mod node;
mod oci;
mod pki;
mod prerequisites;
mod progress;
mod spec;
mod step;
mod versions;

pub use build::ensure_binaries;
pub use cluster::{Cluster, Listing, Options, State, list};
pub use config::Config;
pub use helper::helper_main;
pub use images::{BuiltOperator, OperatorImage, WorkloadImages, build_operator, prepare_images};
pub use message::Signal;
pub use oci::{File, Image, write_image};
pub use prerequisites::ensure_prerequisites;
pub use progress::Progress;
pub use versions::Versions;
