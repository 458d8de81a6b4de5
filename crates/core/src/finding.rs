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
    ($(#[doc = $doc:literal] $cause:ident,)+) => {
        /// What is wrong. A closed list: a new cause is a new analyzer rule with its tests.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Cause { $(#[doc = $doc] $cause,)+ }

        impl Cause {
            /// Every cause, in the order of declaration.
            pub const ALL: &'static [Cause] = &[$(Cause::$cause,)+];
            /// The cause's name, as in `-o json`, metrics and Incidents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Cause::$cause => stringify!($cause),)+ }
            }
            /// What it means, in one sentence for people.
            pub fn meaning(self) -> &'static str {
                match self { $(Cause::$cause => $doc.trim_ascii(),)+ }
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
    /// The Secret that the image is to be pulled with does not exist.
    ImagePullSecretMissing,
    /// A container exits again and again.
    CrashLoop,
    /// A container exits because a needed environment variable or configuration is absent.
    CrashMissingConfig,
    /// A container's program is built for another kind of processor.
    WrongArchitecture,
    /// A container's command does not exist or cannot be executed.
    CommandNotFound,
    /// The container cannot be made as its specification says.
    ContainerNotMade,
    /// A container cannot listen because another of its pod has the port.
    PortConflict,
    /// A container exits because a volume has no space left.
    VolumeFull,
    /// A container exits because the API server refuses it something.
    AccessDenied,
    /// A container waits or exits because a Service that it speaks to does not exist.
    ServiceMissing,
    /// A container exits because names cannot be resolved.
    NameNotResolved,
    /// An init container has been running for very long.
    InitContainerHangs,
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
    /// A volume cannot be attached or mounted.
    VolumeMountFailed,
    /// A pod's sandbox cannot be made, by its network first of all.
    PodSandboxFailed,
    /// No node has the requested resources.
    InsufficientResources,
    /// No node matches the node selector or node affinity.
    NodeSelectorMismatch,
    /// A taint is not tolerated.
    TaintNotTolerated,
    /// Pod affinity, anti-affinity or topology spread cannot be satisfied.
    PodAffinityUnsatisfied,
    /// Every node that would do has the wanted host port in use.
    HostPortConflict,
    /// A claim that a pod mounts does not exist.
    ClaimMissing,
    /// A pod's volume can be used on no node that could take the pod.
    VolumeNodeConflict,
    /// A scheduling gate is left on a pod.
    SchedulingGateLeft,
    /// Another scheduling constraint cannot be satisfied.
    Unschedulable,
    /// A ResourceQuota refuses new pods.
    QuotaExceeded,
    /// A LimitRange refuses new pods.
    LimitRangeViolated,
    /// Pod Security admission refuses new pods.
    PodSecurityRefused,
    /// The ServiceAccount that pods are to run as does not exist.
    ServiceAccountMissing,
    /// Another admission plugin, policy or webhook refuses new pods.
    AdmissionRefused,
    /// A rollout made no progress within its deadline, for no more specific cause.
    ProgressDeadlineExceeded,
    /// A rollout waits for what its own strategy holds back.
    RolloutStuckByStrategy,
    /// A rollout is paused with a change held back.
    RolloutPaused,
    /// A workload that ran is scaled to zero, and nothing says why.
    ScaledToZero,
    /// Nodes evict a workload's pods.
    PodsEvicted,
    /// A ConfigMap was changed after the pods had read it into their environment.
    ConfigChangedSinceStart,
    /// A Job gave up after too many failed pods.
    JobBackoffLimitExceeded,
    /// A Job was ended at its deadline.
    JobDeadlineExceeded,
    /// A Job failed for another reason of its own.
    JobFailed,
    /// A CronJob that ran is suspended, and nothing says why.
    CronJobSuspended,
    /// A CronJob starts no run because the last one does not end.
    CronJobBlocked,
    /// A CronJob does not run when its schedule says.
    CronJobNeverRuns,
    /// A Service's selector matches no pod.
    ServiceSelectsNothing,
    /// A Service's targetPort matches no port of the pods it selects.
    ServicePortMismatch,
    /// A Service selects pods, none of which is ready.
    ServiceWithoutEndpoints,
    /// A Service selects pods of another workload beside its own, which do not serve its port.
    ServiceSelectsOthers,
    /// Nothing serves an Ingress: its class does not exist, or it names none.
    IngressClassMissing,
    /// An Ingress leads to a Service, or a port of one, that does not exist.
    IngressBackendMissing,
    /// An Ingress leads to another Service than before, and the one before waits for requests.
    IngressMisrouted,
    /// The Secret of an Ingress's certificate does not exist, as its controller says.
    IngressSecretMissing,
    /// A Gateway or its class is not accepted.
    GatewayRefused,
    /// An HTTPRoute hangs on a Gateway that does not exist.
    RouteGatewayMissing,
    /// An HTTPRoute leads to a Service, or a port of one, that does not exist.
    RouteBackendMissing,
    /// A certificate is no longer valid, or will not be for long.
    CertificateExpired,
    /// A certificate cannot be issued.
    CertificateNotReady,
    /// A claim's StorageClass does not exist.
    StorageClassMissing,
    /// No volume fits a claim, and none is made for it.
    ClaimUnbound,
    /// A volume for a claim cannot be made.
    ProvisioningFailed,
    /// The volume of a bound claim is gone.
    ClaimLost,
    /// A volume is kept for a claim that is gone.
    VolumeReleased,
    /// A volume cannot be reclaimed.
    VolumeFailed,
    /// More than one StorageClass is the default.
    TwoDefaultStorageClasses,
    /// What an autoscaler is to scale does not exist.
    HpaTargetMissing,
    /// An autoscaler gets no metrics.
    HpaWithoutMetrics,
    /// An autoscaler cannot compute a share: the pods request nothing of the resource.
    HpaMissingRequests,
    /// Two autoscalers are about the same pods.
    HpaConflict,
    /// An autoscaler wants more replicas than it may have.
    HpaAtLimit,
    /// A disruption budget allows no disruption though every pod is healthy.
    BudgetBlocks,
    /// A disruption budget is about no pod.
    BudgetSelectsNothing,
    /// A network policy is about no pod.
    PolicySelectsNothing,
    /// Network policies keep pods from looking names up.
    PolicyBlocksDns,
    /// A network policy admits only pods that do not exist.
    PolicyAdmitsNobody,
    /// A node does not answer.
    NodeNotReady,
    /// A node is short of memory, disk or process numbers, or has no network.
    NodeUnderPressure,
    /// A node is cordoned, and nothing says why.
    NodeCordoned,
    /// Nothing serves an admission webhook.
    WebhookBackendMissing,
    /// An admission webhook's CA bundle is absent, broken or out of date.
    WebhookBundleInvalid,
    /// Admission webhooks together may take longer than a request has.
    WebhookTimeouts,
    /// An object's deletion waits for a finalizer that nobody removes.
    FinalizerStuck,
    /// A namespace's deletion does not end.
    NamespaceStuck,
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
