//! The closed set of Change types with their typed parameters, and where each value came from.
//!
//! Owns the vocabulary of what may be changed. Must never grow a free-form parameter. No IO.

mod params;

pub use params::{
    HpaSettings, IngressSettings, PathBackend, ProbeName, ProbeSettings, ResourceName, Resources, SchedulingPart,
    ServiceSettings, Strategy, TargetPort, TrafficPolicy,
};

use crate::names::{ContainerName, ObjectName, Uid, VariableName, VolumeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a parameter's value came from. The operator proves the claim against the cluster
/// before planning; an unproved claim is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Origin {
    /// Read from a revision of the same workload.
    RevisionHistory {
        /// The ReplicaSet or ControllerRevision that holds the revision.
        source: ObjectName,
        /// The revision's number.
        revision: i64,
    },
    /// The kept copy in the plan of an earlier Change.
    KeptCopy {
        /// The Change whose plan holds the copy, in the same namespace.
        change: ObjectName,
        /// That Change's uid.
        uid: Uid,
    },
    /// The operator's own last-known-good copy.
    LastKnownGood {
        /// SHA-256 over the copy, as lower-case hexadecimal.
        #[schemars(length(min = 64, max = 64))]
        digest: String,
    },
    /// Matches an image pattern of the mandate.
    MandateAllowlist {
        /// The pattern it matches.
        #[schemars(length(max = 512))]
        pattern: String,
    },
    /// Computed from the live object within the type's bounds (resources, at most doubled).
    CurrentValue {},
    /// What the operator saw in the object before somebody changed it; never pre-approvable, and
    /// forgotten when the operator's process ends.
    Earlier {},
    /// Given by a person; never pre-approvable.
    Human {},
    /// Seen only in logs, events or annotations; always refused.
    Telemetry {},
}

/// A parameter's value together with its origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Param<T> {
    /// The value to use.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Param<T> {
    /// A value with its origin.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// One typed change. Externally tagged: `setImage: {container: …, image: {value: …, origin: …}}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Action {
    /// Put an earlier revision's pod template back.
    RolloutUndo {
        /// The revision to go back to.
        revision: Param<i64>,
    },
    /// Set one container's image.
    SetImage {
        /// The container, init containers included.
        container: ContainerName,
        /// The image reference.
        image: Param<String>,
    },
    /// Replace all pods of a workload, its template unchanged but for the restart mark.
    RolloutRestart {},
    /// Delete one pod that a live controller will replace.
    DeletePod {},
    /// Set the number of replicas.
    Scale {
        /// The wanted number of replicas.
        replicas: Param<i32>,
    },
    /// Set one container's requests and limits.
    SetResources {
        /// The container, init containers included.
        container: ContainerName,
        /// The wanted requests and limits.
        resources: Param<Resources>,
    },
    /// Delete a ResourceQuota; its copy is kept in the plan.
    DeleteResourceQuota {},
    /// Create an object again, or give a ConfigMap its content back, from a copy that was kept.
    RestoreObject {
        /// The Change that keeps the copy, or the last-known-good copy by its own name.
        copy: Param<ObjectName>,
    },
    /// Set what a Service leads to.
    PatchService {
        /// What is set.
        settings: Param<ServiceSettings>,
    },
    /// Set one probe of a container.
    SetProbe {
        /// The container, init containers included.
        container: ContainerName,
        /// The probe, which there must be.
        probe: ProbeName,
        /// What is set.
        settings: Param<ProbeSettings>,
    },
    /// Put one environment variable back to what a revision has; remove it where that has none.
    SetEnv {
        /// The container, init containers included.
        container: ContainerName,
        /// The variable.
        variable: VariableName,
        /// The revision.
        revision: Param<i64>,
    },
    /// Put what decides where pods run back to what a revision has.
    SetScheduling {
        /// What is put back.
        part: SchedulingPart,
        /// The revision.
        revision: Param<i64>,
    },
    /// Have a volume refer to the claim, ConfigMap or Secret that it refers to in a revision.
    SetVolumeRef {
        /// The volume.
        volume: VolumeName,
        /// The revision.
        revision: Param<i64>,
    },
    /// Set how many pods are replaced at a time.
    SetStrategy {
        /// What is set.
        strategy: Param<Strategy>,
    },
    /// Stop a CronJob from starting Jobs.
    SuspendCronJob {},
    /// Let a CronJob start Jobs again.
    ResumeCronJob {},
    /// Set the class of an Ingress, or where one of its paths leads.
    PatchIngress {
        /// What is set.
        settings: Param<IngressSettings>,
    },
    /// Set what a HorizontalPodAutoscaler scales, and within which bounds.
    PatchHPA {
        /// What is set.
        settings: Param<HpaSettings>,
    },
    /// Keep new pods from a node.
    Cordon {},
    /// Let a node take pods again.
    Uncordon {},
}

