//! What is looked at for each cause, and what may be proposed: the table of `docs/DIAGNOSIS.md`.
//!
//! Owns that table; a cause without a row does not compile. Must never promise a change that no
//! analyzer proposes: the fixtures of all analyzers hold their findings against it. No IO.

use crate::action::ChangeType::{
    self, DeletePod, DeleteResourceQuota, PatchHPA, PatchIngress, PatchService, RestoreObject, ResumeCronJob,
    RolloutRestart, RolloutUndo, Scale, SetEnv, SetImage, SetProbe, SetResources, SetScheduling, Uncordon,
};
use crate::finding::Cause;

/// What is said of one cause.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// What is looked at.
    pub looks_at: &'static str,
    /// The kinds of objects that the evidence is of.
    pub evidence: &'static str,
    /// The types of changes that may be proposed, best first.
    pub candidates: &'static [ChangeType],
}

macro_rules! table {
    ($($cause:ident: $looks:literal, $evidence:literal, [$($change:ident),*];)+) => {
        /// What is said of a cause.
        pub const fn about(cause: Cause) -> About {
            match cause {
                $(Cause::$cause => About { looks_at: $looks, evidence: $evidence, candidates: &[$($change),*] },)+
            }
        }
    };
}

table! {
    ImageNotFound: "the pull error in pod status and event, the revisions", "Pod, Event", [RolloutUndo, SetImage];
    ImagePullRefused: "the same", "Pod, Event", [RolloutUndo, SetImage];
    ImageNameInvalid: "the same", "Pod, Event", [RolloutUndo, SetImage];
    RegistryUnreachable: "the same, for longer than 10 s", "Pod, Event", [RolloutUndo, SetImage];
    ImagePullFailed: "the same", "Pod, Event", [RolloutUndo, SetImage];
    ImagePullSecretMissing: "the same, and the kubelet's `FailedToRetrieveImagePullSecret`", "Pod, Event", [RolloutUndo, SetImage];
    CrashLoop: "exit code and termination message, the revisions", "Pod", [RolloutUndo];
    CrashMissingConfig: "variables that the termination message or the last revision that served names, and the template lacks", "Pod", [RolloutUndo, SetEnv];
    WrongArchitecture: "`exec format error` in the termination message; exit code 255 at once, again and without a word, from an image that nothing is known to have run", "Pod", [RolloutUndo];
    CommandNotFound: "exit codes 126 and 127, or the runtime's words for a start that failed", "Pod", [RolloutUndo];
    ContainerNotMade: "what the kubelet or the runtime says of a container that it cannot make: its user, a profile, a directory", "Pod", [RolloutUndo];
    PortConflict: "`address already in use`, or a port that two containers of the pod declare", "Pod", [RolloutUndo];
    VolumeFull: "`no space left on device` in the termination message", "Pod", [RolloutUndo];
    AccessDenied: "the API server's refusal in the termination message", "Pod", [RolloutUndo];
    ServiceMissing: "a resolver's complaint, or the command of an init container that runs on, against the Services there are", "Pod", [RestoreObject, RolloutUndo];
    NameNotResolved: "a resolver's complaint, against DNS policy and network policies", "Pod", [RolloutUndo];
    InitContainerHangs: "an init container that has run for 15 minutes", "Pod", [RolloutUndo];
    OomKilled: "`OOMKilled` in every form it comes in, limits of earlier revisions", "Pod", [RolloutUndo, SetResources];
    ConfigMapMissing: "the kubelet's complaint; under pods that run, the ConfigMap and the names of its keys as its managed fields tell them, where it is not put back within 30 s", "Pod, Event, ConfigMap", [RestoreObject, RolloutUndo];
    SecretMissing: "the kubelet's complaint, against what the pod refers to", "Pod, Event", [RolloutUndo];
    LivenessProbeKills: "the kubelet's `Killing` event, and how and after what time the container ended", "Event", [RolloutUndo, SetProbe];
    StartupProbeKills: "the same", "Event", [RolloutUndo, SetProbe];
    ReadinessProbeHides: "a container that runs unready for longer than its probes allow", "Pod, Event", [RolloutUndo, SetProbe];
    VolumeMountFailed: "`FailedMount` and `FailedAttachVolume` events for a minute, before any container ran", "Event", [RolloutUndo];
    PodSandboxFailed: "`FailedCreatePodSandBox` events for a minute, one attempt or several", "Event", [RolloutUndo];
    InsufficientResources: "the scheduler's message, the revisions", "Pod", [RolloutUndo];
    NodeSelectorMismatch: "the scheduler's message", "Pod", [RolloutUndo, SetScheduling];
    TaintNotTolerated: "the scheduler's message, and who tainted the node", "Pod", [];
    PodAffinityUnsatisfied: "the scheduler's message", "Pod", [RolloutUndo];
    HostPortConflict: "the scheduler's message", "Pod", [RolloutUndo];
    ClaimMissing: "the scheduler's message", "Pod", [RolloutUndo];
    VolumeNodeConflict: "the scheduler's message, the volume's node affinity against the nodes", "Pod", [];
    SchedulingGateLeft: "the pod's gates, after a minute", "Pod", [];
    Unschedulable: "the scheduler's message", "Pod", [RolloutUndo];
    QuotaExceeded: "refusals in events and conditions of what makes the pods, against the quotas there are; a quota is left alone that is a tenth or less of what the workload needs and is not overrun", "Event, ReplicaSet, ResourceQuota", [RolloutUndo, DeleteResourceQuota, SetResources];
    LimitRangeViolated: "refusals of what makes the pods", "Event, ReplicaSet", [RolloutUndo];
    PodSecurityRefused: "the same", "Event, ReplicaSet", [RolloutUndo];
    ServiceAccountMissing: "the same, against the ServiceAccounts there are", "Event, ReplicaSet", [RolloutUndo];
    AdmissionRefused: "the same; not where the webhook has a finding of its own", "Event, ReplicaSet", [RolloutUndo];
    ProgressDeadlineExceeded: "the Deployment's `Progressing` condition, where nothing else says why", "Deployment", [RolloutUndo];
    RolloutStuckByStrategy: "new pods that wait for a port or volume of old ones where none may be missing; an ordered StatefulSet with a broken pod of an earlier revision", "Pod", [RolloutUndo, DeletePod];
    RolloutPaused: "a paused Deployment whose template no revision has", "Deployment", [];
    ScaledToZero: "replicas 0 after the first generation, who wrote it, and the Services that miss it", "Deployment, StatefulSet", [Scale];
    PodsEvicted: "three evictions within an hour, or one of a pod without a controller", "Pod", [];
    ConfigChangedSinceStart: "when a ConfigMap was written, and when the pods that read it into variables were made", "ConfigMap", [RolloutRestart];
    JobBackoffLimitExceeded: "the Job's `Failed` condition, and how its pods ended", "Pod, Job", [RolloutUndo];
    JobDeadlineExceeded: "the Job's `Failed` condition", "Job", [];
    JobFailed: "the Job's `Failed` condition", "Job", [];
    CronJobSuspended: "a suspended CronJob that ran before, who wrote it, and whether its schedule was kept until then", "CronJob", [ResumeCronJob];
    CronJobBlocked: "policy `Forbid`, and a Job that runs while three others were due", "CronJob, Job", [];
    CronJobNeverRuns: "the schedule, when it ran last, and the controller's complaints", "CronJob, Event", [];
    ServiceSelectsNothing: "the selector against pods and templates", "Service", [PatchService];
    ServicePortMismatch: "target ports against what the pods declare", "Service, Pod", [PatchService];
    ServiceWithoutEndpoints: "readiness of the pods, where these have no finding and their nodes answer", "Pod", [];
    ServiceSelectsOthers: "target ports against the pods of each workload that is selected", "Service, Pod", [];
    IngressClassMissing: "the class against the IngressClasses and the default one", "Ingress", [PatchIngress];
    IngressBackendMissing: "backends against Services and their ports", "Ingress", [RestoreObject, PatchIngress];
    IngressMisrouted: "where a path led before, as far as the operator saw it, and the names of both Services", "Ingress", [PatchIngress];
    IngressSecretMissing: "its controller's events about a Secret that it names", "Event", [];
    GatewayRefused: "the class, and the conditions `Accepted` and `Programmed`", "Gateway, GatewayClass", [];
    RouteGatewayMissing: "parent references against Gateways", "HTTPRoute", [];
    RouteBackendMissing: "backends against Services and their ports", "HTTPRoute", [];
    CertificateExpired: "`status.notAfter` of a cert-manager Certificate: past, or three days ahead, or an hour past `status.renewalTime` where there is one", "Certificate", [];
    CertificateNotReady: "the condition `Ready`, after ten minutes", "Certificate", [];
    StorageClassMissing: "the class against StorageClasses and free volumes", "PersistentVolumeClaim", [];
    ClaimUnbound: "free volumes against the claim's class, size, access modes and volume mode", "PersistentVolumeClaim", [];
    ProvisioningFailed: "`ProvisioningFailed` events, or silence for five minutes", "PersistentVolumeClaim, Event", [];
    ClaimLost: "the claim's phase", "PersistentVolumeClaim", [];
    VolumeReleased: "the volume's phase, and claims that wait for such a volume; for a day, and as a warning, where it is kept", "PersistentVolume", [];
    VolumeFailed: "the volume's phase and message", "PersistentVolume", [];
    TwoDefaultStorageClasses: "the default marks of all StorageClasses", "StorageClass", [];
    HpaTargetMissing: "`scaleTargetRef` against the workloads there are", "HorizontalPodAutoscaler", [PatchHPA];
    HpaWithoutMetrics: "the condition `ScalingActive`, after three minutes (one for metrics that are not of pods), where the workload is well", "HorizontalPodAutoscaler", [];
    HpaMissingRequests: "the same, against the requests of the containers, now and in the last revision that served", "HorizontalPodAutoscaler", [SetResources, RolloutUndo];
    HpaConflict: "the same, with reason `AmbiguousSelector`", "HorizontalPodAutoscaler", [];
    HpaAtLimit: "the condition `ScalingLimited`, after ten minutes; after two (less than one where the limit was lowered), and as a warning, where the shares that it measures are twice what it aims at and the workload is well", "HorizontalPodAutoscaler", [PatchHPA];
    BudgetBlocks: "the budget's status while every pod is healthy, cordoned nodes that have one, and whether an autoscaler may yet make more", "PodDisruptionBudget", [];
    BudgetSelectsNothing: "the selector against pods and templates", "PodDisruptionBudget", [];
    PolicySelectsNothing: "the selector against pods and templates", "NetworkPolicy", [];
    PolicyBlocksDns: "ports 53 and 5353 in the egress rules of all policies about the same pods", "NetworkPolicy, Pod", [];
    PolicyAdmitsNobody: "ingress peers against pods, templates and namespaces", "NetworkPolicy", [];
    NodeNotReady: "the condition `Ready`, after a minute; not of a cordoned node whose annotation says why", "Node", [];
    NodeUnderPressure: "the pressure conditions and `NetworkUnavailable`, after a minute", "Node", [];
    NodeCordoned: "who cordoned it, and pods that wait; not with a remover's taint", "Node", [Uncordon];
    WebhookBackendMissing: "the webhook's Service and its ready endpoints", "webhook configuration", [];
    WebhookBundleInvalid: "the CA bundle: absent, no certificate, or all out of date", "webhook configuration", [];
    WebhookTimeouts: "the time-outs of all webhooks asked about new pods", "webhook configuration", [];
    FinalizerStuck: "an object to be deleted for five minutes, and its finalizers", "any kind that is read", [];
    NamespaceStuck: "a namespace to be deleted for five minutes, and its conditions", "Namespace", [];
}

