//! From shapes to rows.
//!
//! Owns the reading of every kind but pods and events. Must never fail: what is odd is left out. No IO.

mod bundle;
mod cluster;
mod custom;
mod net;
mod policy;
mod storage;

use super::intern::{Intern, Labels, Text};
use super::names::{Marks, POD_INDEX, REVISION, STATEFUL_POD_NAME};
use super::rows::{Body, Condition, Cron, Head, Leaving, Overlap, Owner, Revision, Strategy, Workload, Writer};
use super::shape::{ConditionShape, Meta, OwnerShape, RevisionShape, WorkloadShape, WrittenShape};
use super::template::Template;
use super::uid::OddUids;
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Where the rows' shared parts live.
pub(crate) struct Reader<'a> {
    pub(crate) intern: &'a mut Intern,
    pub(crate) uids: &'a mut OddUids,
}

impl Reader<'_> {
    pub(crate) fn head(&mut self, kind: Kind, meta: &Meta) -> Head {
        Head {
            kind,
            marks: Marks::read(meta),
            uid: self.uids.key(&meta.uid),
            namespace: self.intern.text(&meta.namespace),
            name: self.intern.text(&meta.name),
            rv: meta.resource_version.parse().unwrap_or(0),
            generation: meta.generation,
            created: meta.creation_timestamp,
            owner: self.owner(meta),
            labels: self.labels(&meta.labels),
            leaving: meta.deletion_timestamp.map(|since| self.leaving(meta, since)),
        }
    }

    fn leaving(&mut self, meta: &Meta, deletion: Timestamp) -> Arc<Leaving> {
        let grace = SignedDuration::from_secs(meta.deletion_grace_period_seconds.max(0));
        let since = deletion.checked_sub(grace).unwrap_or(deletion);
        Arc::new(Leaving { since, finalizers: self.texts(&meta.finalizers) })
    }

    fn texts(&mut self, texts: &[String]) -> Box<[Text]> {
        texts.iter().map(|text| self.intern.text(text)).collect()
    }

    fn writer(&mut self, meta: &Meta, wrote: impl Fn(&WrittenShape) -> bool) -> Option<Box<Writer>> {
        let manager = meta.writer(wrote)?;
        let through = if manager.subresource.is_empty() { String::new() } else { format!(" {}", manager.subresource) };
        let name = self.intern.text(&format!("{}{through}", manager.manager));
        Some(Box::new(Writer { manager: name, at: manager.time }))
    }

    pub(crate) fn labels(&mut self, pairs: &[(String, String)]) -> Labels {
        self.intern.labels(kept_labels(pairs))
    }

    pub(crate) fn owner(&mut self, meta: &Meta) -> Option<Arc<Owner>> {
        let owner = meta.controller()?;
        Some(Arc::new(Owner {
            kind: known_kind(owner),
            kind_text: self.intern.text(&owner.kind),
            name: self.intern.text(&owner.name),
            uid: self.uids.key(&owner.uid),
        }))
    }

    pub(crate) fn workload(&mut self, kind: Kind, shape: &WorkloadShape) -> Workload {
        let (spec, status) = (&shape.spec, &shape.status);
        let template = if kind == Kind::CronJob { &spec.job_template.spec.template } else { &spec.template };
        let read = Template::read(self.intern, &template.spec, "");
        let daemon = kind == Kind::DaemonSet;
        let pick = |set: i32, daemon_set: i32| if daemon { daemon_set } else { set };
        let available = pick(status.available_replicas, status.number_available);
        Workload {
            template: self.intern.template(read),
            template_labels: self.labels(&template.metadata.labels),
            desired: desired(kind, shape),
            replicas: if kind == Kind::Job {
                status.active
            } else {
                pick(status.replicas, status.current_number_scheduled)
            },
            updated: pick(status.updated_replicas, status.updated_number_scheduled),
            ready: pick(status.ready_replicas, status.number_ready),
            available,
            revision: shape.metadata.annotation(REVISION).and_then(|r| r.parse().ok()).unwrap_or(0),
            observed_generation: status.observed_generation,
            held: spec.paused || spec.suspend,
            was_available: false,
            earlier: 0,
            current_revision: self.intern.some_text(&status.current_revision),
            update_revision: self.intern.some_text(&status.update_revision),
            failed: status.failed,
            strategy: strategy(shape),
            cron: (kind == Kind::CronJob).then(|| self.cron(shape)),
            stopped: self.stopped(shape),
            conditions: self.conditions(&status.conditions),
        }
    }

    /// Who suspended a workload or scaled it to zero.
    fn stopped(&mut self, shape: &WorkloadShape) -> Option<Box<Writer>> {
        if shape.spec.suspend {
            self.writer(&shape.metadata, |w| w.spec.suspend.is_some())
        } else if shape.spec.replicas == Some(0) {
            self.writer(&shape.metadata, |w| w.spec.replicas.is_some()).or_else(|| self.scaler(&shape.metadata))
        } else {
            None
        }
    }

    /// A zero that is written through the scale subresource has no writer: the API leaves zeros out of a
    /// Scale. The last write of anything is about when.
    fn scaler(&mut self, meta: &Meta) -> Option<Box<Writer>> {
        let at = meta.managed_fields.iter().filter_map(|m| m.time).max()?;
        Some(Box::new(Writer { manager: self.intern.text(""), at: Some(at) }))
    }

    fn cron(&mut self, shape: &WorkloadShape) -> Box<Cron> {
        let (spec, status) = (&shape.spec, &shape.status);
        let written = shape.metadata.managed_fields.iter().filter(|m| m.subresource.is_empty());
        Box::new(Cron {
            schedule: self.intern.text(&spec.schedule),
            zone: self.intern.some_text(&spec.time_zone),
            overlap: match spec.concurrency_policy.as_str() {
                "Forbid" => Overlap::Forbid,
                "Replace" => Overlap::Replace,
                _ => Overlap::Allow,
            },
            deadline: spec.starting_deadline_seconds.map(SignedDuration::from_secs),
            last: status.last_schedule_time,
            succeeded: status.last_successful_time,
            changed: written.filter_map(|m| m.time).max(),
            active: status.active,
        })
    }

    fn conditions(&mut self, shapes: &[ConditionShape]) -> Box<[Condition]> {
        shapes.iter().map(|c| self.condition(c)).collect()
    }

    fn condition(&mut self, c: &ConditionShape) -> Condition {
        Condition {
            kind: self.intern.text(&c.kind),
            holds: c.status == "True",
            reason: self.intern.text(&c.reason),
            message: self.intern.text(&c.message),
            since: c.last_transition_time,
        }
    }

    pub(crate) fn revision(&mut self, shape: &RevisionShape) -> Body {
        let template = shape.data.spec.template.as_ref().map(|t| {
            let read = Template::read(self.intern, &t.spec, "");
            self.intern.template(read)
        });
        Body::Revision(Box::new(Revision { revision: shape.revision, template, was_available: false }))
    }
}

