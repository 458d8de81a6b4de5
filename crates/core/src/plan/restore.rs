//! Putting an object back: creating it again, or giving a ConfigMap its content back.
//!
//! Owns which of the two it is, and the proof that the copy is of this very object. Must never touch a
//! field of a living object beside its content, nor use a copy that a keeper elsewhere would revert. No IO.

use super::bounds::{Facts, managed_elsewhere, unproven};
use super::object::text_at;
use super::{Operation, Proposal};
use crate::action::{Origin, Param};
use crate::catalogue;
use crate::copies::leads_inside;
use crate::names::ObjectName;
use crate::object::{Kind, ObjectRef};
use crate::reason::{Code, Reason};
use serde_json::Value;

/// What a restoration asks the API server for: whoever names the uid means the object that is there.
pub(super) const fn operation(target: &ObjectRef) -> Operation {
    if target.uid.is_some() { Operation::Update } else { Operation::Create }
}

/// Whether the copy is what its origin says, and of the target.
pub(super) fn check(copy: &Param<ObjectName>, proposal: &Proposal, facts: &Facts) -> Result<(), Reason> {
    let target = &proposal.target;
    let (recorded, same) = match &copy.origin {
        Origin::KeptCopy { change, .. } => (false, *change == copy.value),
        // Its digest was compared when it was read: see `Sources::kept`.
        Origin::LastKnownGood { .. } => (true, true),
        Origin::RevisionHistory { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::CurrentValue {}
        | Origin::Earlier {}
        | Origin::Human {}
        | Origin::Telemetry {} => return Err(unproven("an object is restored only from a copy that was kept")),
    };
    let kept = facts.sources.kept.as_ref().ok_or_else(|| unproven(format!("{} is no intact copy", copy.value)))?;
    let same = same
        && text_at(kept, "/kind") == Some(target.kind.as_str())
        && text_at(kept, "/metadata/name") == Some(target.name.as_str())
        && text_at(kept, "/metadata/namespace") == Some(target.namespace_str());
    if !same {
        return Err(unproven(format!("the copy {} is of another object", copy.value)));
    }
    if operation(target) == Operation::Update && !recorded {
        return Err(Reason::new(Code::TargetExists, format!("{target} exists already")));
    }
    if let Some(by) = managed_elsewhere(kept) {
        return Err(Reason::new(Code::ManagedElsewhere, format!("its copy is kept by {by}")));
    }
    if target.kind == Kind::Service && !leads_inside(kept) {
        return Err(Reason::new(Code::OutOfBounds, "a Service that leads outside is not restored"));
    }
    Ok(())
}

/// The live object with the content of the copy.
pub(super) fn apply(after: &mut Value, kept: &Value, kind: Kind) -> Result<(), Reason> {
    let fields = catalogue::rewritten(kind);
    if fields.is_empty() {
        return Err(Reason::plain(Code::TargetExists));
    }
    put_fields(after, kept, fields);
    Ok(())
}

/// Gives top-level fields of one object the values of another, absence included.
pub(super) fn put_fields(after: &mut Value, from: &Value, fields: &[&str]) {
    let Value::Object(map) = after else { return };
    for key in fields.iter().map(|field| field.trim_start_matches('/')) {
        match from.get(key) {
            Some(value) => map.insert(key.to_owned(), value.clone()),
            None => map.remove(key),
        };
    }
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
