//! What is told of a step in an Incident's life.
//!
//! Owns the Events' reasons and words. Must never tell the same step twice, nor anything of an
//! Incident that was wrong at start but that it ends. No IO.

use super::{Phase, Record};

/// One Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The Event's reason.
    pub reason: &'static str,
    /// True for a warning.
    pub warning: bool,
    /// One sentence.
    pub note: String,
}

/// What to tell of the step from `old` to `new`, if anything.
pub fn story(old: Option<&Record>, new: &Record) -> Option<Story> {
    let Some(old) = old else {
        return (!new.primed).then(|| opened("Opened", new));
    };
    if new.began != old.began {
        return Some(opened("Reopened", new));
    }
    let proposed = new.phase == Phase::Changing && new.changes.last() != old.changes.last();
    if old.phase == new.phase && !proposed {
        return None;
    }
    let why = new.reason.as_ref().map_or_else(|| new.summary.clone(), |r| format!("{}: {}", r.code, r.message));
    let (reason, warning, note) = match new.phase {
        Phase::Open => return None,
        Phase::Changing => {
            let name = new.changes.last().map_or("", |n| n.as_str());
            ("Proposed", false, format!("change {name} is proposed: {}", new.summary))
        }
        Phase::Resolved => ("Resolved", false, why),
        Phase::Escalated => ("Escalated", true, why),
        Phase::Dismissed => ("Dismissed", false, why),
    };
    Some(Story { reason, warning, note })
}

fn opened(reason: &'static str, record: &Record) -> Story {
    Story { reason, warning: true, note: record.summary.clone() }
}
