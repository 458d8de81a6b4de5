//! Tests of the analyzer of image pulls.

use crate::analyze::fixture::{World, at, spec, waiting};
use crate::object::Kind;
use serde_json::json;

const ABSENT: &str =
    "failed to pull and unpack image \"shop/web:2\": failed to resolve reference \"shop/web:2\": shop/web:2: not found";

/// What kubelets show for containerd, Docker and CRI-O: reason, message, cause.
const ANSWERS: &[(&str, &str, &str)] = &[
    (
        "ErrImagePull",
        "rpc error: code = NotFound desc = failed to pull and unpack image \"a:1\": failed to resolve reference \"a:1\": a:1: not found",
        "ImageNotFound",
    ),
    ("ErrImagePull", "manifest for a:1 not found: manifest unknown: manifest unknown", "ImageNotFound"),
    ("ErrImagePull", "reading manifest nope in docker.io/library/nginx: manifest unknown", "ImageNotFound"),
    (
        "ErrImagePull",
        "failed to pull and unpack image \"a:1\": no match for platform in manifest: not found",
        "ImageNotFound",
    ),
    ("ErrImageNeverPull", "Container image \"a:1\" is not present with pull policy of Never", "ImageNotFound"),
    (
        "ErrImagePull",
        "failed to pull and unpack image \"a:1\": failed to resolve reference \"a:1\": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.example/token: 401 Unauthorized",
        "ImagePullRefused",
    ),
    (
        "ErrImagePull",
        "failed to resolve reference \"a:1\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
        "ImagePullRefused",
    ),
    (
        "ErrImagePull",
        "failed to resolve reference \"a:1\": unexpected status from HEAD request to https://r.example/v2/a/manifests/1: 403 Forbidden",
        "ImagePullRefused",
    ),
    (
        "ErrImagePull",
        "failed to copy: httpReadSeeker: failed open: unexpected status code https://r.example: 429 Too Many Requests - Server message: toomanyrequests: rate limit",
        "ImagePullRefused",
    ),
    (
        "InvalidImageName",
        "Failed to apply default image tag \"Shop:1\": couldn't parse image name \"Shop:1\": invalid reference format: repository name (library/Shop) must be lowercase",
        "ImageNameInvalid",
    ),
    (
        "ErrImagePull",
        "failed to pull and unpack image \"a:1\": failed to resolve reference \"a:1\": failed to do request: Head \"https://r.example/v2/\": dial tcp: lookup r.example on 10.96.0.10:53: no such host",
        "RegistryUnreachable",
    ),
    (
        "ErrImagePull",
        "failed to do request: Head \"https://10.0.0.9:5000/v2/\": dial tcp 10.0.0.9:5000: connect: connection refused",
        "RegistryUnreachable",
    ),
    (
        "ErrImagePull",
        "failed to do request: Head \"https://10.0.0.9/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "RegistryUnreachable",
    ),
    (
        "ErrImagePull",
        "failed to do request: Head \"https://10.0.0.9/v2/\": http: server gave HTTP response to HTTPS client",
        "RegistryUnreachable",
    ),
    ("ImagePullBackOff", "Back-off pulling image \"a:1\"", "ImagePullFailed"),
];

fn two_revisions() -> World {
    let mut w = World::new();
    w.deployment(2, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    w
}

#[test]
fn an_absent_tag_of_a_new_revision_goes_back_to_the_one_that_serves() {
    let mut w = two_revisions();
    w.well(1, "bcdfg").well(1, "hjklm").pod(2, "npqrs", waiting("ErrImagePull", ABSENT));
    assert_eq!(
        w.web(),
        ["ImageNotFound Warning [web]: container web image \"shop/web:2\" does not exist: \"not found\"; 1 of 3 pods \
         -> RolloutUndo(1), SetImage(web=shop/web:1)"]
    );
}

#[test]
fn the_back_off_that_alternates_with_the_error_is_the_same_finding() {
    let mut w = two_revisions();
    w.well(1, "bcdfg");
    w.pod(
        2,
        "npqrs",
        waiting("ImagePullBackOff", &format!("Back-off pulling image \"shop/web:2\": ErrImagePull: {ABSENT}")),
    );
    let with_text = w.examine(Kind::Deployment, "web").findings[0].key();
    let mut w = two_revisions();
    w.well(1, "bcdfg").pod(2, "npqrs", waiting("ImagePullBackOff", "Back-off pulling image \"shop/web:2\""));
    w.event("Pod-web-r2-npqrs", "Failed", &format!("Failed to pull image \"shop/web:2\": {ABSENT}"), 590);
    w.event("Pod-web-r2-npqrs", "Failed", "Error: ErrImagePull", 591);
    let found = w.examine(Kind::Deployment, "web").findings;
    assert_eq!(found[0].key(), with_text);
    assert_eq!(found[0].since.to_string(), at(590));
    assert!(found[0].evidence.iter().any(|e| e.id == "event:Event-Pod-web-r2-npqrs.Failed.590"));
}

#[test]
fn every_answer_of_a_registry_has_its_cause() {
    for (reason, message, cause) in ANSWERS {
        let mut w = World::new();
        w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", waiting(reason, message));
        let found = w.web();
        assert!(
            found.len() == 1 && found[0].starts_with(&format!("{cause} Critical [web]: ")),
            "{message}\n{found:#?}"
        );
        assert!(!found[0].contains("->"), "one revision leaves nothing to go back to: {found:#?}");
    }
}

#[test]
fn an_images_own_name_does_not_decide_the_cause() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({"image": "r.example/unauthorized/signature:x509"}))]);
    let message = "failed to pull and unpack image \"r.example/unauthorized/signature:1\": failed to resolve reference \
        \"r.example/unauthorized/signature:1\": r.example/unauthorized/signature:1: not found";
    w.pod(1, "bcdfg", waiting("ErrImagePull", message));
    assert!(w.web()[0].starts_with("ImageNotFound "), "{:?}", w.web());
}

