//! The index: all that analyzers look at, fed object by object.
//!
//! Owns compact rows for every object of the kinds it knows, and their relations. Must never
//! hold a whole API object, a Secret, a ConfigMap's data or an environment variable's value, and
//! never lists. No IO.

mod copies;
mod events;
mod feed;
mod hash;
mod intern;
pub(crate) mod names;
mod observed;
mod pods;
mod read;
mod relate;
mod rows;
mod select;
pub mod shape;
mod siblings;
mod state;
mod template;
mod touch;
mod uid;
mod view;

pub use copies::CopyRow;
pub use events::Event;
pub use hash::Print;
pub use intern::{Labels, Text};
pub use names::Marks;
pub use observed::Observed;
pub use pods::Phase;
pub use rows::{
    Backend, Body, Budget, Bundle, Certificate, Claim, ClaimPhase, Condition, Conditions, Config, Cron, Direction,
    Gateway, Head, Hook, Hooks, Hpa, Ingress, IngressClass, Leaving, NamespaceRow, NetworkPolicy, Node, Overlap, Owner,
    Peer, PolicyPort, PolicyRule, Quota, Revision, Route, RouteBackend, Service, ServicePort, Slice, StorageClass,
    Strategy, Target, Thing, Volume, Workload, Writer,
};
pub use select::Selector;
pub use state::{ContainerState, Exit, Now, Odd, Unscheduled};
pub use template::{Amounts, ConfigRef, Container, ContainerPort, Probe, RefKind, Role, Template};
pub(crate) use touch::HOOKS;
pub use uid::UidKey;
pub use view::{Pod, View};

use crate::object::{Kind, ObjectRef};
use events::Events;
use hash::{Map, Set};
use intern::Intern;
use jiff::{SignedDuration, Timestamp};
use pods::Pods;
use std::collections::{BTreeMap, BTreeSet};
use uid::OddUids;

/// A pod that was ready for this long, and did not restart, has served.
pub const SERVED_FOR: SignedDuration = SignedDuration::from_secs(5);

/// The subjects whose findings an observation may have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched(pub Vec<ObjectRef>);

impl Touched {
    pub(crate) fn one(subject: Option<ObjectRef>) -> Self {
        Self(subject.into_iter().collect())
    }

    pub(crate) fn add(&mut self, subject: Option<ObjectRef>) {
        if let Some(subject) = subject
            && !self.0.contains(&subject)
        {
            self.0.push(subject);
        }
    }
}

/// The index.
#[derive(Debug, Default)]
pub struct Index {
    intern: Intern,
    uids: OddUids,
    pods: Pods,
    things: Map<UidKey, Thing>,
    by_name: BTreeMap<(Kind, Text, Text), UidKey>,
    children: Map<UidKey, Vec<UidKey>>,
    events: Events,
    /// How many pods wait for cordoned nodes.
    waiting: usize,
    /// When ConfigMaps went that pods are made with, by namespace and name.
    lost: BTreeMap<(Text, Text), Timestamp>,
    /// The last-known-good copies that the operator keeps.
    copies: BTreeMap<(Kind, Text, Text), CopyRow>,
    resync: BTreeMap<Kind, Set<UidKey>>,
    unread: BTreeMap<Kind, String>,
    listed: BTreeSet<Kind>,
    /// The one namespace that is read, if it is not all.
    only: Option<Text>,
}

