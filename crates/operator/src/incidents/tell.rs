//! Events: one for each step in an Incident's life that people should hear of.
//!
//! Owns their form. Must never fail a step because its Event could not be written. Talks to the
//! API server.

use super::table::Key;
use crate::metrics::{Call, Metrics};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::incident::Story;
use bailiwick_kit::said::said;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, PostParams};
use std::sync::Arc;

/// The most bytes the API server takes in an Event's note.
const MOST_NOTE: usize = 1000;

/// Who tells.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(crate) client: Client,
    pub(crate) metrics: Arc<Metrics>,
    /// The replica's name.
    pub(crate) identity: String,
}

impl Teller {
    /// Tells a step of one Incident.
    pub(crate) async fn tell(&self, (namespace, name): &Key, uid: &str, story: &Story) {
        let regarding = ObjectReference {
            api_version: Some("bailiwick.dev/v1alpha1".to_owned()),
            kind: Some("Incident".to_owned()),
            namespace: Some(namespace.clone()),
            name: Some(name.clone()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        };
        self.write(namespace, regarding, story).await;
    }

    /// Tells something of the operator itself.
    pub(crate) async fn tell_of_self(&self, story: &Story) {
        let regarding = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            namespace: Some(SYSTEM_NAMESPACE.to_owned()),
            name: Some(self.identity.clone()),
            ..ObjectReference::default()
        };
        self.write(SYSTEM_NAMESPACE, regarding, story).await;
    }

    async fn write(&self, namespace: &str, regarding: ObjectReference, story: &Story) {
        let name = regarding.name.clone().unwrap_or_default();
        let now = jiff::Timestamp::now();
        let event = Event {
            metadata: ObjectMeta {
                name: Some(name_of(&name, now)),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            type_: Some(if story.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(story.reason.to_owned()),
            action: Some(story.reason.to_owned()),
            note: Some(cut(&story.note)),
            regarding: Some(regarding),
            reporting_controller: Some("bailiwick.dev/operator".to_owned()),
            reporting_instance: Some(self.identity.chars().take(128).collect()),
            ..Event::default()
        };
        self.metrics.api(Call::Detect, "create");
        let events = Api::<Event>::namespaced(self.client.clone(), namespace);
        if let Err(error) = events.create(&PostParams::default(), &event).await {
            tracing::warn!(
                event.reason = story.reason,
                object.name = name,
                error = said(&error),
                "an event could not be written"
            );
        }
    }
}

/// The name of an Event as every recorder makes it: of the object and the time, in hexadecimal.
fn name_of(object: &str, now: jiff::Timestamp) -> String {
    let head: String = object.chars().take(200).collect();
    format!("{head}.{:x}", now.as_nanosecond())
}

/// As many whole characters as the API server takes.
fn cut(note: &str) -> String {
    let mut out = String::new();
    for c in note.chars() {
        if out.len() + c.len_utf8() > MOST_NOTE {
            break;
        }
        out.push(c);
    }
    out
}
