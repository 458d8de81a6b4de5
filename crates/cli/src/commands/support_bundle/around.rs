//! What is around the product: events, findings, nodes, pods.
//!
//! Owns what is summed up and which events belong. Must never take a pod's specification of
//! somebody else's. Reads from the API server.

use super::Gathering;
use super::ours::Subjects;
use super::read::{MOST, Newest, age};
use super::scrub;
use bailiwick_api::observe::{self, Scope};
use bailiwick_core::analyze::{analyze_all, json as findings};
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Namespaces whose events are read.
const NAMESPACES: usize = 100;

impl Gathering<'_> {
    /// All of it.
    pub(super) async fn around(&mut self, subjects: &Subjects) {
        self.begin("reading events");
        self.events(subjects).await;
        self.begin("reading nodes and pods");
        self.nodes().await;
        self.pods().await;
        self.begin("looking for what is wrong");
        self.diagnose().await;
    }

    /// Events of our own namespaces, and of what Incidents and Changes are about.
    async fn events(&mut self, subjects: &Subjects) {
        let mut namespaces: BTreeSet<&str> = subjects.iter().map(|(namespace, _)| namespace.as_str()).collect();
        namespaces.retain(|namespace| !namespace.is_empty());
        if namespaces.len() > NAMESPACES {
            self.bundle.lacks("events.json", format!("only those of {NAMESPACES} namespaces were read"));
        }
        let mut places: Vec<&str> = vec![SYSTEM_NAMESPACE, GRANTS_NAMESPACE];
        places.extend(namespaces.into_iter().take(NAMESPACES));
        let mut found = Newest::new(2 * MOST);
        for place in places {
            let api = self.cluster.within::<Event>(place);
            let what = format!("events.json of {place}");
            let take = |event: Event| {
                if belongs(&event, place, subjects) {
                    found.add(last(&event), event);
                }
            };
            self.each(&what, &api, None, take).await;
        }
        let shown = |event| serde_json::to_value(event).map_or(Value::Null, scrub::object);
        self.bundle.objects("events.json", found.shown(shown));
    }

    async fn nodes(&mut self) {
        let api = Api::<Node>::all(self.cluster.client.clone());
        let mut found = Newest::new(MOST);
        if self.each("nodes.json", &api, None, |node| found.add(age(&node), node)).await {
            self.bundle.objects("nodes.json", found.shown(|node| node_row(&node)));
        }
    }

    /// How many pods each namespace has, by phase, and how often their containers began again.
    async fn pods(&mut self) {
        let api = self.cluster.scoped::<Pod>();
        let mut rows: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        let count = |pod: Pod| {
            let row = rows.entry(pod.namespace().unwrap_or_default()).or_default();
            let status = pod.status.unwrap_or_default();
            *row.entry(status.phase.unwrap_or_default()).or_default() += 1;
            let restarts: i64 = status.container_statuses.iter().flatten().map(|c| i64::from(c.restart_count)).sum();
            *row.entry("restarts".to_owned()).or_default() += restarts;
        };
        if self.each("pods.json", &api, None, count).await {
            self.bundle.value("pods.json", &json!(rows));
        }
    }

    /// What `bailiwick diagnose` finds, and what it could not read.
    async fn diagnose(&mut self) {
        let scope = if self.cluster.all { Scope::All } else { Scope::Namespace(self.cluster.namespace.clone()) };
        let listing = observe::list_all(&self.cluster.client, &scope).await;
        let found = analyze_all(&listing.index.view(), self.session.out.look.now);
        let found = serde_json::to_value(findings::findings(&found)).unwrap_or(Value::Null);
        self.bundle.value("diagnose.json", &scrub::object(found));
        for (kind, why) in listing.index.unread() {
            self.bundle.lacks(format!("diagnose.json: {}", kind.served().resource), why);
        }
        for skipped in &listing.malformed {
            self.bundle.lacks(format!("diagnose.json: {} {}", skipped.kind, skipped.name), skipped.why.clone());
        }
    }
}

/// True for what happened in our own namespaces, to a subject, or to what a subject made.
fn belongs(event: &Event, place: &str, subjects: &Subjects) -> bool {
    let about = event.involved_object.name.as_deref().unwrap_or_default();
    let of = |name: &str| about == name || about.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    place == SYSTEM_NAMESPACE
        || place == GRANTS_NAMESPACE
        || subjects.iter().any(|(namespace, name)| namespace == place && of(name))
}

fn last(event: &Event) -> Option<jiff::Timestamp> {
    let seen = event.last_timestamp.as_ref().map(|t| t.0).or(event.event_time.as_ref().map(|t| t.0));
    seen.or(event.metadata.creation_timestamp.as_ref().map(|t| t.0))
}

fn node_row(node: &Node) -> Value {
    let status = node.status.clone().unwrap_or_default();
    let spec = node.spec.clone().unwrap_or_default();
    let conditions: BTreeMap<String, Value> = status
        .conditions
        .into_iter()
        .flatten()
        .map(|c| (c.type_, json!({"status": c.status, "reason": c.reason, "message": c.message})))
        .collect();
    scrub::object(json!({
        "name": node.name_any(),
        "info": status.node_info,
        "conditions": conditions,
        "taints": spec.taints,
        "unschedulable": spec.unschedulable,
        "capacity": status.capacity,
        "allocatable": status.allocatable,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(about: &str) -> Event {
        let event = json!({"metadata": {}, "involvedObject": {"name": about}});
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn only_events_of_what_matters_are_taken() {
        let subjects = Subjects::from([("shop".to_owned(), "web".to_owned())]);
        assert!(belongs(&event("web"), "shop", &subjects));
        assert!(belongs(&event("web-7c9d-x2"), "shop", &subjects));
        assert!(!belongs(&event("website"), "shop", &subjects));
        assert!(!belongs(&event("web"), "bank", &subjects));
        assert!(belongs(&event("anything"), SYSTEM_NAMESPACE, &subjects));
    }
}
