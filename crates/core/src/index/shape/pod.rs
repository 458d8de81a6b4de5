//! Pods and pod specs, as far as they are read.
//!
//! Owns the fields of pods. Must never keep the value of an environment variable: only a print of it. No IO.

use super::lenient::{Port, message, or_default, pairs, time};
use super::meta::Meta;
use crate::index::hash::Print;
use jiff::Timestamp;
use serde::Deserialize;

macro_rules! shape {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[$attr:meta])* $field:ident: $ty:ty,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub struct $name { $($(#[$attr])* #[doc = concat!("`", stringify!($field), "`")] pub $field: $ty,)+ }
    };
}
pub(super) use shape;

shape! {
    /// A Pod.
    PodShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: PodSpecShape,
        #[serde(deserialize_with = "or_default")] status: PodStatusShape,
    }
}

shape! {
    /// A pod's spec, also inside templates.
    PodSpecShape {
        #[serde(deserialize_with = "or_default")] node_name: String,
        #[serde(deserialize_with = "or_default")] restart_policy: String,
        #[serde(deserialize_with = "or_default")] service_account_name: String,
        #[serde(deserialize_with = "or_default")] host_network: bool,
        #[serde(deserialize_with = "or_default")] containers: Vec<ContainerShape>,
        #[serde(deserialize_with = "or_default")] init_containers: Vec<ContainerShape>,
        #[serde(deserialize_with = "or_default")] volumes: Vec<VolumeShape>,
        #[serde(deserialize_with = "pairs")] node_selector: Vec<(String, String)>,
        #[serde(deserialize_with = "or_default")] scheduling_gates: Vec<NamedShape>,
        #[serde(deserialize_with = "or_default")] image_pull_secrets: Vec<NamedShape>,
        #[serde(deserialize_with = "or_default")] dns_policy: String,
        dns_config: Print,
        host_aliases: Print,
        security_context: Print,
        runtime_class_name: Print,
        affinity: Print,
        topology_spread_constraints: Print,
    }
}

shape! {
    /// Something that is only named.
    NamedShape { #[serde(deserialize_with = "or_default")] name: String, }
}

shape! {
    /// A container.
    ContainerShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] image: String,
        #[serde(deserialize_with = "or_default")] command: Vec<String>,
        #[serde(deserialize_with = "or_default")] args: Vec<String>,
        working_dir: Print,
        lifecycle: Print,
        security_context: Print,
        #[serde(deserialize_with = "or_default")] restart_policy: String,
        #[serde(deserialize_with = "or_default")] ports: Vec<PortShape>,
        #[serde(deserialize_with = "or_default")] env: Vec<EnvShape>,
        #[serde(deserialize_with = "or_default")] env_from: Vec<SourceShape>,
        #[serde(deserialize_with = "or_default")] resources: ResourcesShape,
        liveness_probe: Option<ProbeShape>,
        readiness_probe: Option<ProbeShape>,
        startup_probe: Option<ProbeShape>,
    }
}

shape! {
    /// A container's port.
    PortShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] container_port: u16,
        #[serde(deserialize_with = "or_default")] host_port: u16,
        #[serde(deserialize_with = "or_default")] protocol: String,
    }
}

shape! {
    /// An environment variable: its name, a print of its value and, where it is a reference, to what.
    EnvShape {
        #[serde(deserialize_with = "or_default")] name: String,
        value: Print,
        #[serde(deserialize_with = "or_default")] value_from: ValueFromShape,
    }
}

shape! {
    /// Where an environment variable's value comes from.
    ValueFromShape {
        config_map_key_ref: Option<KeyRefShape>,
        secret_key_ref: Option<KeyRefShape>,
    }
}

shape! {
    /// A reference to a ConfigMap or Secret, whole or by key. A volume calls the Secret
    /// `secretName`, everything else `name`.
    KeyRefShape {
        #[serde(deserialize_with = "or_default", alias = "secretName")] name: String,
        #[serde(deserialize_with = "or_default")] key: String,
        #[serde(deserialize_with = "or_default")] optional: bool,
        #[serde(deserialize_with = "or_default")] items: Vec<ItemShape>,
    }
}

