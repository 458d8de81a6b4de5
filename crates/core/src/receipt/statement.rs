//! in-toto Statements (v1) around a predicate.
//!
//! Owns the statement's bytes: there is exactly one text for a predicate. Must never read a
//! payload whose signature was not checked before. No IO.

use super::body::Predicate;
use super::digest::Digest;
use super::parts::Kind;
use super::writer;
use crate::names::Uid;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The statement's type.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The predicate's type.
pub const PREDICATE_TYPE: &str = "https://bailiwick.dev/receipt/v1";

#[derive(Serialize)]
struct Statement<'a> {
    _type: &'static str,
    predicate: &'a Predicate,
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    subject: [Subject<'a>; 1],
}

#[derive(Serialize)]
struct Subject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations<'a>>,
    digest: DigestSet,
    name: Cow<'a, str>,
}

#[derive(Serialize)]
struct Annotations<'a> {
    uid: &'a Uid,
}

#[derive(Serialize)]
struct DigestSet {
    sha256: Digest,
}

/// Only what cannot be derived; the comparison of bytes covers the rest.
#[derive(Deserialize)]
struct PredicateOnly {
    predicate: Predicate,
}

/// The statement is about the plan where there is one, else about the key that is introduced,
/// else about the Change as named.
fn subject(predicate: &Predicate) -> Result<Subject<'_>, serde_json::Error> {
    let named = predicate.change.as_ref();
    let (name, uid) = match (&predicate.target, named, &predicate.rotation) {
        (Some(target), _, _) => (target.to_string().into(), target.uid.as_ref()),
        (None, Some(change), _) => (format!("Change {}/{}", change.namespace, change.name).into(), Some(&change.uid)),
        (None, None, Some(key)) => (format!("key {}", key.id()).into(), None),
        (None, None, None) => (predicate.kind.as_str().into(), None),
    };
    let sha256 = match (&predicate.plan, &predicate.rotation, named) {
        (Some(plan), _, _) => plan.digest,
        (None, Some(key), _) => key.digest(),
        (None, None, Some(change)) => Digest::of(&serde_json::to_vec(change)?),
        (None, None, None) => Digest::of(predicate.kind.as_str().as_bytes()),
    };
    Ok(Subject { annotations: uid.map(|uid| Annotations { uid }), digest: DigestSet { sha256 }, name })
}

/// Writes the canonical bytes of the statement around this predicate.
///
/// # Errors
/// A field is declared out of order.
pub(super) fn encode(predicate: &Predicate, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let statement =
        Statement { _type: STATEMENT, predicate, predicate_type: PREDICATE_TYPE, subject: [subject(predicate)?] };
    writer::write(&statement, out)
}

/// Reads a statement; the bytes must be the ones [`encode`] writes for what they say.
///
/// # Errors
/// One sentence that says what is wrong with the bytes.
pub(super) fn decode(payload: &[u8]) -> Result<Predicate, String> {
    let PredicateOnly { predicate } = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
    check(&predicate)?;
    let mut canonical = Vec::with_capacity(payload.len());
    encode(&predicate, &mut canonical).map_err(|e| e.to_string())?;
    if canonical != payload {
        return Err("the statement is not written in canonical form".to_owned());
    }
    Ok(predicate)
}

/// Rules between fields.
///
/// # Errors
/// Names the broken rule.
pub(super) fn check(predicate: &Predicate) -> Result<(), &'static str> {
    match (predicate.kind, &predicate.rotation) {
        (Kind::KeyRotation, None) => Err("a key rotation names no key"),
        (Kind::KeyRotation, Some(_)) => Ok(()),
        (Kind::Change | Kind::Rollback | Kind::Approval | Kind::Refusal | Kind::LateRecovery, Some(_)) => {
            Err("only a key rotation may introduce a key")
        }
        (Kind::Change | Kind::Rollback | Kind::Approval | Kind::Refusal | Kind::LateRecovery, None) => Ok(()),
    }
}
