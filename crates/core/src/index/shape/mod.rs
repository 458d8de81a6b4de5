//! The part of each Kubernetes object that is read: serde structs with everything else skipped.
//!
//! Owns which fields are read from the API. Must never fail on an unknown, absent or null
//! field, nor keep a text longer than its cap. No IO.

mod custom;
mod event;
mod lenient;
mod meta;
mod misc;
mod net;
mod pod;
mod policy;
mod select;
mod storage;
mod webhook;
mod workload;

pub use custom::{CertificateShape, GatewayClassShape, GatewayShape, RouteRefShape, RouteShape};
pub use event::{EventShape, InvolvedShape, SeriesShape};
pub use lenient::{Bound, Port, Present};
pub use meta::{ManagerShape, Meta, OwnerShape, WrittenShape};
pub use misc::{
    AccountShape, ConfigMapShape, HpaShape, HpaSpecShape, LimitRangeShape, NamespaceShape, NodeShape, NodeSpecShape,
    QuotaShape, QuotaStatusShape, RevisionShape, TaintShape, TargetShape,
};
pub use net::{
    BackendShape, EndpointShape, IngressClassShape, IngressShape, ServicePortShape, ServiceShape, ServiceSpecShape,
    SliceShape,
};
pub use pod::{
    ConditionShape, ContainerShape, ContainerStateShape, ContainerStatusShape, EnvShape, KeyRefShape, NamedShape,
    PodShape, PodSpecShape, PodStatusShape, PortShape, ProbeShape, ResourcesShape, RunningShape, SourceShape,
    TerminatedShape, VolumeShape, WaitingShape,
};
pub use policy::{NetworkPolicyShape, PdbShape, PeerShape, PolicyPortShape, PolicyRuleShape};
pub use select::{ExpressionShape, NodeTermShape, SelectorShape};
pub use storage::{ClaimShape, StorageClassShape, VolumeObjectShape};
pub use webhook::{ClientConfigShape, WebhookShape, WebhooksShape};
pub use workload::{StrategyShape, TemplateShape, WorkloadShape, WorkloadSpecShape, WorkloadStatusShape};

#[cfg(test)]
mod tests;
