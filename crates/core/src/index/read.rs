//! From shapes to rows.
//!
//! Owns the reading of every kind but pods and events. Must never fail: what is odd is left out. No IO.

use super::intern::{Intern, Labels};
use super::names::{Marks, POD_INDEX, REVISION, SERVICE_NAME, STATEFUL_POD_NAME};
use super::rows::{
    Body, Condition, Head, Hpa, Node, Owner, Quota, Revision, Service, ServicePort, Slice, Target, Workload,
};
use super::shape::{
    ConditionShape, HpaShape, Meta, NodeShape, OwnerShape, Port, QuotaShape, RevisionShape, ServicePortShape,
    ServiceShape, SliceShape, WorkloadShape,
};
use super::template::Template;
use super::uid::OddUids;
use crate::object::Kind;
use crate::quantity::Quantity;
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
        }
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
            current_revision: self.intern.some_text(&status.current_revision),
            update_revision: self.intern.some_text(&status.update_revision),
            failed: status.failed,
            conditions: status.conditions.iter().map(|c| self.condition(c)).collect(),
        }
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

    pub(crate) fn service(&mut self, shape: &ServiceShape) -> Body {
        let spec = &shape.spec;
        Body::Service(Box::new(Service {
            selector: self.intern.labels(spec.selector.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            external: spec.kind == "ExternalName",
            publishes_unready: spec.publish_not_ready_addresses,
            ports: spec.ports.iter().map(|p| self.service_port(p)).collect(),
        }))
    }

    fn service_port(&mut self, p: &ServicePortShape) -> ServicePort {
        let target = match &p.target_port {
            Some(Port::Name(name)) => Target::Name(self.intern.text(name)),
            Some(Port::Number(0)) | None => Target::Number(p.port),
            Some(Port::Number(number)) => Target::Number(*number),
        };
        ServicePort { port: p.port, target, other_protocol: matches!(p.protocol.as_str(), "UDP" | "SCTP") }
    }

    pub(crate) fn slice(&mut self, shape: &SliceShape) -> Body {
        let ready = shape.endpoints.iter().filter(|e| e.conditions.ready != Some(false)).count();
        Body::Slice(Box::new(Slice {
            service: shape.metadata.label(SERVICE_NAME).map(|name| self.intern.text(name)),
            endpoints: u32::try_from(shape.endpoints.len()).unwrap_or(u32::MAX),
            ready: u32::try_from(ready).unwrap_or(u32::MAX),
        }))
    }

    pub(crate) fn node(&mut self, shape: &NodeShape) -> Body {
        let amount = |name: &str| {
            let found = shape.status.allocatable.iter().find(|(k, _)| k == name);
            found.and_then(|(_, v)| Quantity::parse(v).ok())
        };
        let taints = shape.spec.taints.iter().filter(|t| t.effect != "PreferNoSchedule");
        Body::Node(Box::new(Node {
            cordoned: shape.spec.unschedulable,
            ready: shape.status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True"),
            cpu: amount("cpu"),
            memory: amount("memory"),
            taints: taints.map(|t| self.intern.text(&format!("{}={}:{}", t.key, t.value, t.effect))).collect(),
        }))
    }

    pub(crate) fn quota(&mut self, shape: &QuotaShape) -> Body {
        let used = |name: &str| {
            let found = shape.status.used.iter().find(|(k, _)| k == name);
            found.map_or("", |(_, v)| v.as_str())
        };
        let mut lines = Vec::with_capacity(shape.status.hard.len());
        for (name, hard) in &shape.status.hard {
            lines.push((self.intern.text(name), self.intern.text(hard), self.intern.text(used(name))));
        }
        Body::Quota(Box::new(Quota { lines: lines.into() }))
    }

    pub(crate) fn hpa(&mut self, shape: &HpaShape) -> Body {
        Body::Hpa(Box::new(Hpa {
            target_kind: self.intern.text(&shape.spec.scale_target_ref.kind),
            target_name: self.intern.text(&shape.spec.scale_target_ref.name),
            min: shape.spec.min_replicas.unwrap_or(1),
            max: shape.spec.max_replicas,
        }))
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
