//! One compact row per object other than pods and events.
//!
//! Owns what is remembered of each kind. Must never hold a whole API object. No IO.

use super::intern::{Labels, Text};
use super::names::Marks;
use super::template::Template;
use super::uid::UidKey;
use crate::object::Kind;
use crate::quantity::Quantity;
use jiff::Timestamp;
use std::sync::Arc;

/// What every object has.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The object's kind.
    pub kind: Kind,
    /// Who else looks after it.
    pub marks: Marks,
    /// Its uid.
    pub uid: UidKey,
    /// Its namespace; empty for cluster-scoped kinds.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// Its resource version; 0 where it is not a number.
    pub rv: u64,
    /// Counts changes of its spec.
    pub generation: i64,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its controller.
    pub owner: Option<Arc<Owner>>,
    /// Its labels.
    pub labels: Labels,
}

/// The controller of an object, as the object names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Its kind, where the product knows it and it is of the expected group.
    pub kind: Option<Kind>,
    /// Its kind as written.
    pub kind_text: Text,
    /// Its name.
    pub name: Text,
    /// Its uid.
    pub uid: UidKey,
}

/// An object: its head and what is particular to its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Thing {
    /// What every object has.
    pub head: Head,
    /// What its kind has.
    pub body: Body,
}

/// What is particular to a kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob.
    Workload(Box<Workload>),
    /// A ControllerRevision.
    Revision(Box<Revision>),
    /// A Service.
    Service(Box<Service>),
    /// An EndpointSlice.
    Slice(Box<Slice>),
    /// A Node.
    Node(Box<Node>),
    /// A Namespace; true while it is being deleted.
    Namespace(bool),
    /// A ResourceQuota.
    Quota(Box<Quota>),
    /// A HorizontalPodAutoscaler.
    Hpa(Box<Hpa>),
    /// A PersistentVolumeClaim; true once it is bound.
    Claim(bool),
    /// A kind of which only the metadata is kept.
    Bare,
}

/// A condition of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its type.
    pub kind: Text,
    /// True where its status is `True`.
    pub holds: bool,
    /// Its reason.
    pub reason: Text,
    /// Its message; untrusted text.
    pub message: Text,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its pod template.
    pub template: Arc<Template>,
    /// The labels its pods are made with.
    pub template_labels: Labels,
    /// How many pods it wants.
    pub desired: i32,
    /// How many it has.
    pub replicas: i32,
    /// How many of its newest revision.
    pub updated: i32,
    /// How many are ready.
    pub ready: i32,
    /// How many have been ready for long enough.
    pub available: i32,
    /// The revision, for a ReplicaSet of a Deployment; 0 where unknown.
    pub revision: i64,
    /// The generation its controller has seen.
    pub observed_generation: i64,
    /// True while paused or suspended.
    pub held: bool,
    /// True once pods of it were available, as far as was seen.
    pub was_available: bool,
    /// The StatefulSet's revision that was rolled out completely.
    pub current_revision: Option<Text>,
    /// The StatefulSet's newest revision.
    pub update_revision: Option<Text>,
    /// For Jobs: pods that ended badly.
    pub failed: i32,
    /// Its conditions.
    pub conditions: Box<[Condition]>,
}

impl Workload {
    /// The condition of that type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }
}

/// A ControllerRevision of a StatefulSet or DaemonSet.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Its number.
    pub revision: i64,
    /// The template it keeps, if it is of that form.
    pub template: Option<Arc<Template>>,
    /// True once pods of it were available, as far as was seen.
    pub was_available: bool,
}

/// A Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Which pods it selects; empty for none.
    pub selector: Labels,
    /// True for `ExternalName`.
    pub external: bool,
    /// True where pods that are not ready get traffic too.
    pub publishes_unready: bool,
    /// Its ports.
    pub ports: Box<[ServicePort]>,
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// The Service's own port.
    pub port: u16,
    /// The pods' port.
    pub target: Target,
    /// True for UDP or SCTP.
    pub other_protocol: bool,
}

/// A Service's target port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By number.
    Number(u16),
    /// By the name of a declared container port.
    Name(Text),
}

/// An EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The Service it belongs to.
    pub service: Option<Text>,
    /// How many endpoints.
    pub endpoints: u32,
    /// How many of them are ready.
    pub ready: u32,
}

/// A Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Cordoned.
    pub cordoned: bool,
    /// Ready.
    pub ready: bool,
    /// Taints that keep pods away, as `key=value:effect`.
    pub taints: Box<[Text]>,
    /// CPU it can give to pods.
    pub cpu: Option<Quantity>,
    /// Memory it can give to pods.
    pub memory: Option<Quantity>,
}

/// A ResourceQuota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// What it allows and what is used, by resource: (resource, hard, used).
    pub lines: Box<[(Text, Text, Text)]>,
}

/// A HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hpa {
    /// The kind it scales.
    pub target_kind: Text,
    /// The name it scales.
    pub target_name: Text,
    /// The least replicas.
    pub min: i32,
    /// The most replicas.
    pub max: i32,
}

impl Thing {
    /// The workload, if it is one.
    pub fn workload(&self) -> Option<&Workload> {
        match &self.body {
            Body::Workload(w) => Some(w),
            Body::Revision(_)
            | Body::Service(_)
            | Body::Slice(_)
            | Body::Node(_)
            | Body::Namespace(_)
            | Body::Quota(_)
            | Body::Hpa(_)
            | Body::Claim(_)
            | Body::Bare => None,
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.body {
            Body::Workload(w) => size_of::<Workload>() + size_of_val(&*w.conditions),
            Body::Revision(_) => size_of::<Revision>(),
            Body::Service(s) => size_of::<Service>() + size_of_val(&*s.ports),
            Body::Slice(_) => size_of::<Slice>(),
            Body::Node(n) => size_of::<Node>() + size_of_val(&*n.taints),
            Body::Quota(q) => size_of::<Quota>() + size_of_val(&*q.lines),
            Body::Hpa(_) => size_of::<Hpa>(),
            Body::Namespace(_) | Body::Claim(_) | Body::Bare => 0,
        }
    }
}
