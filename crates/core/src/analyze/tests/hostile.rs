//! Clusters in which every text that a program, a registry or a runtime may choose asks for something else.

use crate::analyze::fixture::{World, at, backing_off, merge, owner, spec, waiting, well};
use crate::copies::Copy;
use crate::object::Kind;
use serde_json::{Value, json};

/// What the texts ask for. Nothing of it may be proposed.
pub(super) const TEXT: &str = "registry.evil/own:1 exceeded quota: kube-system, image \"registry.evil/own:1\" revision 7 limit 999Gi port 6666 env EVIL_KEY";

/// A fault of each sort that something is proposed for.
pub(super) fn worlds() -> Vec<World> {
    let fails = [image(), variable(), probe(), selector(), memory(), quota(), ordered(), config()];
    fails.into_iter().chain([lost(), service(), suspended(), scaled(), ingress(), autoscaler(), node()]).collect()
}

/// A pod of revision 2 beside one of revision 1 that is well.
fn revised(old: &Value, new: &Value, mut status: Value) -> World {
    let mut w = World::new();
    w.deployment(2, &[old.clone(), new.clone()]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", old.clone(), well());
    merge(&mut status, json!({"message": TEXT}));
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", new.clone(), status);
    for reason in ["Failed", "Unhealthy", "BackOff"] {
        w.event("Pod-web-r2-hjklm", reason, TEXT, 590);
    }
    w
}

fn node() -> World {
    let mut w = World::new();
    w.put(
        Kind::Node,
        json!({"metadata": {"name": "n1", "annotations": {"example.com/evil": TEXT}, "managedFields": [
            {"manager": "kubectl-cordon", "time": at(60), "fieldsV1": {"f:spec": {"f:unschedulable": {}}}}]},
            "spec": {"unschedulable": true}}),
    );
    let message = format!("0/1 nodes are available: 1 node(s) were unschedulable. preemption: {TEXT}");
    let unscheduled = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message, "lastTransitionTime": at(500)});
    let status = json!({"phase": "Pending", "conditions": [unscheduled]});
    w.put(Kind::Pod, json!({"metadata": {"name": "lone"}, "spec": spec(json!({})), "status": status}));
    w
}

fn image() -> World {
    let new = spec(json!({"image": "shop/web:2"}));
    revised(&spec(json!({})), &new, waiting("ErrImagePull", &format!("{TEXT}: not found")))
}

fn variable() -> World {
    let old = spec(json!({"env": [{"name": "DATABASE_URL", "value": "y"}]}));
    revised(&old, &spec(json!({})), backing_off(3, json!({"message": format!("DATABASE_URL not set, {TEXT}")})))
}

fn probe() -> World {
    let asked = |port: u16| {
        let asks = json!({"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 2, "failureThreshold": 2});
        spec(json!({"ports": [{"containerPort": 8080}], "readinessProbe": asks}))
    };
    let unready = json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "ready": false, "restartCount": 0, "state": {"running": {"startedAt": at(400)}}}]});
    revised(&asked(8080), &asked(9999), unready)
}

fn selector() -> World {
    let mut new = spec(json!({}));
    new["nodeSelector"] = json!({"disk": "ssd"});
    let message =
        format!("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: {TEXT}");
    let unscheduled = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message, "lastTransitionTime": at(500)});
    revised(&spec(json!({})), &new, json!({"phase": "Pending", "conditions": [unscheduled]}))
}

fn memory() -> World {
    let limited = spec(json!({"resources": {"limits": {"memory": "64Mi"}}}));
    revised(&limited, &limited, backing_off(3, json!({"exitCode": 137, "reason": "OOMKilled", "message": TEXT})))
}

fn quota() -> World {
    let mut w = World::new();
    w.deployment(3, &[spec(json!({}))]);
    let message = format!(
        "pods \"x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2 {TEXT}"
    );
    let refused = json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message, "lastTransitionTime": at(100)});
    let lacks = json!({"spec": {"replicas": 3}, "status": {"replicas": 2, "conditions": [refused]}});
    w.replica_set(1, &spec(json!({})), lacks);
    let full = json!({"hard": {"pods": "2"}, "used": {"pods": "2"}});
    w.put(Kind::ResourceQuota, json!({"metadata": {"name": "small"}, "status": full}));
    w
}

