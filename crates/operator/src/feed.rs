//! The watches that feed the index.
//!
//! Owns the one writer of the index, on every replica: who takes the lead finds it warm. Must
//! never list in a reconcile, and never stop because one kind cannot be read. Talks to the API
//! server.

use crate::metrics::{Call, Metrics};
use crate::shared::{Changed, SharedIndex};
use bailiwick_api::observe::{IndexUpdate, Malformed, Scope, Trouble, watch_all};
use bailiwick_core::index::Observed;
use bailiwick_core::object::Kind;
use futures::StreamExt;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Feeds the index until cancelled.
pub async fn run(client: kube::Client, index: SharedIndex, metrics: Arc<Metrics>, cancel: CancellationToken) {
    let mut feed = Feed { missing: Observed::KINDS.iter().copied().collect(), index, metrics };
    for _ in Observed::KINDS {
        feed.metrics.api(Call::Detect, "watch");
    }
    let mut updates = pin!(watch_all(&client, &Scope::All));
    while let Some(Some(update)) = cancel.run_until_cancelled(updates.next()).await {
        feed.take(update);
    }
}

struct Feed {
    /// Kinds whose first list is not in yet.
    missing: BTreeSet<Kind>,
    index: SharedIndex,
    metrics: Arc<Metrics>,
}

impl Feed {
    fn take(&mut self, update: IndexUpdate) {
        let mut listed = None;
        match &update {
            IndexUpdate::Begin(kind) => self.metrics.watch_seen(kind.as_str()),
            IndexUpdate::End(kind) | IndexUpdate::Absent(kind) => {
                self.metrics.watch_seen(kind.as_str());
                listed = Some(*kind);
            }
            IndexUpdate::Observed(observed) => self.metrics.watch_seen(observed.kind().as_str()),
            IndexUpdate::Malformed(malformed) => self.skip(malformed),
            IndexUpdate::Trouble(kind, trouble) => {
                listed = self.note_trouble(*kind, trouble).then_some(*kind);
            }
        }
        let namespace = namespace_of(&update);
        self.index.write(|index| update.apply(index));
        if let Some(name) = namespace {
            self.index.tell(Changed::Namespace(name));
        }
        if listed.is_some_and(|kind| self.missing.remove(&kind)) && self.missing.is_empty() {
            tracing::info!("every watched kind is in the index");
            self.index.set_synced();
        }
    }

    fn skip(&self, malformed: &Malformed) {
        self.metrics.malformed_kind(malformed.kind);
        tracing::warn!(
            object.kind = malformed.kind.as_str(),
            object.name = malformed.name,
            error = malformed.why,
            "an object cannot be read and is left out"
        );
    }

    /// True if the kind is not to be waited for.
    fn note_trouble(&self, kind: Kind, trouble: &Trouble) -> bool {
        self.metrics.watch_failed(kind);
        tracing::warn!(watch.kind = kind.as_str(), error = %trouble, "a watch failed and is being resumed");
        match trouble {
            Trouble::Forbidden(_) | Trouble::NotServed(_) => true,
            Trouble::Failed(_) => false,
        }
    }
}

/// The namespace that an update is about itself.
fn namespace_of(update: &IndexUpdate) -> Option<String> {
    match update {
        IndexUpdate::Observed(observed) if observed.kind() == Kind::Namespace => {
            observed.meta().map(|meta| meta.name.clone())
        }
        IndexUpdate::Observed(_)
        | IndexUpdate::Begin(_)
        | IndexUpdate::End(_)
        | IndexUpdate::Absent(_)
        | IndexUpdate::Malformed(_)
        | IndexUpdate::Trouble(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn feed() -> Feed {
        Feed {
            missing: BTreeSet::from([Kind::Namespace, Kind::Pod]),
            index: SharedIndex::new(),
            metrics: Arc::new(Metrics::new()),
        }
    }

    #[test]
    fn a_kind_that_may_not_be_read_is_not_waited_for() {
        let mut feed = feed();
        feed.take(IndexUpdate::Begin(Kind::Namespace));
        feed.take(IndexUpdate::End(Kind::Namespace));
        assert!(!feed.index.is_synced());
        feed.take(IndexUpdate::Trouble(Kind::Pod, Trouble::Failed("reset".into())));
        assert!(!feed.index.is_synced());
        feed.take(IndexUpdate::Trouble(Kind::Pod, Trouble::Forbidden("no".into())));
        assert!(feed.index.is_synced());
    }

    #[test]
    fn a_label_on_a_namespace_is_news_of_the_namespace() {
        let mut feed = feed();
        let mut news = feed.index.changes();
        let object = json!({"metadata": {"name": "shop", "uid": "u-1", "resourceVersion": "1"}});
        let observed = Observed::from_json(Kind::Namespace, object).unwrap().unwrap();
        feed.take(IndexUpdate::Observed(Box::new(observed)));
        let told: Vec<Changed> = std::iter::from_fn(|| news.try_recv().ok()).collect();
        assert!(told.contains(&Changed::Namespace("shop".into())), "{told:?}");
    }
}
