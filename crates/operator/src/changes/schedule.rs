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
}

impl Schedule {
    /// Marks a Change due at once; one that is running runs again afterwards.
    pub(crate) fn now(&mut self, key: Key) {
        self.due.insert(key, Instant::now());
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

    /// A pass ended well; `recheck` is when to look again without being woken.
    pub(crate) fn done(&mut self, key: Key, recheck: Option<Duration>) {
        self.running.remove(&key);
        self.failures.remove(&key);
        if let Some(recheck) = recheck {
            self.later(key, recheck);
        }
    }

    /// A pass failed.
    pub(crate) fn failed(&mut self, key: Key) {
        self.running.remove(&key);
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        let pause = FIRST_BACKOFF.saturating_mul(1 << (*failures - 1).min(8)).min(LAST_BACKOFF);
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
        schedule.done(key("a"), None);
        assert_eq!(schedule.take_due(), [key("a")]);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_back_off_and_success_forgets_them() {
        let mut schedule = Schedule::default();
        schedule.now(key("a"));
        for expected in [250, 500, 1000] {
            assert_eq!(schedule.take_due(), [key("a")]);
            schedule.failed(key("a"));
            assert!(schedule.take_due().is_empty());
            let before = Instant::now();
            schedule.wait().await;
            assert_eq!(before.elapsed(), Duration::from_millis(expected));
        }
        assert_eq!(schedule.take_due(), [key("a")]);
        schedule.done(key("a"), Some(Duration::from_secs(5)));
        let before = Instant::now();
        schedule.wait().await;
        assert_eq!(before.elapsed(), Duration::from_secs(5));
    }
}
