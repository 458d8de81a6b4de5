//! What the guards need to know of Incidents, shared with the executor.
//!
//! Owns one row for each Incident, storms' own left out. Must never say that there are none before
//! they were read. No IO.

use bailiwick_core::finding::Cause;
use bailiwick_core::incident::{Member, Record};
use bailiwick_core::object::ObjectRef;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::table::Key;

/// One Incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What is wrong.
    pub(crate) cause: Cause,
    /// What is wrong with.
    pub(crate) subject: ObjectRef,
    /// When the present occurrence began.
    pub(crate) began: Timestamp,
    /// How often it began.
    pub(crate) count: i64,
    /// When it came back.
    pub(crate) returns: Vec<Timestamp>,
}

impl Row {
    pub(crate) fn of(cause: Cause, subject: &ObjectRef, record: &Record) -> Self {
        Self {
            cause,
            subject: subject.clone(),
            began: record.began,
            count: record.count,
            returns: record.returns.clone(),
        }
    }
}

/// The board.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<RwLock<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    complete: bool,
    rows: BTreeMap<Key, Row>,
}

impl Board {
    pub(crate) fn put(&self, key: Key, row: Row) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).rows.insert(key, row);
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).rows.remove(key);
    }

    /// Every Incident that was there is on the board now.
    pub(crate) fn complete(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).complete = true;
    }

    /// The rows that `wanted` picks, with when each Incident of the same cause began; nothing
    /// before all were read.
    pub(crate) fn pick(&self, wanted: impl Fn(&Key, &Row) -> bool) -> Option<Vec<(String, Row, Vec<Timestamp>)>> {
        let board = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let alike = |cause: Cause| board.rows.values().filter(|r| r.cause == cause).map(|r| r.began).collect();
        let picked = board.rows.iter().filter(|(key, row)| wanted(key, row));
        board.complete.then(|| picked.map(|((_, name), row)| (name.clone(), row.clone(), alike(row.cause))).collect())
    }
}

/// A member of a storm, as far as its record tells.
pub(crate) fn member(name: &str, subject: &ObjectRef, record: &Record) -> Member {
    Member {
        name: name.to_owned(),
        subject: subject.clone(),
        severity: record.severity,
        began: record.began,
        summary: record.summary.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::names::ObjectName;
    use bailiwick_core::object::Kind;

    fn row(cause: Cause, second: i64) -> Row {
        let subject = ObjectRef::cluster(Kind::Node, ObjectName::parse("n").unwrap(), None);
        Row { cause, subject, began: Timestamp::from_second(second).unwrap(), count: 1, returns: Vec::new() }
    }

    #[test]
    fn it_tells_nothing_before_all_were_read_and_then_all_of_a_cause() {
        let board = Board::default();
        let key = |name: &str| ("ns".to_owned(), name.to_owned());
        board.put(key("a"), row(Cause::CrashLoop, 1));
        board.put(key("b"), row(Cause::CrashLoop, 2));
        board.put(key("c"), row(Cause::OomKilled, 3));
        let pick = || board.pick(|(_, name), _| name == "a");
        assert_eq!(pick(), None);
        board.complete();
        let found = pick().unwrap();
        assert_eq!((found.len(), found[0].0.as_str(), found[0].2.len()), (1, "a", 2));
        board.remove(&key("b"));
        assert_eq!(pick().unwrap()[0].2.len(), 1);
    }
}
