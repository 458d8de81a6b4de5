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
use bailiwick_core::copies::{Copy, KINDS, Looks, MOST, Standing, Turn, content_written, standing, written};
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
/// Before the API server is asked again after it refused.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest such pause.
const LAST_PAUSE: Duration = Duration::from_mins(5);

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
    /// What was looked at already.
    looks: Looks,
    /// How long nothing is asked for after the next refusal, and until when nothing is after the last.
    pause: Duration,
    rest: Instant,
    /// True once it was told that there are as many copies as there may be.
    told_full: bool,
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
        looks: Looks::default(),
        pause: PAUSE,
        rest: Instant::now(),
        told_full: false,
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
            let wake = self.dirty.values().min().copied().unwrap_or_else(|| Instant::now() + SWEEP).max(self.rest);
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
            Ok(gone) => {
                for of in gone {
                    self.index.write(|index| index.forget_copy(&of));
                    self.looks.forget(&of);
                }
                for row in self.store.shelf().rows() {
                    self.index.write(|index| index.put_copy(row.clone()));
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
        self.told_full = false;
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
        let mut due: Vec<(Instant, String)> =
            self.dirty.iter().filter(|(_, at)| **at <= now).map(|(name, at)| (*at, name.clone())).collect();
        due.sort();
        let (mandates, _) = self.wishes();
        for (_, namespace) in due {
            self.dirty.remove(&namespace);
            let (good, later) = self.index.read(|view| self.good_in(view, &namespace, &mandates, Timestamp::now()));
            if let Some(at) = later {
                self.push(namespace.clone(), Instant::now() + at);
            }
            if !self.keep_all(&good).await {
                return;
            }
        }
    }

    /// Keeps copies of these. False where the API server refuses: then nothing is asked for during the pause, and
    /// the object that it refused waits for another.
    async fn keep_all(&mut self, good: &[Due]) -> bool {
        for one in good {
            let Err(error) = self.keep(one).await else { continue };
            let target = one.target.to_string();
            tracing::warn!(object = target, error = said(&error), "a copy cannot be kept and is tried again");
            let until = Timestamp::now().checked_add(self.pause * 2).unwrap_or(Timestamp::MAX);
            self.looks.hold(one.target.clone(), one.version, until);
            self.rest = Instant::now() + self.pause;
            self.push(one.target.namespace_str().to_owned(), self.rest);
            self.pause = (self.pause * 2).min(LAST_PAUSE);
            return false;
        }
        true
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
                let then = match self.looks.turn(&target, thing.head.rv, now) {
                    Turn::Now => standing(view, thing, lasting, now),
                    Turn::At(at) => Standing::Later(at),
                    Turn::Changed => Standing::No,
                };
                match then {
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
        if !self.store.shelf().has_room(&due.target) {
            if !std::mem::replace(&mut self.told_full, true) {
                tracing::warn!(object = %due.target, copies = MOST, "no copy is kept: there are as many as there may be");
            }
            return Ok(());
        }
        let signer = self.store.signer()?;
        let Some(live) = self.store.read(&due.target).await? else { return Ok(()) };
        let (now, written) = (Timestamp::now(), written(&live));
        let version = live.pointer("/metadata/resourceVersion").and_then(|v| v.as_str()?.parse().ok());
        if version != Some(due.version) {
            return Ok(());
        }
        // Of a Service the watch does not tell when it was written.
        if let Some(at) = written.and_then(|at| at.checked_add(due.lasting).ok()).filter(|at| *at > now) {
            let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            self.looks.hold(due.target.clone(), due.version, at);
            self.push(due.target.namespace_str().to_owned(), Instant::now() + wait);
            return Ok(());
        }
        match Copy::of(&live, now) {
            Ok(copy) => self.store.keep(&copy, content_written(&live), &signer).await?,
            Err(why) => tracing::debug!(object = %due.target, why = %why, "no copy is kept"),
        }
        if let Some(row) = self.store.shelf().row(&due.target) {
            self.index.write(|index| index.put_copy(row.clone()));
        }
        self.looks.done(due.target.clone(), due.version);
        self.pause = PAUSE;
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
        let kept: Vec<(bool, bool, ObjectRef)> = self.index.read(|view| {
            let targets = self.store.shelf().targets().into_iter();
            targets.map(|of| (there(view, &of), asked(view, &of), of)).collect()
        });
        for (there, asked, of) in kept {
            let since = *self.gone.entry(of.clone()).or_insert_with(Instant::now);
            if there {
                self.gone.remove(&of);
            }
            if !asked || (!there && since.elapsed() >= GONE) {
                self.forget(&of).await;
            }
        }
        let index = self.index.clone();
        index.read(|view| self.looks.retain(|of| there(view, of)));
    }

    async fn forget(&mut self, of: &ObjectRef) {
        self.index.write(|index| index.forget_copy(of));
        self.looks.forget(of);
        self.gone.remove(of);
        self.store.forget(of).await;
    }
}

fn without_uid(target: ObjectRef) -> ObjectRef {
    ObjectRef { uid: None, ..target }
}
