//! Tests of certificates.

use crate::analyze::fixture::{World, at};
use crate::object::Kind;
use serde_json::{Value, json};

fn certificate(w: &mut World, until: &str, conditions: Value) -> Vec<String> {
    w.put(Kind::Certificate, json!({"metadata": {"name": "shop"}, "spec": {"secretName": "shop-tls", "issuerRef": {"kind": "ClusterIssuer", "name": "acme"}},
        "status": {"notAfter": until, "conditions": conditions}}));
    w.findings(Kind::Certificate, "shop")
}

#[test]
fn a_certificate_out_of_date_or_about_to_be_is_told() {
    let mut w = World::new();
    let of = "the certificate for Secret \"shop-tls\" by \"ClusterIssuer acme\"";
    assert_eq!(
        certificate(&mut w, "2025-12-24T00:00:00Z", json!([])),
        [format!("CertificateExpired Critical: {of} expired at 2025-12-24T00:00:00Z and was not renewed")]
    );
    assert_eq!(
        certificate(&mut w, "2026-01-03T00:00:00Z", json!([])),
        [format!("CertificateExpired Warning: {of} expires at 2026-01-03T00:00:00Z and was not renewed")]
    );
    assert_eq!(certificate(&mut w, "2026-02-01T00:00:00Z", json!([{"type": "Ready", "status": "True"}])), [""; 0]);
    assert_eq!(
        w.examine(Kind::Certificate, "shop").recheck.unwrap().to_string(),
        "2026-01-29T00:00:00Z",
        "looked at again when it gets late"
    );
}

#[test]
fn a_certificate_is_late_when_its_own_time_to_be_renewed_is_past() {
    let mut w = World::new();
    let mut until = |until: &str, renewal: &str| {
        w.put(
            Kind::Certificate,
            json!({"metadata": {"name": "shop"}, "spec": {"secretName": "shop-tls", "issuerRef": {"name": "own"}},
            "status": {"notAfter": until, "renewalTime": renewal}}),
        );
        (w.findings(Kind::Certificate, "shop"), w.examine(Kind::Certificate, "shop").recheck.map(|at| at.to_string()))
    };
    let (found, again) = until("2026-01-02T12:00:00Z", "2026-01-01T20:00:00Z");
    assert_eq!(found, [""; 0], "one of two days has a day and a half left");
    assert_eq!(again.as_deref(), Some("2026-01-01T21:00:00Z"), "an hour later it should be there");
    assert_eq!(until("2026-03-01T00:00:00Z", "2025-12-31T23:30:00Z").0, [""; 0], "it is just being issued");
    assert_eq!(
        until("2026-01-30T00:00:00Z", "2025-12-31T22:00:00Z").0,
        [
            "CertificateExpired Warning: the certificate for Secret \"shop-tls\" by \"Issuer own\" expires at 2026-01-30T00:00:00Z and was not renewed at 2025-12-31T22:00:00Z"
        ]
    );
}

#[test]
fn a_certificate_that_is_not_issued_says_why_after_a_while() {
    let mut w = World::new();
    let not_ready = |since: &str| json!([{"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "Issuing certificate as Secret does not exist", "lastTransitionTime": since}]);
    assert_eq!(
        certificate(&mut w, "", not_ready("2025-12-31T23:00:00Z")),
        [
            "CertificateNotReady Warning: the certificate for Secret \"shop-tls\" by \"ClusterIssuer acme\" is not ready: \"Issuing certificate as Secret does not exist\""
        ]
    );
    assert_eq!(certificate(&mut w, "", not_ready(&at(300))), [""; 0]);
}
