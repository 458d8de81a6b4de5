//! What each Change type answers to the catalogue's questions.
//!
//! Owns the table. Must never let two types share an answer that only one of them needs. No IO.

use super::{Entry, Oracle, Undo};
use crate::action::ChangeType;
use crate::object::Kind;
use crate::plan::Operation;

const WORKLOADS: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

pub(super) const ROLLOUT_UNDO: Entry = Entry {
    change_type: ChangeType::RolloutUndo,
    targets: WORKLOADS,
    operation: Operation::Update,
    fields: &["/spec/template"],
    undo: Undo::PreviousFields,
    oracle: Oracle::RolloutComplete,
    replaces_pods: false,
    effect: "replaces the pod template by that of an earlier revision",
};

pub(super) const SET_IMAGE: Entry = Entry {
    change_type: ChangeType::SetImage,
    targets: WORKLOADS,
    operation: Operation::Update,
    fields: &["/spec/template/spec/containers/*/image", "/spec/template/spec/initContainers/*/image"],
    undo: Undo::PreviousFields,
    oracle: Oracle::RolloutComplete,
    replaces_pods: false,
    effect: "sets one container's image",
};

pub(super) const ROLLOUT_RESTART: Entry = Entry {
    change_type: ChangeType::RolloutRestart,
    targets: WORKLOADS,
    operation: Operation::Update,
    fields: &["/spec/template/metadata/annotations"],
    undo: Undo::Nothing,
    oracle: Oracle::RolloutComplete,
    replaces_pods: true,
    effect: "replaces all pods of the workload",
};

pub(super) const DELETE_POD: Entry = Entry {
    change_type: ChangeType::DeletePod,
    targets: &[Kind::Pod],
    operation: Operation::Delete,
    fields: &[],
    undo: Undo::Nothing,
    oracle: Oracle::OwnerComplete,
    replaces_pods: true,
    effect: "deletes one pod that its controller replaces",
};

pub(super) const SCALE: Entry = Entry {
    change_type: ChangeType::Scale,
    targets: &[Kind::Deployment, Kind::StatefulSet],
    operation: Operation::Update,
    fields: &["/spec/replicas"],
    undo: Undo::PreviousFields,
    oracle: Oracle::ReplicasAvailable,
    replaces_pods: false,
    effect: "sets the number of replicas",
};

pub(super) const SET_RESOURCES: Entry = Entry {
    change_type: ChangeType::SetResources,
    targets: WORKLOADS,
    operation: Operation::Update,
    fields: &["/spec/template/spec/containers/*/resources", "/spec/template/spec/initContainers/*/resources"],
    undo: Undo::PreviousFields,
    oracle: Oracle::RolloutComplete,
    replaces_pods: false,
    effect: "sets one container's requests and limits",
};

pub(super) const DELETE_RESOURCE_QUOTA: Entry = Entry {
    change_type: ChangeType::DeleteResourceQuota,
    targets: &[Kind::ResourceQuota],
    operation: Operation::Delete,
    fields: &[],
    undo: Undo::KeptCopy,
    oracle: Oracle::QuotaGone,
    replaces_pods: false,
    effect: "deletes the quota and keeps a copy",
};

pub(super) const RESTORE_OBJECT: Entry = Entry {
    change_type: ChangeType::RestoreObject,
    targets: &[Kind::ResourceQuota, Kind::ConfigMap, Kind::Service],
    operation: Operation::Create,
    fields: &[],
    undo: Undo::DeleteCreated,
    oracle: Oracle::ObjectRestored,
    replaces_pods: false,
    effect: "puts the object back from its kept copy",
};

/// A patch of workloads' templates from which a rollout follows.
const fn template(change_type: ChangeType, fields: &'static [&'static str], effect: &'static str) -> Entry {
    Entry {
        change_type,
        targets: WORKLOADS,
        operation: Operation::Update,
        fields,
        undo: Undo::PreviousFields,
        oracle: Oracle::RolloutComplete,
        replaces_pods: false,
        effect,
    }
}

