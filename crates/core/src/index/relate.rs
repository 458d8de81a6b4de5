//! Who belongs to whom.
//!
//! Owns the climb from a pod to the workload that people know. Must never follow a chain of
//! owners without end. No IO.

use super::intern::{Labels, Text};
use super::names::{REVISION_HASH, TEMPLATE_HASH};
use super::pods::Cohort;
use super::rows::{Backend, Body, Ingress, Owner, Thing, Workload};
use super::view::View;
use super::{Index, UidKey};
use crate::names::{Namespace, ObjectName};
use crate::object::{Kind, ObjectRef};
use std::sync::Arc;

/// The longest chain is Pod, Job, CronJob; what is longer is not Kubernetes' own.
const LONGEST_CHAIN: usize = 4;

/// The kinds that make pods, or make what makes pods.
pub(crate) const fn makes_pods(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job | Kind::CronJob
    )
}

pub(crate) fn range_of(kind: Kind) -> ((Kind, Text, Text), Kind) {
    ((kind, Arc::from(""), Arc::from("")), kind)
}

/// What an object's row remembers beyond its present state.
pub(crate) fn keep_memory(old: &Thing, new: &mut Thing) {
    if let (Body::Workload(old), Body::Workload(new)) = (&old.body, &mut new.body) {
        new.was_available |= old.was_available;
        new.earlier = wanted_before(old, new);
    } else if let (Body::Revision(old), Body::Revision(new)) = (&old.body, &mut new.body) {
        new.was_available |= old.was_available;
    } else if let (Body::Hpa(old), Body::Hpa(new)) = (&old.body, &mut new.body) {
        let mut higher = [old.max, old.earlier_max].into_iter();
        new.earlier_max = higher.find(|most| *most > new.max).unwrap_or(0);
    } else if let (Body::Ingress(old), Body::Ingress(new)) = (&old.body, &mut new.body) {
        new.earlier = led_before(old, new);
    }
}

/// How many pods a workload wanted before somebody wanted none.
fn wanted_before(old: &Workload, new: &Workload) -> i32 {
    match (old.desired, new.desired) {
        (1.., 0) => old.desired,
        (_, 0) => old.earlier,
        _ => 0,
    }
}

/// Where paths led that lead to another Service now: the latest other one. A path that stands there twice, of two
/// types, is no place to remember.
fn led_before(old: &Ingress, new: &Ingress) -> Box<[Backend]> {
    let twice = |of: &Ingress, at: &Backend| of.backends.iter().filter(|b| b.is_at(at)).count() > 1;
    let of = |now: &Backend| {
        if twice(old, now) || twice(new, now) {
            return None;
        }
        let mut known = old.backends.iter().chain(&old.earlier).filter(|was| was.is_at(now));
        known.find(|was| was.service != now.service).cloned()
    };
    new.backends.iter().filter_map(of).collect()
}

/// What a selector says of pods that share their labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It selects all of them.
    All,
    /// It selects none.
    None,
    /// It asks for a label that every pod of a StatefulSet has for itself; the name answers that.
    ByName,
}

/// How a selector fits pods with these labels, both of one index. An empty selector fits nothing.
pub(crate) fn fit(selector: &Labels, labels: &Labels) -> Fit {
    let mut found = if selector.is_empty() { Fit::None } else { Fit::All };
    for (key, value) in selector.pairs() {
        match labels.pooled(key) {
            Some(label) if Arc::ptr_eq(label, value) => {}
            None if [super::names::STATEFUL_POD_NAME, super::names::POD_INDEX].contains(&&**key) => found = Fit::ByName,
            Some(_) | None => return Fit::None,
        }
    }
    found
}

/// True where every pair of `selector` is among the pod's labels, those of its name included.
pub(crate) fn selects(selector: &Labels, labels: &Labels, pod: &str) -> bool {
    let own = |key: &str, value: &str| match key {
        super::names::STATEFUL_POD_NAME => pod == value,
        super::names::POD_INDEX => pod.rsplit_once('-').is_some_and(|(_, index)| index == value),
        _ => true,
    };
    match fit(selector, labels) {
        Fit::All => true,
        Fit::None => false,
        Fit::ByName => selector.iter().all(|(key, value)| labels.get(key).is_some() || own(key, value)),
    }
}

impl Index {
    pub(crate) fn reference(&self, kind: Kind, namespace: &str, name: &str, uid: UidKey) -> Option<ObjectRef> {
        let name = ObjectName::parse(name).ok()?;
        let uid = self.uids.name(uid);
        if kind.served().namespaced {
            Some(ObjectRef::namespaced(kind, Namespace::parse(namespace).ok()?, name, uid))
        } else {
            Some(ObjectRef::cluster(kind, name, uid))
        }
    }

    pub(crate) fn reference_to(&self, thing: &Thing) -> Option<ObjectRef> {
        self.reference(thing.head.kind, &thing.head.namespace, &thing.head.name, thing.head.uid)
    }

    /// The workload at the top of the chain that starts with `owner`.
    pub(crate) fn top_of(&self, namespace: &str, owner: &Owner) -> Option<ObjectRef> {
        let kind = owner.kind.filter(|k| makes_pods(*k))?;
        match self.things.get(&owner.uid) {
            Some(thing) => self.top_of_thing(thing),
            None => self.reference(kind, namespace, &owner.name, owner.uid),
        }
    }

    pub(crate) fn top_of_thing(&self, thing: &Thing) -> Option<ObjectRef> {
        let mut top = thing;
        for _ in 0..LONGEST_CHAIN {
            let above = top.head.owner.as_ref().filter(|o| o.kind.is_some_and(makes_pods));
            match above.and_then(|o| self.things.get(&o.uid)) {
                Some(above) => top = above,
                None => break,
            }
        }
        self.reference_to(top)
    }

    /// The subject that findings about a pod of this cohort go to.
    pub(crate) fn subject_of_pod(&self, cohort: &Cohort, name: &str, uid: UidKey) -> Option<ObjectRef> {
        let top = cohort.owner.as_ref().and_then(|o| self.top_of(&cohort.namespace, o));
        top.or_else(|| self.reference(Kind::Pod, &cohort.namespace, name, uid))
    }

    /// The subject that findings about an object go to.
    pub(crate) fn subject_of(&self, uid: UidKey) -> Option<ObjectRef> {
        if let Some(thing) = self.things.get(&uid) {
            return self.top_of_thing(thing);
        }
        let pod = self.view().pod_by_key(uid)?;
        self.subject_of_pod(pod.cohort, &pod.name(), uid)
    }
}

impl<'a> View<'a> {
    /// The ReplicaSet or ControllerRevision that a cohort's pods were made from.
    pub(crate) fn revision_of_cohort(&self, at: u32) -> Option<&'a Thing> {
        let cohort = self.index.pods.cohort(at)?;
        let owner = cohort.owner.as_ref()?;
        if owner.kind == Some(Kind::ReplicaSet) && cohort.labels.get(TEMPLATE_HASH).is_some() {
            return self.thing(owner.uid);
        }
        let hash = cohort.labels.get(REVISION_HASH)?;
        // A StatefulSet's pods carry the revision's whole name, a DaemonSet's only its end.
        let whole = self.named(Kind::ControllerRevision, &cohort.namespace, hash);
        whole.or_else(|| self.named(Kind::ControllerRevision, &cohort.namespace, &format!("{}-{hash}", owner.name)))
    }
}
