//! Read-only access to the index, with the relations that analyzers need.
//!
//! Owns the questions an analyzer may ask. Must never change the index. No IO.

use super::events::Event;
use super::intern::Labels;
use super::names::{Marks, POD_INDEX, STATEFUL_POD_NAME};
use super::pods::{Cohort, Phase, PodRow};
use super::relate::{Fit, fit, makes_pods, selects};
use super::rows::{Hpa, Owner, Service, Thing, Workload};
use super::select::Selector;
use super::state::Odd;
use super::template::Template;
use super::touch::OWN_SUBJECTS;
use super::{Index, UidKey};
use crate::names::Uid;
use crate::object::{Kind, ObjectRef};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The index as analyzers see it.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(crate) index: &'a Index,
}

/// One pod.
#[derive(Debug, Clone, Copy)]
pub struct Pod<'a> {
    pub(crate) index: &'a Index,
    pub(crate) row: &'a PodRow,
    pub(crate) cohort: &'a Arc<Cohort>,
}

impl<'a> Pod<'a> {
    /// Its name.
    pub fn name(&self) -> String {
        format!("{}{}", self.cohort.head, self.row.tail.as_str())
    }
    /// Its namespace.
    pub fn namespace(&self) -> &'a str {
        &self.cohort.namespace
    }
    /// Its uid.
    pub fn key(&self) -> UidKey {
        self.row.uid
    }
    /// Its resource version.
    pub fn rv(&self) -> u64 {
        self.row.rv
    }
    /// The node it is bound to.
    pub fn node(&self) -> Option<&'a str> {
        self.row.node.as_deref()
    }
    /// Its labels, but for the two that every pod of a StatefulSet has for itself.
    pub fn labels(&self) -> &'a Labels {
        &self.cohort.labels
    }
    /// Its containers and what they refer to.
    pub fn template(&self) -> &'a Arc<Template> {
        &self.cohort.template
    }
    /// What is unusual about it.
    pub fn odd(&self) -> Option<&'a Odd> {
        self.row.odd.as_deref()
    }
    /// Its phase.
    pub fn phase(&self) -> Phase {
        self.row.phase
    }
    /// Ready to serve.
    pub fn ready(&self) -> bool {
        self.row.ready
    }
    /// Since when it is ready, or not.
    pub fn ready_since(&self) -> Option<Timestamp> {
        time(self.row.ready_since)
    }
    /// When it was made.
    pub fn created(&self) -> Option<Timestamp> {
        time(self.row.created)
    }
    /// Its controller.
    pub fn owner(&self) -> Option<&'a Owner> {
        self.cohort.owner.as_deref()
    }
    /// Who else looks after it.
    pub fn marks(&self) -> Marks {
        self.cohort.marks
    }
    /// True while it is being deleted.
    pub fn deleting(&self) -> bool {
        self.odd().is_some_and(|odd| odd.deleting.is_some())
    }
    /// True where a label selector matches it, by the labels of its name too.
    pub fn matches(&self, selector: &Selector) -> bool {
        let (labels, name) = (self.labels(), self.name());
        selector.matches_by(|key| match key {
            STATEFUL_POD_NAME if self.is_of_stateful_set() => Some(name.as_str()),
            POD_INDEX if self.is_of_stateful_set() => name.rsplit_once('-').map(|(_, index)| index),
            _ => labels.get(key),
        })
    }
    fn is_of_stateful_set(&self) -> bool {
        self.owner().is_some_and(|owner| owner.kind == Some(Kind::StatefulSet))
    }
    /// The ReplicaSet or ControllerRevision it was made from.
    pub fn revision(&self) -> Option<&'a Thing> {
        View { index: self.index }.revision_of_cohort(self.row.cohort)
    }
    /// A reference to it.
    pub fn reference(&self) -> Option<ObjectRef> {
        self.index.reference(Kind::Pod, self.namespace(), &self.name(), self.row.uid)
    }
    /// The workload that people know it by, or itself.
    pub fn subject(&self) -> Option<ObjectRef> {
        self.index.subject_of_pod(self.cohort, &self.name(), self.row.uid)
    }
}

fn time(seconds: u32) -> Option<Timestamp> {
    (seconds > 0).then(|| Timestamp::from_second(i64::from(seconds)).ok()).flatten()
}

