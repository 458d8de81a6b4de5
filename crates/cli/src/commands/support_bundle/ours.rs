//! Objects of our kinds, and what `check` says of the installation.
//!
//! Owns which of them are taken along, and whose surroundings matter. Must never take a receipt's
//! envelope: what it says is taken out of it, masked. Reads from the API server.

use super::Gathering;
use super::scrub;
use crate::commands::check;
use crate::objects::{Loaded, list};
use bailiwick_api::{Approval, Change, Incident, Mandate, Receipt};
use bailiwick_core::receipt::Envelope;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Objects of one kind that are taken along at most.
pub(super) const MOST: usize = 1000;

/// Namespace and name of what Incidents and Changes are about.
pub(super) type Subjects = BTreeSet<(String, String)>;

impl Gathering<'_> {
    /// Every part of the installation, as `bailiwick check` finds it.
    pub(super) async fn check(&mut self) {
        self.begin("checking the installation");
        match check::look(&self.cluster, (true, None)).await {
            Ok(items) => {
                let items = serde_json::to_value(items).unwrap_or(Value::Null);
                self.bundle.value("check.json", &scrub::object(items));
            }
            Err(failure) => self.bundle.lacks("check.json", failure.what),
        }
    }

    /// Mandates, Incidents, Changes, Approvals and Receipts.
    pub(super) async fn ours(&mut self) -> Subjects {
        self.begin("reading mandates, incidents, changes, approvals and receipts");
        let mut subjects = Subjects::new();
        self.kind::<Mandate>("mandates.json", |_| {}).await;
        self.kind::<Incident>("incidents.json", |raw| note(&mut subjects, raw, "/spec/subject")).await;
        self.kind::<Change>("changes.json", |raw| note(&mut subjects, raw, "/spec/target")).await;
        self.kind::<Approval>("approvals.json", |_| {}).await;
        self.kind::<Receipt>("receipts.json", open).await;
        subjects
    }

    async fn kind<K>(&mut self, path: &str, mut change: impl FnMut(&mut Value))
    where
        K: Resource + DeserializeOwned,
        K::DynamicType: Default,
    {
        let mut found: Vec<Loaded<K>> = match list(&self.cluster, None).await {
            Ok(found) => found,
            Err(failure) => return self.bundle.lacks(path, failure.what),
        };
        let created = |raw: &Value| raw.pointer("/metadata/creationTimestamp").map(Value::to_string);
        found.sort_by_key(|object| Reverse((created(&object.raw), object.name.clone())));
        let masked = found.into_iter().map(|mut object| {
            change(&mut object.raw);
            scrub::object(object.raw)
        });
        self.bundle.objects(path, masked.collect(), MOST);
    }
}

fn note(subjects: &mut Subjects, raw: &Value, pointer: &str) {
    let text = |key: &str| raw.pointer(pointer)?.get(key)?.as_str().map(str::to_owned);
    if let Some(name) = text("name") {
        subjects.insert((text("namespace").unwrap_or_default(), name));
    }
}

/// Puts what a receipt says beside its envelope, which is base64 and could not be masked.
fn open(raw: &mut Value) {
    let envelope = raw.pointer("/spec/envelope").cloned().unwrap_or(Value::Null);
    let said = serde_json::from_value::<Envelope>(envelope).ok().and_then(|envelope| {
        let keys: Vec<String> = envelope.signatures.iter().map(|s| s.keyid.to_string()).collect();
        let statement: Value = serde_json::from_slice(&envelope.payload_bytes()?).ok()?;
        Some(json!({"keys": keys, "statement": statement}))
    });
    if let Some(Value::Object(spec)) = raw.pointer_mut("/spec") {
        spec.insert("says".to_owned(), said.unwrap_or_else(|| "cannot be read".into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    #[test]
    fn of_a_receipt_the_words_stay_and_the_envelope_goes() {
        let mut receipt = fixtures::receipts().remove(0).raw;
        open(&mut receipt);
        let shown = scrub::object(receipt);
        assert_eq!(shown["spec"]["envelope"], "[left out]");
        assert_eq!(shown["spec"]["says"]["statement"]["predicate"]["change"]["name"], "web-0");
    }

    #[test]
    fn subjects_are_noted_by_namespace_and_name() {
        let mut subjects = Subjects::new();
        note(&mut subjects, &fixtures::incident().raw, "/spec/subject");
        note(&mut subjects, &json!({"spec": {}}), "/spec/subject");
        assert_eq!(subjects.len(), 1);
    }
}
