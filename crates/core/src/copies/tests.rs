//! Tests of the form of copies: what is kept, and what is never taken for one.

use super::*;
use crate::index::{Index, Observed};
use crate::receipt::pem_of_seed;
use serde_json::json;

fn signer(n: u8) -> Signer {
    Signer::from_pkcs8_pem(&pem_of_seed(&[n; 32])).unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T00:10:00Z".parse().unwrap()
}

fn config_map() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"mode": "fast"}, "binaryData": {"logo": "AA=="},
        "metadata": {"name": "app", "namespace": "shop", "uid": "u-1", "resourceVersion": "7", "labels": {"team": "a"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "n"},
            "managedFields": [{"manager": "kubectl", "time": "2026-01-01T00:00:05Z", "fieldsV1": {"f:data": {}}},
                {"manager": "other", "time": "2026-01-01T00:00:09Z"},
                {"manager": "status", "subresource": "status", "time": "2026-01-01T00:09:00Z"}]}
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop", "uid": "u-2"},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "clusterIP": "10.0.0.7", "externalIPs": [],
            "ports": [{"port": 80, "nodePort": 30007}]}, "status": {"loadBalancer": {}}
    })
}

#[test]
fn a_copy_is_the_object_without_its_incarnation_and_reads_back_under_its_name_alone() {
    let copy = Copy::of(&config_map(), now()).unwrap();
    assert_eq!(
        copy.object["metadata"],
        json!({
        "name": "app", "namespace": "shop", "labels": {"team": "a"}, "annotations": {"note": "n"}})
    );
    let kept = copy.seal(&signer(1)).unwrap();
    let open = |name: &str, kept: &Value, key: u8| Copy::open(name, kept, signer(key).public());
    assert_eq!(open(&copy.name(), &kept, 1), Ok(copy.clone()));
    let row = copy.row().unwrap();
    assert_eq!((row.of.to_string().as_str(), row.of.uid.is_none()), ("ConfigMap shop/app", true));
    assert_eq!(row.keys.iter().map(|k| &**k).collect::<Vec<_>>(), ["mode", "logo"]);
    assert_eq!(row.digest, copy.digest());
    assert_eq!(open("copy-0000000000000000-0000000000000000", &kept, 1), Err(CopyError::Misnamed));
}

#[test]
fn what_the_operator_has_not_signed_is_no_copy() {
    let copy = Copy::of(&config_map(), now()).unwrap();
    let (name, kept) = (copy.name(), copy.seal(&signer(1)).unwrap());
    assert_eq!(Copy::open(&name, &kept, signer(2).public()), Err(CopyError::Unsigned), "another key");
    let mut other = copy.clone();
    other.object["data"]["mode"] = json!("evil");
    let forged = other.seal(&signer(2)).unwrap();
    for (what, lie) in [
        ("the object itself", serde_json::to_value(&copy).unwrap()),
        ("nothing", Value::Null),
        ("another payload", {
            let mut lie = kept.clone();
            lie["payload"] = forged["payload"].clone();
            lie
        }),
        ("no signature", {
            let mut lie = kept.clone();
            lie["signatures"] = json!([]);
            lie
        }),
        ("a receipt's type", {
            let payload = copy.payload();
            serde_json::to_value(Envelope::seal("application/vnd.in-toto+json", &payload, &signer(1)).unwrap()).unwrap()
        }),
    ] {
        assert_eq!(Copy::open(&name, &lie, signer(1).public()), Err(CopyError::Unsigned), "{what}");
    }
}

/// Whoever holds the key can still not have a Secret taken for a copy.
#[test]
fn a_signed_secret_is_no_copy() {
    let mut secret = Copy::of(&config_map(), now()).unwrap();
    secret.object["kind"] = json!("Secret");
    let kept = secret.seal(&signer(1)).unwrap();
    assert_eq!(Copy::open(&secret.name(), &kept, signer(1).public()), Err(CopyError::Misnamed));
}

