//! What is remembered of workloads and their revisions.
//!
//! Owns those rows. Must never hold a pod template twice: templates are shared. No IO.

use super::Heap;
use crate::index::intern::{Labels, Text};
use crate::index::shape::Bound;
use crate::index::template::Template;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// A condition of any object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its type.
    pub kind: Text,
    /// True where its status is `True`.
    pub holds: bool,
    /// Its reason.
    pub reason: Text,
    /// Its message; untrusted text.
    pub message: Text,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its pod template.
    pub template: Arc<Template>,
    /// The labels its pods are made with.
    pub template_labels: Labels,
    /// How many pods it wants.
    pub desired: i32,
    /// How many it has.
    pub replicas: i32,
    /// How many of its newest revision.
    pub updated: i32,
    /// How many are ready.
    pub ready: i32,
    /// How many have been ready for long enough.
    pub available: i32,
    /// The revision, for a ReplicaSet of a Deployment; 0 where unknown.
    pub revision: i64,
    /// The generation its controller has seen.
    pub observed_generation: i64,
    /// True while paused or suspended.
    pub held: bool,
    /// True once pods of it were available, as far as was seen.
    pub was_available: bool,
    /// How many pods it wanted before it was scaled to zero, as far as was seen; 0 otherwise.
    pub earlier: i32,
    /// The StatefulSet's revision that was rolled out completely.
    pub current_revision: Option<Text>,
    /// The StatefulSet's newest revision.
    pub update_revision: Option<Text>,
    /// For Jobs: pods that ended badly.
    pub failed: i32,
    /// How its pods are replaced.
    pub strategy: Strategy,
    /// When a CronJob runs.
    pub cron: Option<Box<Cron>>,
    /// Who suspended it or scaled it to zero, where that is known.
    pub stopped: Option<Box<Writer>>,
    /// Its conditions.
    pub conditions: Box<[Condition]>,
}

impl Workload {
    /// The condition of that type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }
}

impl Heap for Workload {
    fn heap(&self) -> usize {
        let cron = self.cron.as_ref().map_or(0, |_| size_of::<Cron>());
        let stopped = self.stopped.as_ref().map_or(0, |_| size_of::<Writer>());
        size_of_val(&*self.conditions) + cron + stopped
    }
}

/// How a workload's pods are replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strategy {
    /// Only when somebody deletes them (`OnDelete`).
    pub on_delete: bool,
    /// All at once (`Recreate`).
    pub recreate: bool,
    /// For StatefulSets: one after the other, each waiting for the one before.
    pub ordered: bool,
    /// How many may be missing meanwhile.
    pub max_unavailable: Option<Bound>,
    /// For StatefulSets: pods below this number stay as they are.
    pub partition: i32,
}

impl Strategy {
    /// True for a StatefulSet that replaces no pod while another is not ready.
    pub fn waits_for_each(&self) -> bool {
        self.ordered && !self.on_delete && self.partition == 0
    }
}

/// What a CronJob does when a run is due before the last one has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Both run.
    #[default]
    Allow,
    /// The new one is left out.
    Forbid,
    /// The old one is ended.
    Replace,
}

/// When a CronJob runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// The schedule, as written.
    pub schedule: Text,
    /// Its time zone, if it names one.
    pub zone: Option<Text>,
    /// What happens to runs that overlap.
    pub overlap: Overlap,
    /// How late a run may still begin.
    pub deadline: Option<SignedDuration>,
    /// When it ran last.
    pub last: Option<Timestamp>,
    /// When a run ended well last.
    pub succeeded: Option<Timestamp>,
    /// When anything but its status was written last, as far as the API server remembers.
    pub changed: Option<Timestamp>,
    /// How many runs are under way.
    pub active: i32,
}

/// Who wrote a field, as far as the API server remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The field manager, with the subresource it went through; empty where the API server does not
    /// tell who it was; untrusted text.
    pub manager: Text,
    /// When.
    pub at: Option<Timestamp>,
}

/// A ControllerRevision of a StatefulSet or DaemonSet.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Its number.
    pub revision: i64,
    /// The template it keeps, if it is of that form.
    pub template: Option<Arc<Template>>,
    /// True once pods of it were available, as far as was seen.
    pub was_available: bool,
}

impl Heap for Revision {}
