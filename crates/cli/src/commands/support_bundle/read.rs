//! Lists, page by page, for a bundle.
//!
//! Owns what is kept of what is read: never more than twice as much as is taken along. Reads from
//! the API server.

use super::Gathering;
use super::scrub;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;

const PAGE: u32 = 500;
/// Objects of one kind that are taken along at most.
pub(super) const MOST: usize = 1000;

/// The newest of many, while they are read.
pub(super) struct Newest<K, T> {
    most: usize,
    seen: usize,
    kept: Vec<(K, T)>,
}

impl<K: Ord, T> Newest<K, T> {
    /// None so far, and never more than `most`.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, seen: 0, kept: Vec::new() }
    }

    /// Takes one in, newer than all that have a smaller key.
    pub(super) fn add(&mut self, key: K, one: T) {
        self.seen += 1;
        self.kept.push((key, one));
        if self.kept.len() >= 2 * self.most {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.kept.sort_by(|(a, _), (b, _)| b.cmp(a));
        self.kept.truncate(self.most);
    }

    /// The newest first, each as it may leave the cluster, and how many older ones there are.
    pub(super) fn shown(mut self, show: impl FnMut(T) -> Value) -> Listed {
        self.cut();
        let omitted = self.seen - self.kept.len();
        Listed { objects: self.kept.into_iter().map(|(_, one)| one).map(show).collect(), omitted }
    }
}

/// Objects as they may leave the cluster, newest first.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// These.
    pub(super) objects: Vec<Value>,
    /// How many older ones were left out.
    pub(super) omitted: usize,
}

impl Gathering<'_> {
    /// Shows every object of a list to `take`; false where the list cannot be read, which is noted.
    pub(super) async fn each<K>(
        &mut self,
        what: &str,
        api: &Api<K>,
        labels: Option<&str>,
        mut take: impl FnMut(K),
    ) -> bool
    where
        K: Clone + DeserializeOwned + Debug,
    {
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector = labels.map(str::to_owned);
        loop {
            let page = match api.list(&params).await {
                Ok(page) => page,
                Err(error) => {
                    self.bundle.lacks(what, self.cluster.fault(&format!("list {what}"), &error).what);
                    return false;
                }
            };
            page.items.into_iter().for_each(&mut take);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                None => return true,
                Some(token) => params.continue_token = Some(token),
            }
        }
    }

    /// The objects of a list, masked, newest first.
    pub(super) async fn masked<K>(&mut self, what: &str, api: &Api<K>, labels: Option<&str>) -> Option<Listed>
    where
        K: Clone + DeserializeOwned + Debug + Serialize + ResourceExt,
    {
        let mut found = Newest::new(MOST);
        let read = self.each(what, api, labels, |object: K| found.add(age(&object), object)).await;
        read.then(|| found.shown(|object| serde_json::to_value(object).map_or(Value::Null, scrub::object)))
    }
}

/// What orders objects by age: when they were made, then their names.
pub(super) fn age<K: ResourceExt>(object: &K) -> (Option<jiff::Timestamp>, String) {
    (object.creation_timestamp().map(|time| time.0), object.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_the_newest_are_kept_and_no_more() {
        let mut newest = Newest::new(2);
        for n in [3, 1, 4, 0, 5, 2] {
            newest.add(n, n);
            assert!(newest.kept.len() < 4);
        }
        let listed = newest.shown(Value::from);
        assert_eq!((listed.objects, listed.omitted), (vec![5.into(), 4.into()], 4));
    }
}
