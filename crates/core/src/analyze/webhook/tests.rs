//! Tests of admission webhooks.

use crate::analyze::fixture::{World, at, merge, spec, waiting};
use crate::object::Kind;
use serde_json::{Value, json};

const BUNDLE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BTUNBUUE9Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";

fn hook(name: &str, more: Value) -> Value {
    let mut hook = json!({"name": name, "failurePolicy": "Fail", "clientConfig": {"caBundle": BUNDLE, "service": {"namespace": "shop", "name": "checks"}},
        "rules": [{"apiGroups": [""], "operations": ["CREATE"], "resources": ["pods"]}]});
    merge(&mut hook, more);
    hook
}

fn config(w: &mut World, kind: Kind, name: &str, hooks: &[Value]) -> Vec<String> {
    w.put(kind, json!({"metadata": {"name": name}, "webhooks": hooks}));
    w.findings(kind, name)
}

const VALIDATING: Kind = Kind::ValidatingWebhookConfiguration;
const MUTATING: Kind = Kind::MutatingWebhookConfiguration;

fn served(w: &mut World) {
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "checks"}, "spec": {"selector": {"app": "checks"}, "ports": [{"port": 443}]}}),
    );
    w.put(Kind::EndpointSlice, json!({"metadata": {"name": "checks-1", "labels": {"kubernetes.io/service-name": "checks"}}, "endpoints": [{"conditions": {"ready": true}}]}));
}

#[test]
fn a_webhook_whose_service_is_gone_refuses_or_is_passed_by() {
    let mut w = World::new();
    let gone = "webhook \"a.example.com\" has no backend, Service \"shop/checks\" does not exist";
    assert_eq!(
        config(&mut w, VALIDATING, "checks", &[hook("a.example.com", json!({}))]),
        [format!("WebhookBackendMissing Critical: {gone}: requests that it is asked about are refused")]
    );
    let ignored = hook("a.example.com", json!({"failurePolicy": "Ignore"}));
    assert_eq!(
        config(&mut w, MUTATING, "checks", &[ignored]),
        [format!("WebhookBackendMissing Warning: {gone}: requests pass without it")]
    );
    w.index.set_only("other");
    assert_eq!(w.findings(VALIDATING, "checks"), [""; 0], "its namespace is not read");
}

#[test]
fn a_webhook_without_endpoints_is_told_unless_its_pods_tell_why() {
    let mut w = World::new();
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "checks"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 443}]}}),
    );
    w.deployment(0, &[spec(json!({}))]);
    let found = config(&mut w, VALIDATING, "checks", &[hook("a.example.com", json!({}))]);
    assert_eq!(
        found,
        [
            "WebhookBackendMissing Critical: webhook \"a.example.com\" has no backend, Service \"shop/checks\" has no ready endpoint, its workload is scaled to zero: requests that it is asked about are refused"
        ]
    );
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", waiting("ErrImagePull", "x: not found"));
    assert_eq!(w.findings(VALIDATING, "checks"), [""; 0]);
    let mut well = World::new();
    served(&mut well);
    assert_eq!(config(&mut well, VALIDATING, "checks", &[hook("a.example.com", json!({}))]), [""; 0]);
}

#[test]
fn a_bundle_that_nothing_can_be_checked_against_is_told() {
    let mut w = World::new();
    served(&mut w);
    for (bundle, what) in
        [(json!(null), "it has no CA bundle"), (json!("aGVsbG8="), "its CA bundle holds no certificate")]
    {
        let found = config(
            &mut w,
            VALIDATING,
            "checks",
            &[hook("a.example.com", json!({"clientConfig": {"caBundle": bundle}}))],
        );
        assert_eq!(
            found,
            [format!(
                "WebhookBundleInvalid Critical: webhook \"a.example.com\" cannot be trusted, {what}: requests that it is asked about are refused"
            )]
        );
    }
    let by_url =
        json!({"name": "u.example.com", "failurePolicy": "Fail", "clientConfig": {"url": "https://x.example.com"}});
    assert_eq!(config(&mut w, VALIDATING, "checks", &[by_url]), [""; 0], "a public server has a public authority");
    w.put(VALIDATING, json!({"metadata": {"name": "young", "creationTimestamp": at(520)}, "webhooks": [hook("y.example.com", json!({"clientConfig": {"caBundle": ""}}))]}));
    assert_eq!(w.findings(VALIDATING, "young"), [""; 0], "some write their own bundle first");
}

