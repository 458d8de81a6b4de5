//! Last-known-good copies: what a mandate asks to be kept is kept while it is good.
//!
//! Owns when an object is looked at, and what comes of it; only the leader runs this. Must never keep
//! what no mandate asks for, nor anything of a Secret. Talks to the API server.

mod store;

use crate::config::Config;
use crate::incidents::labels;
use crate::metrics::Metrics;
use crate::shared::{Changed, SharedIndex};
use bailiwick_api::Mandate;
use bailiwick_api::parse::parse_mandate;
use bailiwick_core::copies::{Copy, KINDS, Standing, standing, written};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::index::View;
use bailiwick_core::mandate::{self, kept_after};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_kit::said::said;
use futures::stream::{BoxStream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{self, Store as Reflected};
use kube::runtime::{WatchStreamExt, watcher};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use store::{Store, StoreError};
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Observations of one namespace within this time are looked at together.
const DEBOUNCE: Duration = Duration::from_millis(500);
/// How often everything is looked at though nothing happened, and what is not needed is dropped.
const SWEEP: Duration = Duration::from_mins(10);
/// The copy of an object that has been gone for this long is dropped.
const GONE: Duration = Duration::from_hours(24);
/// Before the copies are read again where they could not be.
const PAUSE: Duration = Duration::from_secs(2);

/// What the keeper is given.
pub(crate) struct Parts {
    /// Client with the operator's own identity.
    pub(crate) client: Client,
    /// The configuration.
    pub(crate) config: Arc<Config>,
    /// The index of the cluster.
    pub(crate) index: SharedIndex,
    /// The measures.
    pub(crate) metrics: Arc<Metrics>,
}

/// An object that is good, and how long it had to be so.
struct Due {
    target: ObjectRef,
    version: u64,
    lasting: SignedDuration,
}

struct Keeper {
    index: SharedIndex,
    config: Arc<Config>,
    store: Store,
    mandates: Reflected<DeserializeGuard<Mandate>>,
    /// When to look at which namespace.
    dirty: BTreeMap<String, Instant>,
    /// The version in which each object was looked at last.
    seen: BTreeMap<ObjectRef, u64>,
    /// Since when an object is gone of which a copy is kept.
    gone: BTreeMap<ObjectRef, Instant>,
}

/// Keeps copies until cancelled. Says in `loaded` when those of before are known.
pub(crate) async fn run(parts: Parts, loaded: watch::Sender<bool>, cancel: CancellationToken) {
    let (reader, writer) = reflector::store();
    let api = Api::<DeserializeGuard<Mandate>>::namespaced(parts.client.clone(), SYSTEM_NAMESPACE);
    let news = watcher(api, watcher::Config::default()).default_backoff().reflect(writer).boxed();
    let keeper = Keeper {
        store: Store::new(parts.client, Arc::clone(&parts.config), parts.metrics),
        config: parts.config,
        index: parts.index,
        mandates: reader,
        dirty: BTreeMap::new(),
        seen: BTreeMap::new(),
        gone: BTreeMap::new(),
    };
    cancel.run_until_cancelled(keeper.work(news, loaded)).await;
}

type News = BoxStream<'static, watcher::Result<watcher::Event<DeserializeGuard<Mandate>>>>;

impl Keeper {
    async fn work(mut self, mut news: News, loaded: watch::Sender<bool>) {
        let mut changed = self.index.changes();
        while !self.load().await {
            tokio::time::sleep(PAUSE).await;
        }
        loaded.send_replace(true);
        self.index.synced().await;
        // The first list fills the store; until then nobody asks for copies, and none may be dropped.
        while !matches!(news.next().await, Some(Ok(watcher::Event::InitDone)) | None) {}
        self.tidy().await;
        self.all();
        let mut sweep = tokio::time::interval_at(Instant::now() + SWEEP, SWEEP);
        loop {
            let wake = self.dirty.values().min().copied().unwrap_or_else(|| Instant::now() + SWEEP);
            tokio::select! {
                one = changed.recv() => self.note(one),
                Some(one) = news.next() => self.hear(&one).await,
                _ = sweep.tick() => self.sweep().await,
                () = tokio::time::sleep_until(wake) => self.look_due().await,
            }
        }
    }

    /// Reads the copies that there are; what was planted is found here, too. False where they cannot be read.
    async fn load(&mut self) -> bool {
        match self.store.load().await {
            Ok(rows) => {
                for row in rows {
                    self.index.write(|index| index.put_copy(row));
                }
                true
            }
            Err(error) => {
                tracing::warn!(error = said(&error), "the copies cannot be read and are read again");
                false
            }
        }
    }

    async fn sweep(&mut self) {
        self.load().await;
        self.tidy().await;
        self.all();
    }

    /// Looks at every namespace soon.
    fn all(&mut self) {
        let namespaces: BTreeSet<String> = self
            .index
            .read(|view| view.things(Kind::Namespace).map(|namespace| namespace.head.name.to_string()).collect());
        namespaces.into_iter().for_each(|namespace| self.push(namespace, Instant::now() + DEBOUNCE));
    }

    fn push(&mut self, namespace: String, at: Instant) {
        let due = self.dirty.entry(namespace).or_insert(at);
        *due = at.min(*due);
    }

    fn note(&mut self, changed: Result<Changed, broadcast::error::RecvError>) {
        match changed {
            Ok(Changed::Subject(subject)) => self.push(subject.namespace_str().to_owned(), Instant::now() + DEBOUNCE),
            Ok(Changed::Namespace(name)) => self.push(name, Instant::now() + DEBOUNCE),
            Err(broadcast::error::RecvError::Lagged(_)) => self.all(),
            // The index outlives the keeper.
            Err(broadcast::error::RecvError::Closed) => {}
        }
    }

    /// A mandate may ask for copies, or no longer.
    async fn hear(&mut self, event: &watcher::Result<watcher::Event<DeserializeGuard<Mandate>>>) {
        match event {
            Ok(watcher::Event::Apply(_) | watcher::Event::Delete(_) | watcher::Event::InitDone) => {
                self.tidy().await;
                self.all();
            }
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
            Err(error) => tracing::warn!(error = said(error), "the watch of mandates failed and is being resumed"),
        }
    }

    /// What the mandates ask for; and whether each of them could be read.
    fn wishes(&self) -> (Vec<mandate::Mandate>, bool) {
        let all = self.mandates.state();
        let read: Vec<_> = all.iter().filter_map(|m| m.0.as_ref().ok().and_then(|m| parse_mandate(m).ok())).collect();
        let complete = read.len() == all.len();
        (read, complete)
    }

    async fn look_due(&mut self) {
        let now = Instant::now();
        let due: Vec<String> = self.dirty.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        let (mandates, _) = self.wishes();
        for namespace in due {
            self.dirty.remove(&namespace);
            let (good, later) = self.index.read(|view| self.good_in(view, &namespace, &mandates, Timestamp::now()));
            if let Some(at) = later {
                self.push(namespace.clone(), Instant::now() + at);
            }
            for one in good {
                if let Err(error) = self.keep(&one).await {
                    let target = one.target.to_string();
                    tracing::warn!(object = target, error = said(&error), "a copy cannot be kept and is tried again");
                    self.push(namespace.clone(), Instant::now() + PAUSE);
                }
            }
        }
    }

    /// What is good and was not looked at as it is, and how long until something else may be.
    fn good_in(
        &self,
        view: &View<'_>,
        namespace: &str,
        mandates: &[mandate::Mandate],
        now: Timestamp,
    ) -> (Vec<Due>, Option<Duration>) {
        let (mut good, mut later) = (Vec::new(), None::<Timestamp>);
        let Some(labels) = self.territory(view, namespace) else { return (good, None) };
        for kind in KINDS {
            let Some(lasting) = kept_after(mandates, *kind, &labels) else { continue };
            for thing in view.things_in(*kind, namespace) {
                let Some(target) = view.reference(thing).map(without_uid) else { continue };
                if self.seen.get(&target) == Some(&thing.head.rv) {
                    continue;
                }
                match standing(view, thing, lasting, now) {
                    Standing::Good => good.push(Due { target, version: thing.head.rv, lasting }),
                    Standing::Later(at) => later = Some(later.map_or(at, |known| known.min(at))),
                    Standing::No => {}
                }
            }
        }
        let wait = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        (good, later.map(|at| wait(at).max(DEBOUNCE)))
    }

    /// Labels of a namespace of the territory.
    fn territory(&self, view: &View<'_>, namespace: &str) -> Option<BTreeMap<String, String>> {
        let (key, value) = (&self.config.territory.key, &self.config.territory.value);
        labels(view, namespace).filter(|labels| labels.get(key) == Some(value))
    }

    /// Keeps a copy of what is good, if it still is what was judged.
    async fn keep(&mut self, due: &Due) -> Result<(), StoreError> {
        let Some(live) = self.store.read(&due.target).await? else { return Ok(()) };
        let now = Timestamp::now();
        let version = live.pointer("/metadata/resourceVersion").and_then(|v| v.as_str()?.parse().ok());
        if version != Some(due.version) {
            return Ok(());
        }
        // Of a Service the watch does not tell when it was written.
        if let Some(at) = written(&live).and_then(|at| at.checked_add(due.lasting).ok()).filter(|at| *at > now) {
            let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            self.push(due.target.namespace_str().to_owned(), Instant::now() + wait);
            return Ok(());
        }
        match Copy::of(&live, now) {
            Ok(copy) => {
                if let Some(row) = self.store.keep(&copy).await? {
                    self.index.write(|index| index.put_copy(row));
                }
            }
            Err(why) => tracing::debug!(object = %due.target, why = %why, "no copy is kept"),
        }
        self.seen.insert(due.target.clone(), due.version);
        Ok(())
    }

    /// Drops what nobody asks for any more, and what has been gone for long.
    async fn tidy(&mut self) {
        let (mandates, complete) = self.wishes();
        let there =
            |view: &View<'_>, of: &ObjectRef| view.named(of.kind, of.namespace_str(), of.name.as_str()).is_some();
        let asked = |view: &View<'_>, of: &ObjectRef| {
            let labels = self.territory(view, of.namespace_str());
            !complete || labels.is_some_and(|labels| kept_after(&mandates, of.kind, &labels).is_some())
        };
        let kept: Vec<(ObjectRef, bool, bool)> = self
            .index
            .read(|view| self.store.kept().map(|of| (of.clone(), there(view, of), asked(view, of))).collect());
        for (of, there, asked) in kept {
            let since = *self.gone.entry(of.clone()).or_insert_with(Instant::now);
            if there {
                self.gone.remove(&of);
            }
            if !asked || (!there && since.elapsed() >= GONE) {
                self.forget(&of).await;
            }
        }
        let index = self.index.clone();
        index.read(|view| self.seen.retain(|of, _| there(view, of)));
    }

    async fn forget(&mut self, of: &ObjectRef) {
        self.index.write(|index| index.forget_copy(of));
        self.seen.remove(of);
        self.gone.remove(of);
        if let Err(error) = self.store.forget(of).await {
            tracing::warn!(object = %of, error = said(&error), "a copy that is not needed cannot be deleted yet");
        }
    }
}

fn without_uid(target: ObjectRef) -> ObjectRef {
    ObjectRef { uid: None, ..target }
}
