//! The one Incident that stands for a storm: people hear of all of its members by it.
//!
//! Owns its record from the first member too many until it calmed. Must never hide a member: each
//! keeps an Incident of its own. No IO.

use super::decide::Decision;
use super::ending::{conclude, kept, reopen};
use super::{MOST_EVIDENCE, Phase, Presence, Record, redact};
use crate::finding::{Cause, Evidence, Severity};
use crate::guards::Hold;
use crate::object::ObjectRef;
use crate::reason::{Code, Reason};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// One Incident of the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What is wrong with.
    pub subject: ObjectRef,
    /// How bad it is.
    pub severity: Severity,
    /// When it began.
    pub began: Timestamp,
    /// What is the matter, in one sentence.
    pub summary: String,
}

/// The Incidents of one cause.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// What is wrong.
    pub cause: Cause,
    /// Those that began lately.
    pub members: &'a [Member],
    /// The storm, while there is one, and how long until it calms.
    pub storm: Option<Hold>,
    /// The time.
    pub now: Timestamp,
}

/// Decides on the storm's Incident; nothing where there is none to be.
pub fn gather(record: Option<&Record>, group: &Group<'_>) -> Option<Decision> {
    match (record, &group.storm) {
        (None, None) => None,
        (_, Some((reason, calm_in))) => {
            let mut next = record.cloned().unwrap_or_else(|| begin(group));
            if let Some(ended) = next.ended_at {
                reopen(&mut next, ended, group.now);
            }
            describe(&mut next, group);
            next.reason = Some(reason.clone());
            Some(Decision::wait(next, *calm_in))
        }
        (Some(record), None) => Some(calm(record.clone(), group.now)),
    }
}

fn calm(mut record: Record, now: Timestamp) -> Decision {
    if let Some(ended) = record.ended_at {
        return kept(record, ended, now);
    }
    record.presence = Presence { holds: false, since: now };
    conclude(record, Phase::Resolved, Reason::plain(Code::Calmed), now)
}

fn begin(group: &Group<'_>) -> Record {
    let first = group.members.iter().map(|m| m.began).min();
    Record::since(first.unwrap_or(group.now), Severity::Warning, group.now)
}

fn describe(record: &mut Record, group: &Group<'_>) {
    let places: BTreeSet<&str> = group.members.iter().map(|m| m.subject.namespace_str()).collect();
    record.summary = format!(
        "{} incidents of {} began lately, in {} namespaces; nothing is changed by itself until that calms",
        group.members.len(),
        group.cause,
        places.len()
    );
    record.presence.holds = true;
    record.last_seen = group.now;
    record.severity = group.members.iter().map(|m| m.severity).max().unwrap_or(record.severity);
    record.evidence = group.members.iter().take(MOST_EVIDENCE).map(shown).collect();
}

fn shown(member: &Member) -> Evidence {
    Evidence {
        id: format!("incident:{}/{}", member.subject.namespace_str(), member.name),
        object: member.subject.clone(),
        value: redact(&member.summary).chars().take(1000).collect(),
    }
}

/// The name of the Incident of a storm of that cause.
pub fn group_name(cause: Cause) -> String {
    format!("storm-{}", cause.as_str().to_lowercase())
}
