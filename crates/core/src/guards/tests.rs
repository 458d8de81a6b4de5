//! Tables: past Changes and Incidents in, the guard that holds out.

mod doubts;

use super::*;
use crate::finding::Cause;
use crate::life::{Execution, Grant, Phase, Purpose, Transition};
use crate::names::{Namespace, ObjectName};
use crate::object::Kind;
use serde_json::json;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn object(kind: Kind, name: &str) -> ObjectRef {
    ObjectRef::namespaced(kind, Namespace::parse("shop").unwrap(), ObjectName::parse(name).unwrap(), None)
}

fn target(name: &str) -> ObjectRef {
    object(Kind::Deployment, name)
}

fn execution(second: i64, applied: bool) -> Execution {
    let grant = Grant {
        account: "bwk-a".into(),
        purpose: Purpose::Apply,
        granted_at: at(second),
        proved_at: None,
        proof: None,
        revoked_at: None,
    };
    Execution {
        key: "k".into(),
        purpose: Purpose::Apply,
        digest: String::new(),
        grant,
        started_at: Some(at(second)),
        applied_at: applied.then(|| at(second)),
        attempts: 1,
        resource_version: None,
        generation: None,
        outcome: applied.then(|| Reason::plain(Code::Written)),
    }
}

fn record(phase: Phase, second: i64, applied: bool) -> Record {
    Record {
        phase,
        executions: vec![execution(second, applied)],
        timeline: vec![Transition { phase, at: at(second), reason: None }],
        ..Record::default()
    }
}

fn written(phase: Phase, second: i64) -> Record {
    record(phase, second, true)
}

fn past<'a>(target: &'a ObjectRef, record: &'a Record) -> Past<'a> {
    Past { name: "other-1", target, incident: Some("other"), record }
}

fn limits() -> Limits {
    Limits { concurrent: 2, per_hour: 3, ..Limits::default() }
}

fn hold(name: &str, outcome: Outcome, records: &[(&ObjectRef, &Record)], now: i64) -> Option<Hold> {
    let past: Vec<Past<'_>> = records.iter().map(|(target, record)| past(target, record)).collect();
    let (target, record) = (target(name), Record::default());
    let asking = Asking { target: &target, record: &record, outcome, troubles: &[] };
    admit(&asking, &limits(), &past, at(now)).err()
}

fn code(name: &str, outcome: Outcome, records: &[(&ObjectRef, &Record)], now: i64) -> Option<Code> {
    hold(name, outcome, records, now).map(|(reason, wait)| {
        assert!(wait > SignedDuration::ZERO);
        reason.code
    })
}

const PRE: Outcome = Outcome::PreApproved;

#[test]
fn each_guard_holds_at_its_limit_and_not_before() {
    let (a, b, c) = (target("a"), target("b"), target("c"));
    let running = written(Phase::Verifying, 0);
    let done = written(Phase::Recovered, 0);
    assert_eq!(code("x", PRE, &[(&a, &running)], 10), None);
    assert_eq!(code("x", PRE, &[(&a, &running), (&b, &running)], 10), Some(Code::TooManyAtOnce));
    assert_eq!(code("a", Outcome::NeedsApproval, &[(&a, &running)], 10), Some(Code::TooManyAtOnce));
    assert_eq!(code("a", PRE, &[(&a, &done)], 1799), Some(Code::CoolingDown));
    assert_eq!(code("a", PRE, &[(&a, &done)], 1800), None);
    assert_eq!(code("a", Outcome::NeedsApproval, &[(&a, &done)], 1), None);
    assert_eq!(code("x", PRE, &[(&a, &done), (&b, &done), (&c, &done)], 3599), Some(Code::TooManyPerHour));
    assert_eq!(code("x", PRE, &[(&a, &done), (&b, &done), (&c, &done)], 3600), None);
    for phase in [Phase::RolledBack, Phase::Failed] {
        let failed = written(phase, 0);
        assert_eq!(code("x", PRE, &[(&a, &failed), (&b, &failed), (&c, &failed)], 1799), Some(Code::BreakerOpen));
        assert_eq!(code("x", PRE, &[(&a, &failed), (&b, &failed), (&c, &failed)], 1800), Some(Code::TooManyPerHour));
        assert_eq!(code("x", PRE, &[(&a, &failed), (&b, &failed)], 1799), None);
    }
}

#[test]
fn a_change_that_is_being_put_back_has_failed_already() {
    let (a, b, c) = (target("a"), target("b"), target("c"));
    let (back, failed) = (written(Phase::RollingBack, 0), written(Phase::Failed, 0));
    let held = code("x", PRE, &[(&a, &back), (&b, &failed), (&c, &failed)], 10);
    assert_eq!(held, Some(Code::BreakerOpen));
}

#[test]
fn what_is_under_way_counts_before_its_write_is_known() {
    let (a, b, c) = (target("a"), target("b"), target("c"));
    let (done, granting) = (written(Phase::Recovered, 0), record(Phase::Granting, 5, false));
    let held = code("x", PRE, &[(&a, &done), (&b, &done), (&c, &granting)], 10);
    assert_eq!(held, Some(Code::TooManyPerHour));
    let mut given_up = granting.clone();
    given_up.phase = Phase::Cancelled;
    given_up.executions[0].outcome = Some(Reason::plain(Code::TerritoryWithdrawn));
    assert_eq!(code("x", PRE, &[(&a, &done), (&b, &done), (&c, &given_up)], 10), None);
}

