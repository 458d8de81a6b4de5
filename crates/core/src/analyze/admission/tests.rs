//! Tests of the analyzer of refused pods.

use crate::analyze::fixture::{World, at, merge, owner, spec};
use crate::object::Kind;
use serde_json::{Value, json};

const QUOTA: &str =
    "pods \"web-r1-x7k2p\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";

fn quota(w: &mut World, name: &str) {
    w.put(
        Kind::ResourceQuota,
        json!({"metadata": {"name": name}, "status": {"hard": {"pods": "2"}, "used": {"pods": "2"}}}),
    );
}

/// A Deployment whose newest ReplicaSet lacks a pod, with a condition of that text.
fn lacking(specs: &[Value], message: &str) -> World {
    let mut w = World::new();
    w.deployment(3, specs);
    refuse(
        &mut w,
        specs,
        json!({"conditions": [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message, "lastTransitionTime": at(100)}]}),
    );
    w
}

fn refuse(w: &mut World, specs: &[Value], status: Value) {
    let mut more = json!({"spec": {"replicas": 3}, "status": {"replicas": 2}});
    merge(&mut more["status"], status);
    w.replica_set(specs.len(), specs.last().unwrap(), more);
}

#[test]
fn a_quota_that_refuses_is_named_and_can_be_deleted() {
    let mut w = lacking(&[spec(json!({}))], QUOTA);
    quota(&mut w, "small");
    assert_eq!(
        w.web(),
        [
            "QuotaExceeded Critical: new pods are refused by quota \"small\": \"requested: pods=1, used: pods=2, limited: pods=2\" -> DeleteResourceQuota"
        ]
    );
    let found = w.examine(Kind::Deployment, "web").findings;
    assert_eq!(found[0].candidates[0].target.to_string(), "ResourceQuota shop/small");
    assert!(found[0].evidence.iter().any(|e| e.value == "pods: 2 of 2"));
    assert_eq!(found[0].since.to_string(), at(100));
}

#[test]
fn a_quota_that_is_gone_refuses_nothing() {
    let mut w = lacking(&[spec(json!({}))], QUOTA);
    assert!(w.web().is_empty(), "the next attempt passes");
    w.index.set_unread(Kind::ResourceQuota, "not permitted");
    let found = w.web();
    assert!(
        found.len() == 1 && !found[0].contains("->"),
        "its absence says nothing where quotas are not read: {found:?}"
    );
}

#[test]
fn the_newest_event_says_what_refuses_now() {
    let mut w = lacking(&[spec(json!({}))], QUOTA);
    quota(&mut w, "small");
    quota(&mut w, "other");
    let newer = "(combined from similar events): Error creating: pods \"web-r1-bcdf4\" is forbidden: exceeded quota: other, requested: pods=1";
    w.event("ReplicaSet-web-r1", "FailedCreate", newer, 590);
    assert!(w.web()[0].contains("quota \"other\""), "the condition keeps the first text: {:?}", w.web());
}

#[test]
fn every_refusal_has_its_cause() {
    for (message, cause, who) in [
        (
            "pods \"web-r1-x\" is forbidden: failed quota: small: must specify limits.cpu for: web; limits.memory for: web",
            "QuotaExceeded",
            "quota \"small\"",
        ),
        (
            "pods \"web-r1-x\" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi",
            "LimitRangeViolated",
            "a LimitRange",
        ),
        (
            "pods \"web-r1-x\" is forbidden: [minimum cpu usage per Pod is 100m, but request is 10m, maximum cpu usage per Pod is 1, but limit is 2]",
            "LimitRangeViolated",
            "a LimitRange",
        ),
        (
            "pods \"web-r1-x\" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
            "LimitRangeViolated",
            "a LimitRange",
        ),
        (
            "pods \"web-r1-x\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"web\" must set x)",
            "PodSecurityRefused",
            "Pod Security \"restricted:latest\"",
        ),
        (
            "admission webhook \"validate.kyverno.svc-fail\" denied the request: no root",
            "AdmissionRefused",
            "webhook \"validate.kyverno.svc-fail\"",
        ),
        (
            "Internal error occurred: failed calling webhook \"hook.example.com\": failed to call webhook: Post \"https://h.x.svc:443/\": no endpoints available for service \"h\"",
            "AdmissionRefused",
            "webhook \"hook.example.com\"",
        ),
        (
            "pods \"web-r1-x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            "AdmissionRefused",
            "admission",
        ),
        (
            "pods \"web-r1-x\" is forbidden: error looking up service account shop/app: serviceaccount \"app\" not found",
            "ServiceAccountMissing",
            "admission, ServiceAccount \"app\" does not exist",
        ),
    ] {
        let mut w = lacking(&[spec(json!({}))], message);
        quota(&mut w, "small");
        let found = w.web();
        let start = format!("{cause} Critical: new pods are refused by {who}: ");
        assert!(found.len() == 1 && found[0].starts_with(&start) && !found[0].contains("->"), "{message}\n{found:#?}");
    }
    for passing in [
        "pods \"web-r1-x\" is forbidden: unable to create new content in namespace shop because it is being terminated",
        "pods \"web-r1-x\" is forbidden: status unknown for quota: small, resources: pods",
        "etcdserver: request timed out",
    ] {
        assert!(lacking(&[spec(json!({}))], passing).web().is_empty(), "{passing}");
    }
}

