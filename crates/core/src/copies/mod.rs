//! Last-known-good copies: an object as it was while everything that uses it was well.
//!
//! Owns the copy's form, its seal and its bounds, what counts as well (in `good`), and the books of what
//! is kept (`shelf`) and of what was looked at (`looks`). Must never be
//! made of a Secret, of what somebody else keeps, or be taken for good without the operator's own
//! signature. No IO.

mod good;
mod looks;
mod shelf;

#[cfg(test)]
mod tests;

pub use good::{Standing, standing};
pub use looks::{Looks, Turn};
pub use shelf::{Place, Shelf};

use crate::canonical;
use crate::index::CopyRow;
use crate::names::{Namespace, ObjectName, Uid};
use crate::object::{Kind, ObjectRef};
use crate::plan::bounds::{managed_elsewhere, protected};
use crate::plan::object::{name_of, recreatable, text_at};
use crate::receipt::{Envelope, KeyError, PublicKey, Signer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Label of the ControllerRevisions that hold copies.
pub const COPY_LABEL: &str = "bailiwick.dev/copy";
/// Its value.
pub const COPY_VALUE: &str = "last-known-good";
/// How their names begin; two times sixteen hexadecimal digits follow.
pub const NAME_PREFIX: &str = "copy-";
/// The largest object of which a copy is kept, in bytes of canonical JSON.
pub const LARGEST: usize = 64 * 1024;
/// The most copies that are kept in all.
pub const MOST: usize = 500;
/// The kinds of which copies are kept. Never Secrets.
pub const KINDS: &[Kind] = &[Kind::ConfigMap, Kind::Service];

/// The payload type of a signed copy.
const COPY_TYPE: &str = "application/vnd.bailiwick.copy+json";
/// Annotations that tell how an object was written once, and not what it is.
const PASSING: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration"];

/// An object as it was when it was good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// When it was found good.
    pub at: Timestamp,
    /// Name, namespace, labels, annotations and content.
    pub object: Value,
}

/// Why no copy is kept of an object, or why one is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// Copies are kept of some kinds only.
    #[error("no copies are kept of this kind")]
    Kind,
    /// Somebody else puts it back, or nobody may change it.
    #[error("it is {0}")]
    NotOurs(String),
    /// It leads out of the cluster or selects nothing.
    #[error("a Service that selects no pods, or leads outside, is not kept")]
    Outside,
    /// Too large.
    #[error("it has {0} bytes, and {LARGEST} are the most")]
    Large(usize),
    /// The bytes are not the operator's.
    #[error("it does not carry the operator's signature")]
    Unsigned,
    /// Signed, but not a copy, or under a name that is not its own.
    #[error("it is not the copy that its name says")]
    Misnamed,
}

