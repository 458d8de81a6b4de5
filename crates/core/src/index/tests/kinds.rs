//! What is kept of the kinds around workloads, and whose findings they touch.

use super::{apply, names, owner, pod, shop};
use crate::index::{ClaimPhase, Index, Overlap};
use crate::object::Kind;
use serde_json::{Value, json};

fn object(kind: Kind, name: &str, more: Value) -> Value {
    let namespace = if kind.served().namespaced { "shop" } else { "" };
    let mut all = json!({"metadata": {"name": name, "namespace": namespace, "uid": format!("{kind}-{name}"), "resourceVersion": "1"}});
    let (Value::Object(into), Value::Object(more)) = (&mut all, more) else { panic!("no object") };
    for (key, value) in more {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(new)) => known.extend(new),
            (_, value) => drop(into.insert(key, value)),
        }
    }
    all
}

fn put(index: &mut Index, kind: Kind, name: &str, more: Value) -> Vec<String> {
    apply(index, kind, object(kind, name, more))
}

#[test]
fn what_leads_to_a_service_is_touched_with_it() {
    let mut index = Index::new();
    let backend = json!({"spec": {"rules": [{"host": "a.example", "http": {"paths": [
        {"path": "/x", "backend": {"service": {"name": "front", "port": {"number": 80}}}}]}}]}});
    put(&mut index, Kind::Ingress, "entry", backend);
    put(
        &mut index,
        Kind::ValidatingWebhookConfiguration,
        "checks",
        json!({"webhooks": [
        {"name": "a.b.c", "clientConfig": {"service": {"namespace": "shop", "name": "front"}}}]}),
    );
    put(
        &mut index,
        Kind::HTTPRoute,
        "route",
        json!({"spec": {"rules": [{"backendRefs": [{"name": "front", "port": 80}]}]}}),
    );
    let touched = put(&mut index, Kind::Service, "front", json!({"spec": {"ports": [{"port": 80, "name": "http"}]}}));
    assert_eq!(
        touched,
        ["Service shop/front", "ValidatingWebhookConfiguration checks", "Ingress shop/entry", "HTTPRoute shop/route"]
    );
    let slice = json!({"metadata": {"labels": {"kubernetes.io/service-name": "front"}}, "endpoints": [{}]});
    let touched = put(&mut index, Kind::EndpointSlice, "front-1", slice);
    assert_eq!(
        touched,
        ["Service shop/front", "ValidatingWebhookConfiguration checks"],
        "who answers matters to the webhook"
    );
    assert_eq!(put(&mut index, Kind::IngressClass, "nginx", json!({})), ["Ingress shop/entry"]);
    let ingress = index.view().named(Kind::Ingress, "shop", "entry").and_then(|t| t.ingress().cloned()).unwrap();
    assert_eq!(ingress.backends[0].place(), "a.example/x");
}

