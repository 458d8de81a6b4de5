//! What the parameters of Change types are made of.
//!
//! Owns their form: every one is a number, a name or one of a closed list. Must never hold a text
//! that something would run. No IO.

use crate::names::{Amount, ObjectName, PortRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Compute resources of one container, as Kubernetes quantities (`250m`, `64Mi`).
/// A resource that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Requests by resource name; only `cpu` and `memory`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<ResourceName, String>,
    /// Limits by resource name; only `cpu` and `memory`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<ResourceName, String>,
}

/// The compute resources that a Change may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResourceName {
    /// CPU, in cores.
    Cpu,
    /// Memory, in bytes.
    Memory,
}

impl ResourceName {
    /// The name as in a container's `resources`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ResourceName::Cpu => "cpu",
            ResourceName::Memory => "memory",
        }
    }
}

/// One of a container's probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProbeName {
    /// Whether it must be restarted.
    Liveness,
    /// Whether it may be asked.
    Readiness,
    /// Whether it has started.
    Startup,
}

impl ProbeName {
    /// Every probe.
    pub const ALL: &'static [ProbeName] = &[ProbeName::Liveness, ProbeName::Readiness, ProbeName::Startup];

    /// The name, as in a Change.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProbeName::Liveness => "liveness",
            ProbeName::Readiness => "readiness",
            ProbeName::Startup => "startup",
        }
    }

    /// The field of a container that holds it.
    pub const fn field(self) -> &'static str {
        match self {
            ProbeName::Liveness => "livenessProbe",
            ProbeName::Readiness => "readinessProbe",
            ProbeName::Startup => "startupProbe",
        }
    }
}

/// What of a probe to set. A field that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeSettings {
    /// The path of an HTTP probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub path: Option<String>,
    /// The port of an HTTP, TCP or gRPC probe, by number or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<PortRef>,
    /// Seconds before the first try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<i32>,
    /// Seconds between two tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<i32>,
    /// Seconds that a try may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// Failures in a row that count as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<i32>,
}

impl ProbeSettings {
    /// The times and the threshold, by the name of their field.
    pub fn numbers(&self) -> [(&'static str, Option<i32>); 4] {
        [
            ("initialDelaySeconds", self.initial_delay_seconds),
            ("periodSeconds", self.period_seconds),
            ("timeoutSeconds", self.timeout_seconds),
            ("failureThreshold", self.failure_threshold),
        ]
    }
}

/// What decides where a workload's pods run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SchedulingPart {
    /// Labels that a node must carry.
    NodeSelector,
    /// Rules about nodes and other pods.
    Affinity,
    /// Taints that are put up with.
    Tolerations,
}

impl SchedulingPart {
    /// Every part.
    pub const ALL: &'static [SchedulingPart] =
        &[SchedulingPart::NodeSelector, SchedulingPart::Affinity, SchedulingPart::Tolerations];

    /// The field of a pod's specification that holds it.
    pub const fn as_str(self) -> &'static str {
        match self {
            SchedulingPart::NodeSelector => "nodeSelector",
            SchedulingPart::Affinity => "affinity",
            SchedulingPart::Tolerations => "tolerations",
        }
    }
}

/// How a Deployment's pods are replaced. An amount that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Strategy {
    /// Pods above the wanted number, while they are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<Amount>,
    /// Pods that may be missing, while they are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<Amount>,
}

/// Whether a Service's clients inside of the cluster reach every pod or those of their own node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TrafficPolicy {
    /// Every pod.
    Cluster,
    /// Those of the client's node.
    Local,
}

impl TrafficPolicy {
    /// The value of `internalTrafficPolicy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            TrafficPolicy::Cluster => "Cluster",
            TrafficPolicy::Local => "Local",
        }
    }
}

/// Where one port of a Service leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetPort {
    /// The Service's own port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// The pods' port, by number or name.
    pub target: PortRef,
}

/// What of a Service to set. A field that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSettings {
    /// The whole selector: labels of the pods that serve.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// Where one of its ports leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_port: Option<TargetPort>,
    /// Whom clients inside of the cluster reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_traffic_policy: Option<TrafficPolicy>,
}

/// Where one path of an Ingress leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathBackend {
    /// The host of the rule; empty for the one without a host. It must be there as it is written here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 253))]
    pub host: String,
    /// The path below that host, as it is written there; empty for one without a path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub path: String,
    /// The Service that answers it.
    pub service: ObjectName,
    /// The Service's port, by number or name.
    pub port: PortRef,
}

/// What of an Ingress to set. A field that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngressSettings {
    /// The IngressClass that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ObjectName>,
    /// Where one of its paths leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<PathBackend>,
}

/// What of a HorizontalPodAutoscaler to set. A field that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HpaSettings {
    /// The least replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<i32>,
    /// The most replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<i32>,
    /// The workload that it scales, of the kind that it names now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ObjectName>,
}
