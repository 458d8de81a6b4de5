//! Telling events: warnings and the few normal ones that say why.
//!
//! Owns their bounded store, one row per object, reason and message but for the parts that
//! differ from pod to pod. Must never grow with the number of repetitions. No IO.

use super::hash::Map;
use super::intern::{Intern, Text};
use super::shape::EventShape;
use super::uid::{OddUids, UidKey};
use jiff::Timestamp;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most rows that are kept for one object.
const PER_OBJECT: usize = 12;
/// What the recorder puts before the message of a burst.
const COMBINED: &str = "(combined from similar events): ";
/// Normal events that tell why something goes wrong.
const TELLING: [&str; 3] = ["Killing", "BackOff", "JobAlreadyActive"];

/// One kept event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The Event's own uid.
    pub uid: UidKey,
    /// Its reason.
    pub reason: Text,
    /// Its message; untrusted text, without the recorder's own prefix.
    pub message: Text,
    /// The container it is about, if it is about one.
    pub container: Option<Text>,
    /// How often it was seen.
    pub count: u32,
    /// When first.
    pub first: Option<Timestamp>,
    /// When last.
    pub last: Option<Timestamp>,
    /// The message's form, equal for messages that differ in generated names and numbers only.
    form: u64,
}

/// Every kept event.
#[derive(Debug, Default)]
pub(crate) struct Events {
    by_object: Map<UidKey, Vec<Event>>,
    object_of: Map<UidKey, UidKey>,
}

impl Events {
    /// Keeps an event if it tells something; returns the object it is about.
    pub(crate) fn put(&mut self, intern: &mut Intern, uids: &mut OddUids, shape: &EventShape) -> Option<UidKey> {
        let telling = shape.kind == "Warning" || TELLING.contains(&shape.reason.as_str());
        if !telling || shape.involved_object.uid.is_empty() {
            return None;
        }
        let object = uids.key(&shape.involved_object.uid);
        let message = shape.message.strip_prefix(COMBINED).unwrap_or(&shape.message).trim();
        let event = Event {
            uid: uids.key(&shape.metadata.uid),
            reason: intern.text(&shape.reason),
            message: intern.text(message),
            container: container_of(&shape.involved_object.field_path).map(|name| intern.text(name)),
            count: shape.times(),
            first: shape.first_seen(),
            last: shape.last_seen(),
            form: form(message),
        };
        self.insert(object, event).then_some(object)
    }

    /// Returns whether anything changed.
    fn insert(&mut self, object: UidKey, event: Event) -> bool {
        let rows = self.by_object.entry(object).or_default();
        let same = |row: &Event| {
            row.uid == event.uid
                || (row.form == event.form && row.reason == event.reason && row.container == event.container)
        };
        let uid = event.uid;
        if let Some(row) = rows.iter_mut().find(|row| same(row)) {
            if *row == event || (row.uid != uid && row.last > event.last) {
                return false;
            }
            let first = row.first.min(event.first).or(event.first);
            self.object_of.remove(&row.uid);
            *row = Event { first, ..event };
        } else {
            rows.push(event);
            if rows.len() > PER_OBJECT
                && let Some(oldest) = rows.iter().enumerate().min_by_key(|(_, row)| row.last).map(|(at, _)| at)
            {
                let dropped = rows.swap_remove(oldest);
                self.object_of.remove(&dropped.uid);
                if dropped.uid == uid {
                    return false;
                }
            }
        }
        self.object_of.insert(uid, object);
        true
    }

    /// Forgets one event; returns the object it was about.
    pub(crate) fn remove(&mut self, uid: UidKey) -> Option<UidKey> {
        let object = self.object_of.remove(&uid)?;
        let rows = self.by_object.get_mut(&object)?;
        rows.retain(|row| row.uid != uid);
        if rows.is_empty() {
            self.by_object.remove(&object);
        }
        Some(object)
    }

    /// Forgets all events of an object that is gone.
    pub(crate) fn forget(&mut self, object: UidKey) {
        for row in self.by_object.remove(&object).unwrap_or_default() {
            self.object_of.remove(&row.uid);
        }
    }

    pub(crate) fn of(&self, object: UidKey) -> &[Event] {
        self.by_object.get(&object).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn uids(&self) -> impl Iterator<Item = UidKey> {
        self.object_of.keys().copied()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let rows = self.by_object.values().map(|rows| rows.capacity() * size_of::<Event>()).sum::<usize>();
        let maps = self.by_object.capacity() * (size_of::<(UidKey, Vec<Event>)>() + 1)
            + self.object_of.capacity() * (size_of::<(UidKey, UidKey)>() + 1);
        rows + maps * 8 / 7
    }
}

/// The container in `spec.containers{name}`.
fn container_of(path: &str) -> Option<&str> {
    let inner = path.split_once('{')?.1;
    inner.strip_suffix('}').filter(|name| !name.is_empty())
}

/// A digest of the message without digits and without the random ends of generated names.
fn form(message: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for word in message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let fixed = match word.rsplit_once('-') {
            Some((head, tail)) if is_generated(tail) => head,
            Some(_) | None => word,
        };
        for byte in fixed.bytes().filter(|b| !b.is_ascii_digit()) {
            byte.hash(&mut hasher);
        }
        0_u8.hash(&mut hasher);
    }
    hasher.finish()
}

/// Five characters of the alphabet that the API server draws generated names from.
fn is_generated(tail: &str) -> bool {
    tail.len() == 5 && tail.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
}

#[cfg(test)]
mod tests;
