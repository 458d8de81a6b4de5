//! What tests against a real cluster need: identities, namespaces that go away, waiting that explains itself, the audit log as a witness, the operator inside and outside of the cluster.
//!
//! Development only. Owns no assertion about the product: suites under `tests/` make those. Must never sleep to synchronise; it watches, or polls with a deadline. Talks to the cluster that `cargo xtask test` named in the environment.
//!
//! A suite begins with `#![cfg(feature = "cluster")]`; a test in it looks like this:
//!
//! ```no_run
//! use bailiwick_testkit::{Need, TestCluster, Workload, SECONDS};
//!
//! # async fn a_deployment_becomes_available() -> bailiwick_testkit::Result<()> {
//! let Some(cluster) = TestCluster::needing(&[Need::Images]).await? else { return Ok(()) };
//! let namespace = cluster.namespace("web").in_territory().create().await?;
//! let web = Workload::new("web", &cluster.images()?.good[0]);
//! namespace.apply(&web.deployment()).await?;
//! namespace.available("web", 30 * SECONDS).await?;
//! # Ok(()) }
//! ```

mod answer;
mod apply;
mod audit;
mod baseline;
mod cluster;
mod diagnose;
mod env;
mod grants;
mod history;
mod identity;
mod namespace;
mod need;
mod nodes;
mod operator;
mod props;
mod proxy;
mod row;
pub mod scenario;
mod wait;
mod workload;

pub use answer::{Answer, refusal, refused_by, send};
pub use apply::{api_for, apply, create, documents, dry_run_create};
pub use audit::{Audit, Object, Record, writes_by, writes_to};
pub use baseline::{Baseline, Leftover};
pub use cluster::TestCluster;
pub use diagnose::diagnose;
pub use env::Images;
pub use grants::{Fence, JSON_PATCH, OneShot, path_of, token_request};
pub use history::{History, Recorder, Stored};
pub use namespace::{Namespace, NewNamespace};
pub use need::Need;
pub use nodes::EmptyNode;
pub use operator::{InForce, Log, OperatorProcess, Outside, ProcessOptions, Proposal, Proposer};
pub use proxy::{Asked, Fault, Flow, Passed, Proxy, Reply};
pub use row::Row;
pub use wait::{Seen, until, until_gone, wait_for};
pub use workload::Workload;

/// The result of everything here; a test may return it.
pub type Result<T, E = anyhow::Error> = std::result::Result<T, E>;

/// For writing durations: `30 * SECONDS`.
pub const SECONDS: std::time::Duration = std::time::Duration::from_secs(1);
