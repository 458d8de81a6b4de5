//! Nodes, namespaces, quotas, limit ranges, autoscalers, config maps, accounts and revisions.
//!
//! Owns their fields. Must never keep the data of a ConfigMap. No IO.

use super::lenient::{Present, or_default, pairs};
use super::meta::Meta;
use super::pod::{ConditionShape, shape};
use super::workload::TemplateShape;
use serde::Deserialize;

shape! {
    /// A Node.
    NodeShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: NodeSpecShape,
        #[serde(deserialize_with = "or_default")] status: NodeStatusShape,
    }
}

shape! {
    /// A Node's spec.
    NodeSpecShape {
        #[serde(deserialize_with = "or_default")] unschedulable: bool,
        #[serde(deserialize_with = "or_default")] taints: Vec<TaintShape>,
    }
}

shape! {
    /// A taint.
    TaintShape {
        #[serde(deserialize_with = "or_default")] key: String,
        #[serde(deserialize_with = "or_default")] value: String,
        #[serde(deserialize_with = "or_default")] effect: String,
    }
}

shape! {
    /// A Node's status.
    NodeStatusShape {
        #[serde(deserialize_with = "pairs")] allocatable: Vec<(String, String)>,
        #[serde(deserialize_with = "or_default")] conditions: Vec<ConditionShape>,
    }
}

shape! {
    /// A Namespace.
    NamespaceShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] status: NamespaceStatusShape,
    }
}

shape! {
    /// A Namespace's status.
    NamespaceStatusShape {
        #[serde(deserialize_with = "or_default")] phase: String,
        #[serde(deserialize_with = "or_default")] conditions: Vec<ConditionShape>,
    }
}

shape! {
    /// A ServiceAccount: its metadata only.
    AccountShape { #[serde(deserialize_with = "or_default")] metadata: Meta, }
}

shape! {
    /// A ResourceQuota.
    QuotaShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] status: QuotaStatusShape,
    }
}

shape! {
    /// A ResourceQuota's status.
    QuotaStatusShape {
        #[serde(deserialize_with = "pairs")] hard: Vec<(String, String)>,
        #[serde(deserialize_with = "pairs")] used: Vec<(String, String)>,
    }
}

shape! {
    /// A LimitRange.
    LimitRangeShape { #[serde(deserialize_with = "or_default")] metadata: Meta, }
}

shape! {
    /// A HorizontalPodAutoscaler.
    HpaShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: HpaSpecShape,
        #[serde(deserialize_with = "or_default")] status: HpaStatusShape,
    }
}

shape! {
    /// A HorizontalPodAutoscaler's spec.
    HpaSpecShape {
        #[serde(deserialize_with = "or_default")] scale_target_ref: TargetShape,
        min_replicas: Option<i32>,
        #[serde(deserialize_with = "or_default")] max_replicas: i32,
        #[serde(deserialize_with = "or_default")] metrics: Vec<MetricShape>,
    }
}

shape! {
    /// A metric that an autoscaler follows, where it is a resource of the pods.
    MetricShape { #[serde(deserialize_with = "or_default")] resource: MetricResourceShape, }
}

shape! {
    /// A resource that is measured: what is aimed at in the spec, what there is in the status.
    MetricResourceShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] target: UtilizationShape,
        #[serde(deserialize_with = "or_default")] current: UtilizationShape,
    }
}

shape! {
    /// A share of what pods request, in per cent, or an amount for each pod.
    UtilizationShape { average_utilization: Option<i64>, average_value: Option<Present>, }
}

shape! {
    /// A HorizontalPodAutoscaler's status.
    HpaStatusShape {
        #[serde(deserialize_with = "or_default")] current_replicas: i32,
        #[serde(deserialize_with = "or_default")] desired_replicas: i32,
        #[serde(deserialize_with = "or_default")] current_metrics: Vec<MetricShape>,
        #[serde(deserialize_with = "or_default")] conditions: Vec<ConditionShape>,
    }
}

shape! {
    /// What an autoscaler scales.
    TargetShape {
        #[serde(deserialize_with = "or_default")] api_version: String,
        #[serde(deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "or_default")] name: String,
    }
}

shape! {
    /// A ConfigMap: its metadata only.
    ConfigMapShape { #[serde(deserialize_with = "or_default")] metadata: Meta, }
}

shape! {
    /// A ControllerRevision of a StatefulSet or DaemonSet.
    RevisionShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] revision: i64,
        #[serde(deserialize_with = "or_default")] data: RevisionDataShape,
    }
}

shape! {
    /// What a ControllerRevision keeps: a patch of the spec.
    RevisionDataShape { #[serde(deserialize_with = "or_default")] spec: RevisionSpecShape, }
}

shape! {
    /// The patched spec.
    RevisionSpecShape { template: Option<TemplateShape>, }
}
