//! Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs in one shape.
//!
//! Owns the fields of workloads. Must never need to know which kind it reads. No IO.

use super::lenient::{Bound, count, or_default, pairs, time};
use super::meta::Meta;
use super::pod::{ConditionShape, PodSpecShape, shape};
use jiff::Timestamp;
use serde::Deserialize;

shape! {
    /// A workload.
    WorkloadShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: WorkloadSpecShape,
        #[serde(deserialize_with = "or_default")] status: WorkloadStatusShape,
    }
}

shape! {
    /// The union of the workloads' specs.
    WorkloadSpecShape {
        replicas: Option<i32>,
        #[serde(deserialize_with = "or_default")] template: TemplateShape,
        #[serde(deserialize_with = "or_default")] paused: bool,
        #[serde(deserialize_with = "or_default")] suspend: bool,
        completions: Option<i32>,
        parallelism: Option<i32>,
        #[serde(deserialize_with = "or_default")] job_template: JobTemplateShape,
        #[serde(deserialize_with = "or_default")] schedule: String,
        #[serde(deserialize_with = "or_default")] time_zone: String,
        #[serde(deserialize_with = "or_default")] concurrency_policy: String,
        starting_deadline_seconds: Option<i64>,
        #[serde(deserialize_with = "or_default", alias = "updateStrategy")] strategy: StrategyShape,
        #[serde(deserialize_with = "or_default")] pod_management_policy: String,
    }
}

shape! {
    /// How pods are replaced.
    StrategyShape {
        #[serde(rename = "type", deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "or_default")] rolling_update: RollingShape,
    }
}

shape! {
    /// How many pods are replaced at once.
    RollingShape {
        max_unavailable: Option<Bound>,
        #[serde(deserialize_with = "or_default")] partition: i32,
    }
}

shape! {
    /// A pod template.
    TemplateShape {
        #[serde(deserialize_with = "or_default")] metadata: TemplateMetaShape,
        #[serde(deserialize_with = "or_default")] spec: PodSpecShape,
    }
}

shape! {
    /// A pod template's labels.
    TemplateMetaShape { #[serde(deserialize_with = "pairs")] labels: Vec<(String, String)>, }
}

shape! {
    /// A CronJob's template of a Job.
    JobTemplateShape { #[serde(deserialize_with = "or_default")] spec: JobTemplateSpecShape, }
}

shape! {
    /// What a CronJob's Jobs are made from.
    JobTemplateSpecShape { #[serde(deserialize_with = "or_default")] template: TemplateShape, }
}

shape! {
    /// The union of the workloads' status. `active` is a number for Jobs and a list for CronJobs, which counts.
    WorkloadStatusShape {
        #[serde(deserialize_with = "or_default")] observed_generation: i64,
        #[serde(deserialize_with = "count")] replicas: i32,
        #[serde(deserialize_with = "count")] updated_replicas: i32,
        #[serde(deserialize_with = "count")] ready_replicas: i32,
        #[serde(deserialize_with = "count")] available_replicas: i32,
        #[serde(deserialize_with = "count")] desired_number_scheduled: i32,
        #[serde(deserialize_with = "count")] current_number_scheduled: i32,
        #[serde(deserialize_with = "count")] updated_number_scheduled: i32,
        #[serde(deserialize_with = "count")] number_ready: i32,
        #[serde(deserialize_with = "count")] number_available: i32,
        #[serde(deserialize_with = "count")] active: i32,
        #[serde(deserialize_with = "count")] succeeded: i32,
        #[serde(deserialize_with = "count")] failed: i32,
        #[serde(deserialize_with = "time")] last_schedule_time: Option<Timestamp>,
        #[serde(deserialize_with = "time")] last_successful_time: Option<Timestamp>,
        #[serde(deserialize_with = "or_default")] current_revision: String,
        #[serde(deserialize_with = "or_default")] update_revision: String,
        #[serde(deserialize_with = "or_default")] conditions: Vec<ConditionShape>,
    }
}
