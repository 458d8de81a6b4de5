//! Which Change is due when.
//!
//! Owns due times, running passes and back-off per Change. Must never run two passes over one
//! Change at the same time. No IO but the timer.

use super::driver::Key;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// The first back-off; it doubles to the last.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LAST_BACKOFF: Duration = Duration::from_secs(30);

/// The schedule.
#[derive(Default)]
pub(crate) struct Schedule {
    due: HashMap<Key, Instant>,
    running: HashSet<Key>,
    failures: HashMap<Key, u32>,
    /// The resourceVersion that the last pass left behind.
    left: HashMap<Key, u64>,
    /// The newest resourceVersion that the watch showed while a pass ran.
    shown: HashMap<Key, Option<u64>>,
}

impl Schedule {
    /// Marks a Change due at once; one that is running runs again afterwards.
    pub(crate) fn now(&mut self, key: Key) {
        self.due.insert(key, Instant::now());
    }

    /// Marks a Change due because the watch shows this version of it, unless a pass of ours wrote it.
    /// Without a number nothing can be told, so it is due.
    pub(crate) fn written(&mut self, key: Key, version: Option<u64>) {
        if self.running.contains(&key) {
            let newest = self.shown.get(&key).copied().flatten().max(version);
            self.shown.insert(key, version.and(newest));
        } else if !is_own(self.left.get(&key).copied(), version) {
            self.now(key);
        }
    }

    /// Takes all that is due and not running.
    pub(crate) fn take_due(&mut self) -> Vec<Key> {
        let now = Instant::now();
        let keys: Vec<Key> = self
            .due
            .iter()
            .filter(|(key, at)| **at <= now && !self.running.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &keys {
            self.due.remove(key);
            self.running.insert(key.clone());
        }
        keys
    }

    /// A pass ended well and left this version; `recheck` is when to look again without being woken.
    pub(crate) fn done(&mut self, key: Key, left: Option<u64>, recheck: Option<Duration>) {
        self.running.remove(&key);
        self.failures.remove(&key);
        match left {
            Some(version) => self.left.insert(key.clone(), version),
            None => self.left.remove(&key),
        };
        if self.shown.remove(&key).is_some_and(|shown| !is_own(left, shown)) {
            self.now(key.clone());
        }
        if let Some(recheck) = recheck {
            self.later(key, recheck);
        }
    }

    /// How many passes over a Change failed in a row.
    pub(crate) fn failures(&self, key: &Key) -> u32 {
        self.failures.get(key).copied().unwrap_or_default()
    }

    /// A pass failed, and left this version where it wrote one.
    pub(crate) fn failed(&mut self, key: Key, left: Option<u64>) {
        if let Some(version) = left {
            self.left.insert(key.clone(), version);
        }
        let failures = self.count_failure(&key);
        self.pause(key, failures);
    }

    /// Somebody else wrote what the pass was about: it is repeated at once, but not for ever.
    pub(crate) fn overtaken(&mut self, key: Key) {
        let failures = self.count_failure(&key);
        self.pause(key, failures - 1);
    }

    fn count_failure(&mut self, key: &Key) -> u32 {
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        *failures
    }

    fn pause(&mut self, key: Key, failures: u32) {
        self.running.remove(&key);
        let pause = match failures.checked_sub(1) {
            Some(doubled) => FIRST_BACKOFF.saturating_mul(1 << doubled.min(8)).min(LAST_BACKOFF),
            None => Duration::ZERO,
        };
        // A wake in the meantime must not cut the back-off short.
        self.due.insert(key, Instant::now() + pause);
    }

    fn later(&mut self, key: Key, after: Duration) {
        let at = Instant::now() + after;
        let due = self.due.entry(key).or_insert(at);
        *due = (*due).min(at);
    }

    /// Waits until something may be due.
    pub(crate) async fn wait(&self) {
        let next = self.due.iter().filter(|(key, _)| !self.running.contains(*key)).map(|(_, at)| *at).min();
        match next {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Changes that wait or run.
    pub(crate) fn len(&self) -> usize {
        self.due.len() + self.running.len()
    }
}

/// True if the version shown is not newer than the one left: every write of a pass demands the
/// version it read, so what is older was read.
fn is_own(left: Option<u64>, shown: Option<u64>) -> bool {
    matches!((left, shown), (Some(left), Some(shown)) if shown <= left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("ns".to_owned(), name.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn one_pass_at_a_time_and_a_wake_is_not_lost() {
        let mut schedule = Schedule::default();
        schedule.now(key("a"));
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.now(key("a"));
        assert!(schedule.take_due().is_empty());
        schedule.done(key("a"), None, None);
        assert_eq!(schedule.take_due(), [key("a")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pass_is_not_woken_by_its_own_writes() {
        let mut schedule = Schedule::default();
        schedule.written(key("a"), Some(5));
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.written(key("a"), Some(6));
        schedule.done(key("a"), Some(7), None);
        assert!(schedule.take_due().is_empty());
        schedule.written(key("a"), Some(7));
        assert!(schedule.take_due().is_empty());
        schedule.written(key("a"), Some(8));
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.written(key("a"), Some(9));
        schedule.done(key("a"), Some(8), None);
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.written(key("a"), None);
        schedule.done(key("a"), Some(9), None);
        assert_eq!(schedule.take_due(), [key("a")]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_failed_pass_wrote_does_not_cut_its_pause_short() {
        let mut schedule = Schedule::default();
        schedule.now(key("a"));
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.failed(key("a"), Some(7));
        assert_eq!(schedule.failures(&key("a")), 1);
        schedule.written(key("a"), Some(7));
        assert!(schedule.take_due().is_empty());
        schedule.written(key("a"), Some(8));
        assert_eq!(schedule.take_due(), [key("a")]);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_back_off_and_success_forgets_them() {
        let mut schedule = Schedule::default();
        schedule.now(key("a"));
        for expected in [250, 500, 1000] {
            assert_eq!(schedule.take_due(), [key("a")]);
            schedule.failed(key("a"), None);
            assert!(schedule.take_due().is_empty());
            let before = Instant::now();
            schedule.wait().await;
            assert_eq!(before.elapsed(), Duration::from_millis(expected));
        }
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.done(key("a"), None, None);
        schedule.now(key("a"));
        for expected in [0, 250, 500] {
            assert_eq!(schedule.take_due(), [key("a")]);
            schedule.overtaken(key("a"));
            let before = Instant::now();
            schedule.wait().await;
            assert_eq!(before.elapsed(), Duration::from_millis(expected));
        }
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.done(key("a"), None, Some(Duration::from_secs(5)));
        let before = Instant::now();
        schedule.wait().await;
        assert_eq!(before.elapsed(), Duration::from_secs(5));
    }
}