#[test]
fn the_wait_ends_with_the_oldest_that_is_too_many() {
    let (a, b, c) = (target("a"), target("b"), target("c"));
    let (first, second, third) =
        (written(Phase::Recovered, 0), written(Phase::Recovered, 100), written(Phase::Recovered, 200));
    let (reason, wait) = hold("x", PRE, &[(&a, &first), (&b, &second), (&c, &third)], 1000).unwrap();
    assert_eq!((reason.code, wait), (Code::TooManyPerHour, SignedDuration::from_secs(2600)));
    let (reason, wait) = hold("c", PRE, &[(&c, &third)], 1000).unwrap();
    assert_eq!((reason.code, wait), (Code::CoolingDown, SignedDuration::from_secs(1000)));
}

#[test]
fn the_more_wait_the_less_often_each_asks() {
    let (a, b) = (target("a"), target("b"));
    let (running, waiting) = (written(Phase::Verifying, 0), record(Phase::PreApproved, 0, false));
    let wait = |many: usize| {
        let mut all = vec![(&a, &running), (&b, &running)];
        all.extend(std::iter::repeat_n((&a, &waiting), many));
        hold("x", PRE, &all, 10).map(|(_, wait)| wait.as_secs())
    };
    assert_eq!([wait(0), wait(100), wait(5000)], [Some(2), Some(12), Some(22)]);
}

#[test]
fn a_pod_counts_as_its_workload() {
    let web = target("web");
    let done = written(Phase::Recovered, 0);
    let pod = object(Kind::Pod, "web-5d9-x");
    let deletion = |owner: serde_json::Value, hash: Option<&str>| {
        let labels = hash.map(|h| json!({"pod-template-hash": h})).unwrap_or_default();
        let before = json!({"metadata": {"labels": labels, "ownerReferences": [owner]}}).to_string();
        let plan = json!({
            "changeType": "DeletePod", "operation": "Delete", "target": &pod, "dryRun": "Server", "before": before,
            "fingerprint": "f", "baseline": {"available": 1, "desired": 1}, "undoable": false, "digest": "d",
        });
        Record { plan: Some(serde_json::from_value(plan).unwrap()), ..Record::default() }
    };
    let of = |kind: &str, name: &str| json!({"kind": kind, "name": name, "uid": "u", "controller": true});
    let held = |record: &Record| {
        let asking = Asking { target: &pod, record, outcome: PRE, troubles: &[] };
        admit(&asking, &limits(), &[past(&web, &done)], at(10)).err().map(|(reason, _)| reason)
    };
    let reason = held(&deletion(of("ReplicaSet", "web-5d9"), Some("5d9"))).unwrap();
    assert_eq!(reason.code, Code::CoolingDown);
    assert!(reason.message.starts_with("Deployment shop/web was changed 10 s ago"), "{reason}");
    assert_eq!(held(&deletion(of("ReplicaSet", "api-5d9"), Some("5d9"))), None);
    assert_eq!(held(&deletion(of("StatefulSet", "web"), None)), None);
    assert_eq!(held(&Record::default()), None);
    // So does an Incident of the workload, whoever asks for the pod.
    let of_web = deletion(of("ReplicaSet", "web-5d9"), Some("5d9"));
    assert!(is_about(&pod, &of_web, &web));
    assert!(!is_about(&pod, &of_web, &target("api")));
    assert!(is_about(&web, &Record::default(), &web));
}

#[test]
fn a_reason_tells_its_figures() {
    let (a, b, c) = (target("a"), target("b"), target("c"));
    let (running, failed) = (written(Phase::Verifying, 0), written(Phase::Failed, 0));
    let said = |held: Option<Hold>| held.map(|(reason, _)| reason.to_string()).unwrap_or_default();
    let table = [
        (
            said(hold("x", PRE, &[(&a, &running), (&b, &running)], 1)),
            "TooManyAtOnce: 2 changes are under way, 2 are allowed",
        ),
        (said(hold("a", PRE, &[(&a, &running)], 1)), "TooManyAtOnce: another change of Deployment shop/a is under way"),
        (
            said(hold("x", PRE, &[(&a, &failed), (&b, &failed), (&c, &failed)], 1)),
            "BreakerOpen: 3 changes failed within 1800 s, 3 open the breaker",
        ),
        (
            said(hold("a", PRE, &[(&a, &failed)], 7)),
            "CoolingDown: Deployment shop/a was changed 7 s ago; 1800 s must pass between changes",
        ),
    ];
    for (said, expected) in table {
        assert_eq!(said, expected);
    }
}

#[test]
fn one_more_than_allowed_is_a_storm_until_enough_are_old() {
    let limits = Limits { storm_incidents: 2, storm_window_seconds: 60, ..Limits::default() };
    let storm = |began: &[i64], now: i64| {
        let began: Vec<Timestamp> = began.iter().copied().map(at).collect();
        storm(Cause::ImageNotFound, &began, &limits, at(now))
    };
    assert_eq!(storm(&[0, 10], 10), None);
    let (reason, calm_in) = storm(&[20, 0, 10], 30).unwrap();
    assert_eq!(reason.to_string(), "Storm: more than 2 incidents of ImageNotFound began within 60 s");
    assert_eq!(calm_in, SignedDuration::from_secs(30));
    assert!(storm(&[0, 10, 20], 59).is_some());
    assert_eq!(storm(&[0, 10, 20], 60), None);
}

#[test]
fn a_storm_holds_what_no_person_approved() {
    let limits = Limits { storm_incidents: 2, ..limits() };
    let record = Record::default();
    let target = target("web");
    let troubles = [doubts::trouble(&[at(0), at(1), at(2)])];
    let held = |outcome| {
        let asking = Asking { target: &target, record: &record, outcome, troubles: &troubles };
        admit(&asking, &limits, &[], at(3)).err().map(|(reason, _)| reason.code)
    };
    assert_eq!(held(PRE), Some(Code::Storm));
    assert_eq!(held(Outcome::NeedsApproval), None);
}