/// The page before the table.
const HEAD: &str = "\
# What is diagnosed

Analyzers are rules over what the watches show: no model, no logs, no Secrets, nothing sent anywhere. The same
rules run in the operator and in `bailiwick diagnose`; from what either may not read, nothing is concluded. This
page is generated from `crates/core/src/analyze/catalogue.rs` by `cargo xtask generate`.

A finding has a severity: `Critical` where nothing of the workload serves, `Warning` where something suffers,
`Info` where nothing is lost yet. The operator opens Incidents for warnings and worse; `bailiwick diagnose` tells
all. What is suspended, cordoned or scaled to zero on purpose is no fault: an owner, an autoscaler, a GitOps mark,
or an annotation with a word like `maintenance`, `paused`, `suspended`, `reason` or `note` explains it, and a
manifest or controller that says so makes it `Info`. A consequence is not reported beside its cause: pods that
wait for a claim leave it to the claim, a Service without endpoints to its pods, refused pods to the webhook that
does not answer.

A proposed change takes its values from revisions, from live objects, or from what the operator saw in the object
before somebody changed it, and is still judged by the Mandates. The last is never done without a person, and only
the operator knows it: what was changed before it began to watch, nobody remembers.
Where the last column is empty people decide; network policies, admission, RBAC, taints and volumes are never
changed.

What is not seen: the content of Secrets (a certificate's dates are read from cert-manager's Certificates and from
the CA bundles of webhooks, nowhere else), logs, metrics, and what only an application knows.

";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(
        "| cause | what is wrong | what is looked at | evidence | may be proposed |\n|---|---|---|---|---|\n",
    );
    for cause in Cause::ALL {
        let About { looks_at, evidence, candidates } = about(*cause);
        let changes: Vec<String> = candidates.iter().map(|change| format!("`{change}`")).collect();
        let changes = changes.join(", ");
        page.push_str(&format!("| `{cause}` | {} | {looks_at} | {evidence} | {changes} |\n", cause.meaning()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_one_row_that_a_table_can_hold() {
        let page = page();
        for cause in Cause::ALL {
            let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&format!("| `{cause}` |"))).collect();
            assert_eq!(rows.len(), 1, "{cause}");
            assert_eq!(rows[0].matches('|').count(), 6, "{}", rows[0]);
        }
    }
}
