//! What a receipt says: the predicate of its statement, and the statement's subject.
//!
//! Owns the list of fields, in the order of their wire names. Must never hold a Secret's value or
//! a token. No IO.

use super::digest::Digest;
use super::key::PublicKey;
use super::parts::{Applied, Approver, FenceProof, Grant, Kind, Named, Plan, Undo, Verdict, Verification};
use crate::action::ChangeType;
use crate::names::{Namespace, ObjectName, Uid};
use crate::object::{Kind as ObjectKind, ObjectRef};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// `ObjectRef` in the order of its wire names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderedRef<'a> {
    api_version: &'a str,
    kind: ObjectKind,
    name: &'a ObjectName,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a Namespace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a Uid>,
}

fn ordered_ref<S: Serializer>(target: &Option<ObjectRef>, to: S) -> Result<S::Ok, S::Error> {
    let Some(target) = target else {
        return to.serialize_none();
    };
    OrderedRef {
        api_version: &target.api_version,
        kind: target.kind,
        name: &target.name,
        namespace: target.namespace.as_ref(),
        uid: target.uid.as_ref(),
    }
    .serialize(to)
}

/// Declares [`ReceiptBody`] and [`Predicate`] from one list, in the order of the wire names;
/// `previous` and `sequence`, which the log decides, stand between the three groups.
macro_rules! predicate {
    (
        $($(#[$am:meta])* $a:ident: $at:ty,)+ ; previous ;
        $($(#[$bm:meta])* $b:ident: $bt:ty,)+ ; sequence ;
        $($(#[$cm:meta])* $c:ident: $ct:ty,)+
    ) => {
        /// What the caller states; the log adds the position. Absent parts are left out.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct ReceiptBody {
            $($(#[$am])* pub $a: $at,)+
            $($(#[$bm])* pub $b: $bt,)+
            $($(#[$cm])* pub $c: $ct,)+
        }

        /// A [`ReceiptBody`] at its position in the log: the statement's predicate.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct Predicate {
            $($(#[$am])* pub $a: $at,)+
            /// Hash of the receipt before; 64 zeros for the first.
            pub previous: Digest,
            $($(#[$bm])* pub $b: $bt,)+
            /// Position in the log, from 0.
            pub sequence: u64,
            $($(#[$cm])* pub $c: $ct,)+
        }

        impl Predicate {
            /// Puts a body at its position.
            pub fn new(body: ReceiptBody, sequence: u64, previous: Digest) -> Self {
                Self {
                    $($a: body.$a,)+ previous,
                    $($b: body.$b,)+ sequence,
                    $($c: body.$c,)+
                }
            }
        }
    };
}

predicate! {
    /// The write that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<Applied>,
    /// Who decided, in the order of their decisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    approvers: Vec<Approver>,
    /// Server time of this receipt; never earlier than that of the receipt before.
    at: Timestamp,
    /// The Change concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<Named>,
    /// The Change's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change_type: Option<ChangeType>,
    /// How the fence was seen to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fence_proof: Option<FenceProof>,
    /// Every one-shot authority that was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<Grant>,
    /// The Incident that the Change answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incident: Option<Named>,
    /// What happened.
    kind: Kind,
    /// For a late recovery: seconds after the verification window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    late_by_seconds: Option<u64>,
    /// The terminal phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// The plan that was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    ; previous ;
    /// Who proposed the Change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proposer: Option<String>,
    /// For a key rotation: the key that signs every later receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotation: Option<PublicKey>,
    ; sequence ;
    /// The object that was to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "ordered_ref")]
    target: Option<ObjectRef>,
    /// What this undoes, or what would undo it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undo: Option<Undo>,
    /// What the policy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// What was observed after the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
}

impl ReceiptBody {
    /// A body that states nothing but its kind and time.
    pub fn new(kind: Kind, at: Timestamp) -> Self {
        Self {
            applied: None,
            approvers: Vec::new(),
            at,
            change: None,
            change_type: None,
            fence_proof: None,
            grants: Vec::new(),
            incident: None,
            kind,
            late_by_seconds: None,
            outcome: None,
            plan: None,
            proposer: None,
            rotation: None,
            target: None,
            undo: None,
            verdict: None,
            verification: None,
        }
    }

    /// The body of the receipt by which a key introduces its successor.
    pub fn rotation(successor: PublicKey, at: Timestamp) -> Self {
        Self { rotation: Some(successor), ..Self::new(Kind::KeyRotation, at) }
    }
}
