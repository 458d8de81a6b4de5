//! Tests of what is kept of an object and what is left out. No IO.

use super::{Patient, Shape, Swift, kinds};
use bailiwick_core::index::Observed;
use bailiwick_core::object::Kind;
use kube::core::{ObjectList, WatchEvent};
use kube::{Resource, ResourceExt};

type Seen<K> = super::Seen<K, Patient>;

#[test]
fn every_kind_of_the_index_can_be_watched() {
    fn kind<K: Shape>() -> Kind {
        K::KIND
    }
    assert_eq!(super::for_each_shape!(kind()), Observed::KINDS);
    assert_eq!(Seen::<kinds::Deployment>::url_path(&(), Some("shop")), "/apis/apps/v1/namespaces/shop/deployments");
    assert_eq!(Seen::<kinds::Pod>::url_path(&(), None), "/api/v1/pods");
}

#[test]
fn a_malformed_object_spoils_neither_a_list_nor_a_watch() {
    let list = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[
        {"metadata":{"name":"good","uid":"u1","resourceVersion":"3"}},
        {"metadata":{"name":"bad","namespace":"shop","uid":"u2","resourceVersion":"4"},"spec":{"containers":"none"}},
        {"metadata":"nonsense"}, [], null]}"#;
    let list: ObjectList<Seen<kinds::Pod>> = serde_json::from_str(list).unwrap();
    let read: Vec<(String, bool)> = list.items.iter().map(|seen| (seen.name(), seen.object.is_ok())).collect();
    let none = "(no name)".to_owned();
    assert_eq!(
        read,
        [
            ("good".into(), true),
            ("shop/bad".into(), false),
            (none.clone(), false),
            (none.clone(), false),
            (none, false)
        ]
    );
    let line =
        r#"{"type":"MODIFIED","object":{"metadata":{"name":"bad","uid":"u2","resourceVersion":"4"},"status":7}}"#;
    let WatchEvent::Modified(seen) = serde_json::from_str::<WatchEvent<Seen<kinds::Pod>>>(line).unwrap() else {
        panic!("another event")
    };
    assert_eq!(seen.resource_version().as_deref(), Some("4"), "the watch can go on behind it");
    assert!(seen.object.is_err());
}

#[test]
fn the_order_of_fields_in_a_watch_event_does_not_matter() {
    let object = r#"{"metadata":{"name":"p","uid":"u","resourceVersion":"4"},"spec":{"nodeName":"n"}}"#;
    let bad = r#"{"metadata":{"name":"p","uid":"u","resourceVersion":"4"},"spec":7}"#;
    for (object, well) in [(object, true), (bad, false), ("[]", false), ("null", false), ("7", false)] {
        for line in
            [format!(r#"{{"type":"ADDED","object":{object}}}"#), format!(r#"{{"object":{object},"type":"ADDED"}}"#)]
        {
            let WatchEvent::Added(seen) = serde_json::from_str::<WatchEvent<Seen<kinds::Pod>>>(&line).unwrap() else {
                panic!("another event")
            };
            assert_eq!(seen.object.is_ok(), well, "{line}");
        }
    }
    let tree: Seen<kinds::Pod> = serde_json::from_value(serde_json::from_str(object).unwrap()).unwrap();
    assert_eq!(tree.object.unwrap().spec.node_name, "n");
}

#[test]
fn who_reads_once_reads_the_same_and_fails_at_what_is_malformed() {
    type Swiftly = super::Seen<kinds::Pod, Swift>;
    let object =
        r#"{"metadata":{"name":"p","namespace":"shop","uid":"u","resourceVersion":"4"},"spec":{"nodeName":"n"}}"#;
    let (once, twice): (Swiftly, Seen<kinds::Pod>) =
        (serde_json::from_str(object).unwrap(), serde_json::from_str(object).unwrap());
    assert_eq!(
        (once.name(), once.uid(), once.resource_version()),
        (twice.name(), twice.uid(), twice.resource_version())
    );
    assert_eq!(format!("{:?}", once.object), format!("{:?}", twice.object));
    let nameless: Swiftly = serde_json::from_str(r#"{"metadata":{"uid":"u"}}"#).unwrap();
    assert!(nameless.object.is_err());
    assert!(serde_json::from_str::<Swiftly>(r#"{"metadata":{"name":"p","uid":"u"},"spec":7}"#).is_err());
}
