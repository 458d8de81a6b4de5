//! Candidates from the operator's last-known-good copies.
//!
//! Owns when a copy would mend what is missing. Must never propose one that lacks what is missed, or a
//! living object other than a ConfigMap. No IO.

use super::case::Case;
use super::resolve;
use crate::action::{Action, Origin, Param};
use crate::finding::Candidate;
use crate::index::{Pod, View};
use crate::names::Uid;
use crate::object::{Kind, ObjectRef};

/// Putting back the object of that name, of which `lacking` is missed if it is still there.
pub(crate) fn of(view: View<'_>, kind: Kind, place: (&str, &str), lacking: Option<&str>) -> Option<Candidate> {
    let (namespace, name) = place;
    let copy = view.copy_of(kind, namespace, name)?;
    let live = view.named(kind, namespace, name);
    let uid: Option<Uid> = match live {
        None => None,
        Some(thing) => {
            let key = lacking.filter(|_| kind == Kind::ConfigMap)?;
            copy.keys.iter().find(|kept| &***kept == key)?;
            view.reference(thing)?.uid
        }
    };
    let origin = Origin::LastKnownGood { digest: copy.digest.clone() };
    Some(Candidate {
        action: Action::RestoreObject { copy: Param::new(copy.name.clone(), origin) },
        target: ObjectRef { uid, ..copy.of.clone() },
        why: format!("everything that uses {kind} {name} was well with the copy of {}", copy.at),
    })
}

/// Putting back the Service that a container waits for, or fails without.
pub(crate) fn service<'a>(case: &Case<'a>, pod: &Pod<'a>, container: Option<&str>) -> Option<Candidate> {
    let name = resolve::missing_service(case, pod, container?)?;
    of(case.view, Kind::Service, (pod.namespace(), name), None)
}

#[cfg(test)]
mod tests;