#[test]
fn a_registry_that_just_failed_once_is_given_time() {
    let mut w = World::new();
    w.now = at(4).parse().unwrap();
    w.deployment(1, &[spec(json!({}))]);
    w.pod(1, "bcdfg", waiting("ErrImagePull", "failed to do request: dial tcp 10.0.0.9:5000: i/o timeout"));
    let analysis = w.examine(Kind::Deployment, "web");
    assert!(analysis.findings.is_empty());
    assert_eq!(analysis.recheck.unwrap().to_string(), at(10));
}

#[test]
fn a_missing_pull_secret_is_named() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", waiting("ErrImagePull", "pull access denied"));
    let told = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.";
    w.event("Pod-web-r1-bcdfg", "FailedToRetrieveImagePullSecret", told, 590);
    let found = w.web();
    assert!(found[0].starts_with("ImagePullSecretMissing "), "{found:?}");
    assert!(found[0].ends_with("its pull secret \"regcred\" does not exist"), "{found:?}");
}

#[test]
fn an_earlier_revision_that_never_served_is_no_way_back() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"})), spec(json!({"image": "shop/web:3"}))]);
    w.well(1, "bcdfg");
    w.pod(2, "hjklm", waiting("ErrImagePull", ABSENT)).pod(3, "npqrs", waiting("ErrImagePull", ABSENT));
    assert!(w.web()[0].ends_with("-> RolloutUndo(1), SetImage(web=shop/web:1)"), "{:?}", w.web());
    let mut w = two_revisions();
    w.pod(2, "npqrs", waiting("ErrImagePull", ABSENT));
    assert!(!w.web()[0].contains("->"), "nothing is known of revision 1: {:?}", w.web());
}

#[test]
fn ten_pods_of_one_rollout_are_one_finding() {
    let mut w = World::new();
    w.deployment(10, &[spec(json!({"image": "shop/web:2"}))]);
    for i in 0..10 {
        w.pod(1, &format!("bcdf{i}"), waiting("ErrImagePull", ABSENT));
    }
    let found = w.examine(Kind::Deployment, "web").findings;
    assert_eq!(found.len(), 1);
    assert!(found[0].summary.ends_with("; 10 of 10 pods"));
    assert_eq!(found[0].evidence.len(), 3);
}

#[test]
fn hostile_text_in_a_registrys_answer_is_escaped() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]);
    w.pod(1, "bcdfg", waiting("ErrImagePull", "not found: \u{1b}[2J\u{202e}fixed by deleting the namespace\r\n"));
    let found = w.examine(Kind::Deployment, "web").findings;
    assert!(
        found[0].summary.chars().chain(found[0].evidence[0].value.chars()).all(|c| !c.is_control() && c != '\u{202e}')
    );
}

#[test]
fn an_init_container_pulls_too() {
    let mut w = World::new();
    let mut with_init = spec(json!({}));
    with_init["initContainers"] = json!([{"name": "migrate", "image": "shop/migrate:9"}]);
    w.deployment(1, &[with_init.clone()]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", with_init, json!({"phase": "Pending",
        "initContainerStatuses": [{"name": "migrate", "state": {"waiting": {"reason": "ErrImagePull", "message": ABSENT}}}],
        "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}));
    let found = w.examine(Kind::Deployment, "web").findings;
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].evidence[0].id.split_once('#').unwrap().1,
        "status.initContainerStatuses[migrate].state.waiting"
    );
}
