//! Tests of what stands still.

use crate::analyze::fixture::{World, at, merge, spec};
use crate::fence::EXECUTOR_MANAGER;
use crate::object::Kind;
use serde_json::{Value, json};

fn by(manager: &str, subresource: &str, field: &str) -> Value {
    json!([{"manager": manager, "subresource": subresource, "time": at(60), "fieldsV1": {"f:spec": {field: {}}}}])
}

fn stopped(w: &mut World, more: Value) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "web", "generation": 3, "managedFields": by("kubectl", "scale", "f:replicas")},
        "spec": {"replicas": 0, "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec(json!({}))}}});
    merge(&mut object, more);
    w.put(Kind::Deployment, object);
    w.web()
}

fn front(w: &mut World) {
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
}

#[test]
fn a_workload_that_is_missed_is_a_warning_and_one_that_is_not_is_information() {
    let mut w = World::new();
    assert_eq!(
        stopped(&mut w, json!({})),
        ["ScaledToZero Info: was scaled to zero by \"kubectl scale\" at 2026-01-01T00:01:00Z, and nothing says why"]
    );
    front(&mut w);
    assert_eq!(
        stopped(&mut w, json!({})),
        [
            "ScaledToZero Warning: was scaled to zero by \"kubectl scale\" at 2026-01-01T00:01:00Z, and nothing says why; Service \"front\" reaches nothing"
        ]
    );
    let of = |manager: &str| json!({"metadata": {"managedFields": by(manager, "", "f:replicas")}});
    assert!(stopped(&mut w, of("kubectl-client-side-apply"))[0].starts_with("ScaledToZero Info"), "a manifest says so");
    for controller in ["flagger", "kube-downscaler", EXECUTOR_MANAGER] {
        assert!(stopped(&mut w, of(controller))[0].starts_with("ScaledToZero Info"), "{controller} knows why");
    }
    for hand in ["kubectl-edit", "k9s", "Mozilla"] {
        assert!(stopped(&mut w, of(hand))[0].starts_with("ScaledToZero Warning"), "{hand}");
    }
}

#[test]
fn whoever_scales_through_the_subresource_is_not_told_but_when_is() {
    let mut w = World::new();
    front(&mut w);
    let nobody = json!([{"manager": "kubectl-client-side-apply", "time": at(0), "fieldsV1": {"f:spec": {"f:template": {}}}},
        {"manager": "kube-controller-manager", "subresource": "status", "time": at(90), "fieldsV1": {"f:status": {}}}]);
    let found = stopped(&mut w, json!({"metadata": {"managedFields": nobody}}));
    assert_eq!(
        found,
        [
            "ScaledToZero Warning: was scaled to zero through its scale subresource at 2026-01-01T00:01:30Z, and nothing says why; Service \"front\" reaches nothing"
        ]
    );
}

#[test]
fn what_is_explained_or_never_ran_is_well() {
    for more in [
        json!({"metadata": {"generation": 1}}),
        json!({"metadata": {"annotations": {"example.com/maintenance": "x"}}}),
        json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}}),
        json!({"metadata": {"ownerReferences": [{"apiVersion": "example.com/v1", "kind": "Database", "name": "d", "uid": "d", "controller": true}]}}),
        json!({"metadata": {"deletionTimestamp": at(590)}}),
    ] {
        let mut w = World::new();
        front(&mut w);
        assert_eq!(stopped(&mut w, more.clone()), [""; 0], "{more}");
    }
    let mut w = World::new();
    front(&mut w);
    w.put(Kind::HorizontalPodAutoscaler, json!({"metadata": {"name": "s"}, "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}));
    assert_eq!(stopped(&mut w, json!({})), [""; 0], "an autoscaler's matter");
}

#[test]
fn a_suspended_cron_job_that_ran_is_told() {
    let cron = |more: Value| {
        let mut object = json!({"metadata": {"name": "sum", "generation": 2, "managedFields": by("kubectl-patch", "", "f:suspend")},
            "spec": {"suspend": true, "schedule": "* * * * *"}, "status": {"lastScheduleTime": at(30)}});
        merge(&mut object, more);
        let mut w = World::new();
        w.put(Kind::CronJob, object);
        w.findings(Kind::CronJob, "sum")
    };
    assert_eq!(
        cron(json!({})),
        [
            "CronJobSuspended Warning: is suspended by \"kubectl-patch\" at 2026-01-01T00:01:00Z, and nothing says why; it ran last at 2026-01-01T00:00:30Z -> ResumeCronJob"
        ]
    );
    for meant in [
        json!({"status": {"lastScheduleTime": "2025-12-31T23:50:00Z"}}),
        json!({"metadata": {"managedFields": by("kubectl-client-side-apply", "", "f:suspend")}}),
        json!({"spec": {"schedule": "when it suits"}}),
    ] {
        assert!(cron(meant.clone())[0].starts_with("CronJobSuspended Info"), "{meant}");
    }
    for well in [
        json!({"status": {"lastScheduleTime": null}}),
        json!({"metadata": {"annotations": {"suspend-reason": "migration"}}}),
        json!({"metadata": {"generation": 1}}),
    ] {
        assert_eq!(cron(well.clone()), [""; 0], "{well}");
    }
}

#[test]
fn who_saw_how_many_there_were_proposes_as_many() {
    let mut w = World::new();
    front(&mut w);
    let ran = |replicas: i32| json!({"spec": {"replicas": replicas}});
    assert!(!stopped(&mut w, json!({}))[0].contains("->"), "nobody saw it run");
    assert_eq!(stopped(&mut w, ran(4)), [""; 0]);
    assert_eq!(stopped(&mut w, ran(3)), [""; 0]);
    assert!(stopped(&mut w, json!({}))[0].ends_with(" -> Scale"));
    let again = stopped(&mut w, json!({"metadata": {"labels": {"tier": "back"}}}));
    assert!(again[0].ends_with(" -> Scale"), "what is written meanwhile makes nobody forget");
    let candidate = w.examine(Kind::Deployment, "web").findings.swap_remove(0).candidates.swap_remove(0);
    let action = serde_json::to_value(&candidate.action).unwrap();
    assert_eq!(action, json!({"scale": {"replicas": {"value": 3, "origin": {"earlier": {}}}}}));
    let view = w.index.view();
    assert_eq!(
        crate::analyze::earlier::put_back(&view, &candidate.target),
        [candidate.action],
        "the proof is the same"
    );
    let info = stopped(&mut w, json!({"metadata": {"managedFields": by("flagger", "", "f:replicas")}}));
    assert!(info[0].starts_with("ScaledToZero Info") && !info[0].contains("->"), "{info:?}");
}

#[test]
fn another_object_of_the_same_name_has_no_past() {
    let mut w = World::new();
    front(&mut w);
    stopped(&mut w, json!({"spec": {"replicas": 4}}));
    let found = stopped(&mut w, json!({"metadata": {"uid": "Deployment-another"}}));
    assert!(found[0].starts_with("ScaledToZero Warning") && !found[0].contains("->"), "{found:?}");
}
