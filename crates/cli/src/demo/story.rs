//! What the demo tells: who does what, what is expected, what is seen, and when.
//!
//! Owns the lines, their times and the records of all checks. Must never let text of the cluster
//! reach the terminal unescaped. Writes through [`Out`].

use super::drill::Drill;
use super::record::Record;
use crate::out::Out;
use crate::safe;
use crate::sheet::wrapped;
use crate::style::{Look, Role};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Columns before the text of a line: time, drill, sign.
const MARGIN: usize = 21;

/// Why a drill cannot go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// A check failed on which the rest depends; it is in the record.
    Counted,
    /// Something that no check is about.
    Broken(String),
}

impl Stop {
    /// Something that no check is about.
    pub(super) fn broken(what: impl Into<String>) -> Self {
        Stop::Broken(what.into())
    }
}

/// What the steps of a drill return.
pub(super) type Told<T = ()> = Result<T, Stop>;

/// What a check saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// What was expected.
    Right(String),
    /// Something else.
    Wrong(String),
}

impl Seen {
    /// `text`, which is what was expected if `right` holds.
    pub(super) fn when(right: bool, text: impl Into<String>) -> Self {
        if right { Seen::Right(text.into()) } else { Seen::Wrong(text.into()) }
    }
}

/// The whole telling.
pub(super) struct Story {
    out: Out,
    look: Look,
    begun: Instant,
    records: Mutex<Vec<Record>>,
}

impl Story {
    pub(super) fn new(out: Out) -> Self {
        // What stands beside output for programs is never painted.
        let look = Look { colour: out.look.colour && out.is_for_people(), ..out.look };
        Self { out, look, begun: Instant::now(), records: Mutex::default() }
    }

    /// The teller of one drill.
    pub(super) fn scene(&self, drill: Drill) -> Scene<'_> {
        Scene { story: self, drill, mark: Mutex::new(Instant::now()) }
    }

    /// Time since the demo began.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A paragraph that belongs to no drill.
    pub(super) fn say(&self, role: Role, text: &str) {
        for line in wrapped(&safe::line(text), self.look.wrap()) {
            self.put(&self.look.paint(role, &line));
        }
    }

    /// An empty line.
    pub(super) fn gap(&self) {
        self.put("");
    }

    /// Every check so far, by drill, in the order they were made.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner).clone();
        records.sort_by_key(|r| r.drill);
        records
    }

    /// One line: to standard output for people, beside it where a program reads that.
    fn put(&self, line: &str) {
        if self.out.is_for_people() {
            // A reader that went away is no reason to leave the cluster as it is.
            let _ = self.out.text(&format!("{line}\n"));
        } else {
            self.out.note(Role::Plain, line);
        }
    }

    fn line(&self, drill: Drill, (sign, role): (char, Role), text: &str) {
        let look = &self.look;
        let seconds = self.elapsed().as_secs_f64();
        let head = format!("{:>6} {:<10}", format!("{seconds:.1}s"), drill.as_str());
        let width = look.wrap().saturating_sub(MARGIN).max(40);
        for (at, part) in wrapped(&safe::line(text), width).iter().enumerate() {
            let start = if at == 0 {
                format!("{}  {} ", look.paint(Role::Dim, &head), look.paint(role, &sign.to_string()))
            } else {
                " ".repeat(MARGIN)
            };
            let body = if role == Role::Good { part.clone() } else { look.paint(role, part) };
            self.put(&format!("{start}{body}"));
        }
    }
}

/// The teller of one drill.
pub(super) struct Scene<'a> {
    story: &'a Story,
    drill: Drill,
    mark: Mutex<Instant>,
}

impl Scene<'_> {
    /// Somebody does something, or something is to be expected.
    pub(super) fn say(&self, text: impl AsRef<str>) {
        self.story.line(self.drill, ('·', Role::Plain), text.as_ref());
    }

    /// A command line.
    pub(super) fn command(&self, line: &str) {
        self.story.line(self.drill, ('$', Role::Key), line);
    }

    /// Somebody else's words.
    pub(super) fn quote(&self, text: impl AsRef<str>) {
        self.story.line(self.drill, ('│', Role::Dim), text.as_ref());
    }

    /// Begins to count the time of the next check.
    pub(super) fn start(&self) {
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Records a check and says how it went; true where it was as expected.
    pub(super) fn check(&self, name: &str, expected: impl Into<String>, seen: Seen) -> bool {
        let seconds = {
            let mut mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            now.duration_since(std::mem::replace(&mut *mark, now)).as_secs_f64()
        };
        let expected = expected.into();
        let (passed, text) = match seen {
            Seen::Right(text) => (true, text),
            Seen::Wrong(text) => (false, text),
        };
        if passed {
            self.story.line(self.drill, ('✔', Role::Good), &format!("{name}: {text}"));
        } else {
            let text = format!("{name}: expected {expected}, but saw: {text}");
            self.story.line(self.drill, ('✗', Role::Bad), &text);
        }
        let seconds = (seconds * 1000.0).round() / 1000.0;
        let record = Record { drill: self.drill, check: name.to_owned(), expected, seen: text, passed, seconds };
        self.story.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        passed
    }

    /// A check without which the rest makes no sense.
    pub(super) fn need(&self, name: &str, expected: impl Into<String>, seen: Seen) -> Told {
        if self.check(name, expected, seen) { Ok(()) } else { Err(Stop::Counted) }
    }

    /// A check of something that was waited for; `tell` says what came.
    pub(super) fn came<T>(
        &self,
        name: &str,
        expected: &str,
        waited: Result<T, super::wait::Missed>,
        tell: impl FnOnce(&T) -> String,
    ) -> Told<T> {
        match waited {
            Ok(value) => {
                self.check(name, expected, Seen::Right(tell(&value)));
                Ok(value)
            }
            Err(missed) => {
                self.check(name, expected, Seen::Wrong(missed.to_string()));
                Err(Stop::Counted)
            }
        }
    }

    /// Records how a drill ended that could not go on.
    pub(super) fn stopped(&self, stop: Stop) {
        match stop {
            Stop::Counted => self.say("the rest of this drill depends on what failed and is left out"),
            Stop::Broken(why) => {
                self.check("the drill runs to its end", "every step", Seen::Wrong(why));
            }
        }
    }
}
