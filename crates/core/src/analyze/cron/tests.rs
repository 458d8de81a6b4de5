//! Tests of CronJobs that do not run.

use crate::analyze::fixture::{World, at, merge, owner};
use crate::object::Kind;
use serde_json::{Value, json};

fn cron(w: &mut World, more: Value) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "sum"}, "spec": {"schedule": "*/2 * * * *", "concurrencyPolicy": "Forbid"}, "status": {"lastScheduleTime": at(480)}});
    merge(&mut object, more);
    w.put(Kind::CronJob, object);
    w.findings(Kind::CronJob, "sum")
}

fn job(w: &mut World, created: i64, conditions: Value) {
    w.put(Kind::Job, json!({"metadata": {"name": "sum-1", "creationTimestamp": at(created), "ownerReferences": [owner(Kind::CronJob, "sum")]},
        "status": {"active": 1, "conditions": conditions}}));
}

#[test]
fn a_run_that_does_not_end_blocks_the_next_ones() {
    let mut w = World::new();
    job(&mut w, 120, json!([]));
    let active = json!({"status": {"active": [{"name": "sum-1"}]}});
    assert_eq!(
        cron(&mut w, active.clone()),
        [
            "CronJobBlocked Warning: starts no run: Job \"sum-1\" has been running since 2026-01-01T00:02:00Z, more than 3 runs were due since, and its policy forbids two at once"
        ]
    );
    let mut allowed = active.clone();
    merge(&mut allowed, json!({"spec": {"concurrencyPolicy": "Allow"}}));
    assert_eq!(cron(&mut w, allowed), [""; 0]);
    job(&mut w, 420, json!([]));
    assert_eq!(cron(&mut w, active), [""; 0], "one that takes a little longer");
}

#[test]
fn a_schedule_that_cannot_be_never_runs() {
    let mut w = World::new();
    assert_eq!(
        cron(&mut w, json!({"spec": {"schedule": "0 0 31 2 *"}})),
        ["CronJobNeverRuns Warning: never runs: no day is as its schedule \"0 0 31 2 *\" says"]
    );
    w.event("CronJob-sum", "UnknownTimeZone", "invalid timeZone: \"Mars/Base\": unknown time zone Mars/Base", 590);
    let zone = cron(&mut w, json!({"spec": {"timeZone": "Mars/Base"}}));
    assert_eq!(
        zone,
        [
            "CronJobNeverRuns Warning: never runs: its schedule \"*/2 * * * * in Mars/Base\" cannot be read: \"invalid timeZone: 'Mars/Base': unknown time zone Mars/Base\""
        ]
    );
}

#[test]
fn runs_that_were_left_out_are_counted() {
    let mut w = World::new();
    assert_eq!(cron(&mut w, json!({})), [""; 0], "ran two minutes ago");
    let late = cron(&mut w, json!({"status": {"lastScheduleTime": at(0)}, "spec": {"startingDeadlineSeconds": 5}}));
    assert_eq!(
        late,
        [
            "CronJobNeverRuns Warning: has not run since 2026-01-01T00:00:00Z, though its schedule is \"*/2 * * * *\"; its starting deadline of 5 s is shorter than the controller's look every 10 s"
        ]
    );
    assert_eq!(cron(&mut w, json!({"spec": {"suspend": true}, "status": {"lastScheduleTime": null}})), [""; 0]);
    assert_eq!(
        cron(&mut w, json!({"spec": {"schedule": "CRON_TZ=X * * * * *"}})),
        [""; 0],
        "what cannot be read says nothing"
    );
}
