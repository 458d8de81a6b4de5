//! The bytes of statements: canonical, complete, and read back as written.
//!
//! Owns no code under test. No IO.

use super::fixture::{Rng, signer, time};
use crate::canonical;
use crate::names::{Namespace, ObjectName, Uid};
use crate::object::{Kind as ObjectKind, ObjectRef};
use crate::receipt::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

fn payload(entry: &Entry) -> Vec<u8> {
    STANDARD.decode(&entry.envelope.payload).unwrap()
}

proptest! {
    #[test]
    fn any_receipt_is_canonical_and_reads_back_as_written(seed: u64, sequence in 0..1_u64 << 53) {
        let body = Rng(seed).body();
        let entry = sign(&signer(1), body.clone(), sequence, Digest::of(b"before")).unwrap();
        let bytes = payload(&entry);
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(String::from_utf8(canonical::to_bytes(&value)), String::from_utf8(bytes.clone()));
        prop_assert_eq!(entry.hash, Digest::of(&bytes));
        let line = entry.envelope.to_line().unwrap();
        let envelope: Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(canonical::to_bytes(&envelope), line);
        let read = read(&entry.envelope, signer(1).public()).unwrap();
        prop_assert_eq!(read, Predicate::new(body, sequence, Digest::of(b"before")));
    }

    #[test]
    fn no_bytes_make_the_verifier_panic(bytes: Vec<u8>, lines: Vec<String>) {
        prop_assert!(super::fixture::verify(&bytes, None).is_err());
        prop_assert!(super::fixture::verify(lines.join("\n").as_bytes(), None).is_err());
    }
}

#[test]
fn a_checkpoint_is_canonical() {
    let checkpoint = Chain::genesis(signer(1).public().id()).checkpoint(Purpose::Head, time(0));
    let bytes = serde_json::to_vec(&checkpoint).unwrap();
    assert_eq!(bytes, canonical::canonical(&checkpoint).unwrap());
}

#[test]
fn a_statement_is_an_in_toto_statement_about_the_plan() {
    let mut body = ReceiptBody::new(Kind::Approval, time(0));
    let uid = Uid::parse("7f1c").unwrap();
    body.target = Some(ObjectRef::namespaced(
        ObjectKind::Deployment,
        Namespace::parse("incident").unwrap(),
        ObjectName::parse("web").unwrap(),
        Some(uid),
    ));
    body.plan = Some(Plan { digest: Digest::of(b"plan"), dry_run: true, patch: None });
    let entry = sign(&signer(1), body, 0, Digest::ZERO).unwrap();
    let value: Value = serde_json::from_slice(&payload(&entry)).unwrap();
    let digest = Digest::of(b"plan").to_string();
    assert_eq!(
        value,
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "Deployment incident/web", "digest": {"sha256": digest}, "annotations": {"uid": "7f1c"}}],
            "predicateType": "https://bailiwick.dev/receipt/v1",
            "predicate": {
                "sequence": 0, "previous": "0".repeat(64), "at": "2023-11-14T22:13:20Z", "kind": "Approval",
                "plan": {"digest": digest, "dryRun": true},
                "target": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "incident", "name": "web", "uid": "7f1c"},
            },
        })
    );
    assert_eq!(entry.envelope.payload_type, "application/vnd.in-toto+json");
}

#[test]
fn what_a_verifier_would_refuse_is_not_signed() {
    let mut rotation = ReceiptBody::new(Kind::KeyRotation, time(0));
    assert!(matches!(sign(&signer(1), rotation.clone(), 0, Digest::ZERO), Err(SignError::Rule(_))));
    rotation.kind = Kind::Change;
    rotation.rotation = Some(signer(2).public().clone());
    assert!(matches!(sign(&signer(1), rotation, 0, Digest::ZERO), Err(SignError::Rule(_))));
    let mut long = ReceiptBody::new(Kind::Refusal, time(0));
    long.outcome = Some("x".repeat(MAX_LINE));
    assert!(matches!(sign(&signer(1), long, 0, Digest::ZERO), Err(SignError::TooLarge(_))));
}

#[test]
fn the_longest_receipt_that_is_signed_is_read() {
    let mut body = ReceiptBody::new(Kind::Refusal, time(0));
    let room = (MAX_LINE - 256) / 4 * 3;
    let rest = payload(&sign(&signer(1), body.clone(), 0, Digest::ZERO).unwrap()).len() + r#""outcome":"","#.len();
    body.outcome = Some("x".repeat(room - rest));
    let entry = sign(&signer(1), body.clone(), 0, Digest::ZERO).unwrap();
    let line = entry.envelope.to_line().unwrap();
    assert!(line.len() <= MAX_LINE && line.len() > MAX_LINE - 300, "{}", line.len());
    body.outcome = Some("x".repeat(room - rest + 1));
    assert!(sign(&signer(1), body, 0, Digest::ZERO).is_err());
}
