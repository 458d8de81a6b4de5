//! Lists, page by page, for a bundle.
//!
//! Owns how much is read at most. Reads from the API server.

use super::Gathering;
use super::scrub;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cmp::Reverse;
use std::fmt::Debug;

const PAGE: u32 = 500;
/// Objects of one kind that are read at most: 100 pages.
const MOST: usize = 50_000;

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
        let mut read = 0;
        loop {
            let page = match api.list(&params).await {
                Ok(page) => page,
                Err(error) => {
                    self.bundle.lacks(what, self.cluster.fault(&format!("list {what}"), &error).what);
                    return false;
                }
            };
            read += page.items.len();
            page.items.into_iter().for_each(&mut take);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                None => return true,
                Some(_) if read >= MOST => {
                    self.bundle.lacks(what, format!("only the first {read} were read"));
                    return true;
                }
                Some(token) => params.continue_token = Some(token),
            }
        }
    }

    /// The objects of a list, masked, newest first.
    pub(super) async fn masked<K>(&mut self, what: &str, api: &Api<K>, labels: Option<&str>) -> Option<Vec<Value>>
    where
        K: Clone + DeserializeOwned + Debug + Serialize + ResourceExt,
    {
        let mut found = Vec::new();
        let read = self.each(what, api, labels, |object: K| found.push(object)).await;
        found.sort_by_key(|object| Reverse(object.creation_timestamp().map(|time| time.0)));
        let masked = found.iter().filter_map(|object| serde_json::to_value(object).ok()).map(scrub::object).collect();
        read.then_some(masked)
    }
}
