//! One drill as it is told: numbered steps, what is expected, what was seen.
//!
//! Owns the numbers and the clocks of checks. Must never call a check passed that saw something
//! else than what it said to expect before it looked. Writes through the story.

use super::ask::{Answer, Refuser};
use super::drill::Drill;
use super::record::Record;
use super::story::{Seen, Stop, Story, Told};
use super::wait::Missed;
use crate::style::Role;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The teller of one drill.
pub(super) struct Scene<'a> {
    story: &'a Story,
    drill: Drill,
    step: AtomicUsize,
}

impl<'a> Scene<'a> {
    pub(super) fn new(story: &'a Story, drill: Drill) -> Self {
        Self { story, drill, step: AtomicUsize::new(0) }
    }

    fn number(&self) -> String {
        format!("{}.{}", self.drill.number(), self.step.load(Ordering::Relaxed))
    }

    /// Begins the next step: who does what.
    pub(super) fn step(&self, text: impl AsRef<str>) {
        self.step.fetch_add(1, Ordering::Relaxed);
        self.story.line(self.drill, ("▸", Role::Head), &format!("{} {}", self.number(), text.as_ref()));
    }

    /// Something to know.
    pub(super) fn say(&self, text: impl AsRef<str>) {
        self.story.line(self.drill, ("·", Role::Plain), text.as_ref());
    }

    /// A command line.
    pub(super) fn command(&self, line: &str) {
        self.story.line(self.drill, ("$", Role::Key), line);
    }

    /// Somebody else's words.
    pub(super) fn quote(&self, text: impl AsRef<str>) {
        self.story.line(self.drill, ("│", Role::Dim), text.as_ref());
    }

    /// Says what is expected, and begins to count the time.
    pub(super) fn expect(&self, check: &str, expected: impl Into<String>) -> Expectation<'_, 'a> {
        let expected = expected.into();
        self.story.line(self.drill, ("?", Role::Dim), &format!("expected: {expected}"));
        let begun = Instant::now();
        Expectation { scene: self, check: check.to_owned(), expected, begun, policy: None, workload: 0.0 }
    }

    /// An attack that the API server itself must refuse, by the layer named, with its words shown.
    pub(super) fn refused(&self, check: &str, by: &Refuser, answer: &Answer) -> bool {
        let expectation = self.expect(check, format!("refused by {by}"));
        if !answer.words.is_empty() {
            self.quote(&answer.words);
        }
        expectation.saw(Seen::when(answer.refuser().as_ref() == Some(by), answer.summary()))
    }

    /// Records how a drill ended that could not go on.
    pub(super) fn stopped(&self, stop: Stop) {
        match stop {
            Stop::Counted => self.say("the rest of this drill depends on what failed and is left out"),
            Stop::Broken(why) => {
                self.expect("the drill runs to its end", "every step").saw(Seen::Wrong(why));
            }
        }
    }
}

/// Something expected, not yet seen.
#[must_use = "what is expected must be looked at"]
pub(super) struct Expectation<'s, 'a> {
    scene: &'s Scene<'a>,
    check: String,
    expected: String,
    begun: Instant,
    policy: Option<(f64, String)>,
    workload: f64,
}

impl Expectation<'_, '_> {
    /// So much of the time is a delay that the mandate asks for.
    pub(super) fn delayed(mut self, seconds: u32, what: &str) -> Self {
        self.policy = Some((f64::from(seconds), what.to_owned()));
        self
    }

    /// The time is counted from an earlier moment, at which its cause was seen.
    pub(super) fn since(mut self, begun: Instant) -> Self {
        self.begun = begun;
        self
    }

    /// So many seconds of the time passed until the workload itself was up, or failed.
    pub(super) fn workload(mut self, seconds: f64) -> Self {
        self.workload = seconds.max(0.0);
        self
    }

    /// How long it has been expected.
    pub(super) fn waited(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Records what was seen, at this moment; true where it is what was expected.
    pub(super) fn saw(self, seen: Seen) -> bool {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.saw_after(seconds, seen)
    }

    /// The same, with the seconds that were measured.
    pub(super) fn saw_after(mut self, seconds: f64, seen: Seen) -> bool {
        // A delay is counted from when the operator saw its cause, which may be a little earlier.
        self.policy = self.policy.map(|(policy, what)| (policy.min(seconds), what));
        let (passed, text) = match seen {
            Seen::Right(text) => (true, text),
            Seen::Wrong(text) => (false, text),
        };
        let time = self.time(seconds);
        let (sign, line) = if passed {
            (("✔", Role::Good), format!("{}: {text}{time}", self.check))
        } else {
            let line = format!("{}: expected {}, but saw: {text}{time}", self.check, self.expected);
            (("✗", Role::Bad), line)
        };
        self.scene.story.line(self.scene.drill, sign, &line);
        let round = |s: f64| (s * 1000.0).round() / 1000.0;
        self.scene.story.note(Record {
            drill: self.scene.drill,
            step: self.scene.number(),
            check: self.check,
            expected: self.expected,
            seen: text,
            passed,
            seconds: round(seconds),
            policy_seconds: round(self.policy.map_or(0.0, |(seconds, _)| seconds)),
            workload_seconds: round(self.workload),
        });
        passed
    }

    /// The time in words, with what of it is not Bailiwick's own.
    fn time(&self, seconds: f64) -> String {
        let mut parts = Vec::new();
        let mut own = seconds - self.workload;
        if let Some((policy, what)) = &self.policy {
            own -= policy;
            parts.push(format!("{policy:.0} s {what} by policy"));
        }
        if self.workload >= 0.05 {
            parts.push(format!("{:.1} s of the workload's own", self.workload));
        }
        match parts.is_empty() {
            true if seconds < 0.05 => String::new(),
            true => format!(" ({seconds:.1} s)"),
            false => format!(" ({seconds:.1} s: {}, {:.1} s own)", parts.join(", "), own.max(0.0)),
        }
    }

    /// A check without which the rest makes no sense.
    pub(super) fn need(self, seen: Seen) -> Told {
        if self.saw(seen) { Ok(()) } else { Err(Stop::Counted) }
    }

    /// A check of something that was waited for; `tell` says what came.
    pub(super) fn came<T>(self, waited: Result<T, Missed>, tell: impl FnOnce(&T) -> String) -> Told<T> {
        match waited {
            Ok(value) => {
                self.saw(Seen::Right(tell(&value)));
                Ok(value)
            }
            Err(missed) => {
                self.saw(Seen::Wrong(missed.to_string()));
                Err(Stop::Counted)
            }
        }
    }
}