shape! {
    /// One key that a volume shows as a file.
    ItemShape { #[serde(deserialize_with = "or_default")] key: String, }
}

shape! {
    /// One source of environment variables (`configMapRef`) or of a projected volume (`configMap`).
    SourceShape {
        #[serde(alias = "configMap")] config_map_ref: Option<KeyRefShape>,
        #[serde(alias = "secret")] secret_ref: Option<KeyRefShape>,
    }
}

shape! {
    /// A container's resources.
    ResourcesShape {
        #[serde(deserialize_with = "pairs")] requests: Vec<(String, String)>,
        #[serde(deserialize_with = "pairs")] limits: Vec<(String, String)>,
    }
}

shape! {
    /// A probe.
    ProbeShape {
        http_get: Option<HandlerShape>,
        tcp_socket: Option<HandlerShape>,
        grpc: Option<HandlerShape>,
        exec: Print,
        #[serde(deserialize_with = "or_default")] initial_delay_seconds: i32,
        #[serde(deserialize_with = "or_default")] period_seconds: i32,
        #[serde(deserialize_with = "or_default")] timeout_seconds: i32,
        #[serde(deserialize_with = "or_default")] failure_threshold: i32,
    }
}

shape! {
    /// What a probe asks.
    HandlerShape {
        #[serde(deserialize_with = "or_default")] path: String,
        port: Option<Port>,
    }
}

shape! {
    /// A volume, where it refers to another object.
    VolumeShape {
        #[serde(deserialize_with = "or_default")] name: String,
        config_map: Option<KeyRefShape>,
        secret: Option<KeyRefShape>,
        projected: Option<ProjectedShape>,
        persistent_volume_claim: Option<ClaimRefShape>,
    }
}

shape! {
    /// A projected volume.
    ProjectedShape { #[serde(deserialize_with = "or_default")] sources: Vec<SourceShape>, }
}

shape! {
    /// A reference to a claim.
    ClaimRefShape { #[serde(deserialize_with = "or_default")] claim_name: String, }
}

shape! {
    /// A pod's status.
    PodStatusShape {
        #[serde(deserialize_with = "or_default")] phase: String,
        #[serde(deserialize_with = "or_default")] reason: String,
        #[serde(deserialize_with = "message")] message: String,
        #[serde(deserialize_with = "or_default")] conditions: Vec<ConditionShape>,
        #[serde(deserialize_with = "or_default")] container_statuses: Vec<ContainerStatusShape>,
        #[serde(deserialize_with = "or_default")] init_container_statuses: Vec<ContainerStatusShape>,
    }
}

shape! {
    /// A condition of any kind.
    ConditionShape {
        #[serde(rename = "type", deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "or_default")] status: String,
        #[serde(deserialize_with = "or_default")] reason: String,
        #[serde(deserialize_with = "message")] message: String,
        #[serde(deserialize_with = "time")] last_transition_time: Option<Timestamp>,
    }
}

shape! {
    /// A container's status.
    ContainerStatusShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] ready: bool,
        #[serde(deserialize_with = "or_default")] restart_count: u32,
        #[serde(deserialize_with = "or_default")] state: ContainerStateShape,
        #[serde(deserialize_with = "or_default")] last_state: ContainerStateShape,
    }
}

shape! {
    /// What a container does or did.
    ContainerStateShape {
        waiting: Option<WaitingShape>,
        running: Option<RunningShape>,
        terminated: Option<TerminatedShape>,
    }
}

shape! {
    /// Why a container waits.
    WaitingShape {
        #[serde(deserialize_with = "or_default")] reason: String,
        #[serde(deserialize_with = "message")] message: String,
    }
}

shape! {
    /// Since when a container runs.
    RunningShape { #[serde(deserialize_with = "time")] started_at: Option<Timestamp>, }
}

shape! {
    /// How a container ended.
    TerminatedShape {
        #[serde(deserialize_with = "or_default")] reason: String,
        #[serde(deserialize_with = "message")] message: String,
        #[serde(deserialize_with = "or_default")] exit_code: i32,
        #[serde(deserialize_with = "or_default")] signal: i32,
        #[serde(deserialize_with = "time")] started_at: Option<Timestamp>,
        #[serde(deserialize_with = "time")] finished_at: Option<Timestamp>,
    }
}