#[test]
fn timeouts_that_add_up_are_told_once() {
    let mut w = World::new();
    served(&mut w);
    for (name, seconds) in [("one", 20), ("two", 15)] {
        config(&mut w, MUTATING, name, &[hook("a.example.com", json!({"timeoutSeconds": seconds}))]);
    }
    assert_eq!(w.findings(MUTATING, "two"), [""; 0]);
    assert_eq!(
        w.findings(MUTATING, "one"),
        [
            "WebhookTimeouts Info: webhooks asked about every new pod may take 35 s together, and a request has 30 s: \"one\" 20 s, \"two\" 15 s"
        ]
    );
    let mut side_by_side = World::new();
    served(&mut side_by_side);
    for name in ["one", "two", "three", "four"] {
        config(&mut side_by_side, VALIDATING, name, &[hook("a.example.com", json!({}))]);
    }
    assert_eq!(side_by_side.findings(VALIDATING, "four"), [""; 0], "validating webhooks are asked side by side");
    config(
        &mut side_by_side,
        VALIDATING,
        "four",
        &[hook("a.example.com", json!({"failurePolicy": "Ignore", "clientConfig": {"service": {"name": "gone"}}}))],
    );
    let found = side_by_side.findings(VALIDATING, "four");
    assert!(
        found
            .iter()
            .any(|f| f.starts_with("WebhookTimeouts Warning") && f.ends_with("one of them does not answer in time")),
        "{found:?}"
    );
}

#[test]
fn pods_that_a_silent_webhook_refuses_leave_the_finding_to_it() {
    let mut w = World::new();
    config(&mut w, VALIDATING, "checks", &[hook("a.example.com", json!({}))]);
    w.deployment(2, &[spec(json!({}))]).replica_set(
        1,
        &spec(json!({})),
        json!({"spec": {"replicas": 2}, "status": {"replicas": 0}}),
    );
    let refusal = "Error creating: Internal error occurred: failed calling webhook \"a.example.com\": failed to call webhook: Post \"https://checks.shop.svc:443/\": service \"checks\" not found";
    w.event("ReplicaSet-web-r1", "FailedCreate", refusal, 590);
    w.put(Kind::Deployment, json!({"metadata": {"name": "web"}, "spec": {"replicas": 2}, "status": {"conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastTransitionTime": at(500)}]}}));
    assert_eq!(w.web(), [""; 0], "nor is the deadline a finding of its own");
    w.event("ReplicaSet-web-r1", "FailedCreate", &refusal.replace("a.example", "b.example"), 595);
    assert!(w.web()[0].starts_with("AdmissionRefused"), "of a webhook that nothing is known of");
}

#[test]
fn pods_that_just_start_give_a_webhook_until_they_should_serve() {
    let mut w = World::new();
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "checks"}, "spec": {"selector": {"app": "checks"}, "ports": [{"port": 443}]}}),
    );
    w.put(Kind::Pod, json!({"metadata": {"name": "checks", "creationTimestamp": at(570), "labels": {"app": "checks"}}, "spec": spec(json!({})),
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}}));
    assert_eq!(config(&mut w, VALIDATING, "checks", &[hook("a.example.com", json!({}))]), [""; 0]);
    let again = w.examine(VALIDATING, "checks").recheck.unwrap();
    assert_eq!(again.to_string(), at(630));
    w.now = again;
    assert_eq!(w.findings(VALIDATING, "checks").len(), 1);
}

#[test]
fn a_service_that_is_a_name_elsewhere_needs_no_endpoints() {
    let mut w = World::new();
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "checks"}, "spec": {"type": "ExternalName", "externalName": "checks.example.com"}}),
    );
    assert_eq!(config(&mut w, VALIDATING, "checks", &[hook("a.example.com", json!({}))]), [""; 0]);
}