impl Copy {
    /// A copy of a live object.
    ///
    /// # Errors
    /// Why none is kept of it.
    pub fn of(live: &Value, at: Timestamp) -> Result<Self, CopyError> {
        let target = reference(live).ok_or(CopyError::Kind)?;
        if let Some(by) = managed_elsewhere(live) {
            return Err(CopyError::NotOurs(format!("kept by {by}")));
        }
        if let Some(why) = protected(&target, Some(live), &BTreeMap::new()) {
            return Err(CopyError::NotOurs(why.message));
        }
        if target.kind == Kind::Service && !leads_inside(live) {
            return Err(CopyError::Outside);
        }
        let mut object = recreatable(live);
        if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
            annotations.retain(|key, _| !PASSING.contains(&key.as_str()));
        }
        let size = canonical::to_bytes(&object).len();
        if size > LARGEST {
            return Err(CopyError::Large(size));
        }
        Ok(Self { at, object })
    }

    fn payload(&self) -> Vec<u8> {
        canonical::to_bytes(&serde_json::to_value(self).unwrap_or(Value::Null))
    }

    /// SHA-256 over the copy, as lower-case hexadecimal.
    pub fn digest(&self) -> String {
        canonical::sha256_hex(&self.payload())
    }

    /// The object it is a copy of; the object that is there now may be another.
    pub fn target(&self) -> Option<ObjectRef> {
        reference(&self.object).map(|target| ObjectRef { uid: None, ..target })
    }

    /// The name under which it is kept: one for each object and content.
    pub fn name(&self) -> String {
        let (of, what) = (self.target().map(|t| t.to_string()).unwrap_or_default(), self.digest());
        let short = |hex: &str| hex.chars().take(16).collect::<String>();
        format!("{NAME_PREFIX}{}-{}", short(&canonical::sha256_hex(of.as_bytes())), short(&what))
    }

    /// The signed form that is kept.
    ///
    /// # Errors
    /// [`KeyError::Sign`] where the library fails.
    pub fn seal(&self, signer: &Signer) -> Result<Value, KeyError> {
        let envelope = Envelope::seal(COPY_TYPE, &self.payload(), signer)?;
        serde_json::to_value(envelope).map_err(|_| KeyError::Sign)
    }

    /// Reads what is kept under a name. What anybody else has put there is refused.
    ///
    /// # Errors
    /// [`CopyError::Unsigned`], or [`CopyError::Misnamed`] where it is signed but stands elsewhere.
    pub fn open(name: &str, kept: &Value, key: &PublicKey) -> Result<Self, CopyError> {
        let envelope: Envelope = serde_json::from_value(kept.clone()).map_err(|_| CopyError::Unsigned)?;
        let payload = envelope.payload_signed_by(COPY_TYPE, key).ok_or(CopyError::Unsigned)?;
        let copy: Self = serde_json::from_slice(&payload).map_err(|_| CopyError::Misnamed)?;
        if copy.target().is_none() || copy.name() != name {
            return Err(CopyError::Misnamed);
        }
        Ok(copy)
    }

    /// The object that is named by what is in the form of a copy and says itself that another key signed it.
    pub(crate) fn by_another_key(name: &str, kept: &Value, key: &PublicKey) -> Option<ObjectRef> {
        let envelope: Envelope = serde_json::from_value(kept.clone()).ok()?;
        let [signature] = envelope.signatures.as_slice() else { return None };
        let other = envelope.payload_type == COPY_TYPE && signature.keyid != key.id();
        let copy: Self = serde_json::from_slice(&envelope.payload_bytes().filter(|_| other)?).ok()?;
        copy.target().filter(|_| copy.name() == name)
    }

    /// What the index remembers of it.
    pub fn row(&self) -> Option<CopyRow> {
        let keys = ["/data", "/binaryData"].iter().filter_map(|at| self.object.pointer(at)?.as_object());
        Some(CopyRow {
            of: self.target()?,
            name: ObjectName::parse(self.name()).ok()?,
            digest: self.digest(),
            at: self.at,
            keys: keys.flat_map(|map| map.keys().map(|key| key.as_str().into())).collect(),
        })
    }
}

/// True for the names of copies.
pub fn is_name(name: &str) -> bool {
    let hex = |part: &str| part.len() == 16 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    name.strip_prefix(NAME_PREFIX).and_then(|rest| rest.split_once('-')).is_some_and(|(of, what)| hex(of) && hex(what))
}

/// The reference to an object of a kind of which copies are kept.
fn reference(object: &Value) -> Option<ObjectRef> {
    let kind = text_at(object, "/kind").and_then(Kind::parse).filter(|kind| KINDS.contains(kind))?;
    let namespace = Namespace::parse(text_at(object, "/metadata/namespace")?).ok()?;
    let uid = text_at(object, "/metadata/uid").and_then(|uid| Uid::parse(uid).ok());
    Some(ObjectRef::namespaced(kind, namespace, ObjectName::parse(name_of(object)).ok()?, uid))
}

/// True for a Service that leads to pods of its namespace and is at no address from elsewhere.
pub(crate) fn leads_inside(service: &Value) -> bool {
    let empty = |pointer: &str| match service.pointer(pointer) {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    };
    text_at(service, "/spec/type") != Some("ExternalName") && empty("/spec/externalIPs") && !empty("/spec/selector")
}

/// When the newest part of an object was written, as its managers say.
pub fn written(object: &Value) -> Option<Timestamp> {
    newest(object, |_| true)
}

/// When its content was: by a manager that has a part in more than labels and annotations.
pub fn content_written(object: &Value) -> Option<Timestamp> {
    let content = ["/fieldsV1/f:data", "/fieldsV1/f:binaryData", "/fieldsV1/f:spec"];
    newest(object, |manager| content.iter().any(|at| manager.pointer(at).is_some()))
}

fn newest(object: &Value, counts: impl Fn(&Value) -> bool) -> Option<Timestamp> {
    let managers = object.pointer("/metadata/managedFields")?.as_array()?;
    let own = managers.iter().filter(|m| text_at(m, "/subresource").is_none_or(str::is_empty) && counts(m));
    own.filter_map(|m| text_at(m, "/time")?.parse().ok()).max()
}
