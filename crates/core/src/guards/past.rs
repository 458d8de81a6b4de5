//! What the guards look at in one other Change.
//!
//! Owns when a Change counts as running, begun and failed, and which workload it is about. Must
//! never count by the target alone where the target is a pod. No IO.

use crate::life::{Execution, Phase, Purpose, Record};
use crate::names::Namespace;
use crate::object::{Kind, ObjectRef};
use crate::plan::object::{controller, text_at};
use jiff::Timestamp;
use std::fmt;

/// One other Change.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its target.
    pub target: &'a ObjectRef,
    /// The name of the Incident it answers.
    pub incident: Option<&'a str>,
    /// Its record.
    pub record: &'a Record,
}

impl Past<'_> {
    /// True while it holds or uses authority to write, or its effect is still being watched.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.record.phase, Phase::Granting | Phase::Executing | Phase::Verifying | Phase::RollingBack)
    }

    /// True while it may start as soon as the guards let it.
    pub(super) fn waits(&self) -> bool {
        matches!(self.record.phase, Phase::PreApproved | Phase::Approved)
    }

    /// When its last write was made, or begun if it is not known yet how it ends.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        let under_way = |e: &Execution| e.outcome.is_none().then_some(e.grant.granted_at);
        let own = self.record.executions.iter().filter(|e| e.purpose == Purpose::Apply);
        own.filter_map(|e| e.applied_at.or_else(|| under_way(e))).max()
    }

    /// When each of its writes was made, the way back included.
    pub(super) fn written(&self) -> impl Iterator<Item = Timestamp> {
        self.record.executions.iter().filter_map(|e| e.applied_at)
    }

    /// When it failed or began to be put back.
    pub(super) fn failed(&self) -> Option<Timestamp> {
        let bad = matches!(self.record.phase, Phase::Failed | Phase::RolledBack | Phase::RollingBack);
        if bad && !self.record.executions.is_empty() { self.record.entered() } else { None }
    }

    pub(super) fn workload(&self) -> Workload<'_> {
        workload(self.target, self.record)
    }
}

/// What people know a target by: a pod by its workload, everything else by itself. Without uid:
/// one that was made anew under the same name is the same to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workload<'a> {
    kind: Kind,
    namespace: &'a str,
    name: String,
}

impl Workload<'_> {
    pub(super) fn is(&self, object: &ObjectRef) -> bool {
        (self.kind, self.namespace, self.name.as_str()) == (object.kind, object.namespace_str(), object.name.as_str())
    }
}

impl fmt::Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// The workload of a target; of a pod as far as its plan tells.
pub(super) fn workload<'a>(target: &'a ObjectRef, record: &Record) -> Workload<'a> {
    let namespace = target.namespace.as_ref().map_or("", Namespace::as_str);
    let owner = if target.kind == Kind::Pod { owner(record) } else { None };
    let (kind, name) = owner.unwrap_or_else(|| (target.kind, target.name.to_string()));
    Workload { kind, namespace, name }
}

/// Who replaces the pod that a plan deletes. A Deployment's ReplicaSet is named after it and the
/// hash of its template.
fn owner(record: &Record) -> Option<(Kind, String)> {
    let pod = record.plan.as_ref()?.before_object()?;
    let (kind, name, _) = controller(&pod)?;
    let kind = Kind::parse(kind)?;
    let hash = text_at(&pod, "/metadata/labels/pod-template-hash").filter(|_| kind == Kind::ReplicaSet);
    let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    Some(deployment.map_or_else(|| (kind, name.to_owned()), |head| (Kind::Deployment, head.to_owned())))
}
