//! Tests of claims.

use crate::analyze::fixture::{World, at, merge, spec};
use crate::object::Kind;
use serde_json::{Value, json};

fn class(w: &mut World, name: &str, more: Value) {
    let mut object =
        json!({"metadata": {"name": name}, "provisioner": "csi.example.com", "volumeBindingMode": "Immediate"});
    merge(&mut object, more);
    w.put(Kind::StorageClass, object);
}

fn volume(w: &mut World, name: &str, more: Value) {
    let mut object = json!({"metadata": {"name": name}, "spec": {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": ""},
        "status": {"phase": "Available"}});
    merge(&mut object, more);
    w.put(Kind::PersistentVolume, object);
}

fn claim(w: &mut World, spec: Value) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
        "status": {"phase": "Pending"}});
    merge(&mut object["spec"], spec);
    w.put(Kind::PersistentVolumeClaim, object);
    w.findings(Kind::PersistentVolumeClaim, "data")
}

#[test]
fn a_class_that_does_not_exist_is_named() {
    let mut w = World::new();
    let wanted = json!({"storageClassName": "fast-ssd"});
    assert_eq!(
        claim(&mut w, wanted.clone()),
        [
            "StorageClassMissing Warning: the claim gets no volume: its StorageClass \"fast-ssd\" does not exist; there is none at all"
        ]
    );
    class(&mut w, "standard", json!({}));
    assert_eq!(
        claim(&mut w, wanted.clone()),
        [
            "StorageClassMissing Warning: the claim gets no volume: its StorageClass \"fast-ssd\" does not exist; there are: standard"
        ]
    );
    class(&mut w, "fast-sdd", json!({}));
    assert_eq!(
        claim(&mut w, wanted.clone()),
        [
            "StorageClassMissing Warning: the claim gets no volume: its StorageClass \"fast-ssd\" does not exist; there is \"fast-sdd\""
        ]
    );
    volume(&mut w, "by-hand", json!({"spec": {"storageClassName": "fast-ssd", "capacity": {"storage": "20Gi"}}}));
    assert_eq!(claim(&mut w, wanted), [""; 0], "a volume made by hand has it as a mere name");
}

#[test]
fn without_a_class_and_a_default_only_a_volume_made_by_hand_will_do() {
    let mut w = World::new();
    class(&mut w, "standard", json!({}));
    let nothing = claim(&mut w, json!({}));
    assert_eq!(
        nothing,
        [
            "ClaimUnbound Warning: the claim gets no volume: it names no class, there is no default one, and no volume is free"
        ]
    );
    volume(&mut w, "small", json!({}));
    volume(&mut w, "shared", json!({"spec": {"capacity": {"storage": "20Gi"}, "accessModes": ["ReadOnlyMany"]}}));
    volume(&mut w, "raw", json!({"spec": {"capacity": {"storage": "20Gi"}, "volumeMode": "Block"}}));
    volume(&mut w, "taken", json!({"spec": {"capacity": {"storage": "20Gi"}}, "status": {"phase": "Bound"}}));
    let misfits = claim(&mut w, json!({"storageClassName": ""}));
    assert_eq!(
        misfits,
        [
            "ClaimUnbound Warning: the claim gets no volume: it wants no class, and no free volume fits: \"raw\" is of the other volume mode, \"shared\" cannot be mounted ReadWriteOnce, \"small\" is too small"
        ]
    );
}

#[test]
fn a_claim_that_waits_for_its_first_pod_is_well() {
    let mut w = World::new();
    class(
        &mut w,
        "local",
        json!({"volumeBindingMode": "WaitForFirstConsumer", "provisioner": "kubernetes.io/no-provisioner"}),
    );
    assert_eq!(claim(&mut w, json!({"storageClassName": "local"})), [""; 0]);
    let mut mounts = spec(json!({}));
    merge(&mut mounts, json!({"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}));
    w.put(Kind::Pod, json!({"metadata": {"name": "lone"}, "spec": mounts, "status": {"phase": "Pending"}}));
    let needed = claim(&mut w, json!({"storageClassName": "local"}));
    assert_eq!(
        needed,
        ["ClaimUnbound Warning: the claim gets no volume: class \"local\" makes no volumes, and no volume is free"]
    );
}

#[test]
fn a_provisioner_that_fails_or_says_nothing_is_named() {
    let mut w = World::new();
    class(&mut w, "standard", json!({}));
    let wanted = json!({"storageClassName": "standard"});
    assert_eq!(
        claim(&mut w, wanted.clone()),
        ["ProvisioningFailed Warning: \"csi.example.com\" has made no volume for the claim, and says nothing"]
    );
    w.event(
        "PersistentVolumeClaim-data",
        "ProvisioningFailed",
        "failed to provision volume with StorageClass \"standard\": rpc error: quota of disks",
        500,
    );
    assert_eq!(
        claim(&mut w, wanted.clone()),
        [
            "ProvisioningFailed Warning: \"csi.example.com\" cannot make a volume for the claim: \"failed to provision volume with StorageClass 'standard': rpc error: quota of disks\""
        ]
    );
    w.put(Kind::PersistentVolumeClaim, json!({"metadata": {"name": "young", "creationTimestamp": at(400)}, "spec": wanted, "status": {"phase": "Pending"}}));
    assert_eq!(w.findings(Kind::PersistentVolumeClaim, "young"), [""; 0], "it may still come");
}

#[test]
fn a_bound_claim_is_well_and_a_lost_one_is_not() {
    let mut w = World::new();
    for (phase, found) in [("Bound", 0), ("Lost", 1)] {
        w.put(
            Kind::PersistentVolumeClaim,
            json!({"metadata": {"name": "data"}, "spec": {"volumeName": "pv-1"}, "status": {"phase": phase}}),
        );
        assert_eq!(w.findings(Kind::PersistentVolumeClaim, "data").len(), found, "{phase}");
    }
}

fn waits(w: &mut World) -> Vec<String> {
    let mut mounts = spec(json!({}));
    merge(&mut mounts, json!({"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}));
    let waits = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at(500),
        "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"}]});
    w.deployment(1, &[mounts.clone()]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", mounts, waits);
    w.web()
}

#[test]
fn a_volume_that_is_still_being_made_is_no_fault_of_the_pods() {
    for (class_of, created, again) in [("standard", 400, 700), ("gone", 590, 620)] {
        let mut w = World::new();
        class(&mut w, "standard", json!({}));
        w.put(
            Kind::PersistentVolumeClaim,
            json!({"metadata": {"name": "data", "creationTimestamp": at(created)},
            "spec": {"storageClassName": class_of}, "status": {"phase": "Pending"}}),
        );
        assert_eq!(w.findings(Kind::PersistentVolumeClaim, "data"), [""; 0], "{class_of}");
        assert_eq!(waits(&mut w), [""; 0], "{class_of}");
        assert_eq!(w.examine(Kind::Deployment, "web").recheck.unwrap().to_string(), at(again), "{class_of}");
        w.now = at(again).parse().unwrap();
        assert_eq!(w.findings(Kind::PersistentVolumeClaim, "data").len(), 1, "{class_of}");
        assert_eq!(w.web(), [""; 0], "then it is the claim's finding");
    }
}

#[test]
fn pods_that_wait_for_a_claim_leave_the_finding_to_it() {
    let mut w = World::new();
    class(&mut w, "standard", json!({}));
    claim(&mut w, json!({"storageClassName": "gone"}));
    assert_eq!(waits(&mut w), [""; 0]);
    assert_eq!(w.findings(Kind::PersistentVolumeClaim, "data").len(), 1);
}