impl Index {
    /// An index of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What analyzers see.
    pub fn view(&self) -> View<'_> {
        View { index: self }
    }

    /// Takes one observation in. Returns whose findings may have changed; nothing where the
    /// observation says nothing new.
    pub fn apply(&mut self, observed: Observed) -> Touched {
        if let Some(seen) = self.resync.get_mut(&observed.kind())
            && let Some(meta) = observed.meta()
        {
            seen.insert(UidKey::of(&meta.uid));
        }
        match observed {
            Observed::Pod(s) => self.put_pod(&s),
            Observed::Event(s) => self.put_event(&s),
            Observed::Deployment(s) => self.put_workload(Kind::Deployment, &s),
            Observed::ReplicaSet(s) => self.put_workload(Kind::ReplicaSet, &s),
            Observed::StatefulSet(s) => self.put_workload(Kind::StatefulSet, &s),
            Observed::DaemonSet(s) => self.put_workload(Kind::DaemonSet, &s),
            Observed::Job(s) => self.put_workload(Kind::Job, &s),
            Observed::CronJob(s) => self.put_workload(Kind::CronJob, &s),
            Observed::ControllerRevision(s) => self.put(Kind::ControllerRevision, &s.metadata, |r| r.revision(&s)),
            Observed::Service(s) => self.put(Kind::Service, &s.metadata, |r| r.service(&s)),
            Observed::EndpointSlice(s) => self.put(Kind::EndpointSlice, &s.metadata, |r| r.slice(&s)),
            Observed::Node(s) => self.put(Kind::Node, &s.metadata, |r| r.node(&s)),
            Observed::Namespace(s) => self.put(Kind::Namespace, &s.metadata, |r| r.namespace(&s)),
            Observed::ResourceQuota(s) => self.put(Kind::ResourceQuota, &s.metadata, |r| r.quota(&s)),
            Observed::LimitRange(s) => self.put(Kind::LimitRange, &s.metadata, |_| Body::Bare),
            Observed::ServiceAccount(s) => self.put(Kind::ServiceAccount, &s.metadata, |_| Body::Bare),
            Observed::HorizontalPodAutoscaler(s) => self.put(Kind::HorizontalPodAutoscaler, &s.metadata, |r| r.hpa(&s)),
            Observed::ConfigMap(s) => self.put(Kind::ConfigMap, &s.metadata, |r| r.config(&s)),
            Observed::PersistentVolumeClaim(s) => self.put(Kind::PersistentVolumeClaim, &s.metadata, |r| r.claim(&s)),
            Observed::PersistentVolume(s) => self.put(Kind::PersistentVolume, &s.metadata, |r| r.volume(&s)),
            Observed::StorageClass(s) => self.put(Kind::StorageClass, &s.metadata, |r| r.storage_class(&s)),
            Observed::Ingress(s) => self.put(Kind::Ingress, &s.metadata, |r| r.ingress(&s)),
            Observed::IngressClass(s) => self.put(Kind::IngressClass, &s.metadata, |r| r.ingress_class(&s)),
            Observed::NetworkPolicy(s) => self.put(Kind::NetworkPolicy, &s.metadata, |r| r.network_policy(&s)),
            Observed::PodDisruptionBudget(s) => self.put(Kind::PodDisruptionBudget, &s.metadata, |r| r.budget(&s)),
            Observed::MutatingWebhookConfiguration(s) => {
                self.put(Kind::MutatingWebhookConfiguration, &s.metadata, |r| r.hooks(&s))
            }
            Observed::ValidatingWebhookConfiguration(s) => {
                self.put(Kind::ValidatingWebhookConfiguration, &s.metadata, |r| r.hooks(&s))
            }
            Observed::GatewayClass(s) => self.put(Kind::GatewayClass, &s.metadata, |r| r.gateway_class(&s)),
            Observed::Gateway(s) => self.put(Kind::Gateway, &s.metadata, |r| r.gateway(&s)),
            Observed::HTTPRoute(s) => self.put(Kind::HTTPRoute, &s.metadata, |r| r.route(&s)),
            Observed::Certificate(s) => self.put(Kind::Certificate, &s.metadata, |r| r.certificate(&s)),
            Observed::Deleted { kind, uid, at } => self.remove(kind, UidKey::of(&uid), at),
        }
    }

    /// A full list of `kind` begins: what it does not show by [`Index::end_resync`] is gone.
    pub fn begin_resync(&mut self, kind: Kind) {
        self.resync.insert(kind, Set::default());
        self.unread.remove(&kind);
    }

    /// The list begun by [`Index::begin_resync`] is complete.
    pub fn end_resync(&mut self, kind: Kind) -> Touched {
        let Some(seen) = self.resync.remove(&kind) else {
            return Touched::default();
        };
        let mut known: Vec<UidKey> = if kind == Kind::Pod {
            self.pods.uids().collect()
        } else if kind == Kind::Event {
            self.events.uids().collect()
        } else {
            let (from, to) = relate::range_of(kind);
            self.by_name.range(from..).take_while(|((k, _, _), _)| *k <= to).map(|(_, uid)| *uid).collect()
        };
        self.listed.insert(kind);
        let mut touched = Touched::default();
        known.retain(|uid| !seen.contains(uid));
        // The maps of pods and events have no order, and what is told must have one.
        if matches!(kind, Kind::Pod | Kind::Event) {
            known.sort_unstable();
        }
        for uid in known {
            self.remove(kind, uid, None).0.into_iter().for_each(|subject| touched.add(Some(subject)));
        }
        touched
    }

    /// Notes that of namespaced kinds only those of one namespace are read.
    pub fn set_only(&mut self, namespace: &str) {
        self.only = Some(Text::from(namespace));
    }

    /// Notes that a kind could not be read, and why. Analyzers then draw nothing from its absence.
    pub fn set_unread(&mut self, kind: Kind, why: impl Into<String>) {
        self.resync.remove(&kind);
        self.unread.insert(kind, why.into());
    }

    /// The kinds that could not be read, and why.
    pub fn unread(&self) -> impl Iterator<Item = (Kind, &str)> {
        self.unread.iter().map(|(kind, why)| (*kind, why.as_str()))
    }

    /// The kinds of which no full list was seen yet, unread ones apart. Until this is empty, relations
    /// are incomplete and findings premature.
    pub fn awaited(&self) -> impl Iterator<Item = Kind> {
        let known = |kind: &Kind| self.listed.contains(kind) || self.unread.contains_key(kind);
        Observed::KINDS.iter().copied().filter(move |kind| !known(kind))
    }

    /// How many pods there are.
    pub fn pod_count(&self) -> usize {
        self.pods.len()
    }

    /// The bytes on the heap, counted from capacities: what the allocator itself adds is not seen.
    pub fn heap_bytes(&self) -> usize {
        let map = |capacity: usize, entry: usize| capacity * (entry + 1) * 8 / 7;
        let things =
            self.things.values().map(|t| t.heap_bytes() + t.head.owner.as_ref().map_or(0, |_| 16 + size_of::<Owner>()));
        let children = self.children.values().map(|list| list.capacity() * size_of::<UidKey>());
        self.intern.heap_bytes()
            + self.pods.heap_bytes()
            + self.events.heap_bytes()
            + map(self.things.capacity(), size_of::<(UidKey, Thing)>())
            + map(self.children.capacity(), size_of::<(UidKey, Vec<UidKey>)>())
            + self.lost.len() * size_of::<((Text, Text), Timestamp)>() * 3 / 2
            + self.by_name.len() * size_of::<((Kind, Text, Text), UidKey)>() * 3 / 2
            + things.sum::<usize>()
            + children.sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
