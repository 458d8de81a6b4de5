//! The one index of the process, and who waits for it.
//!
//! Owns the lock around the index and the news of what changed. Must never be held across an
//! await: reads are closures, so the compiler sees to it. No IO.

use bailiwick_core::index::{Index, Touched, View};
use bailiwick_core::object::ObjectRef;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{broadcast, watch};

/// How much news a slow listener may miss before it must look at everything.
const NEWS: usize = 4096;

/// What an observation may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// The findings of a subject.
    Subject(ObjectRef),
    /// A namespace itself: its labels, or whether it lives.
    Namespace(String),
}

/// The index that the feed writes and everything else reads.
#[derive(Clone)]
pub struct SharedIndex {
    index: Arc<RwLock<Index>>,
    synced: Arc<watch::Sender<bool>>,
    news: broadcast::Sender<Changed>,
}

impl Default for SharedIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl SharedIndex {
    /// An index of nothing, not yet synced.
    pub fn new() -> Self {
        Self {
            index: Arc::new(RwLock::new(Index::new())),
            synced: Arc::new(watch::Sender::new(false)),
            news: broadcast::Sender::new(NEWS),
        }
    }

    /// Looks at the index.
    pub fn read<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        // A panic in a reader leaves the index whole; one in `apply` loses one observation.
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        look(&index.view())
    }

    /// Changes the index and tells who listens; only the feed does.
    pub(crate) fn write(&self, change: impl FnOnce(&mut Index) -> Touched) {
        let touched = {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            change(&mut index)
        };
        for subject in touched.0 {
            self.tell(Changed::Subject(subject));
        }
    }

    /// Tells who listens.
    pub(crate) fn tell(&self, changed: Changed) {
        // Without listeners (a replica that does not lead) the news is for nobody.
        let _ = self.news.send(changed);
    }

    /// What changes from now on. Who lags must look at everything.
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.news.subscribe()
    }

    /// Says whether the first lists of all kinds are in.
    pub(crate) fn set_synced(&self) {
        self.synced.send_replace(true);
    }

    /// True once the first lists of all kinds are in.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Waits until the first lists of all kinds are in.
    pub async fn synced(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }
}
