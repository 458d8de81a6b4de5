//! The part of each Kubernetes object that is read: serde structs with everything else skipped.
//!
//! Owns which fields are read from the API. Must never fail on an unknown, absent or null
//! field, nor keep a text longer than its cap. No IO.

mod event;
mod lenient;
mod meta;
mod misc;
mod net;
mod pod;
mod workload;

pub use event::{EventShape, InvolvedShape, SeriesShape};
pub use lenient::{Port, Present};
pub use meta::{ManagerShape, Meta, OwnerShape};
pub use misc::{
    ClaimShape, ConfigMapShape, HpaShape, HpaSpecShape, LimitRangeShape, NamespaceShape, NodeShape, NodeSpecShape,
    PhaseShape, QuotaShape, QuotaStatusShape, RevisionShape, TaintShape, TargetShape,
};
pub use net::{EndpointShape, ServicePortShape, ServiceShape, ServiceSpecShape, SliceShape};
pub use pod::{
    ConditionShape, ContainerShape, ContainerStateShape, ContainerStatusShape, EnvShape, KeyRefShape, NamedShape,
    PodShape, PodSpecShape, PodStatusShape, PortShape, ProbeShape, ResourcesShape, RunningShape, SourceShape,
    TerminatedShape, VolumeShape, WaitingShape,
};
pub use workload::{TemplateShape, WorkloadShape, WorkloadSpecShape, WorkloadStatusShape};

#[cfg(test)]
mod tests;
