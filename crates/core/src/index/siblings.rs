//! Recognising a pod as one more of a cohort, without building anew what the cohort holds.
//!
//! Owns that comparison. Must never take a label, a name or an owner as proof of the rest: every
//! shared part of the pod is compared. No IO.

use super::names::Marks;
use super::pods::Cohort;
use super::read::{kept_labels, known_kind};
use super::rows::Owner;
use super::shape::{Meta, PodShape};
use super::{Index, UidKey};

/// How many cohorts of one owner are tried, so that an owner with many costs no more.
const TRIED: usize = 4;

impl Index {
    /// The cohort that the pod belongs to, if it is the one it was in or one of its owner's latest.
    pub(super) fn known_cohort(&self, uid: UidKey, shape: &PodShape, head: &str) -> Option<u32> {
        let own = self.pods.find(uid).map(|row| row.cohort);
        let owner = shape.metadata.controller().map(|o| UidKey::of(&o.uid));
        let siblings = owner.map_or(&[][..], |owner| self.pods.cohorts_of(owner));
        let latest = siblings.iter().rev().take(TRIED).copied();
        let marks = Marks::read(&shape.metadata).lasting();
        own.into_iter()
            .chain(latest)
            .find(|&at| self.pods.cohort(at).is_some_and(|c| c.marks == marks && *c.head == *head && is_of(c, shape)))
    }
}

fn is_of(cohort: &Cohort, shape: &PodShape) -> bool {
    let Cohort { namespace, owner, labels, template, head: _, marks: _ } = cohort;
    let meta = &shape.metadata;
    **namespace == *meta.namespace
        && is_owner(owner.as_deref(), meta)
        && labels.iter().eq(kept_labels(&meta.labels))
        && template.is_of(&shape.spec, &meta.name)
}

fn is_owner(known: Option<&Owner>, meta: &Meta) -> bool {
    match (known, meta.controller()) {
        (Some(Owner { kind, kind_text, name, uid }), Some(told)) => {
            **name == *told.name
                && **kind_text == *told.kind
                && *uid == UidKey::of(&told.uid)
                && *kind == known_kind(told)
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
