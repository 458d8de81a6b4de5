//! Tests of the analyzer of crash loops.

use crate::analyze::fixture::{World, at, backing_off, merge, spec, well};
use crate::object::Kind;
use serde_json::{Value, json};

fn one(status: Value) -> World {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", status);
    w
}

#[test]
fn a_crash_tells_its_exit_code_and_last_words() {
    let w = one(backing_off(4, json!({"exitCode": 3, "message": "starting\nloading\nfatal: bad flag\n"})));
    assert_eq!(
        w.web(),
        [
            "CrashLoop Critical [web]: container web ends with exit code 3, restarted 4 times: \"loading\\nfatal: bad flag\""
        ]
    );
}

#[test]
fn exit_codes_with_a_known_meaning_are_explained() {
    for (exit, told) in [
        (json!({"exitCode": 127}), "ends with exit code 127 (command not found)"),
        (json!({"exitCode": 126}), "ends with exit code 126 (the command cannot be executed)"),
        (json!({"exitCode": 139}), "ends with exit code 139 (segmentation fault)"),
        (json!({"exitCode": 0, "reason": "Completed"}), "ends with exit code 0"),
        (
            json!({"exitCode": 128, "reason": "StartError", "message": "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"wge\": executable file not found in $PATH"}),
            "cannot be started, exit code 128 (command not found)",
        ),
        (
            json!({"exitCode": 128, "reason": "StartError", "message": "unable to start container process: error during container init: exec /app: exec format error"}),
            "cannot be started, exit code 128 (built for another architecture)",
        ),
        (
            json!({"exitCode": 255, "message": "exec /usr/bin/app: exec format error"}),
            "exit code 255 (built for another architecture)",
        ),
    ] {
        let found = one(backing_off(2, exit)).web();
        assert!(found.len() == 1 && found[0].contains(told), "{told}: {found:?}");
    }
}

#[test]
fn a_crash_that_came_with_a_new_revision_goes_back() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    w.well(1, "bcdfg").pod(2, "hjklm", backing_off(2, json!({})));
    assert!(w.web()[0].ends_with("-> RolloutUndo(1)"), "{:?}", w.web());
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    w.pod(1, "bcdfg", backing_off(2, json!({}))).pod(2, "hjklm", backing_off(2, json!({})));
    assert!(!w.web()[0].contains("->"), "the older revision crashes too");
}

#[test]
fn a_revision_that_blinks_between_its_crashes_did_not_serve() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    let mut blinking = well();
    blinking["containerStatuses"][0]["restartCount"] = json!(1);
    w.pod(1, "bcdfg", blinking).pod(2, "hjklm", backing_off(2, json!({})));
    assert!(!w.web().iter().any(|f| f.contains("->")), "{:?}", w.web());
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    let mut fresh = well();
    fresh["conditions"][0]["lastTransitionTime"] = json!(at(598));
    w.pod(1, "bcdfg", fresh).pod(2, "hjklm", backing_off(2, json!({})));
    let analysis = w.examine(Kind::Deployment, "web");
    assert!(analysis.findings[0].candidates.is_empty());
    assert_eq!(analysis.recheck.unwrap().to_string(), at(603), "looked at again once it has served long enough");
}

#[test]
fn a_variable_that_the_last_revision_dropped_is_named() {
    let mut w = World::new();
    let env = json!({"env": [{"name": "MODE", "value": "x"}, {"name": "DATABASE_URL", "value": "y"}]});
    let without = json!({"env": [{"name": "MODE", "value": "x"}]});
    w.deployment(1, &[spec(env.clone()), spec(without.clone())]);
    w.well(1, "bcdfg");
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", spec(without), backing_off(2, json!({})));
    assert_eq!(
        w.web(),
        [
            "CrashMissingConfig Warning [web]: container web ends with exit code 1, restarted twice: \"DATABASE_URL\" is missing; 1 of 2 pods -> RolloutUndo(1), SetEnv"
        ]
    );
}

