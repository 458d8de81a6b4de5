//! What an object was before somebody changed it, as the index saw it.
//!
//! Owns the way back to that, for the analyzers that propose it and for the bounds that prove it. Must
//! never remember by itself: the index does, for as long as its process lives. No IO.

use crate::action::{Action, HpaSettings, IngressSettings, Origin, Param, PathBackend};
use crate::index::{Backend, Hpa, Target, UidKey, View, Workload};
use crate::names::{ObjectName, PortRef, Uid};
use crate::object::ObjectRef;

/// Each change that takes an object back to what it was before, as far as that is known.
pub fn put_back(view: &View<'_>, target: &ObjectRef) -> Vec<Action> {
    let key = UidKey::of(target.uid.as_ref().map_or("", Uid::as_str));
    let Some(thing) = view.thing(key).filter(|thing| thing.head.kind == target.kind) else { return Vec::new() };
    let paths = thing.ingress().into_iter().flat_map(|ingress| ingress.earlier.iter().filter_map(path));
    paths.chain(thing.workload().and_then(replicas)).chain(thing.hpa().and_then(limit)).collect()
}

fn known<T>(value: T) -> Param<T> {
    Param::new(value, Origin::Earlier {})
}

/// As many replicas as before it was scaled to zero.
pub(crate) fn replicas(workload: &Workload) -> Option<Action> {
    (workload.earlier > 0).then(|| Action::Scale { replicas: known(workload.earlier) })
}

/// The limit that an autoscaler had before somebody lowered it.
pub(crate) fn limit(hpa: &Hpa) -> Option<Action> {
    let settings = HpaSettings { max_replicas: Some(hpa.earlier_max), ..HpaSettings::default() };
    (hpa.earlier_max > hpa.max).then(|| Action::PatchHPA { settings: known(settings) })
}

/// The Service that a path led to before.
pub(crate) fn path(was: &Backend) -> Option<Action> {
    let backend = PathBackend {
        host: was.host.as_deref()?.to_owned(),
        path: was.path.to_string(),
        service: ObjectName::parse(&*was.service).ok()?,
        port: PortRef::parse(shown(&was.port)).ok()?,
    };
    Some(Action::PatchIngress { settings: known(IngressSettings { class: None, backend: Some(backend) }) })
}

/// A port as a path names it.
pub(crate) fn shown(port: &Target) -> String {
    match port {
        Target::Number(number) => number.to_string(),
        Target::Name(name) => name.to_string(),
    }
}