#[test]
fn what_has_all_its_pods_is_refused_nothing() {
    let mut w = World::new();
    w.deployment(2, &[spec(json!({}))]);
    quota(&mut w, "small");
    w.event("ReplicaSet-web-r1", "FailedCreate", &format!("Error creating: {QUOTA}"), 590);
    assert!(w.web().is_empty(), "an old event of a workload that is whole again");
    refuse(&mut w, &[spec(json!({}))], json!({}));
    assert_eq!(w.web().len(), 1);
    w.now = at(590 + 1081).parse().unwrap();
    assert!(w.web().is_empty(), "older than the longest pause between two attempts");
}

#[test]
fn a_revision_that_asks_for_more_goes_back_before_the_quota_is_touched() {
    let asking = |cpu: &str| spec(json!({"resources": {"requests": {"cpu": cpu}}}));
    let mut w = lacking(&[asking("100m"), asking("2")], QUOTA);
    quota(&mut w, "small");
    w.well(1, "bcdfg");
    assert!(w.web()[0].ends_with("-> RolloutUndo(1), DeleteResourceQuota"), "{:?}", w.web());
    let mut w = lacking(&[asking("2"), asking("2")], QUOTA);
    quota(&mut w, "small");
    w.well(1, "bcdfg");
    assert!(w.web()[0].ends_with("-> DeleteResourceQuota"), "{:?}", w.web());
}

#[test]
fn limits_that_a_quota_wants_named_come_from_a_revision_that_named_them() {
    let said =
        "pods \"web-r2-x\" is forbidden: failed quota: small: must specify limits.cpu for: web; limits.memory for: web";
    let limits = |cpu: &str| spec(json!({"resources": {"limits": {"cpu": cpu, "memory": "64Mi"}}}));
    let mut w = lacking(&[limits("1"), spec(json!({}))], said);
    quota(&mut w, "small");
    w.well(1, "bcdfg");
    assert!(w.web()[0].ends_with("-> SetResources(web 1+64Mi), RolloutUndo(1)"), "{:?}", w.web());
    let half = spec(json!({"resources": {"limits": {"memory": "64Mi"}}}));
    let mut w = lacking(&[half, spec(json!({}))], said);
    quota(&mut w, "small");
    w.well(1, "bcdfg");
    assert!(!w.web()[0].contains("->"), "that revision would be refused too: {:?}", w.web());
}

#[test]
fn a_quota_is_left_alone_by_who_needs_many_times_what_it_allows() {
    let wants = |desired: i32, pods: &str, used: &str| {
        let mut w = lacking(&[spec(json!({}))], QUOTA);
        let status = json!({"hard": {"pods": pods}, "used": {"pods": used}});
        w.put(Kind::ResourceQuota, json!({"metadata": {"name": "small"}, "status": status}));
        refuse(&mut w, &[spec(json!({}))], json!({}));
        w.replica_set(
            1,
            &spec(json!({})),
            json!({"spec": {"replicas": desired}, "status": {"replicas": 2, "conditions": [
            {"type": "ReplicaFailure", "status": "True", "message": QUOTA, "lastTransitionTime": at(100)}]}}),
        );
        w.web()
    };
    assert!(!wants(100_000, "4", "4")[0].contains("->"));
    assert!(!wants(40, "4", "4")[0].contains("->"));
    assert!(wants(39, "4", "4")[0].ends_with("-> DeleteResourceQuota"));
    assert!(wants(40, "4", "40")[0].ends_with("-> DeleteResourceQuota"), "the quota came after what it refuses");
    let cpu = spec(json!({"resources": {"requests": {"cpu": "8"}}}));
    let mut w = lacking(std::slice::from_ref(&cpu), QUOTA);
    let status = json!({"hard": {"requests.cpu": "2", "pods": "9"}, "used": {"requests.cpu": "0", "pods": "0"}});
    w.put(Kind::ResourceQuota, json!({"metadata": {"name": "small"}, "status": status}));
    assert!(!w.web()[0].contains("->"), "three pods of 8 where 2 are allowed: {:?}", w.web());
}

