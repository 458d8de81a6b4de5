//! From wire objects to the core's types: once, at the edge.
//!
//! Owns what must hold of a single object before the core sees it. Must never repair an object:
//! what does not fit is refused with a typed error. No IO.

use crate::{Change, Mandate};
use bailiwick_core::action::ChangeType;
use bailiwick_core::catalogue::rewritten;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::mandate;
use bailiwick_core::names::{NameError, Namespace, ObjectName, Uid};
use bailiwick_core::object::ObjectRef;
use bailiwick_core::plan::Proposal;
use bailiwick_core::reason::{Code, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Why an object of our kinds cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A field that the API server sets is absent.
    #[error("metadata.{0} is absent")]
    Absent(&'static str),
    /// A name breaks a rule.
    #[error("metadata: {0}")]
    Name(#[from] NameError),
    /// `type` and `action` differ.
    #[error("type is {declared}, but the action is {action}")]
    TypeMismatch {
        /// As declared.
        declared: ChangeType,
        /// As set.
        action: ChangeType,
    },
    /// The kind is not served by that API.
    #[error("target.apiVersion is {given:?}, but {kind} is served by {served}")]
    ApiVersion {
        /// As given.
        given: String,
        /// The kind's name.
        kind: &'static str,
        /// The API that serves it.
        served: String,
    },
    /// The Change does not stand beside its target.
    #[error("the change is in namespace {here:?}, its target in {there:?}")]
    Elsewhere {
        /// Where the Change is.
        here: String,
        /// Where its target is, or must be.
        there: String,
    },
    /// The target's uid is absent where it is needed, or present where it cannot be.
    #[error("target.uid must be {0}")]
    TargetUid(&'static str),
}

impl ParseError {
    /// The reason that is shown.
    pub fn reason(&self) -> Reason {
        Reason::new(Code::InvalidSpec, self.to_string())
    }
}

/// What the API server sets on every object of ours.
struct Identity {
    namespace: Namespace,
    name: ObjectName,
    uid: Uid,
    created: jiff::Timestamp,
}

fn parse_identity(meta: &ObjectMeta) -> Result<Identity, ParseError> {
    let text = |value: &Option<String>, field| value.clone().ok_or(ParseError::Absent(field));
    Ok(Identity {
        namespace: Namespace::parse(text(&meta.namespace, "namespace")?)?,
        name: ObjectName::parse(text(&meta.name, "name")?)?,
        uid: Uid::parse(text(&meta.uid, "uid")?)?,
        created: meta.creation_timestamp.as_ref().map(|time| time.0).ok_or(ParseError::Absent("creationTimestamp"))?,
    })
}

/// The proposal of a Change.
///
/// # Errors
/// Fails where the object contradicts itself or lacks what the API server sets.
pub fn parse_proposal(change: &Change) -> Result<Proposal, ParseError> {
    let identity = parse_identity(&change.metadata)?;
    let spec = &change.spec;
    let action = spec.action.change_type();
    if spec.change_type != action {
        return Err(ParseError::TypeMismatch { declared: spec.change_type, action });
    }
    check_target(&identity.namespace, action, &spec.target)?;
    Ok(Proposal {
        namespace: identity.namespace,
        name: identity.name,
        uid: identity.uid,
        created: identity.created,
        proposer: spec.proposer.clone(),
        action: spec.action.clone(),
        target: spec.target.clone(),
    })
}

fn check_target(here: &Namespace, action: ChangeType, target: &ObjectRef) -> Result<(), ParseError> {
    let served = target.kind.api_version();
    if target.api_version != served {
        return Err(ParseError::ApiVersion { given: target.api_version.clone(), kind: target.kind.as_str(), served });
    }
    let there = target.namespace.as_ref().map_or(SYSTEM_NAMESPACE, Namespace::as_str);
    if here.as_str() != there || target.kind.served().namespaced != target.namespace.is_some() {
        return Err(ParseError::Elsewhere { here: here.to_string(), there: there.to_owned() });
    }
    match (action, &target.uid) {
        // What is still there is named by its uid, what is to be created has none.
        (ChangeType::RestoreObject, Some(_)) if rewritten(target.kind).is_empty() => {
            Err(ParseError::TargetUid("absent"))
        }
        (ChangeType::RestoreObject, _) => Ok(()),
        (_, None) => Err(ParseError::TargetUid("given")),
        (_, Some(_)) => Ok(()),
    }
}

/// The mandate as the core evaluates it.
///
/// # Errors
/// Fails where the object has no name.
pub fn parse_mandate(mandate: &Mandate) -> Result<mandate::Mandate, ParseError> {
    let name = mandate.metadata.name.clone();
    Ok(mandate::Mandate {
        name: name.ok_or(ParseError::Absent("name"))?,
        rules: mandate.spec.changes.clone(),
        limits: mandate.spec.limits.clone(),
        protect: mandate.spec.protect.clone(),
        keep_copies: mandate.spec.keep_copies.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn change(patch: &[(&str, Value)]) -> Change {
        let mut value = json!({
            "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change",
            "metadata": {"name": "c", "namespace": "shop", "uid": "u-1", "creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {
                "proposer": "ann", "type": "RolloutRestart", "action": {"rolloutRestart": {}},
                "target": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web", "uid": "u-2"},
                "reason": {"text": "it hangs"}
            }
        });
        for (pointer, with) in patch {
            *value.pointer_mut(pointer).unwrap() = with.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_sound_change_becomes_a_proposal() {
        let proposal = parse_proposal(&change(&[])).unwrap();
        assert_eq!(proposal.proposer, "ann");
        assert_eq!(proposal.target.to_string(), "Deployment shop/web");
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |pointer: &str, with: Value| parse_proposal(&change(&[(pointer, with)]));
        assert!(matches!(refused("/spec/type", json!("Scale")), Err(ParseError::TypeMismatch { .. })));
        assert!(matches!(refused("/spec/target/namespace", json!("bank")), Err(ParseError::Elsewhere { .. })));
        assert!(matches!(
            refused("/spec/target/apiVersion", json!("extensions/v1")),
            Err(ParseError::ApiVersion { .. })
        ));
        assert_eq!(refused("/spec/target/uid", Value::Null), Err(ParseError::TargetUid("given")));
        assert_eq!(refused("/metadata/uid", Value::Null), Err(ParseError::Absent("uid")));
    }

    #[test]
    fn unknown_fields_do_not_parse() {
        let mut value = serde_json::to_value(change(&[])).unwrap();
        value["spec"]["force"] = json!(true);
        assert!(serde_json::from_value::<Change>(value).is_err());
    }
}
