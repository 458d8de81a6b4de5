//! What a watch of one of our own kinds has shown so far.
//!
//! Owns the rows and their replacement by a complete list. Must never show half of a new list.
//! No IO.

use kube::runtime::watcher::Event;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Namespace and name.
pub(crate) type Key = (String, String);

/// Rows by namespace and name.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<Key, T>,
    fresh: Option<BTreeMap<Key, T>>,
    ready: bool,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), fresh: None, ready: false }
    }
}

impl<T> Table<T> {
    /// Takes an event in; `read` says which row an object makes. Returns the keys whose rows may
    /// have changed.
    pub(crate) fn take<K>(
        &mut self,
        event: Event<K>,
        key: impl Fn(&K) -> Key,
        read: impl Fn(K) -> Option<T>,
    ) -> Vec<Key> {
        match event {
            Event::Init => {
                self.fresh = Some(BTreeMap::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                let key = key(&object);
                if let (Some(fresh), Some(row)) = (&mut self.fresh, read(object)) {
                    fresh.insert(key, row);
                }
                Vec::new()
            }
            Event::InitDone => self.replace(),
            Event::Apply(object) => {
                let key = key(&object);
                match read(object) {
                    Some(row) => self.rows.insert(key.clone(), row),
                    None => self.rows.remove(&key),
                };
                vec![key]
            }
            Event::Delete(object) => {
                let key = key(&object);
                self.rows.remove(&key);
                vec![key]
            }
        }
    }

    fn replace(&mut self) -> Vec<Key> {
        self.ready = true;
        let fresh = self.fresh.take().unwrap_or_default();
        let old = std::mem::replace(&mut self.rows, fresh);
        let mut keys: Vec<Key> = old.into_keys().chain(self.rows.keys().cloned()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// True once a first list is complete.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }

    /// The row of a key.
    pub(crate) fn get(&self, key: &Key) -> Option<&T> {
        self.rows.get(key)
    }

    /// Every row.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.rows.iter()
    }

    /// The rows of a namespace whose names begin so.
    pub(crate) fn beginning(&self, namespace: &str, head: &str) -> impl Iterator<Item = (&str, &T)> {
        let from = (namespace.to_owned(), head.to_owned());
        let rows = self.rows.range((Bound::Included(from.clone()), Bound::Unbounded));
        rows.take_while(move |((ns, name), _)| *ns == from.0 && name.starts_with(&from.1))
            .map(|((_, name), row)| (name.as_str(), row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static str, i32);

    fn take(table: &mut Table<i32>, event: Event<Row>) -> Vec<String> {
        let key = |row: &Row| ("ns".to_owned(), row.0.to_owned());
        let read = |row: Row| (row.1 > 0).then_some(row.1);
        table.take(event, key, read).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn a_list_replaces_the_rows_at_once_and_names_what_is_gone() {
        let mut table = Table::default();
        take(&mut table, Event::Apply(("a-1", 1)));
        assert!(!table.is_ready());
        take(&mut table, Event::Init);
        take(&mut table, Event::InitApply(("b", 2)));
        assert_eq!(table.iter().count(), 1);
        assert_eq!(take(&mut table, Event::InitDone), ["a-1", "b"]);
        assert!(table.is_ready());
        assert_eq!(table.get(&("ns".into(), "a-1".into())), None);
    }

    #[test]
    fn what_cannot_be_read_has_no_row_and_stalls_nothing() {
        let mut table = Table::default();
        take(&mut table, Event::Apply(("a-1", 1)));
        take(&mut table, Event::Apply(("a-1", -1)));
        take(&mut table, Event::Apply(("a-2", 2)));
        take(&mut table, Event::Apply(("ab", 3)));
        let names: Vec<&str> = table.beginning("ns", "a-").map(|(name, _)| name).collect();
        assert_eq!(names, ["a-2"]);
        assert_eq!(take(&mut table, Event::Delete(("a-2", 2))), ["a-2"]);
    }
}
