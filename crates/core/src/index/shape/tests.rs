//! Tests of reading objects into rows.

use super::{EventShape, PodShape, Port, ServiceShape, SliceShape, WorkloadShape};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).unwrap()
}

#[test]
fn null_and_absence_are_the_same() {
    let pod: PodShape = read(json!({"metadata": {"labels": null, "ownerReferences": null, "creationTimestamp": null},
        "spec": {"containers": [{"name": "a", "env": null, "ports": null, "resources": {"limits": null}}], "initContainers": null},
        "status": {"conditions": null, "containerStatuses": null, "message": null}}));
    assert_eq!(pod.spec.containers.len(), 1);
    let slice: SliceShape = read(json!({"endpoints": null, "ports": null}));
    assert!(slice.endpoints.is_empty());
    let none: WorkloadShape = read(json!({"metadata": null, "spec": null, "status": null}));
    assert_eq!(none.spec.replicas, None);
    let empty: EventShape = read(json!({}));
    assert_eq!(empty.times(), 1);
}

#[test]
fn what_is_not_read_costs_nothing_and_breaks_nothing() {
    let pod: PodShape = read(json!({"metadata": {
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x".repeat(100_000), "bailiwick.dev/note": "kept"},
        "managedFields": [{"manager": "m", "fieldsV1": {"f:deep": {"f:er": {}}}, "time": 7}]},
        "spec": {"affinity": 7, "futureField": [1, {"a": null}]}}));
    assert_eq!(pod.metadata.annotations, [("bailiwick.dev/note".to_owned(), "kept".to_owned())]);
    assert_eq!(pod.metadata.managed_fields[0].manager, "m");
}

#[test]
fn texts_are_cut_between_characters() {
    let pod: PodShape = read(json!({"status": {"message": "\u{20ac}".repeat(1000)}}));
    assert_eq!(pod.status.message.len(), 1023);
    let label: PodShape = read(json!({"metadata": {"labels": {"k": "v".repeat(5000)}}}));
    assert_eq!(label.metadata.labels[0].1.len(), 1024);
}

#[test]
fn odd_values_are_absent_rather_than_wrong() {
    let pod: PodShape = read(json!({"metadata": {"creationTimestamp": "the other day"}}));
    assert_eq!(pod.metadata.creation_timestamp, None);
    let service: ServiceShape = read(json!({"spec": {"ports": [
        {"port": 1, "targetPort": 8080}, {"port": 2, "targetPort": "http"}, {"port": 3, "targetPort": "8080"}, {"port": 4, "targetPort": 99999}, {"port": 5, "targetPort": null}]}}));
    let targets: Vec<Option<Port>> = service.spec.ports.into_iter().map(|p| p.target_port).collect();
    let name = Port::Name("http".to_owned());
    assert_eq!(targets, [Some(Port::Number(8080)), Some(name), Some(Port::Number(8080)), Some(Port::Number(0)), None]);
    let cron: WorkloadShape = read(json!({"status": {"active": [{"name": "job-1"}]}}));
    assert_eq!(cron.status.active, 1, "a CronJob's list where a Job has a number");
    let quantity: PodShape =
        read(json!({"spec": {"containers": [{"resources": {"limits": {"cpu": 1, "memory": 1.5}}}]}}));
    assert_eq!(
        quantity.spec.containers[0].resources.limits,
        [("cpu".to_owned(), "1".to_owned()), ("memory".to_owned(), "1.5".to_owned())]
    );
}

#[test]
fn a_wrong_type_is_an_error_and_no_panic() {
    for bad in
        [json!({"spec": 7}), json!({"metadata": {"name": {}}}), json!({"spec": {"containers": {}}}), json!("text")]
    {
        assert!(serde_json::from_value::<PodShape>(bad.clone()).is_err(), "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn no_json_makes_reading_panic(text in "[\\[\\]{}:,\"a-z0-9 ]{0,200}") {
        let _ = serde_json::from_str::<PodShape>(&text);
        let _ = serde_json::from_str::<EventShape>(&text);
    }
}
