//! The execution of Changes: decide, act narrowly, record before acting.
//!
//! Owns the executor's context and its run. Must never write to a workload with the operator's own
//! identity. Talks to the API server.

mod accounts;
mod clock;
mod driver;
mod effects;
mod facts;
mod fence;
mod guarding;
mod hindrance;
mod ledger;
mod observe;
mod pass;
mod policies;
pub mod receipts;
mod request;
mod rest;
mod schedule;
mod standing;
mod statement;
mod stores;
mod sweep;
mod words;

use crate::config::Config;
use crate::incidents::Board;
use crate::metrics::Metrics;
use crate::shared::SharedIndex;
use accounts::Accounts;
use bailiwick_core::reason::{Code, Reason};
use bailiwick_kit::client;
use bailiwick_kit::said::said;
use clock::Clock;
use fence::Fence;
use kube::Client;
use ledger::Ledger;
use receipts::Receipts;
use rest::Rest;
use std::sync::{Arc, RwLock};
use stores::Stores;
use tokio_util::sync::CancellationToken;

/// What the executor is given.
pub struct Parts {
    /// Client with the operator's own identity.
    pub client: Client,
    /// The connection's settings without credentials, for one-shot clients.
    pub anonymous: kube::Config,
    /// The configuration.
    pub config: Arc<Config>,
    /// The index of the cluster.
    pub index: SharedIndex,
    /// The measures.
    pub metrics: Arc<Metrics>,
    /// What is known of Incidents.
    pub board: Board,
}

/// Everything the executor works with.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) rest: Rest,
    anonymous: kube::Config,
    pub(crate) config: Arc<Config>,
    pub(crate) index: SharedIndex,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) board: Board,
    pub(crate) stores: Stores,
    pub(crate) ledger: Ledger,
    pub(crate) accounts: Accounts,
    pub(crate) fence: Fence,
    pub(crate) receipts: Receipts,
    pub(crate) clock: Clock,
    policies: RwLock<Result<(), Reason>>,
    pub(crate) policy_news: tokio::sync::Notify,
    proof: RwLock<Option<standing::Proof>>,
}

impl Context {
    /// True while Bailiwick is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.stores.is_suspended()
    }

    /// A client that has nothing but the token, retries nothing and re-sends nothing.
    pub(crate) fn client_for(&self, token: &str) -> Result<Client, String> {
        client::one_shot(&self.anonymous, token).map_err(|e| said(&e))
    }

    /// Whether the fence's policies and bindings are as compiled in, by the last look.
    pub(crate) fn policies(&self) -> Result<(), Reason> {
        self.policies.read().map_or_else(|_| Err(Reason::plain(Code::FenceAbsent)), |found| found.clone())
    }

    /// When the fence was last seen to hold by this process.
    pub(crate) fn proof(&self) -> Option<standing::Proof> {
        self.proof.read().ok()?.clone()
    }

    pub(crate) fn set_proof(&self, proof: standing::Proof) {
        if let Ok(mut slot) = self.proof.write() {
            *slot = Some(proof);
        }
    }

    pub(crate) fn set_policies(&self, found: Result<(), Reason>) {
        self.metrics.fence_intact(found.is_ok());
        if let Ok(mut slot) = self.policies.write() {
            *slot = found;
        }
    }
}

/// Why the executor stopped before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A first list could not be read.
    #[error("the watches of our own kinds ended before their first lists were in")]
    Watches,
    /// The fence has no revision and none could be made.
    #[error("cannot establish the fence: {0}")]
    Fence(String),
}

/// Runs the executor until cancelled. Only the leader may call this.
///
/// # Errors
/// Fails where the watches or the fence cannot be had at all.
pub async fn run(parts: Parts, cancel: CancellationToken) -> Result<(), RunError> {
    let (stores, wakes) = Stores::open(&parts.client);
    let ctx = Arc::new(Context {
        rest: Rest::new(parts.client.clone()),
        client: parts.client,
        anonymous: parts.anonymous,
        config: parts.config,
        index: parts.index,
        metrics: parts.metrics,
        board: parts.board,
        stores,
        ledger: Ledger::default(),
        accounts: Accounts::default(),
        fence: Fence::default(),
        receipts: Receipts::default(),
        clock: Clock::default(),
        policies: RwLock::new(Err(Reason::new(Code::FenceAbsent, "the policies were not looked at yet"))),
        policy_news: tokio::sync::Notify::new(),
        proof: RwLock::new(None),
    });
    cancel.run_until_cancelled(driver::drive(ctx, wakes)).await.unwrap_or(Ok(()))
}
