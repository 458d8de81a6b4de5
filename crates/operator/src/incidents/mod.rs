//! Incidents: from findings that last to proposals, endings and what people are told.
//!
//! Owns every Incident while this replica leads. Must never change a workload: it proposes
//! Changes, and the executor decides. Talks to the API server.

mod board;
mod dispatch;
mod judge;
mod look;
mod news;
mod own;
mod priming;
mod project;
mod queue;
mod state;
mod storms;
mod table;
mod tell;
mod write;

pub use board::Board;
pub(crate) use board::Row;
pub(crate) use look::{labels, labels_of};

use crate::config::Config;
use crate::metrics::Metrics;
use crate::shared::SharedIndex;
use dispatch::Dispatcher;
use kube::Client;
use std::sync::Arc;
use tell::Teller;
use tokio_util::sync::CancellationToken;
use write::Writer;

/// What the dispatcher is given.
pub struct Parts {
    /// Client with the operator's own identity.
    pub client: Client,
    /// The configuration.
    pub config: Arc<Config>,
    /// The index of the cluster.
    pub index: SharedIndex,
    /// The measures.
    pub metrics: Arc<Metrics>,
    /// Where the executor's guards read of Incidents.
    pub board: Board,
}

/// Keeps Incidents until cancelled; a request under way is dropped then.
pub async fn run(parts: Parts, cancel: CancellationToken) {
    let news = own::watch(&parts.client, &parts.metrics);
    let writer = Writer {
        teller: Teller {
            client: parts.client.clone(),
            metrics: Arc::clone(&parts.metrics),
            identity: parts.config.identity.clone(),
        },
        client: parts.client,
        config: parts.config,
        metrics: parts.metrics,
    };
    let dispatcher = Dispatcher::new(writer, parts.index, parts.board);
    if cancel.run_until_cancelled(Box::pin(dispatcher.run(news))).await.is_some() {
        tracing::error!("the watches of incidents ended by themselves");
    }
}
