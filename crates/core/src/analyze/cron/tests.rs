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

#[test]
fn what_is_not_missed_yet_is_looked_at_again_when_it_would_be() {
    let mut w = World::new();
    assert_eq!(cron(&mut w, json!({"status": {"lastScheduleTime": at(480)}})), [""; 0]);
    let again = w.examine(Kind::CronJob, "sum").recheck.unwrap().to_string();
    assert_eq!(again, at(960 + 120), "two minutes after the fourth run that is due");
    w.now = again.parse().unwrap();
    assert_eq!(w.findings(Kind::CronJob, "sum").len(), 1);
    let mut w = World::new();
    w.now = at(590).parse().unwrap();
    assert_eq!(cron(&mut w, json!({"status": {"lastScheduleTime": at(0)}})), [""; 0]);
    assert_eq!(w.examine(Kind::CronJob, "sum").recheck.unwrap().to_string(), at(600), "the fourth was due at 480");
}

#[test]
fn a_cron_job_that_was_just_resumed_has_missed_nothing() {
    let week_ago = "2025-12-25T00:00:00Z";
    let wrote = |subresource: &str, at: &str| {
        json!({"metadata": {"creationTimestamp": week_ago, "managedFields": [
                {"manager": "kubectl", "time": week_ago}, {"manager": "x", "subresource": subresource, "time": at}]},
            "spec": {"schedule": "0 0 * * *", "startingDeadlineSeconds": 5}, "status": {"lastScheduleTime": week_ago}})
    };
    assert_eq!(cron(&mut World::new(), wrote("", &at(500))), [""; 0]);
    assert_eq!(cron(&mut World::new(), wrote("status", &at(500))).len(), 1, "the controller's own word is no change");
    assert_eq!(cron(&mut World::new(), wrote("", "2025-12-26T12:00:00Z")).len(), 1, "six days ago");
}

#[test]
fn a_run_that_ended_well_long_ago_hides_no_missed_one() {
    let mut w = World::new();
    job(&mut w, 0, json!([{"type": "Complete", "status": "True", "lastTransitionTime": at(60)}]));
    let late = json!({"status": {"lastScheduleTime": at(0), "lastSuccessfulTime": at(60)}, "spec": {"startingDeadlineSeconds": 5}});
    assert_eq!(cron(&mut w, late).len(), 1);
}
