//! Tests of Jobs that gave up.

use crate::analyze::fixture::{World, at, merge, owner, spec};
use crate::object::Kind;
use serde_json::{Value, json};

fn job(w: &mut World, reason: &str) {
    w.put(Kind::Job, json!({"metadata": {"name": "sum"}, "spec": {"completions": 1}, "status": {"failed": 4, "conditions": [
        {"type": "FailureTarget", "status": "True", "reason": reason},
        {"type": "Failed", "status": "True", "reason": reason, "message": "Job has reached its end", "lastTransitionTime": at(500)}]}}));
}

fn failed(w: &mut World, exit: i32) {
    let mut never = spec(json!({}));
    never["restartPolicy"] = json!("Never");
    let status = json!({"phase": "Failed", "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": {"terminated": {"exitCode": exit, "reason": "Error", "message": "no input", "finishedAt": at(490)}}}]});
    w.pod_of((Kind::Job, "sum"), "bcdfg", never, status);
}

#[test]
fn a_job_that_tried_as_often_as_it_may_says_how_its_pods_ended() {
    let mut w = World::new();
    job(&mut w, "BackoffLimitExceeded");
    assert_eq!(
        w.findings(Kind::Job, "sum"),
        ["JobBackoffLimitExceeded Warning: gave up after 4 pods failed, none of which is left to tell why"]
    );
    failed(&mut w, 3);
    assert_eq!(
        w.findings(Kind::Job, "sum"),
        [
            "JobBackoffLimitExceeded Warning [web]: container web ends with exit code 3: the Job tried as often as it may, and gave up: \"no input\""
        ]
    );
}

#[test]
fn other_ends_are_told_as_the_job_tells_them() {
    for (reason, wanted) in [
        ("DeadlineExceeded", "JobDeadlineExceeded Warning: was ended at its deadline: it took too long"),
        ("PodFailurePolicy", "JobFailed Warning: failed (PodFailurePolicy): \"Job has reached its end\""),
    ] {
        let mut w = World::new();
        job(&mut w, reason);
        assert_eq!(w.findings(Kind::Job, "sum"), [wanted]);
    }
}

#[test]
fn only_the_newest_job_of_a_cron_job_counts() {
    let mut w = World::new();
    w.put(
        Kind::CronJob,
        json!({"metadata": {"name": "sums"}, "spec": {"schedule": "0 0 1 1 *"}, "status": {"lastScheduleTime": at(0)}}),
    );
    let of = |name: &str, created: i64, condition: &str| {
        json!({"metadata": {"name": name, "creationTimestamp": at(created), "ownerReferences": [owner(Kind::CronJob, "sums")]},
            "status": {"failed": 1, "conditions": [{"type": condition, "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": at(created)}]}})
    };
    w.put(Kind::Job, of("sums-1", 100, "Failed"));
    assert_eq!(
        w.findings(Kind::CronJob, "sums"),
        [
            "JobBackoffLimitExceeded Warning: Job \"sums-1\" gave up after one pod failed, none of which is left to tell why"
        ]
    );
    w.put(Kind::Job, of("sums-2", 200, "Complete"));
    assert_eq!(w.findings(Kind::CronJob, "sums"), [""; 0]);
}

fn sums(more: Value) -> World {
    let mut w = World::new();
    let mut cron =
        json!({"metadata": {"name": "sums"}, "spec": {"schedule": "0 0 1 1 *"}, "status": {"lastScheduleTime": at(0)}});
    merge(&mut cron, more);
    w.put(Kind::CronJob, cron);
    w.put(Kind::Job, json!({"metadata": {"name": "sums-1", "creationTimestamp": at(100), "ownerReferences": [owner(Kind::CronJob, "sums")]},
        "status": {"failed": 3, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": at(200)}]}}));
    w
}

fn failed_pod(w: &mut World, of: &str) {
    let mut never = spec(json!({}));
    never["restartPolicy"] = json!("Never");
    let status = json!({"phase": "Failed", "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": at(190)}}}]});
    w.pod_of((Kind::Job, of), "bcdfg", never, status);
}

#[test]
fn a_cron_job_that_succeeded_since_keeps_a_failed_job_as_history() {
    let mut w = sums(json!({"status": {"lastSuccessfulTime": at(150)}}));
    assert_eq!(w.findings(Kind::CronJob, "sums").len(), 1, "it failed after that");
    failed_pod(&mut w, "sums-1");
    assert!(w.findings(Kind::CronJob, "sums")[0].starts_with("JobBackoffLimitExceeded Warning [web]"));
    let mut w = sums(json!({"status": {"lastSuccessfulTime": at(300)}}));
    assert_eq!(w.findings(Kind::CronJob, "sums"), [""; 0], "of what succeeds no Job is kept");
    failed_pod(&mut w, "sums-1");
    assert_eq!(w.findings(Kind::CronJob, "sums"), [""; 0]);
}

#[test]
fn an_old_jobs_end_says_nothing_of_the_one_that_runs() {
    let mut w = sums(json!({}));
    w.put(Kind::Job, json!({"metadata": {"name": "sums-2", "creationTimestamp": at(300), "ownerReferences": [owner(Kind::CronJob, "sums")]},
        "spec": {"completions": 1}, "status": {"failed": 1, "active": 1}}));
    failed_pod(&mut w, "sums-2");
    assert_eq!(w.findings(Kind::CronJob, "sums"), [""; 0], "its next pod may do it");
}
