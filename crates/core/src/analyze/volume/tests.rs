//! Tests of volumes and default classes.

use crate::analyze::fixture::{World, at};
use crate::object::Kind;
use serde_json::json;

fn released(w: &mut World, policy: &str, since: i64) {
    w.put(Kind::PersistentVolume, json!({"metadata": {"name": "pv-1"}, "spec": {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast", "persistentVolumeReclaimPolicy": policy, "claimRef": {"namespace": "shop", "name": "data", "uid": "u"}},
        "status": {"phase": "Released", "lastPhaseTransitionTime": at(since)}}));
}

#[test]
fn a_released_volume_is_information_until_a_claim_wants_one() {
    let mut w = World::new();
    w.put(Kind::Namespace, json!({"metadata": {"name": "shop"}}));
    released(&mut w, "Retain", 580);
    assert_eq!(w.findings(Kind::PersistentVolume, "pv-1"), [""; 0], "for a moment");
    released(&mut w, "Delete", 500);
    assert_eq!(w.findings(Kind::PersistentVolume, "pv-1"), [""; 0], "it is about to be deleted");
    released(&mut w, "Retain", 500);
    assert!(w.findings(Kind::PersistentVolume, "pv-1")[0].starts_with("VolumeReleased Warning"));
    let next = w.examine(Kind::PersistentVolume, "pv-1").recheck.unwrap();
    assert_eq!(next.to_string(), at(500 + 24 * 3600), "people have a day to be told");
    released(&mut w, "Retain", -24 * 3600);
    assert_eq!(
        w.findings(Kind::PersistentVolume, "pv-1"),
        [
            "VolumeReleased Info: the volume is kept as its policy says since its claim \"shop/data\" is gone; nobody gets it before its claimRef is removed"
        ]
    );
    w.put(Kind::StorageClass, json!({"metadata": {"name": "fast"}, "provisioner": "kubernetes.io/no-provisioner"}));
    w.put(
        Kind::PersistentVolumeClaim,
        json!({"metadata": {"name": "data"}, "spec": {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "5Gi"}}}, "status": {"phase": "Pending"}}),
    );
    let found = w.findings(Kind::PersistentVolume, "pv-1");
    assert!(
        found[0].starts_with("VolumeReleased Warning")
            && found[0].ends_with("claim \"shop/data\" waits for such a volume"),
        "{found:?}"
    );
}

#[test]
fn a_volume_whose_namespace_went_with_its_claim_is_information() {
    let mut w = World::new();
    released(&mut w, "Retain", 500);
    assert!(w.findings(Kind::PersistentVolume, "pv-1")[0].starts_with("VolumeReleased Info"));
}

#[test]
fn a_volume_that_cannot_be_reclaimed_says_why() {
    let mut w = World::new();
    w.put(
        Kind::PersistentVolume,
        json!({"metadata": {"name": "pv-1"}, "status": {"phase": "Failed", "message": "no plugin to delete it"}}),
    );
    assert_eq!(
        w.findings(Kind::PersistentVolume, "pv-1"),
        ["VolumeFailed Warning: the volume cannot be reclaimed: \"no plugin to delete it\""]
    );
}

#[test]
fn two_default_classes_are_one_finding() {
    let mut w = World::new();
    let default = |name: &str, at: &str| json!({"metadata": {"name": name, "creationTimestamp": at, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "x"});
    w.put(Kind::StorageClass, default("old", "2026-01-01T00:00:00Z"));
    w.put(Kind::StorageClass, json!({"metadata": {"name": "other"}, "provisioner": "x"}));
    assert_eq!(w.findings(Kind::StorageClass, "old"), [""; 0]);
    w.put(Kind::StorageClass, default("new", "2026-01-01T00:05:00Z"));
    assert_eq!(w.findings(Kind::StorageClass, "old"), [""; 0]);
    assert_eq!(
        w.findings(Kind::StorageClass, "new"),
        [
            "TwoDefaultStorageClasses Warning: 2 StorageClasses are the default (new, old); claims that name none get this one, the youngest"
        ]
    );
}
