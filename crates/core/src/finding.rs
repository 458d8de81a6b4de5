//! What an analyzer concluded, and the evidence it rests on.
//!
//! Owns the closed list of causes and the dedupe key. Must never carry a value into a Change
//! that was seen only in telemetry: candidates carry the origin of every parameter. No IO.

use crate::action::Action;
use crate::names::ContainerName;
use crate::object::ObjectRef;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident,)+) => {
        /// What is wrong. A closed list: a new cause is a new analyzer rule with its tests.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Cause { $($(#[$doc])* $cause,)+ }

        impl Cause {
            /// Every cause, in the order of declaration.
            pub const ALL: &'static [Cause] = &[$(Cause::$cause,)+];
            /// The cause's name, as in `-o json`, metrics and Incidents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Cause::$cause => stringify!($cause),)+ }
            }
        }
    };
}

causes! {
    /// The registry answers that the tag, digest or repository does not exist.
    ImageNotFound,
    /// The registry refuses the pull (401, 403) or a pull secret is missing.
    ImagePullRefused,
    /// The image reference cannot be parsed.
    ImageNameInvalid,
    /// The registry cannot be reached.
    RegistryUnreachable,
    /// The image cannot be pulled, for a reason that is not told.
    ImagePullFailed,
    /// A container exits again and again.
    CrashLoop,
    /// A container exits because a needed environment variable or configuration is absent.
    CrashMissingConfig,
    /// The kernel killed a container at its memory limit.
    OomKilled,
    /// A referenced ConfigMap, or a key of it, does not exist.
    ConfigMapMissing,
    /// A referenced Secret, or a key of it, does not exist.
    SecretMissing,
    /// The liveness probe kills a process that runs.
    LivenessProbeKills,
    /// The startup probe kills a process that has not started in time.
    StartupProbeKills,
    /// The readiness probe hides a process that runs.
    ReadinessProbeHides,
    /// No node has the requested resources.
    InsufficientResources,
    /// No node matches the node selector or node affinity.
    NodeSelectorMismatch,
    /// A taint is not tolerated.
    TaintNotTolerated,
    /// Pod affinity, anti-affinity or topology spread cannot be satisfied.
    PodAffinityUnsatisfied,
    /// Another scheduling constraint (host port, volume, gate) cannot be satisfied.
    Unschedulable,
    /// A ResourceQuota refuses new pods.
    QuotaExceeded,
    /// A LimitRange refuses new pods.
    LimitRangeViolated,
    /// Pod Security admission refuses new pods.
    PodSecurityRefused,
    /// Another admission plugin, policy or webhook refuses new pods.
    AdmissionRefused,
    /// A rollout made no progress within its deadline, for no more specific cause.
    ProgressDeadlineExceeded,
    /// A Service's selector matches no pod.
    ServiceSelectsNothing,
    /// A Service's targetPort matches no port of the pods it selects.
    ServicePortMismatch,
    /// A Service selects pods, none of which is ready.
    ServiceWithoutEndpoints,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad it is for those who use the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// Nothing is lost yet.
    Info,
    /// Degraded: some replicas or a rollout suffer.
    Warning,
    /// Nothing of the workload serves.
    Critical,
}

/// One observation that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// `object:<uid>@<resourceVersion>#<path>` or `event:<uid>`: enough to look the observation up.
    #[schemars(length(max = 512))]
    pub id: String,
    /// The object that was observed.
    pub object: ObjectRef,
    /// What was read there; untrusted text, capped and escaped when shown.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// A Change that would mend the cause, as proposed by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Candidate {
    /// What to do, with each parameter's origin.
    pub action: Action,
    /// The object it would be done to.
    pub target: ObjectRef,
    /// One sentence for a human.
    #[schemars(length(max = 512))]
    pub why: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What is wrong.
    pub cause: Cause,
    /// How bad it is.
    pub severity: Severity,
    /// The owning workload (or the object itself where nothing owns it).
    pub subject: ObjectRef,
    /// The container concerned, where the cause is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerName>,
    /// One sentence for a human; untrusted parts are quoted and escaped.
    pub summary: String,
    /// Since when, by the API server's or kubelet's clock.
    pub since: Timestamp,
    /// What it rests on; never empty.
    pub evidence: Vec<Evidence>,
    /// Changes that would mend it, best first; may be empty.
    pub candidates: Vec<Candidate>,
}

/// Findings with the same key are one Incident: ten pods of one rollout coalesce.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeKey {
    /// What is wrong.
    pub cause: Cause,
    /// The owning workload; its uid decides, never a pod-template hash.
    pub subject: ObjectRef,
    /// The container concerned.
    pub container: Option<ContainerName>,
}

impl Finding {
    /// The key by which findings coalesce.
    pub fn key(&self) -> DedupeKey {
        DedupeKey { cause: self.cause, subject: self.subject.clone(), container: self.container.clone() }
    }
}

impl DedupeKey {
    /// A stable object name for the Incident of this key: readable head, hashed tail.
    pub fn incident_name(&self) -> String {
        let subject = self.subject.uid.as_ref().map_or_else(|| self.subject.to_string(), |u| u.as_str().to_owned());
        let container = self.container.as_ref().map_or("", ContainerName::as_str);
        let digest = crate::canonical::sha256_hex(format!("{}|{subject}|{container}", self.cause).as_bytes());
        let head: String = self.subject.name.as_str().chars().take(40).collect();
        let head = head.trim_end_matches(['-', '.']);
        format!("{head}-{}-{}", self.cause.as_str().to_lowercase(), digest.get(..8).unwrap_or(&digest))
    }
}