#[test]
fn claims_are_touched_by_what_may_bind_them() {
    let mut index = Index::new();
    put(
        &mut index,
        Kind::PersistentVolumeClaim,
        "data",
        json!({"spec": {"storageClassName": "fast",
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": "Pending"}}),
    );
    put(
        &mut index,
        Kind::PersistentVolumeClaim,
        "done",
        json!({"spec": {"volumeName": "pv"}, "status": {"phase": "Bound"}}),
    );
    let class = json!({"provisioner": "x", "volumeBindingMode": "WaitForFirstConsumer",
        "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}});
    assert_eq!(
        put(&mut index, Kind::StorageClass, "fast", class),
        ["StorageClass fast", "PersistentVolumeClaim shop/data"]
    );
    let volume = json!({"spec": {"capacity": {"storage": "2Gi"}, "claimRef": {"namespace": "shop", "name": "done", "uid": "u"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}}},
        "status": {"phase": "Released"}});
    assert_eq!(
        put(&mut index, Kind::PersistentVolume, "pv", volume),
        ["PersistentVolume pv", "PersistentVolumeClaim shop/data"]
    );
    let view = index.view();
    let claim = view.named(Kind::PersistentVolumeClaim, "shop", "data").and_then(|t| t.claim()).unwrap();
    assert_eq!((claim.phase, claim.class.as_deref()), (ClaimPhase::Pending, Some("fast")));
    let class = view.named(Kind::StorageClass, "", "fast").and_then(|t| t.storage_class()).unwrap();
    assert!(class.default && class.waits);
    assert!(
        view.named(Kind::PersistentVolume, "", "pv").and_then(|t| t.volume()).unwrap().retained,
        "the default for volumes made by hand"
    );
}

#[test]
fn the_keys_of_a_config_map_are_known_without_its_content() {
    let mut index = Index::new();
    let managed = json!({"metadata": {"managedFields": [
        {"manager": "kubectl", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:data": {".": {}, "f:a": {}, "f:b.conf": {}}}},
        {"manager": "helm", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:binaryData": {"f:c": {}}}},
        {"manager": "labeller", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]}});
    put(&mut index, Kind::ConfigMap, "app", managed);
    put(&mut index, Kind::ConfigMap, "unmanaged", json!({}));
    let config =
        |name: &str| index.view().named(Kind::ConfigMap, "shop", name).and_then(|t| t.config().cloned()).unwrap();
    let keys: Vec<String> = config("app").keys.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["a", "b.conf", "c"]);
    assert_eq!(config("app").written.unwrap().to_string(), "2026-01-02T00:00:00Z", "labels are not content");
    assert_eq!(config("unmanaged").keys, None);
}

#[test]
fn who_stopped_a_workload_is_remembered_while_it_stands_still() {
    let mut index = Index::new();
    let managers = json!([
        {"manager": "kubectl-create", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
        {"manager": "kubectl", "subresource": "scale", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    put(&mut index, Kind::Deployment, "web", json!({"metadata": {"managedFields": managers}, "spec": {"replicas": 0}}));
    put(&mut index, Kind::Deployment, "api", json!({"metadata": {"managedFields": managers}, "spec": {"replicas": 1}}));
    let stopped = |name: &str| {
        let thing = index.view().named(Kind::Deployment, "shop", name).unwrap();
        thing.workload().unwrap().stopped.as_ref().map(|w| w.manager.to_string())
    };
    assert_eq!(stopped("web").as_deref(), Some("kubectl scale"));
    assert_eq!(stopped("api"), None);
}

#[test]
fn an_annotation_that_says_why_is_a_mark() {
    for (key, value, explained) in [
        ("ops.example.com/maintenance", "until Friday", true),
        ("autoscaling.keda.sh/paused-replicas", "0", true),
        ("downscaler/downscale-period", "x", true),
        ("suspended-by", "anna", true),
        ("paused", "false", false),
        ("example.com/keynote", "x", false),
        ("kubectl.kubernetes.io/last-applied-configuration", "maintenance", false),
    ] {
        let mut index = Index::new();
        put(&mut index, Kind::CronJob, "sum", json!({"metadata": {"annotations": {key: value}}}));
        let marks = index.view().named(Kind::CronJob, "shop", "sum").unwrap().head.marks;
        assert_eq!(marks.explained(), explained, "{key}={value}");
    }
}

#[test]
fn a_cron_job_keeps_its_schedule() {
    let mut index = Index::new();
    put(
        &mut index,
        Kind::CronJob,
        "sum",
        json!({"spec": {"schedule": "*/5 * * * *", "concurrencyPolicy": "Forbid", "timeZone": "Europe/Berlin"},
        "status": {"active": [{"name": "sum-1"}], "lastScheduleTime": "2026-01-01T00:00:00Z"}}),
    );
    let cron = index.view().named(Kind::CronJob, "shop", "sum").unwrap().workload().unwrap().cron.clone().unwrap();
    assert_eq!((&*cron.schedule, cron.overlap, cron.active), ("*/5 * * * *", Overlap::Forbid, 1));
    assert_eq!(cron.zone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn policies_are_touched_by_labels_that_come_and_go() {
    let mut index = shop();
    put(
        &mut index,
        Kind::NetworkPolicy,
        "deny",
        json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [
        {"from": [{"podSelector": {"matchLabels": {"app": "web"}}, "namespaceSelector": {}}], "ports": [{"port": 80, "endPort": 90}]}]}}),
    );
    let row =
        index.view().named(Kind::NetworkPolicy, "shop", "deny").and_then(|t| t.network_policy().cloned()).unwrap();
    assert!(row.selector.is_empty() && row.egress.unwrap().0.is_empty());
    let rule = &row.ingress.unwrap().0[0];
    assert_eq!((rule.ports[0].from, rule.ports[0].to, rule.ports[0].tcp), (80, 90, true));
    let of = owner("ReplicaSet", "web-5d9c7b");
    let sibling = apply(&mut index, Kind::Pod, pod("web-5d9c7b-zzzz4", 13, &of, true));
    assert_eq!(sibling, ["Deployment shop/web"], "one more of its kind changes nothing for a policy");
    let mut other = pod("db-bcdf4", 14, &json!([]), true);
    other["metadata"]["labels"] = json!({"app": "db"});
    assert_eq!(apply(&mut index, Kind::Pod, other), ["Pod shop/db-bcdf4", "NetworkPolicy shop/deny"]);
}

#[test]
fn what_is_being_deleted_is_a_subject_whatever_it_is() {
    let mut index = Index::new();
    let leaving = json!({"metadata": {"finalizers": ["example.com/guard"], "deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 30}});
    assert_eq!(put(&mut index, Kind::ConfigMap, "app", leaving), ["ConfigMap shop/app"]);
    let subjects: Vec<String> = index.view().subjects().iter().map(ToString::to_string).collect();
    assert_eq!(subjects, ["ConfigMap shop/app"]);
    let head = index.view().named(Kind::ConfigMap, "shop", "app").unwrap().head.leaving.clone().unwrap();
    assert_eq!((head.since.to_string().as_str(), &*head.finalizers[0]), ("2026-01-01T00:00:00Z", "example.com/guard"));
}

#[test]
fn a_node_keeps_what_is_wrong_with_it_and_who_cordoned_it() {
    let mut index = Index::new();
    let managers = json!([{"manager": "kubectl", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:unschedulable": {}}}}]);
    let touched = put(
        &mut index,
        Kind::Node,
        "n1",
        json!({"metadata": {"managedFields": managers}, "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}, {"type": "DiskPressure", "status": "True"},
        {"type": "MemoryPressure", "status": "False"}]}}),
    );
    assert_eq!(touched, ["Node n1"]);
    let node = index.view().named(Kind::Node, "", "n1").and_then(|t| t.node().cloned()).unwrap();
    let troubles: Vec<&str> = node.troubles.iter().map(|c| &*c.kind).collect();
    assert_eq!((troubles, node.ready, node.cordoned), (vec!["Ready", "DiskPressure"], false, true));
    assert_eq!(&*node.cordoned_by.unwrap().manager, "kubectl");
    assert_eq!(names(&index.end_resync(Kind::Node)), [""; 0], "no list was begun");
}