#[test]
fn no_copy_is_kept_of_what_others_keep_or_of_what_leads_outside() {
    let of = |object: Value| Copy::of(&object, now()).map(|_| ());
    let with = |mut object: Value, pointer: &str, value: Value| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value;
        object
    };
    assert_eq!(of(service()), Ok(()));
    assert_eq!(of(with(config_map(), "/kind", json!("Secret"))), Err(CopyError::Kind));
    let gitops = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
    assert!(matches!(of(with(config_map(), "/metadata/labels", gitops)), Err(CopyError::NotOurs(_))));
    let marked = json!({"bailiwick.dev/protected": "true"});
    assert!(matches!(of(with(service(), "/metadata/labels", marked)), Err(CopyError::NotOurs(_))));
    assert!(matches!(of(with(config_map(), "/metadata/namespace", json!("kube-system"))), Err(CopyError::NotOurs(_))));
    assert_eq!(of(with(service(), "/spec/externalIPs", json!(["192.0.2.1"]))), Err(CopyError::Outside));
    assert_eq!(of(with(service(), "/spec/type", json!("ExternalName"))), Err(CopyError::Outside));
    assert_eq!(of(with(service(), "/spec/selector", json!({}))), Err(CopyError::Outside));
    let large = with(config_map(), "/data/mode", json!("x".repeat(LARGEST)));
    assert!(matches!(of(large), Err(CopyError::Large(_))));
}

#[test]
fn an_object_was_written_when_its_newest_manager_did() {
    assert_eq!(written(&config_map()), "2026-01-01T00:00:09Z".parse().ok());
    assert_eq!(content_written(&config_map()), "2026-01-01T00:00:05Z".parse().ok(), "the other has no part in data");
    assert_eq!(written(&service()), None);
}

#[test]
fn only_what_is_named_like_a_copy_is_read() {
    assert!(is_name(&Copy::of(&config_map(), now()).unwrap().name()));
    for other in
        ["suspend", "fence-0000000001", "copy-1", "copy-0123456789abcdef", "copy-0123456789abcdef-0123456789ABCDEF"]
    {
        assert!(!is_name(other), "{other}");
    }
}

/// Whether a ConfigMap is good of which one pod is well and another ended like that.
fn standing_beside(ended: &Value) -> Standing {
    const START: &str = "2026-01-01T00:00:00Z";
    let by = json!([{"manager": "kubectl", "time": START, "fieldsV1": {"f:data": {"f:mode": {}}}}]);
    let pod = |name: &str, status: &Value| {
        let spec =
            json!({"containers": [{"name": "web", "image": "web:1", "envFrom": [{"configMapRef": {"name": "app"}}]}]});
        (Kind::Pod, json!({"metadata": {"name": name}, "spec": spec, "status": status}))
    };
    let well =
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": START}]});
    let config = json!({"metadata": {"name": "app", "managedFields": by}});
    let mut index = Index::new();
    for (kind, mut object) in [(Kind::ConfigMap, config), pod("well", &well), pod("ended", ended)] {
        let uid = object["metadata"]["name"].clone();
        for (key, value) in [("namespace", json!("shop")), ("uid", uid), ("resourceVersion", json!("7"))] {
            object["metadata"][key] = value;
        }
        object["metadata"]["creationTimestamp"] = json!(START);
        index.apply(Observed::from_json(kind, object).unwrap().unwrap());
    }
    let view = index.view();
    let thing = view.named(Kind::ConfigMap, "shop", "app").unwrap();
    standing(&view, thing, jiff::SignedDuration::from_secs(1), now())
}

#[test]
fn a_config_map_with_which_a_pod_failed_is_not_good() {
    for (what, ended, good) in [
        ("it failed by itself", json!({"phase": "Failed"}), Standing::No),
        ("its node evicted it", json!({"phase": "Failed", "reason": "Evicted"}), Standing::Good),
        ("it was done", json!({"phase": "Succeeded"}), Standing::Good),
    ] {
        assert_eq!(standing_beside(&ended), good, "{what}");
    }
}