impl<'a> View<'a> {
    /// The object of that uid, unless it is a pod or an event.
    pub fn thing(&self, uid: UidKey) -> Option<&'a Thing> {
        self.index.things.get(&uid)
    }

    /// The object of that kind and name.
    pub fn named(&self, kind: Kind, namespace: &str, name: &str) -> Option<&'a Thing> {
        let uid = self.index.by_name.get(&(kind, Arc::from(namespace), Arc::from(name)))?;
        self.index.things.get(uid)
    }

    /// Every object of that kind in a namespace (empty for cluster-scoped kinds), by name.
    pub fn things_in(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &'a Thing> + use<'a> {
        let index = self.index;
        let namespace: Arc<str> = Arc::from(namespace);
        let from = (kind, Arc::clone(&namespace), Arc::from(""));
        let rows = index.by_name.range(from..).take_while(move |((k, ns, _), _)| *k == kind && *ns == namespace);
        rows.filter_map(|(_, uid)| index.things.get(uid))
    }

    /// Every object of that kind.
    pub fn things(&self, kind: Kind) -> impl Iterator<Item = &'a Thing> + use<'a> {
        let index = self.index;
        let rows = index.by_name.range((kind, Arc::from(""), Arc::from(""))..);
        rows.take_while(move |((k, _, _), _)| *k == kind).filter_map(|(_, uid)| index.things.get(uid))
    }

    /// What names an object as its controller, pods apart.
    pub fn children(&self, owner: UidKey) -> impl Iterator<Item = &'a Thing> + use<'a> {
        let index = self.index;
        let list = index.children.get(&owner).map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(|uid| index.things.get(uid))
    }

    /// The pod of that uid.
    pub fn pod(&self, uid: &Uid) -> Option<Pod<'a>> {
        self.pod_by_key(UidKey::of(uid.as_str()))
    }

    pub(crate) fn pod_by_key(&self, uid: UidKey) -> Option<Pod<'a>> {
        self.pod_of_row(self.index.pods.find(uid)?)
    }

    fn pod_of_row(&self, row: &'a PodRow) -> Option<Pod<'a>> {
        Some(Pod { index: self.index, row, cohort: self.index.pods.cohort(row.cohort)? })
    }

    fn pods_of_cohorts(&self, cohorts: &'a [u32]) -> impl Iterator<Item = Pod<'a>> + use<'a> {
        let view = *self;
        let rows = cohorts.iter().flat_map(move |&at| view.index.pods.members(at));
        rows.filter_map(move |row| view.pod_of_row(row))
    }

    /// The pods whose controller is that object itself.
    pub fn own_pods(&self, owner: UidKey) -> impl Iterator<Item = Pod<'a>> + use<'a> {
        self.pods_of_cohorts(self.index.pods.cohorts_of(owner))
    }

    /// The pods under a workload: its own, and those of its ReplicaSets or Jobs.
    pub fn pods_of(&self, workload: UidKey) -> impl Iterator<Item = Pod<'a>> + use<'a> {
        let view = *self;
        let below = view.children(workload).flat_map(move |child| view.own_pods(child.head.uid));
        view.own_pods(workload).chain(below)
    }

    /// Every pod.
    pub fn pods(&self) -> impl Iterator<Item = Pod<'a>> + use<'a> {
        let view = *self;
        let cohorts = self.index.pods.cohorts().flat_map(move |(at, _)| view.index.pods.members(at));
        cohorts.filter_map(move |row| view.pod_of_row(row))
    }

    /// How many pods have no node, and the scheduler passed cordoned ones by.
    pub fn waiting_for_cordoned(&self) -> usize {
        self.index.waiting
    }

    /// What makes pods in a namespace.
    pub fn makers_in(&self, namespace: &str) -> impl Iterator<Item = (&'a Thing, &'a Workload)> + use<'a> {
        let view = *self;
        let namespace: Arc<str> = Arc::from(namespace);
        let kinds = Kind::ALL.iter().copied().filter(|kind| makes_pods(*kind));
        let things = kinds.flat_map(move |kind| view.things_in(kind, &namespace));
        things.filter_map(|thing| Some((thing, thing.workload()?)))
    }

    /// The pods of a namespace.
    pub fn pods_in(&self, namespace: &str) -> impl Iterator<Item = Pod<'a>> + use<'a> {
        self.pods_of_cohorts(self.index.pods.cohorts_in(namespace))
    }

    /// The pod of that name.
    pub fn pod_named(&self, namespace: &str, name: &str) -> Option<Pod<'a>> {
        self.index.pods.cohorts_in(namespace).iter().find_map(|at| {
            let tail = name.strip_prefix(&*self.index.pods.cohort(*at)?.head)?;
            let row = self.index.pods.members(*at).find(|row| row.tail.as_str() == tail)?;
            self.pod_of_row(row)
        })
    }

    /// The pods of a namespace that a Service's selector matches.
    pub fn pods_selected(&self, namespace: &str, selector: &Labels) -> Vec<Pod<'a>> {
        let mut found = Vec::new();
        for at in self.index.pods.cohorts_in(namespace) {
            let pods = self.pods_of_cohorts(std::slice::from_ref(at));
            match self.index.pods.cohort(*at).map_or(Fit::None, |cohort| fit(selector, &cohort.labels)) {
                Fit::All => found.extend(pods),
                Fit::ByName => found.extend(pods.filter(|pod| selects(selector, pod.labels(), &pod.name()))),
                Fit::None => {}
            }
        }
        found
    }

    /// The telling events about an object.
    pub fn events_of(&self, object: UidKey) -> &'a [Event] {
        self.index.events.of(object)
    }

    /// The Services of a namespace.
    pub fn services_in(&self, namespace: &str) -> impl Iterator<Item = (&'a Thing, &'a Service)> + use<'a> {
        self.things_in(Kind::Service, namespace).filter_map(|thing| Some((thing, thing.service()?)))
    }

    /// When a ConfigMap went that pods are made with, where that was seen.
    pub fn lost_at(&self, namespace: &str, name: &str) -> Option<Timestamp> {
        self.index.lost.get(&(Arc::from(namespace), Arc::from(name))).copied()
    }

    /// A namespace.
    pub fn namespace(&self, name: &str) -> Option<&'a Thing> {
        self.named(Kind::Namespace, "", name)
    }

    /// The autoscaler that scales a workload.
    pub fn autoscaler_of(&self, kind: Kind, namespace: &str, name: &str) -> Option<&'a Thing> {
        let scales = |h: &Hpa| &*h.target_kind == kind.as_str() && &*h.target_name == name;
        self.things_in(Kind::HorizontalPodAutoscaler, namespace).find(|thing| thing.hpa().is_some_and(scales))
    }

    /// False where the absence of an object of that kind says nothing.
    pub fn reads(&self, kind: Kind) -> bool {
        !self.index.unread.contains_key(&kind)
    }

    /// False where the absence of an object of that kind in that namespace says nothing.
    pub fn reads_in(&self, kind: Kind, namespace: &str) -> bool {
        self.reads(kind) && self.index.only.as_ref().is_none_or(|only| **only == *namespace)
    }

    /// True where namespaced kinds are read of every namespace.
    pub fn reads_everywhere(&self) -> bool {
        self.index.only.is_none()
    }

    /// A reference to an object.
    pub fn reference(&self, thing: &Thing) -> Option<ObjectRef> {
        self.index.reference_to(thing)
    }

    /// The workload that people know an object by.
    pub fn subject_of(&self, object: UidKey) -> Option<ObjectRef> {
        self.index.subject_of(object)
    }

    /// A uid's text.
    pub fn uid_text(&self, uid: UidKey) -> String {
        self.index.uids.text(uid)
    }

    /// The pods of a namespace that a label selector matches; an empty one matches all.
    pub fn pods_matching(&self, namespace: &str, selector: &'a Selector) -> impl Iterator<Item = Pod<'a>> + use<'a> {
        self.pods_in(namespace).filter(|pod| pod.matches(selector))
    }

    /// Everything that can have findings: workloads nothing known owns, pods without one, Services and
    /// all else that is judged by itself, and what is being deleted.
    pub fn subjects(&self) -> Vec<ObjectRef> {
        let mut out = BTreeSet::new();
        for kind in [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::CronJob, Kind::Job, Kind::ReplicaSet] {
            out.extend(self.things(kind).filter_map(|thing| self.index.top_of_thing(thing)));
        }
        for kind in OWN_SUBJECTS {
            out.extend(self.things(kind).filter_map(|thing| self.reference(thing)));
        }
        let leaving = self.index.things.values().filter(|thing| thing.head.leaving.is_some());
        out.extend(leaving.filter_map(|thing| self.reference(thing)));
        for (at, cohort) in self.index.pods.cohorts() {
            let owned = cohort.owner.as_ref().filter(|o| o.kind.is_some_and(makes_pods));
            match owned {
                Some(owner) => out.extend(self.index.top_of(&cohort.namespace, owner)),
                None => {
                    let pods = self.index.pods.members(at).filter_map(|row| self.pod_of_row(row));
                    out.extend(pods.filter_map(|pod| pod.reference()));
                }
            }
        }
        out.into_iter().collect()
    }
}
