//! What a watch or a list saw: one object as it is now, or one that is gone.
//!
//! Owns the index's input. Must never carry an API type of a client library. No IO.

use super::shape::{
    AccountShape, CertificateShape, ClaimShape, ConfigMapShape, EventShape, GatewayClassShape, GatewayShape, HpaShape,
    IngressClassShape, IngressShape, LimitRangeShape, Meta, NamespaceShape, NetworkPolicyShape, NodeShape, PdbShape,
    PodShape, QuotaShape, RevisionShape, RouteShape, ServiceShape, SliceShape, StorageClassShape, VolumeObjectShape,
    WebhooksShape, WorkloadShape,
};
use crate::object::Kind;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

macro_rules! observed {
    ($($(#[doc = $doc:literal])+ $kind:ident($shape:ty),)+) => {
        /// One observation.
        #[derive(Debug, Clone)]
        pub enum Observed {
            $($(#[doc = $doc])+ $kind($shape),)+
            /// An object that is gone.
            Deleted {
                /// Its kind.
                kind: Kind,
                /// Its uid.
                uid: String,
                /// When that was seen, by who has a clock.
                at: Option<Timestamp>,
            },
        }

        impl Observed {
            /// The kinds that the index knows.
            pub const KINDS: &'static [Kind] = &[$(Kind::$kind,)+];

            /// The observed object's kind.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Observed::$kind(_) => Kind::$kind,)+
                    Observed::Deleted { kind, .. } => *kind,
                }
            }

            /// The observed object's metadata, if it is not gone.
            pub fn meta(&self) -> Option<&Meta> {
                match self {
                    $(Observed::$kind(shape) => Some(&shape.metadata),)+
                    Observed::Deleted { .. } => None,
                }
            }

            /// Reads one object of a kind from JSON; `None` for kinds that are not indexed.
            ///
            /// # Errors
            /// Where a field that is read has another type than the API gives it.
            pub fn from_json(kind: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
                $(if kind == Kind::$kind {
                    return parse(object).map(|shape| Some(Observed::$kind(shape)));
                })+
                Ok(None)
            }
        }
    };
}

fn parse<T: DeserializeOwned>(object: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(object)
}

observed! {
    /// A Pod.
    Pod(PodShape),
    /// A Deployment.
    Deployment(WorkloadShape),
    /// A ReplicaSet.
    ReplicaSet(WorkloadShape),
    /// A StatefulSet.
    StatefulSet(WorkloadShape),
    /// A DaemonSet.
    DaemonSet(WorkloadShape),
    /// A Job.
    Job(WorkloadShape),
    /// A CronJob.
    CronJob(WorkloadShape),
    /// A ControllerRevision.
    ControllerRevision(RevisionShape),
    /// A Service.
    Service(ServiceShape),
    /// An EndpointSlice.
    EndpointSlice(SliceShape),
    /// A Node.
    Node(NodeShape),
    /// A Namespace.
    Namespace(NamespaceShape),
    /// A ResourceQuota.
    ResourceQuota(QuotaShape),
    /// A LimitRange.
    LimitRange(LimitRangeShape),
    /// A HorizontalPodAutoscaler.
    HorizontalPodAutoscaler(HpaShape),
    /// A ConfigMap's metadata.
    ConfigMap(ConfigMapShape),
    /// A ServiceAccount's metadata.
    ServiceAccount(AccountShape),
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim(ClaimShape),
    /// A PersistentVolume.
    PersistentVolume(VolumeObjectShape),
    /// A StorageClass.
    StorageClass(StorageClassShape),
    /// An Ingress.
    Ingress(IngressShape),
    /// An IngressClass.
    IngressClass(IngressClassShape),
    /// A NetworkPolicy.
    NetworkPolicy(NetworkPolicyShape),
    /// A PodDisruptionBudget.
    PodDisruptionBudget(PdbShape),
    /// A MutatingWebhookConfiguration.
    MutatingWebhookConfiguration(WebhooksShape),
    /// A ValidatingWebhookConfiguration.
    ValidatingWebhookConfiguration(WebhooksShape),
    /// A GatewayClass, where the cluster has the Gateway API.
    GatewayClass(GatewayClassShape),
    /// A Gateway, where the cluster has the Gateway API.
    Gateway(GatewayShape),
    /// An HTTPRoute, where the cluster has the Gateway API.
    HTTPRoute(RouteShape),
    /// A Certificate, where the cluster has cert-manager.
    Certificate(CertificateShape),
    /// An Event.
    Event(EventShape),
}
