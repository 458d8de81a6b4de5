//! Tests of the index.

use super::{Index, Observed, Touched, UidKey};
use crate::object::Kind;
use serde_json::{Value, json};

fn apply(index: &mut Index, kind: Kind, object: Value) -> Vec<String> {
    let observed = Observed::from_json(kind, object).unwrap().unwrap();
    names(&index.apply(observed))
}

fn names(touched: &Touched) -> Vec<String> {
    touched.0.iter().map(ToString::to_string).collect()
}

fn delete(index: &mut Index, kind: Kind, uid: &str) -> Vec<String> {
    names(&index.apply(Observed::Deleted { kind, uid: uid.to_owned(), at: None }))
}

fn owner(kind: &str, name: &str) -> Value {
    let group = if kind.ends_with("Job") { "batch/v1" } else { "apps/v1" };
    json!([{"apiVersion": group, "kind": kind, "name": name, "uid": format!("{kind}-{name}"), "controller": true}])
}

fn pod(name: &str, rv: u32, owners: &Value, ready: bool) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("pod-{name}"), "resourceVersion": rv.to_string(),
            "creationTimestamp": "2026-01-01T00:00:00Z", "ownerReferences": owners,
            "labels": {"app": "web", "pod-template-hash": "5d9c7b"},
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:x": {}}}],
        },
        "spec": {"containers": [{"name": "web", "image": "web:1"}], "nodeName": "n1"},
        "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": "2026-01-01T00:00:05Z"}]},
    })
}

fn replica_set(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("ReplicaSet-{name}"), "resourceVersion": "3",
            "annotations": {"deployment.kubernetes.io/revision": "4", "kubectl.kubernetes.io/last-applied-configuration": "x"},
            "ownerReferences": owner("Deployment", "web")},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "web", "image": "web:1"}]}}},
        "status": {"replicas": 2, "availableReplicas": 2},
    })
}

fn deployment() -> Value {
    json!({"metadata": {"name": "web", "namespace": "shop", "uid": "Deployment-web", "resourceVersion": "2"},
           "spec": {"replicas": 2}, "status": {"conditions": null}})
}

