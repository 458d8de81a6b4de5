//! What is known of the copies that are kept.
//!
//! Owns which of several copies of one object counts, whether a new one may take its place, and which
//! of them are to be deleted. Must never let what changed without a trace take the place of a good copy. No IO.

#[cfg(test)]
mod tests;

use super::{Copy, CopyError, MOST};
use crate::canonical;
use crate::index::CopyRow;
use crate::object::ObjectRef;
use crate::receipt::PublicKey;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

struct Known {
    row: CopyRow,
    /// SHA-256 over the object.
    content: String,
}

/// What is to be done with a new copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is to be kept.
    Taken,
    /// The same object is kept.
    Same,
    /// The object is another, and nothing tells that its content was written since the copy that is kept.
    Unproved,
}

/// The copies that are kept.
#[derive(Default)]
pub struct Shelf {
    known: BTreeMap<ObjectRef, Known>,
    /// Copies by another key, by their name: not believed, and not deleted before there is a copy in their place.
    foreign: BTreeMap<String, ObjectRef>,
    surplus: BTreeSet<String>,
}

impl Shelf {
    /// Takes in what is kept under a name.
    ///
    /// # Errors
    /// Why it is no copy; then it is surplus.
    pub fn read(&mut self, name: &str, kept: &Value, key: &PublicKey) -> Result<(), CopyError> {
        match Copy::open(name, kept, key) {
            Ok(copy) => self.put(&copy),
            Err(why) => {
                let Some(of) = Copy::by_another_key(name, kept, key) else {
                    self.surplus.insert(name.to_owned());
                    return Err(why);
                };
                self.foreign.insert(name.to_owned(), of);
            }
        }
        Ok(())
    }

    /// Takes a copy in unless a newer one of its object is known; the older of both is surplus.
    pub fn put(&mut self, copy: &Copy) {
        let Some(row) = copy.row() else { return };
        let old = self.known.get(&row.of).map(|known| (known.row.name.to_string(), known.row.at));
        match old {
            Some((name, _)) if name == row.name.as_str() => return,
            Some((_, at)) if at >= row.at => {
                self.surplus.insert(row.name.to_string());
                return;
            }
            old => self.surplus.extend(old.map(|(name, _)| name)),
        }
        self.known.insert(row.of.clone(), Known { content: content(copy), row });
    }

    /// Whether a new copy is to be kept, of an object whose content was last written at that time.
    pub fn place(&self, copy: &Copy, written: Option<Timestamp>) -> Place {
        // What was good was written whole seconds before its copy. The API server tells no time of a
        // change that only removes: then the object's time is still that of what was good.
        let later = |at: Timestamp| written.is_some_and(|written| written.as_second() >= at.as_second());
        match copy.target().and_then(|of| self.known.get(&of)) {
            Some(known) if known.content == content(copy) => Place::Same,
            Some(known) if !later(known.row.at) => Place::Unproved,
            _ => Place::Taken,
        }
    }

    /// Whether there may be a copy of this object, too.
    pub fn has_room(&self, of: &ObjectRef) -> bool {
        self.known.contains_key(of) || self.known.len() < MOST
    }

    /// The copy that is kept of an object.
    pub fn row(&self, of: &ObjectRef) -> Option<&CopyRow> {
        self.known.get(of).map(|known| &known.row)
    }

    /// All copies that count.
    pub fn rows(&self) -> impl Iterator<Item = &CopyRow> {
        self.known.values().map(|known| &known.row)
    }

    /// Of what anything is kept, believed or not.
    pub fn targets(&self) -> BTreeSet<ObjectRef> {
        self.known.keys().chain(self.foreign.values()).cloned().collect()
    }

    /// How many copies are by another key.
    pub fn by_another_key(&self) -> usize {
        self.foreign.len()
    }

    /// Forgets whatever is kept of an object; all of it is surplus.
    pub fn forget(&mut self, of: &ObjectRef) {
        self.surplus.extend(self.known.remove(of).map(|known| known.row.name.to_string()));
        self.clear(|other| other == of);
    }

    /// The names of what is to be deleted. They are told once; what stays there is found when all is read again.
    pub fn take_surplus(&mut self) -> BTreeSet<String> {
        let known: BTreeSet<ObjectRef> = self.known.keys().cloned().collect();
        self.clear(|of| known.contains(of));
        std::mem::take(&mut self.surplus)
    }

    /// Gives up the copies by another key of these objects.
    fn clear(&mut self, given_up: impl Fn(&ObjectRef) -> bool) {
        let gone = self.foreign.extract_if(.., |_, of| given_up(of)).map(|(name, _)| name);
        self.surplus.extend(gone);
    }
}

fn content(copy: &Copy) -> String {
    canonical::sha256_hex(&canonical::to_bytes(&copy.object))
}