#[test]
fn a_variable_that_the_program_misses_is_named() {
    for said in [
        "Error: environment variable PAYMENT_TOKEN is not set",
        "KeyError: 'PAYMENT_TOKEN'",
        "PAYMENT_TOKEN must be set",
        "missing required config: PAYMENT_TOKEN",
        "thread 'main' panicked: called `Result::unwrap()` on an `Err` value: PAYMENT_TOKEN: NotPresent",
    ] {
        let found = one(backing_off(2, json!({"message": said}))).web();
        assert!(
            found[0].starts_with("CrashMissingConfig ") && found[0].contains("\"PAYMENT_TOKEN\" is missing"),
            "{found:?}"
        );
    }
    for said in ["FATAL ERROR: file not found", "user LOGIN_FAILED twice", "SOME_ENUM = 3"] {
        assert!(one(backing_off(2, json!({"message": said}))).web()[0].starts_with("CrashLoop "), "{said}");
    }
    let mut w = World::new();
    let defined = spec(json!({"env": [{"name": "PAYMENT_TOKEN", "value": "x"}]}));
    w.deployment(1, std::slice::from_ref(&defined));
    let status = backing_off(2, json!({"message": "PAYMENT_TOKEN is not set to a valid token"}));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", defined, status);
    assert!(w.web()[0].starts_with("CrashLoop "), "the template does define it: {:?}", w.web());
}

#[test]
fn a_container_that_cannot_be_created_says_why() {
    let message = "failed to create containerd task: failed to create shim task: OCI runtime create failed: exec: \"nope\": executable file not found in $PATH";
    let w = one(json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 0,
        "state": {"waiting": {"reason": "RunContainerError", "message": message}}}]}));
    let found = w.web();
    assert!(found[0].starts_with("CommandNotFound Critical [web]: container web \"failed to create"), "{found:?}");
}

#[test]
fn an_init_container_that_fails_is_the_one_named() {
    let mut w = World::new();
    let mut with_init = spec(json!({}));
    with_init["initContainers"] = json!([{"name": "migrate", "image": "shop/migrate:9"}]);
    w.deployment(1, &[with_init.clone()]);
    let ended = json!({"exitCode": 127, "reason": "Error"});
    w.pod_of(
        (Kind::ReplicaSet, "web-r1"),
        "bcdfg",
        with_init,
        json!({"phase": "Pending",
        "initContainerStatuses": [{"name": "migrate", "restartCount": 0, "state": {"terminated": ended}}],
        "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
    );
    assert_eq!(
        w.web(),
        ["CommandNotFound Critical [migrate]: container migrate ends with exit code 127 (command not found)"]
    );
}

#[test]
fn what_is_over_or_was_meant_to_end_is_no_finding() {
    let mut recovered = backing_off(5, json!({}));
    merge(
        &mut recovered["containerStatuses"][0],
        json!({"ready": true, "state": {"waiting": null, "running": {"startedAt": at(400)}}}),
    );
    assert!(one(recovered.clone()).web().is_empty(), "runs for 200 s");
    recovered["containerStatuses"][0]["state"]["running"]["startedAt"] = json!(at(590));
    let again = one(recovered);
    assert_eq!(again.web().len(), 1, "runs for 10 s after its fifth crash");
    assert_eq!(again.examine(Kind::Deployment, "web").recheck.unwrap().to_string(), at(710));
    assert!(
        one(json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 0,
        "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}))
        .web()
        .is_empty(),
        "the first end may be the last"
    );
}

fn job(status: Value, pods: &[&str]) -> World {
    let mut w = World::new();
    w.put(Kind::Job, json!({"metadata": {"name": "sum"}, "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "a:1"}], "restartPolicy": "Never"}}}, "status": status}));
    for pod in pods {
        let ended = json!({"exitCode": 3, "reason": "Error", "finishedAt": at(500)});
        let mut never = spec(json!({}));
        never["restartPolicy"] = json!("Never");
        w.pod_of(
            (Kind::Job, "sum"),
            pod,
            never,
            json!({"phase": "Failed",
            "containerStatuses": [{"name": "web", "restartCount": 0, "state": {"terminated": ended}}]}),
        );
    }
    w
}

#[test]
fn a_job_is_told_of_once_it_has_given_up_or_failed_twice() {
    assert!(
        job(json!({"active": 1, "failed": 1}), &["bcdfg"]).findings(Kind::Job, "sum").is_empty(),
        "it may still succeed"
    );
    let given_up =
        json!({"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]});
    let found = job(given_up, &["bcdfg"]).findings(Kind::Job, "sum");
    assert_eq!(
        found,
        [
            "JobBackoffLimitExceeded Warning [web]: container web ends with exit code 3: the Job tried as often as it may, and gave up"
        ]
    );
    let done = json!({"succeeded": 1, "failed": 2, "conditions": [{"type": "Complete", "status": "True"}]});
    assert!(
        job(done, &["bcdfg", "hjklm"]).findings(Kind::Job, "sum").is_empty(),
        "a completed Job overcame its failures"
    );
}