macro_rules! change_types {
    ($($ty:ident $tier:literal $text:literal,)+) => {
        /// The name of a Change type, as in a Mandate and in metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum ChangeType { $(#[doc = $text] $ty,)+ }

        impl ChangeType {
            /// Every type, in the order of declaration.
            pub const ALL: &'static [ChangeType] = &[$(ChangeType::$ty,)+];
            /// The type's name.
            pub const fn as_str(self) -> &'static str {
                match self { $(ChangeType::$ty => stringify!($ty),)+ }
            }
            /// 1: a mandate may pre-approve it; 2: only if the mandate names the type;
            /// 3: always needs a human.
            pub const fn tier(self) -> u8 {
                match self { $(ChangeType::$ty => $tier,)+ }
            }
        }
    };
}

change_types! {
    RolloutUndo 1 "Put an earlier revision's pod template back.",
    SetImage 1 "Set one container's image.",
    RolloutRestart 1 "Replace all pods of a workload.",
    DeletePod 1 "Delete one pod that a controller replaces.",
    Scale 1 "Set the number of replicas.",
    SetResources 1 "Set one container's requests and limits.",
    DeleteResourceQuota 2 "Delete a ResourceQuota, keeping a copy.",
    RestoreObject 2 "Put an object back from its kept copy.",
    PatchService 2 "Set what a Service leads to.",
    SetProbe 2 "Set one probe of a container.",
    SetEnv 2 "Put one environment variable back to what a revision has.",
    SetScheduling 2 "Put back what decides where pods run.",
    SetVolumeRef 2 "Put back what a volume refers to.",
    SetStrategy 2 "Set how many pods are replaced at a time.",
    SuspendCronJob 2 "Stop a CronJob from starting Jobs.",
    ResumeCronJob 2 "Let a CronJob start Jobs again.",
    PatchIngress 2 "Set the class of an Ingress, or where one of its paths leads.",
    PatchHPA 2 "Set what a HorizontalPodAutoscaler scales, and within which bounds.",
    Cordon 3 "Keep new pods from a node.",
    Uncordon 3 "Let a node take pods again.",
}

impl ChangeType {
    /// Looks a type up by name, without regard to case.
    pub fn parse(name: &str) -> Option<ChangeType> {
        ChangeType::ALL.iter().copied().find(|t| t.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for ChangeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Action {
    /// The type of this action.
    pub const fn change_type(&self) -> ChangeType {
        match self {
            Action::RolloutUndo { .. } => ChangeType::RolloutUndo,
            Action::SetImage { .. } => ChangeType::SetImage,
            Action::RolloutRestart {} => ChangeType::RolloutRestart,
            Action::DeletePod {} => ChangeType::DeletePod,
            Action::Scale { .. } => ChangeType::Scale,
            Action::SetResources { .. } => ChangeType::SetResources,
            Action::DeleteResourceQuota {} => ChangeType::DeleteResourceQuota,
            Action::RestoreObject { .. } => ChangeType::RestoreObject,
            Action::PatchService { .. } => ChangeType::PatchService,
            Action::SetProbe { .. } => ChangeType::SetProbe,
            Action::SetEnv { .. } => ChangeType::SetEnv,
            Action::SetScheduling { .. } => ChangeType::SetScheduling,
            Action::SetVolumeRef { .. } => ChangeType::SetVolumeRef,
            Action::SetStrategy { .. } => ChangeType::SetStrategy,
            Action::SuspendCronJob {} => ChangeType::SuspendCronJob,
            Action::ResumeCronJob {} => ChangeType::ResumeCronJob,
            Action::PatchIngress { .. } => ChangeType::PatchIngress,
            Action::PatchHPA { .. } => ChangeType::PatchHPA,
            Action::Cordon {} => ChangeType::Cordon,
            Action::Uncordon {} => ChangeType::Uncordon,
        }
    }

    /// Each parameter that has an origin, by name.
    pub fn origins(&self) -> Vec<(&'static str, &Origin)> {
        match self {
            Action::RolloutUndo { revision }
            | Action::SetEnv { revision, .. }
            | Action::SetScheduling { revision, .. }
            | Action::SetVolumeRef { revision, .. } => vec![("revision", &revision.origin)],
            Action::PatchService { settings } => vec![("settings", &settings.origin)],
            Action::PatchIngress { settings } => vec![("settings", &settings.origin)],
            Action::PatchHPA { settings } => vec![("settings", &settings.origin)],
            Action::SetProbe { settings, .. } => vec![("settings", &settings.origin)],
            Action::SetStrategy { strategy } => vec![("strategy", &strategy.origin)],
            Action::SetImage { image, .. } => vec![("image", &image.origin)],
            Action::Scale { replicas } => vec![("replicas", &replicas.origin)],
            Action::SetResources { resources, .. } => vec![("resources", &resources.origin)],
            Action::RestoreObject { copy } => vec![("copy", &copy.origin)],
            Action::RolloutRestart {}
            | Action::DeletePod {}
            | Action::DeleteResourceQuota {}
            | Action::SuspendCronJob {}
            | Action::ResumeCronJob {}
            | Action::Cordon {}
            | Action::Uncordon {} => Vec::new(),
        }
    }
}
