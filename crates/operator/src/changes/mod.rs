//! The executor of Changes.
//!
//! Owns every write to a workload. Must never write but through a fenced one-shot account.

use crate::config::Config;
use crate::metrics::Metrics;
use crate::shared::SharedIndex;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the executor works with.
#[derive(Clone)]
pub struct Context {
    /// The operator's own client, for reads and its own kinds.
    pub client: kube::Client,
    /// The configuration.
    pub config: Arc<Config>,
    /// The index.
    pub index: SharedIndex,
    /// The measures.
    pub metrics: Arc<Metrics>,
}

/// Runs until cancelled.
pub async fn run(_context: Context, cancel: CancellationToken) {
    cancel.cancelled().await;
}