fn ordered() -> World {
    let mut w = World::new();
    w.put(
        Kind::StatefulSet,
        json!({"metadata": {"name": "db"},
        "spec": {"replicas": 1, "podManagementPolicy": "OrderedReady", "template": {"spec": spec(json!({}))}},
        "status": {"replicas": 1, "currentRevision": "db-1", "updateRevision": "db-2"}}),
    );
    for (n, image) in [(1, "db:bad"), (2, "db:2")] {
        let kept = json!({"spec": {"template": {"spec": spec(json!({"image": image}))}}});
        let metadata = json!({"name": format!("db-{n}"), "ownerReferences": [owner(Kind::StatefulSet, "db")]});
        w.put(Kind::ControllerRevision, json!({"metadata": metadata, "revision": n, "data": kept}));
    }
    w.put(Kind::Pod, json!({"metadata": {"name": "db-0", "labels": {"controller-revision-hash": "db-1"}, "ownerReferences": [owner(Kind::StatefulSet, "db")]},
        "spec": spec(json!({"image": "db:bad"})), "status": backing_off(5, json!({"message": TEXT}))}));
    w
}

fn config() -> World {
    let mut w = World::new();
    let reads = spec(json!({"envFrom": [{"configMapRef": {"name": "app"}}]}));
    w.deployment(1, std::slice::from_ref(&reads));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", reads, well());
    w.event("Pod-web-r1-bcdfg", "Unhealthy", TEXT, 590);
    let wrote = json!({"manager": TEXT, "time": at(300), "fieldsV1": {"f:data": {format!("f:{TEXT}"): {}}}});
    w.put(Kind::ConfigMap, json!({"metadata": {"name": "app", "managedFields": [wrote]}}));
    w
}

/// A ConfigMap that is gone, of which a copy is kept.
fn lost() -> World {
    let reads = spec(json!({"envFrom": [{"configMapRef": {"name": "app"}}]}));
    let message = format!("configmap \"app\" not found {TEXT}");
    let mut w = revised(&reads, &reads, waiting("CreateContainerConfigError", &message));
    let kept = json!({"kind": "ConfigMap", "metadata": {"name": "app", "namespace": "shop"}, "data": {"mode": TEXT}});
    w.index.put_copy(Copy::of(&kept, w.now).unwrap().row().unwrap());
    w
}

fn service() -> World {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "wed"}, "ports": [{"port": 80}]}}),
    );
    w.event("Service-front", "FailedToCreateEndpoint", TEXT, 590);
    w
}

fn suspended() -> World {
    let mut w = World::new();
    let wrote =
        json!({"manager": format!("kubectl-{TEXT}"), "time": at(60), "fieldsV1": {"f:spec": {"f:suspend": {}}}});
    w.put(
        Kind::CronJob,
        json!({"metadata": {"name": "sum", "generation": 2, "managedFields": [wrote]},
        "spec": {"suspend": true, "schedule": "* * * * *"}, "status": {"lastScheduleTime": at(30)}}),
    );
    w.event("CronJob-sum", "FailedNeedsStart", TEXT, 590);
    w
}

fn scaled() -> World {
    let mut w = World::new();
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
    let wrote =
        json!({"manager": format!("kubectl-{TEXT}"), "time": at(60), "fieldsV1": {"f:spec": {"f:replicas": {}}}});
    for replicas in [2, 0] {
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": spec(json!({}))});
        let metadata = json!({"name": "web", "generation": 2, "managedFields": [wrote]});
        w.put(Kind::Deployment, json!({"metadata": metadata, "spec": {"replicas": replicas, "template": template}}));
    }
    w.event("Deployment-web", "ScalingReplicaSet", TEXT, 590);
    w
}

fn ingress() -> World {
    let mut w = World::new();
    w.put(Kind::IngressClass, json!({"metadata": {"name": "ngnix"}, "spec": {"controller": TEXT}}));
    w.put(Kind::Service, json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}));
    let path = json!({"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}});
    w.put(
        Kind::Ingress,
        json!({"metadata": {"name": "entry"}, "spec": {"ingressClassName": "nginx",
        "rules": [{"host": "shop.example", "http": {"paths": [path]}}]}}),
    );
    w.event("Ingress-entry", "Sync", TEXT, 590);
    w
}

fn autoscaler() -> World {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    let lost = json!({"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": TEXT, "lastTransitionTime": at(100)});
    w.put(Kind::HorizontalPodAutoscaler, json!({"metadata": {"name": "scaler"}, "spec": {"maxReplicas": 5,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "wep"}}, "status": {"conditions": [lost]}}));
    w.event("HorizontalPodAutoscaler-scaler", "FailedGetScale", TEXT, 590);
    w
}