pub(super) const SET_PROBE: Entry = template(
    ChangeType::SetProbe,
    &[
        "/spec/template/spec/containers/*/livenessProbe",
        "/spec/template/spec/containers/*/readinessProbe",
        "/spec/template/spec/containers/*/startupProbe",
        "/spec/template/spec/initContainers/*/livenessProbe",
        "/spec/template/spec/initContainers/*/readinessProbe",
        "/spec/template/spec/initContainers/*/startupProbe",
    ],
    "sets one probe of a container",
);

pub(super) const SET_ENV: Entry = template(
    ChangeType::SetEnv,
    &["/spec/template/spec/containers/*/env", "/spec/template/spec/initContainers/*/env"],
    "puts one environment variable back to what a revision has",
);

pub(super) const SET_SCHEDULING: Entry = template(
    ChangeType::SetScheduling,
    &["/spec/template/spec/nodeSelector", "/spec/template/spec/affinity", "/spec/template/spec/tolerations"],
    "puts back what decides where pods run",
);

pub(super) const SET_VOLUME_REF: Entry = template(
    ChangeType::SetVolumeRef,
    &[
        "/spec/template/spec/volumes/*/persistentVolumeClaim/claimName",
        "/spec/template/spec/volumes/*/configMap/name",
        "/spec/template/spec/volumes/*/secret/secretName",
    ],
    "puts back what a volume refers to",
);

pub(super) const SET_STRATEGY: Entry = Entry {
    targets: &[Kind::Deployment],
    ..template(ChangeType::SetStrategy, &["/spec/strategy/rollingUpdate"], "sets how many pods are replaced at a time")
};

pub(super) const PATCH_SERVICE: Entry = Entry {
    change_type: ChangeType::PatchService,
    targets: &[Kind::Service],
    operation: Operation::Update,
    fields: &["/spec/selector", "/spec/ports/*/targetPort", "/spec/internalTrafficPolicy"],
    undo: Undo::PreviousFields,
    oracle: Oracle::ServiceServes,
    replaces_pods: false,
    effect: "sets what the Service leads to",
};

pub(super) const PATCH_INGRESS: Entry = Entry {
    change_type: ChangeType::PatchIngress,
    targets: &[Kind::Ingress],
    operation: Operation::Update,
    fields: &["/spec/ingressClassName", "/spec/rules/*/http/paths/*/backend/service"],
    undo: Undo::PreviousFields,
    oracle: Oracle::IngressLeads,
    replaces_pods: false,
    effect: "sets who serves the Ingress, or where one of its paths leads",
};

pub(super) const PATCH_HPA: Entry = Entry {
    change_type: ChangeType::PatchHPA,
    targets: &[Kind::HorizontalPodAutoscaler],
    operation: Operation::Update,
    fields: &["/spec/minReplicas", "/spec/maxReplicas", "/spec/scaleTargetRef/name"],
    undo: Undo::PreviousFields,
    oracle: Oracle::AutoscalerScales,
    replaces_pods: false,
    effect: "sets what the autoscaler scales, and within which bounds",
};

/// A CronJob that does or does not start Jobs.
const fn suspension(change_type: ChangeType, effect: &'static str) -> Entry {
    Entry {
        change_type,
        targets: &[Kind::CronJob],
        operation: Operation::Update,
        fields: &["/spec/suspend"],
        undo: Undo::PreviousFields,
        oracle: Oracle::FieldsHold,
        replaces_pods: false,
        effect,
    }
}

pub(super) const SUSPEND_CRON_JOB: Entry =
    suspension(ChangeType::SuspendCronJob, "stops the CronJob from starting Jobs");

pub(super) const RESUME_CRON_JOB: Entry = suspension(ChangeType::ResumeCronJob, "lets the CronJob start Jobs again");

/// A node that takes new pods or does not.
const fn cordon(change_type: ChangeType, effect: &'static str) -> Entry {
    Entry {
        change_type,
        targets: &[Kind::Node],
        operation: Operation::Update,
        fields: &["/spec/unschedulable"],
        undo: Undo::PreviousFields,
        oracle: Oracle::NodeFollows,
        replaces_pods: false,
        effect,
    }
}

pub(super) const CORDON: Entry = cordon(ChangeType::Cordon, "keeps new pods from the node; those on it stay");

pub(super) const UNCORDON: Entry = cordon(ChangeType::Uncordon, "lets the node take pods again");
