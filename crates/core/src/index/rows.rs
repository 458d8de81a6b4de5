//! One compact row per object other than pods and events.
//!
//! Owns what is remembered of each kind. Must never hold a whole API object. No IO.

mod cluster;
mod custom;
mod net;
mod policy;
mod storage;
mod workload;

pub use cluster::{Bundle, Config, Hook, Hooks, Hpa, NamespaceRow, Node, Quota};
pub use custom::{Certificate, Conditions, Gateway, Route, RouteBackend};
pub use net::{Backend, Ingress, IngressClass, Service, ServicePort, Slice, Target};
pub use policy::{Budget, Direction, NetworkPolicy, Peer, PolicyPort, PolicyRule};
pub use storage::{Claim, ClaimPhase, StorageClass, Volume};
pub use workload::{Condition, Cron, Overlap, Revision, Strategy, Workload, Writer};

use super::intern::{Labels, Text};
use super::names::Marks;
use super::uid::UidKey;
use crate::object::Kind;
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
    /// Since when it is being deleted, and what that waits for.
    pub leaving: Option<Arc<Leaving>>,
}

/// An object that is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Since when.
    pub since: Timestamp,
    /// The finalizers that are left.
    pub finalizers: Box<[Text]>,
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

/// What a row holds beyond its own size.
trait Heap {
    fn heap(&self) -> usize {
        0
    }
}

macro_rules! bodies {
    ($($(#[doc = $doc:literal])+ $variant:ident($row:ty) $getter:ident,)+) => {
        /// What is particular to a kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[doc = $doc])+ $variant(Box<$row>),)+
            /// A kind of which only the metadata is kept.
            Bare,
        }

        impl Thing {
            $(
                #[doc = concat!("What is particular to `", stringify!($variant), "`, if it is one.")]
                pub fn $getter(&self) -> Option<&$row> {
                    if let Body::$variant(row) = &self.body { Some(row) } else { None }
                }
            )+

            pub(crate) fn heap_bytes(&self) -> usize {
                match &self.body {
                    $(Body::$variant(row) => size_of::<$row>() + row.heap(),)+
                    Body::Bare => 0,
                }
            }
        }
    };
}

bodies! {
    /// A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob.
    Workload(Workload) workload,
    /// A ControllerRevision.
    Revision(Revision) revision,
    /// A Service.
    Service(Service) service,
    /// An EndpointSlice.
    Slice(Slice) slice,
    /// An Ingress.
    Ingress(Ingress) ingress,
    /// An IngressClass.
    IngressClass(IngressClass) ingress_class,
    /// A NetworkPolicy.
    NetworkPolicy(NetworkPolicy) network_policy,
    /// A PodDisruptionBudget.
    Budget(Budget) budget,
    /// A Node.
    Node(Node) node,
    /// A Namespace.
    Namespace(NamespaceRow) namespace,
    /// A ResourceQuota.
    Quota(Quota) quota,
    /// A HorizontalPodAutoscaler.
    Hpa(Hpa) hpa,
    /// A ConfigMap, without its content.
    Config(Config) config,
    /// A PersistentVolumeClaim.
    Claim(Claim) claim,
    /// A PersistentVolume.
    Volume(Volume) volume,
    /// A StorageClass.
    StorageClass(StorageClass) storage_class,
    /// A webhook configuration of either sort.
    Hooks(Hooks) hooks,
    /// A GatewayClass.
    GatewayClass(Conditions) gateway_class,
    /// A Gateway.
    Gateway(Gateway) gateway,
    /// An HTTPRoute.
    Route(Route) route,
    /// A cert-manager Certificate.
    Certificate(Certificate) certificate,
}
