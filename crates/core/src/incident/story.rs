//! What is told of a step in an Incident's life.
//!
//! Owns the Events' reasons and words. Must never tell the same step twice, nor anything of an
//! Incident that was wrong at start but that it ends. No IO.

use super::{Phase, Record};
use crate::reason::Code;

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

/// What to tell of the step from `old` to `new`, in order. Where something is proposed at once, both
/// are told.
pub fn story(old: Option<&Record>, new: &Record) -> Vec<Story> {
    begun(old, new).into_iter().chain(moved(old, new)).collect()
}

/// That it began, or began again. Of those in a storm the storm's own Incident tells.
fn begun(old: Option<&Record>, new: &Record) -> Option<Story> {
    let in_storm = new.reason.as_ref().is_some_and(|r| r.code == Code::Storm);
    match old {
        _ if in_storm => None,
        None => (!new.primed).then(|| opened("Opened", new)),
        Some(old) => (new.began != old.began).then(|| opened("Reopened", new)),
    }
}

/// Where it went.
fn moved(old: Option<&Record>, new: &Record) -> Option<Story> {
    let before = old.filter(|old| old.began == new.began).map_or(Phase::Open, |old| old.phase);
    let proposed = new.phase == Phase::Changing && old.is_none_or(|old| new.changes.last() != old.changes.last());
    if before == new.phase && !proposed {
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

/// What to tell of the step of a storm's Incident.
pub fn storm_story(old: Option<&Record>, new: &Record) -> Vec<Story> {
    let before = old.filter(|old| old.began == new.began).map(|old| old.phase);
    if before == Some(new.phase) {
        return Vec::new();
    }
    match new.phase {
        Phase::Open | Phase::Changing | Phase::Escalated => vec![opened("Storm", new)],
        Phase::Resolved | Phase::Dismissed => moved(old, new).into_iter().collect(),
    }
}

fn opened(reason: &'static str, record: &Record) -> Story {
    Story { reason, warning: true, note: record.summary.clone() }
}
