//! Tests of the index of warning Events.

use super::{Events, PER_OBJECT, form};
use crate::index::intern::Intern;
use crate::index::shape::EventShape;
use crate::index::uid::{OddUids, UidKey};
use serde_json::json;

struct Fixture {
    events: Events,
    intern: Intern,
    uids: OddUids,
}

impl Fixture {
    fn new() -> Self {
        Self { events: Events::default(), intern: Intern::default(), uids: OddUids::default() }
    }

    fn put(&mut self, event: serde_json::Value) -> bool {
        let shape: EventShape = serde_json::from_value(event).unwrap();
        self.events.put(&mut self.intern, &mut self.uids, &shape).is_some()
    }
}

fn refusal(uid: &str, pod: &str, last: &str) -> serde_json::Value {
    json!({
        "metadata": {"uid": uid}, "type": "Warning", "reason": "FailedCreate", "lastTimestamp": last,
        "involvedObject": {"kind": "ReplicaSet", "uid": "rs"},
        "message": format!("Error creating: pods \"web-5d9c7b-{pod}\" is forbidden: exceeded quota: small, used: pods=2"),
    })
}

#[test]
fn repetitions_with_other_generated_names_are_one_row() {
    let mut f = Fixture::new();
    assert!(f.put(refusal("e1", "x7k2p", "2026-01-01T00:00:01Z")));
    assert!(f.put(refusal("e2", "bcdf4", "2026-01-01T00:00:09Z")));
    assert!(!f.put(refusal("e3", "qwwzz", "2026-01-01T00:00:05Z")), "an older repetition changes nothing");
    let rows = f.events.of(UidKey::of("rs"));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].uid, UidKey::of("e2"));
    assert_eq!(rows[0].first.unwrap().to_string(), "2026-01-01T00:00:01Z");
    assert!(f.events.remove(UidKey::of("e1")).is_none(), "the replaced event's end says nothing");
    assert!(f.events.remove(UidKey::of("e2")).is_some());
    assert!(f.events.of(UidKey::of("rs")).is_empty());
}

#[test]
fn the_recorders_prefix_is_not_part_of_the_message() {
    let mut f = Fixture::new();
    let mut event = refusal("e1", "x7k2p", "2026-01-01T00:00:01Z");
    let plain = event["message"].as_str().unwrap().to_owned();
    event["message"] = json!(format!("(combined from similar events): {plain}"));
    f.put(event);
    assert_eq!(&*f.events.of(UidKey::of("rs"))[0].message, plain);
}

#[test]
fn an_event_with_only_event_time_has_a_time() {
    let mut f = Fixture::new();
    f.put(json!({
        "metadata": {"uid": "e"}, "type": "Warning", "reason": "FailedScheduling", "message": "0/1 nodes are available",
        "firstTimestamp": null, "lastTimestamp": null, "eventTime": "2026-01-01T00:00:07.123456Z",
        "involvedObject": {"kind": "Pod", "uid": "p"},
    }));
    assert_eq!(f.events.of(UidKey::of("p"))[0].last.unwrap().to_string(), "2026-01-01T00:00:07.123456Z");
}

#[test]
fn normal_events_are_kept_only_where_they_tell_why() {
    let mut f = Fixture::new();
    let event = |reason: &str| json!({"metadata": {"uid": reason}, "type": "Normal", "reason": reason, "involvedObject": {"uid": "p"}});
    assert!(!f.put(event("Scheduled")));
    assert!(!f.put(event("Pulled")));
    assert!(f.put(event("Killing")));
    assert!(f.put(event("BackOff")));
}

#[test]
fn an_object_keeps_only_its_newest_rows() {
    let mut f = Fixture::new();
    for i in 0..40 {
        let reason = format!("R{}{}", char::from(b'a' + i % 26), char::from(b'a' + i / 26));
        f.put(json!({
            "metadata": {"uid": reason}, "type": "Warning", "reason": reason,
            "lastTimestamp": format!("2026-01-01T00:00:{i:02}Z"), "involvedObject": {"uid": "p"},
        }));
    }
    let rows = f.events.of(UidKey::of("p"));
    assert_eq!(rows.len(), PER_OBJECT);
    assert!(rows.iter().all(|r| r.last.unwrap().to_string().as_str() >= "2026-01-01T00:00:28Z"));
    assert_eq!(f.events.uids().count(), PER_OBJECT);
}

#[test]
fn different_messages_have_different_forms() {
    assert_eq!(form("pod web-5d9c7-x7k2p took 3s"), form("pod web-5d9c7-bcdf4 took 12s"));
    assert_ne!(form("exceeded quota: a"), form("exceeded quota: b"));
    assert_ne!(form("configmap \"front\" not found"), form("configmap \"back\" not found"));
}
