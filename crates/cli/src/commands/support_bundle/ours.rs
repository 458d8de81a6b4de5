//! Objects of our kinds, and what `check` says of the installation.
//!
//! Owns which of them are taken along, and whose surroundings matter. Must never take a receipt's
//! envelope: what it says is taken out of it, masked. Reads from the API server.

use super::Gathering;
use super::read::{MOST, Newest, age};
use super::scrub;
use crate::commands::check;
use crate::objects::served;
use bailiwick_api::{Approval, Change, Incident, Mandate, Receipt};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::receipt::Envelope;
use kube::api::DynamicObject;
use kube::{Api, Resource};
use serde_json::{Value, json};
use std::collections::BTreeSet;

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

    /// A file with the newest objects of a kind, whether they parse or not.
    async fn kind<K>(&mut self, path: &str, mut change: impl FnMut(&mut Value))
    where
        K: Resource,
        K::DynamicType: Default,
    {
        let resource = served::<K>();
        let namespace = self.cluster.namespace.clone();
        let mut found = Newest::new(MOST);
        let mut read = false;
        for place in places(self.cluster.all, &namespace) {
            let client = self.cluster.client.clone();
            let (what, api) = match place {
                None => (path.to_owned(), Api::<DynamicObject>::all_with(client, &resource)),
                Some(place) => (format!("{path} of {place}"), Api::namespaced_with(client, place, &resource)),
            };
            read |= self.each(&what, &api, None, |object| found.add(age(&object), object)).await;
        }
        let listed = found.shown(|object| {
            let mut raw = serde_json::to_value(object).unwrap_or(Value::Null);
            change(&mut raw);
            scrub::object(raw)
        });
        if read {
            self.bundle.objects(path, listed);
        }
    }
}

/// Where objects are read: everywhere, or in one namespace and our own, for mandates and receipts are nowhere else.
fn places(all: bool, namespace: &str) -> BTreeSet<Option<&str>> {
    if all { BTreeSet::from([None]) } else { BTreeSet::from([Some(namespace), Some(SYSTEM_NAMESPACE)]) }
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

    #[test]
    fn our_own_namespace_is_always_read_and_none_twice() {
        let own = Some(SYSTEM_NAMESPACE);
        assert_eq!(places(true, "shop"), BTreeSet::from([None]));
        assert_eq!(places(false, "shop"), BTreeSet::from([Some("shop"), own]));
        assert_eq!(places(false, SYSTEM_NAMESPACE), BTreeSet::from([own]));
    }
}