fn service() -> Value {
    json!({"metadata": {"name": "front", "namespace": "shop", "uid": "svc"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})
}

fn shop() -> Index {
    let mut index = Index::new();
    apply(&mut index, Kind::Deployment, deployment());
    apply(&mut index, Kind::ReplicaSet, replica_set("web-5d9c7b"));
    apply(&mut index, Kind::Pod, pod("web-5d9c7b-x7k2p", 10, &owner("ReplicaSet", "web-5d9c7b"), true));
    apply(&mut index, Kind::Pod, pod("web-5d9c7b-bcdf4", 11, &owner("ReplicaSet", "web-5d9c7b"), true));
    index
}

#[test]
fn a_pods_change_touches_its_deployment_and_the_services_that_select_it() {
    let mut index = shop();
    apply(&mut index, Kind::Service, service());
    let of = owner("ReplicaSet", "web-5d9c7b");
    assert_eq!(
        apply(&mut index, Kind::Pod, pod("web-5d9c7b-x7k2p", 12, &of, false)),
        ["Deployment shop/web", "Service shop/front"]
    );
    assert_eq!(apply(&mut index, Kind::Pod, pod("web-5d9c7b-x7k2p", 13, &of, false)), [""; 0], "only rv moved");
    assert_eq!(delete(&mut index, Kind::Pod, "pod-web-5d9c7b-x7k2p"), ["Deployment shop/web", "Service shop/front"]);
    assert_eq!(index.pod_count(), 1);
    assert_eq!(delete(&mut index, Kind::Pod, "pod-web-5d9c7b-x7k2p"), [""; 0], "gone is gone");
}

#[test]
fn a_pod_that_comes_before_its_replica_set_stands_under_it_until_then() {
    let mut index = Index::new();
    let of = owner("ReplicaSet", "web-5d9c7b");
    assert_eq!(apply(&mut index, Kind::Pod, pod("web-5d9c7b-x7k2p", 1, &of, true)), ["ReplicaSet shop/web-5d9c7b"]);
    apply(&mut index, Kind::Deployment, deployment());
    let touched = apply(&mut index, Kind::ReplicaSet, replica_set("web-5d9c7b"));
    assert_eq!(touched, ["Deployment shop/web", "ReplicaSet shop/web-5d9c7b"]);
    let subjects: Vec<String> = index.view().subjects().iter().map(ToString::to_string).collect();
    assert_eq!(subjects, ["Deployment shop/web"]);
}

#[test]
fn pods_are_found_through_replica_sets_and_outlive_their_orphaning() {
    let mut index = shop();
    let web = UidKey::of("Deployment-web");
    assert_eq!(index.view().pods_of(web).count(), 2);
    assert_eq!(index.view().pods_of(web).next().unwrap().revision().unwrap().workload().unwrap().revision, 4);
    apply(&mut index, Kind::Pod, pod("web-5d9c7b-x7k2p", 20, &json!([]), true));
    assert_eq!(index.view().pods_of(web).count(), 1, "an orphaned pod is its own");
    delete(&mut index, Kind::ReplicaSet, "ReplicaSet-web-5d9c7b");
    assert_eq!(index.view().pods_of(web).count(), 0);
    let subjects: Vec<String> = index.view().subjects().iter().map(ToString::to_string).collect();
    assert_eq!(subjects, ["Deployment shop/web", "ReplicaSet shop/web-5d9c7b", "Pod shop/web-5d9c7b-x7k2p"]);
}

fn waiting(name: &str, rv: u32, message: &str) -> Value {
    let mut pod = pod(name, rv, &owner("ReplicaSet", "web-5d9c7b"), false);
    pod["spec"]["nodeName"] = json!("");
    let told = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
    pod["status"] = json!({"phase": "Pending", "conditions": [told]});
    pod
}

#[test]
fn a_pod_touches_the_cordoned_nodes_when_it_begins_and_ends_to_wait_for_them() {
    let mut index = shop();
    for (name, cordoned) in [("n1", true), ("n2", false)] {
        let node = json!({"metadata": {"name": name, "uid": name}, "spec": {"unschedulable": cordoned}});
        apply(&mut index, Kind::Node, node);
    }
    let cordon = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.";
    let name = "web-5d9c7b-zzzz2";
    assert_eq!(apply(&mut index, Kind::Pod, waiting(name, 20, cordon)), ["Deployment shop/web", "Node n1"]);
    let longer = cordon.replace("0/2", "0/3");
    assert_eq!(apply(&mut index, Kind::Pod, waiting(name, 21, &longer)), ["Deployment shop/web"], "it still waits");
    let full = "0/2 nodes are available: 2 Insufficient cpu.";
    assert_eq!(apply(&mut index, Kind::Pod, waiting(name, 22, full)), ["Deployment shop/web", "Node n1"]);
    assert_eq!(apply(&mut index, Kind::Pod, waiting(name, 23, cordon)), ["Deployment shop/web", "Node n1"]);
    let another = waiting("web-5d9c7b-zzzz4", 24, cordon);
    assert_eq!(apply(&mut index, Kind::Pod, another), ["Deployment shop/web"], "there is one that waits already");
    assert_eq!(delete(&mut index, Kind::Pod, "pod-web-5d9c7b-zzzz2"), ["Deployment shop/web"]);
    assert_eq!(index.view().waiting_for_cordoned(), 1);
    assert_eq!(delete(&mut index, Kind::Pod, "pod-web-5d9c7b-zzzz4"), ["Deployment shop/web", "Node n1"]);
}

#[test]
fn network_policies_and_webhooks_are_touched_when_pods_come_and_go() {
    let mut index = shop();
    apply(&mut index, Kind::Service, service());
    let policy = json!({"metadata": {"name": "p", "namespace": "shop", "uid": "p"}, "spec": {"podSelector": {}}});
    apply(&mut index, Kind::NetworkPolicy, policy);
    let hook = json!({"name": "a.b.c", "clientConfig": {"service": {"namespace": "shop", "name": "front"}}});
    let hooks = json!({"metadata": {"name": "checks", "uid": "checks"}, "webhooks": [hook]});
    apply(&mut index, Kind::ValidatingWebhookConfiguration, hooks);
    let lone = |rv, ready| {
        let mut lone = pod("lone-x7k2p", rv, &json!([]), ready);
        lone["metadata"]["labels"] = json!({"app": "lone"});
        lone
    };
    assert_eq!(apply(&mut index, Kind::Pod, lone(30, true)), ["Pod shop/lone-x7k2p", "NetworkPolicy shop/p"]);
    assert_eq!(apply(&mut index, Kind::Pod, lone(31, false)), ["Pod shop/lone-x7k2p"], "its labels are as they were");
    let mut other = lone(32, false);
    other["metadata"]["labels"] = json!({"app": "web"});
    let all =
        ["Pod shop/lone-x7k2p", "Service shop/front", "ValidatingWebhookConfiguration checks", "NetworkPolicy shop/p"];
    assert_eq!(apply(&mut index, Kind::Pod, other), all);
    assert_eq!(delete(&mut index, Kind::Pod, "pod-lone-x7k2p"), all);
}

#[test]
fn a_resync_drops_what_vanished_in_the_gap() {
    let mut index = shop();
    index.begin_resync(Kind::Pod);
    apply(&mut index, Kind::Pod, pod("web-5d9c7b-bcdf4", 11, &owner("ReplicaSet", "web-5d9c7b"), true));
    assert_eq!(names(&index.end_resync(Kind::Pod)), ["Deployment shop/web"]);
    assert_eq!(index.pod_count(), 1);
    index.begin_resync(Kind::ReplicaSet);
    assert_eq!(names(&index.end_resync(Kind::ReplicaSet)), ["Deployment shop/web", "ReplicaSet shop/web-5d9c7b"]);
    assert!(index.view().named(Kind::ReplicaSet, "shop", "web-5d9c7b").is_none());
    assert!(index.view().named(Kind::Deployment, "shop", "web").is_some(), "other kinds stay");
}

#[test]
fn an_object_made_anew_under_the_same_name_replaces_the_old_one() {
    let mut index = shop();
    let mut anew = deployment();
    anew["metadata"]["uid"] = json!("another");
    apply(&mut index, Kind::Deployment, anew);
    assert!(index.view().thing(UidKey::of("Deployment-web")).is_none());
    delete(&mut index, Kind::Deployment, "Deployment-web");
    assert!(index.view().named(Kind::Deployment, "shop", "web").is_some());
}

#[test]
fn pods_of_a_stateful_set_share_their_labels_and_are_still_selected_one_by_one() {
    let mut index = Index::new();
    for i in 0..3 {
        let mut p = pod(&format!("db-{i}"), i, &owner("StatefulSet", "db"), true);
        p["metadata"]["labels"] = json!({"app": "db", "statefulset.kubernetes.io/pod-name": format!("db-{i}"),
            "apps.kubernetes.io/pod-index": i.to_string()});
        p["spec"]["volumes"] =
            json!([{"name": "data", "persistentVolumeClaim": {"claimName": format!("data-db-{i}")}}]);
        apply(&mut index, Kind::Pod, p);
    }
    let selector =
        |pairs: &[(&'static str, &'static str)], index: &mut Index| index.intern.labels(pairs.iter().copied());
    let one = selector(&[("statefulset.kubernetes.io/pod-name", "db-1")], &mut index);
    let found: Vec<String> = index.view().pods_selected("shop", &one).iter().map(super::Pod::name).collect();
    assert_eq!(found, ["db-1"]);
    let last = selector(&[("app", "db"), ("apps.kubernetes.io/pod-index", "2")], &mut index);
    assert_eq!(index.view().pods_selected("shop", &last).len(), 1);
    assert_eq!(index.pods.cohorts().count(), 1);
}

#[test]
fn a_revision_is_known_to_work_once_a_serving_pod_of_it_is_taken_down() {
    let mut index = shop();
    let known = |index: &Index| {
        index.view().named(Kind::ReplicaSet, "shop", "web-5d9c7b").unwrap().workload().unwrap().was_available
    };
    let of = owner("ReplicaSet", "web-5d9c7b");
    let mut leaving = pod("web-5d9c7b-x7k2p", 30, &of, true);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:38Z");
    leaving["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    apply(&mut index, Kind::Pod, leaving);
    assert!(!known(&index), "three seconds prove nothing");
    let mut leaving = pod("web-5d9c7b-bcdf4", 31, &of, true);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:01:00Z");
    leaving["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    apply(&mut index, Kind::Pod, leaving);
    assert!(known(&index));
    apply(&mut index, Kind::ReplicaSet, {
        let mut empty = replica_set("web-5d9c7b");
        empty["status"] = json!({"replicas": 0});
        empty
    });
    assert!(known(&index), "it is remembered when the pods are gone");
}

#[test]
fn events_touch_the_workload_of_the_object_they_are_about() {
    let mut index = shop();
    let event = json!({"metadata": {"uid": "e1"}, "type": "Warning", "reason": "Failed", "message": "x",
        "lastTimestamp": "2026-01-01T00:00:00Z", "involvedObject": {"uid": "pod-web-5d9c7b-x7k2p"}});
    assert_eq!(apply(&mut index, Kind::Event, event), ["Deployment shop/web"]);
    assert_eq!(delete(&mut index, Kind::Event, "e1"), ["Deployment shop/web"]);
    let unread = json!({"metadata": {"uid": "e2"}, "type": "Normal", "reason": "Pulled", "involvedObject": {"uid": "pod-web-5d9c7b-x7k2p"}});
    assert_eq!(apply(&mut index, Kind::Event, unread), [""; 0]);
}

#[test]
fn a_churn_of_pods_leaves_nothing_behind() {
    let mut index = Index::new();
    for round in 0..200 {
        for i in 0..20 {
            let name = format!("job-{round}-{i}-abcde");
            apply(&mut index, Kind::Pod, pod(&name, 1, &owner("Job", &format!("job-{round}")), true));
        }
        for i in 0..20 {
            delete(&mut index, Kind::Pod, &format!("pod-job-{round}-{i}-abcde"));
        }
    }
    assert_eq!(index.pods.cohorts().count(), 0);
    assert!(index.pods.heap_bytes() < 100_000, "{}", index.pods.heap_bytes());
}

#[test]
fn a_pod_that_differs_under_the_same_owner_labels_and_name_is_read_for_itself() {
    let mut index = shop();
    let of = owner("ReplicaSet", "web-5d9c7b");
    let image = |index: &Index, name: &str| {
        let pod = index.view().pods_in("shop").find(|p| p.name() == name).unwrap();
        pod.template().containers[0].image.to_string()
    };
    let mut another = pod("web-5d9c7b-zzzz2", 40, &of, true);
    another["spec"]["containers"][0]["image"] = json!("evil:1");
    apply(&mut index, Kind::Pod, another);
    assert_eq!(image(&index, "web-5d9c7b-zzzz2"), "evil:1");
    let mut changed = pod("web-5d9c7b-x7k2p", 41, &of, true);
    changed["spec"]["containers"][0]["image"] = json!("web:2");
    apply(&mut index, Kind::Pod, changed);
    assert_eq!(image(&index, "web-5d9c7b-x7k2p"), "web:2", "an image may be changed in place");
    assert_eq!(image(&index, "web-5d9c7b-bcdf4"), "web:1");
    assert_eq!(index.pods.cohorts().count(), 3);
    for (n, change) in [("labels", json!({"app": "other"})), ("ownerReferences", json!([])), ("namespace", json!("x"))]
    {
        let mut moved = pod("web-5d9c7b-bcdf4", 42, &of, true);
        moved["metadata"][n] = change;
        apply(&mut index, Kind::Pod, moved);
        let row = index.view().pod_by_key(UidKey::of("pod-web-5d9c7b-bcdf4")).unwrap();
        assert_eq!(row.labels().get("app"), Some(if n == "labels" { "other" } else { "web" }), "{n}");
        assert_eq!(row.owner().is_some(), n != "ownerReferences", "{n}");
        assert_eq!(row.namespace(), if n == "namespace" { "x" } else { "shop" }, "{n}");
    }
    apply(&mut index, Kind::Pod, pod("web-5d9c7b-bcdf4", 43, &of, true));
    assert_eq!(index.pods.cohorts().count(), 3, "and back among its siblings, or those of its own: none is left over");
}

mod kinds;
mod memory;

#[test]
fn what_a_service_selects_is_still_told_after_unused_texts_were_swept() {
    let mut index = shop();
    for n in 0..3000 {
        let passing = json!({"metadata": {"name": format!("cm-{n}"), "namespace": "shop", "uid": format!("cm-{n}")}});
        apply(&mut index, Kind::ConfigMap, passing);
        delete(&mut index, Kind::ConfigMap, &format!("cm-{n}"));
    }
    apply(&mut index, Kind::Service, service());
    let of = owner("ReplicaSet", "web-5d9c7b");
    assert_eq!(
        apply(&mut index, Kind::Pod, pod("web-5d9c7b-x7k2p", 12, &of, false)),
        ["Deployment shop/web", "Service shop/front"]
    );
}