#[test]
fn a_revision_that_is_not_admitted_goes_back_to_the_one_that_was() {
    let message = "pods \"web-r2-x\" is forbidden: violates PodSecurity \"restricted:latest\": privileged";
    let mut w = lacking(&[spec(json!({})), spec(json!({"image": "shop/web:2"}))], message);
    w.well(1, "bcdfg");
    assert!(w.web()[0].ends_with("-> RolloutUndo(1)"), "{:?}", w.web());
}

#[test]
fn stateful_sets_daemon_sets_and_jobs_are_refused_by_events_alone() {
    let template = json!({"spec": spec(json!({}))});
    for (kind, object, message) in [
        (
            Kind::StatefulSet,
            json!({"spec": {"replicas": 2, "template": template}, "status": {"replicas": 0}}),
            "create Pod x-0 in StatefulSet x failed error: pods \"x-0\" is forbidden: exceeded quota: small, requested: pods=1",
        ),
        (
            Kind::DaemonSet,
            json!({"spec": {"template": template}, "status": {"desiredNumberScheduled": 1}}),
            "Error creating: pods \"x-bcdfg\" is forbidden: exceeded quota: small, requested: pods=1",
        ),
        (
            Kind::Job,
            json!({"spec": {"template": template}, "status": {}}),
            "Error creating: pods \"x-bcdfg\" is forbidden: exceeded quota: small, requested: pods=1",
        ),
    ] {
        let mut w = World::new();
        quota(&mut w, "small");
        let mut object = object;
        merge(&mut object, json!({"metadata": {"name": "x"}}));
        w.put(kind, object).event(&format!("{kind}-x"), "FailedCreate", message, 590);
        let found = w.findings(kind, "x");
        assert!(found.len() == 1 && found[0].starts_with("QuotaExceeded "), "{kind}: {found:?}");
    }
}

#[test]
fn a_cron_jobs_refused_job_is_the_cron_jobs_finding() {
    let mut w = World::new();
    quota(&mut w, "small");
    w.put(Kind::CronJob, json!({"metadata": {"name": "nightly"}}));
    w.put(Kind::Job, json!({"metadata": {"name": "nightly-1", "ownerReferences": [owner(Kind::CronJob, "nightly")]}}));
    w.event("Job-nightly-1", "FailedCreate", &format!("Error creating: {QUOTA}"), 590);
    assert_eq!(w.findings(Kind::CronJob, "nightly").len(), 1);
}

/// What is proposed where a quota demands amounts that the one container does not name.
fn first(resources: Value, said: &str) -> Option<Value> {
    let mut w = lacking(&[spec(json!({"resources": resources}))], said);
    let amounts = |cpu: &str, memory: &str| json!({"limits.cpu": cpu, "limits.memory": memory});
    let status = json!({"hard": amounts("5", "4Gi"), "used": amounts("1", "1Gi")});
    w.put(Kind::ResourceQuota, json!({"metadata": {"name": "small"}, "status": status}));
    let candidate = w.examine(Kind::Deployment, "web").findings.swap_remove(0).candidates.into_iter().next()?;
    serde_json::to_value(&candidate.action).unwrap().pointer("/setResources/resources").cloned()
}

#[test]
fn what_a_quota_wants_named_and_no_revision_named_is_named_in_small() {
    let said = "pods \"web-r1-x\" is forbidden: failed quota: small: must specify limits.cpu for: web";
    let both =
        "pods \"web-r1-x\" is forbidden: failed quota: small: must specify limits.cpu for: web; limits.memory for: web";
    let named = |limits: Value| Some(json!({"value": {"limits": limits}, "origin": {"currentValue": {}}}));
    let asking = json!({"requests": {"cpu": "20m", "memory": "10Mi"}});
    assert_eq!(first(asking.clone(), said), named(json!({"cpu": "40m"})));
    assert_eq!(first(asking, both), named(json!({"cpu": "40m", "memory": "20Mi"})));
    assert_eq!(first(json!({}), said), named(json!({"cpu": "333m"})), "a quarter of 4 CPUs, for each of three pods");
    assert_eq!(first(json!({"limits": {"cpu": "1"}}), both), named(json!({"memory": "256Mi"})), "a quarter of 3 Gi");
}