/// The labels that are kept: all but the two that every pod of a StatefulSet has for itself.
pub(crate) fn kept_labels(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    let kept = pairs.iter().filter(|(k, _)| k != STATEFUL_POD_NAME && k != POD_INDEX);
    kept.map(|(k, v)| (k.as_str(), v.as_str()))
}

/// An owner's kind, if it is one of ours and of the group it should be of.
pub(crate) fn known_kind(owner: &OwnerShape) -> Option<Kind> {
    Kind::parse(&owner.kind).filter(|k| k.api_version() == owner.api_version)
}

/// How many pods a workload wants at once.
fn desired(kind: Kind, shape: &WorkloadShape) -> i32 {
    if kind == Kind::DaemonSet {
        shape.status.desired_number_scheduled
    } else if kind == Kind::Job {
        let left = shape.spec.completions.unwrap_or(1).saturating_sub(shape.status.succeeded);
        left.min(shape.spec.parallelism.unwrap_or(1)).max(0)
    } else if kind == Kind::CronJob {
        0
    } else {
        shape.spec.replicas.unwrap_or(1)
    }
}

fn strategy(shape: &WorkloadShape) -> Strategy {
    let told = &shape.spec.strategy;
    Strategy {
        on_delete: told.kind == "OnDelete",
        recreate: told.kind == "Recreate",
        ordered: shape.spec.pod_management_policy == "OrderedReady",
        max_unavailable: told.rolling_update.max_unavailable,
        partition: told.rolling_update.partition,
    }
}
