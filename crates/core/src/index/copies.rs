//! The last-known-good copies that the operator keeps, as far as a finding needs them.
//!
//! Owns one small row for each: of which object, under which name, with which keys. Must never hold a
//! value of the object itself. No IO.

use super::intern::Text;
use super::{Index, Pod, Touched, View};
use crate::names::ObjectName;
use crate::object::{Kind, ObjectRef};
use jiff::Timestamp;
use std::sync::Arc;

/// What is remembered of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRow {
    /// Of which object, without its uid.
    pub of: ObjectRef,
    /// The name under which the copy is kept.
    pub name: ObjectName,
    /// SHA-256 over the copy.
    pub digest: String,
    /// When the object was found good.
    pub at: Timestamp,
    /// Of a ConfigMap: the names of its keys.
    pub keys: Vec<Text>,
}

fn key(of: &ObjectRef) -> (Kind, Text, Text) {
    (of.kind, Arc::from(of.namespace_str()), Arc::from(of.name.as_str()))
}

impl Index {
    /// Remembers a copy in place of the one before. That concerns nobody now: it is made while all is well.
    pub fn put_copy(&mut self, row: CopyRow) -> Touched {
        self.copies.insert(key(&row.of), row);
        Touched::default()
    }

    /// Forgets the copy of an object.
    pub fn forget_copy(&mut self, of: &ObjectRef) -> Touched {
        self.copies.remove(&key(of));
        Touched::default()
    }
}

impl<'a> View<'a> {
    /// The copy that is kept of an object.
    pub fn copy_of(&self, kind: Kind, namespace: &str, name: &str) -> Option<&'a CopyRow> {
        self.index.copies.get(&(kind, Arc::from(namespace), Arc::from(name)))
    }

    /// The pods of a namespace that refer to a ConfigMap or Secret of that name.
    pub fn users_of(&self, namespace: &str, name: &str) -> impl Iterator<Item = Pod<'a>> + use<'a> {
        let cohorts: Vec<u32> = self.index.pods.users_of(namespace, name).map(|(at, _)| at).collect();
        let view = *self;
        let rows = cohorts.into_iter().flat_map(move |at| view.index.pods.members(at));
        rows.filter_map(move |row| view.pod_by_key(row.uid))
    }
}
