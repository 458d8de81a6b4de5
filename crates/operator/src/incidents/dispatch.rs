//! The one task that owns every Incident: what to look at, what to decide, what to write.
//!
//! Owns the state and the order of work: one subject is worked on once at a time. Must never wait
//! for a request while it could hear news. Talks to the API server only through its writer.

use super::board::Board;
use super::look::{Sight, look, subjects};
use super::own::{News, Own};
use super::priming::Priming;
use super::queue::Queue;
use super::state::State;
use super::table::Key;
use super::write::{Step, Writer, Wrote};
use crate::metrics::Metrics;
use crate::shared::SharedIndex;
use bailiwick_api::IncidentStatus;
use bailiwick_core::object::ObjectRef;
use bailiwick_kit::said::said;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// Observations of one subject within this time are looked at together.
pub(super) const DEBOUNCE: Duration = Duration::from_millis(100);
/// Subjects worked on side by side.
const SIDE_BY_SIDE: usize = 8;
/// How often every Incident is looked at though nothing happened.
const SWEEP: Duration = Duration::from_mins(10);
/// The longest pause after failures in a row.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What a piece of work came to.
pub(crate) enum Done {
    /// A subject was looked at; none if the look itself failed.
    Looked(ObjectRef, Option<Box<Sight>>),
    /// The steps of a subject were written.
    Wrote(ObjectRef, Vec<(Key, Wrote)>),
    /// An Event about the operator itself was written.
    Told,
}

/// The dispatcher.
pub(crate) struct Dispatcher {
    pub(crate) writer: Writer,
    pub(crate) index: SharedIndex,
    pub(crate) own: Own,
    pub(crate) state: State,
    pub(crate) priming: Priming,
    queue: Queue,
    working: HashSet<ObjectRef>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    failures: HashMap<ObjectRef, u32>,
}

impl Dispatcher {
    pub(crate) fn new(writer: Writer, index: SharedIndex, board: Board) -> Self {
        Self {
            writer,
            index,
            own: Own::default(),
            state: State::new(board),
            priming: Priming::default(),
            queue: Queue::default(),
            working: HashSet::new(),
            work: FuturesUnordered::new(),
            failures: HashMap::new(),
        }
    }

    /// Works until dropped.
    pub(crate) async fn run(mut self, mut news: BoxStream<'static, News>) {
        let mut changed = self.index.changes();
        while !self.own.is_ready() {
            let Some(one) = news.next().await else { return };
            self.hear(one);
        }
        self.state.complete();
        self.index.synced().await;
        self.begin();
        let mut sweep = tokio::time::interval_at(Instant::now() + SWEEP, SWEEP);
        loop {
            self.start_due();
            let next = self.queue.next().filter(|_| self.work.len() < SIDE_BY_SIDE);
            let wake = next.unwrap_or_else(|| Instant::now() + SWEEP).max(self.soonest());
            tokio::select! {
                Some(one) = news.next() => self.hear(one),
                one = changed.recv() => self.note(one),
                Some(done) = self.work.next(), if !self.work.is_empty() => self.take(done),
                _ = sweep.tick() => self.push_incidents(|_, _| true),
                () = tokio::time::sleep_until(wake) => {}
            }
            self.writer.metrics.queue_depth("incidents", self.queue.len());
        }
    }

    /// A subject that is due but being worked on must not spin the loop.
    fn soonest(&self) -> Instant {
        Instant::now() + Duration::from_millis(10)
    }

    /// Looks at everything once: what is wrong already, and what was left unfinished.
    fn begin(&mut self) {
        let mut all = subjects(&self.index);
        all.extend(self.state.iter().map(|(_, known)| known.spec.subject.clone()));
        all.sort();
        all.dedup();
        self.priming.expect(&all);
        for subject in all {
            self.push(subject, Duration::ZERO);
        }
    }

    pub(crate) fn push(&mut self, subject: ObjectRef, delay: Duration) {
        self.queue.push(subject, Instant::now(), delay);
    }

