//! What happened in a run, as an outsider with perfect sight would have noted it.
//!
//! Owns the form. Only the model of the API server writes it, never the driver under test.

use crate::cluster::Snapshot;
use bailiwick_core::life::{Purpose, Record};
use std::rc::Rc;

/// One write of one execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) change: usize,
    pub(crate) execution: usize,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The record was accepted by the API server; `seen` is what the deciding process had looked
    /// at, `None` for a record that only folds a report.
    Persisted { process: usize, change: usize, record: Rc<Record>, seen: Option<Seen> },
    /// The fence was really asked and refused the forbidden request.
    Proved(Key),
    /// A process sent the write.
    Sent { process: usize, key: Key },
    /// The write reached the API server.
    Arrived { key: Key, purpose: Purpose, digest: String, admitted: bool, suspended: bool },
    /// Somebody else changed the target.
    Touched,
    /// A receipt was created.
    Receipted { change: usize, about: String },
}

/// What a decision was made from.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The operator's time.
    pub(crate) at: jiff::Timestamp,
    /// The truth, perhaps a little old.
    pub(crate) truth: Rc<Snapshot>,
}
