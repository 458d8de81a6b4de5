//! What the demo tells: who does what, what is expected, what is seen, and when.
//!
//! Owns the lines, their order and the records of all checks. Must never let text of the cluster
//! reach the terminal unescaped. Writes through [`Out`].

use super::board::Board;
use super::drill::Drill;
use super::record::Record;
use super::scene::Scene;
use crate::out::Out;
use crate::safe;
use crate::sheet::wrapped;
use crate::style::{Look, Role};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Columns before the text of a line: time, sign.
const MARGIN: usize = 12;

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

/// The whole telling. Drills that run side by side are told one after the other: the lines of a
/// later one wait until the earlier one has ended.
pub(super) struct Story {
    out: Out,
    look: Look,
    begun: Instant,
    board: Mutex<Board>,
    records: Mutex<Vec<Record>>,
}

impl Story {
    pub(super) fn new(out: Out, drills: &[Drill]) -> Self {
        // What stands beside output for programs is never painted.
        let look = Look { colour: out.look.colour && out.is_for_people(), ..out.look };
        let board = Mutex::new(Board::new(drills));
        Self { out, look, begun: Instant::now(), board, records: Mutex::default() }
    }

    /// The teller of one drill; its heading is told now.
    pub(super) fn scene(&self, drill: Drill) -> Scene<'_> {
        self.put(Some(drill), "");
        let head = format!("{}  {}", drill.title(), "─".repeat(4));
        self.put(Some(drill), &self.look.paint(Role::Head, &head));
        Scene::new(self, drill)
    }

    /// Time since the demo began.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A paragraph that belongs to no drill.
    pub(super) fn say(&self, role: Role, text: &str) {
        for line in wrapped(&safe::line(text), self.look.wrap()) {
            self.put(None, &self.look.paint(role, &line));
        }
    }

    /// Text that was rendered and made safe already.
    pub(super) fn block(&self, text: &str) {
        for line in text.lines() {
            self.put(None, line);
        }
    }

    /// An empty line.
    pub(super) fn gap(&self) {
        self.put(None, "");
    }

    /// How to render.
    pub(super) const fn look(&self) -> &Look {
        &self.look
    }

    /// Notes a check.
    pub(super) fn note(&self, record: Record) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// Every check so far, by drill, in the order they were made.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner).clone();
        records.sort_by_key(|r| r.drill);
        records
    }

    /// A drill ended: the next one is told from here on.
    pub(super) fn ended(&self, drill: Drill) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        for line in board.ended(drill) {
            self.write(&line);
        }
    }

    fn put(&self, drill: Option<Drill>, line: &str) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = board.put(drill, line.to_owned()) {
            self.write(&line);
        }
    }

    /// One line: to standard output for people, beside it where a program reads that.
    fn write(&self, line: &str) {
        if self.out.is_for_people() {
            // A reader that went away is no reason to leave the cluster as it is.
            let _ = self.out.text(&format!("{line}\n"));
        } else {
            self.out.note(Role::Plain, line);
        }
    }

    /// A line of a drill: the time, a sign, the text.
    pub(super) fn line(&self, drill: Drill, (sign, role): (&str, Role), text: &str) {
        let look = &self.look;
        let at = format!("{:>6}s", format!("{:.1}", self.elapsed().as_secs_f64()));
        let width = look.wrap().saturating_sub(MARGIN).max(40);
        for (number, part) in wrapped(&safe::line(text), width).iter().enumerate() {
            let start = if number == 0 {
                format!("{}  {} ", look.paint(Role::Dim, &at), look.paint(role, &format!("{sign:<1}")))
            } else {
                " ".repeat(MARGIN - 1)
            };
            let body = if role == Role::Good { part.clone() } else { look.paint(role, part) };
            self.put(Some(drill), &format!("{start}{body}"));
        }
    }
}