    /// Starts work on subjects that are due.
    fn start_due(&mut self) {
        while self.work.len() < SIDE_BY_SIDE {
            let working = &self.working;
            let Some(subject) = self.queue.pop(Instant::now(), |s| working.contains(s)) else {
                return;
            };
            self.working.insert(subject.clone());
            let index = self.index.clone();
            self.work.push(Box::pin(async move {
                let about = subject.clone();
                let looking = tokio::task::spawn_blocking(move || look(&index, about, Timestamp::now()));
                Done::Looked(subject, looking.await.ok().map(Box::new))
            }));
        }
    }

    /// Takes in what a piece of work came to.
    fn take(&mut self, done: Done) {
        match done {
            Done::Looked(subject, Some(sight)) => {
                let (steps, recheck) = self.decide(&sight);
                if let Some(delay) = recheck {
                    self.push(subject.clone(), delay);
                }
                if steps.is_empty() {
                    self.finish(&subject);
                } else {
                    self.work.push(write_all(self.writer.clone(), subject, steps));
                }
            }
            Done::Looked(subject, None) => {
                tracing::error!(subject = %subject, "an analyzer panicked; the subject is tried again later");
                self.fail(&subject);
                self.finish(&subject);
            }
            Done::Wrote(subject, results) => {
                let failed = results.into_iter().any(|(key, wrote)| !self.settle(&subject, key, wrote));
                if failed {
                    self.fail(&subject);
                } else {
                    self.failures.remove(&subject);
                }
                self.finish(&subject);
            }
            Done::Told => {}
        }
    }

    fn finish(&mut self, subject: &ObjectRef) {
        self.working.remove(subject);
        if let Some(story) = self.priming.finish(subject) {
            tracing::info!(priming.summary = story.note, "what was wrong at start");
            let teller = self.writer.teller.clone();
            self.work.push(Box::pin(async move {
                teller.tell_of_self(&story).await;
                Done::Told
            }));
        }
    }

    /// Tries a subject again, later each time.
    fn fail(&mut self, subject: &ObjectRef) {
        let times = self.failures.entry(subject.clone()).or_default();
        *times = times.saturating_add(1);
        let pause = Duration::from_millis(500) * 2_u32.saturating_pow((*times).min(10));
        self.push(subject.clone(), pause.min(LONGEST_PAUSE));
    }

    /// Takes in what came of a step; false if it must be tried again.
    fn settle(&mut self, subject: &ObjectRef, key: Key, wrote: Wrote) -> bool {
        if wrote.gone {
            self.state.remove(&key);
            self.push(subject.clone(), DEBOUNCE);
        } else if let Some(found) = wrote.found {
            self.state.put(key.clone(), *found);
            self.push(subject.clone(), DEBOUNCE);
        } else if let Some(known) = self.state.get_mut(&key) {
            known.uid = wrote.uid.or(known.uid.take());
            if let Some(status) = wrote.status {
                count(&self.writer.metrics, known.status.as_ref(), &status);
                known.status = Some(status);
            }
            if let Some(taken) = wrote.taken {
                known.taken.push(taken);
                self.push(subject.clone(), DEBOUNCE);
            }
        }
        let Some(error) = wrote.error else {
            return true;
        };
        tracing::warn!(
            incident.namespace = key.0,
            incident.name = key.1,
            error = said(&error),
            "a step of an incident failed and is tried again"
        );
        false
    }
}

/// Counts a phase that was entered, and the reason of an ending.
fn count(metrics: &Metrics, old: Option<&IncidentStatus>, new: &IncidentStatus) {
    if old.is_some_and(|old| old.phase == new.phase) {
        return;
    }
    metrics.incident(new.phase.as_str());
    if let Some(reason) = new.reason.as_ref().filter(|_| new.phase.is_terminal()) {
        metrics.decision(reason.code);
    }
}

fn write_all(writer: Writer, subject: ObjectRef, steps: Vec<Step>) -> BoxFuture<'static, Done> {
    Box::pin(async move {
        let mut results = Vec::with_capacity(steps.len());
        for step in steps {
            let key = step.key.clone();
            results.push((key, writer.write(step, Timestamp::now()).await));
        }
        Done::Wrote(subject, results)
    })
}
