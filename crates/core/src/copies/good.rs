//! When an object is good: whatever uses it is well, with this very content, and has been for a while.
//!
//! Owns that verdict. Must never call good what no pod has proved: a ConfigMap that was written
//! after its pods were made is not the one that they run with. No IO.

use crate::analyze;
use crate::index::{Phase, Pod, RefKind, Thing, View};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};

/// Whether an object is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Good,
    /// It will be at that time, if nothing happens until then.
    Later(Timestamp),
    /// It is not, and only news can make it so.
    No,
}

/// Whether an object is good, where everything that uses it must have been well for `lasting`.
pub fn standing(view: &View<'_>, thing: &Thing, lasting: SignedDuration, now: Timestamp) -> Standing {
    if thing.head.marks.deleting() {
        return Standing::No;
    }
    let since = config_map(view, thing).or_else(|| service(view, thing, now));
    match since.and_then(|since| since.checked_add(lasting).ok()) {
        None => Standing::No,
        Some(due) if due > now => Standing::Later(due),
        Some(_) => Standing::Good,
    }
}

/// Since when every pod that reads it is ready, each made after its content was written.
fn config_map(view: &View<'_>, thing: &Thing) -> Option<Timestamp> {
    let config = thing.config()?;
    let (written, keys) = (config.written?, config.keys.as_ref()?);
    let mut since = written;
    let mut used = false;
    let users = || view.users_of(&thing.head.namespace, &thing.head.name);
    if users().any(|pod| failed(&pod) && pod.created().is_none_or(|at| at >= written)) {
        return None;
    }
    for pod in users().filter(counts) {
        let refs = pod.template().config_refs().map(|(_, r)| r);
        let mut own = refs.filter(|r| r.kind == RefKind::ConfigMap && *r.name == *thing.head.name);
        let complete = own.all(|r| r.keys.iter().all(|key| r.optional || keys.contains(key)));
        since = since.max(ready_since(&pod).filter(|_| complete && pod.created().is_some_and(|at| at >= written))?);
        used = true;
    }
    used.then_some(since)
}

/// Since when every pod that it selects is ready and behind it, and nothing is wrong with it.
fn service(view: &View<'_>, thing: &Thing, now: Timestamp) -> Option<Timestamp> {
    let service = thing.service().filter(|s| !s.external && !s.selector.is_empty())?;
    let (namespace, name) = (&thing.head.namespace, &thing.head.name);
    let mut slices = view.things_in(Kind::EndpointSlice, namespace).filter_map(Thing::slice);
    let served = slices.any(|s| s.ready > 0 && s.service.as_ref() == Some(name));
    let subject = view.reference(thing).filter(|_| served)?;
    if !analyze::analyze(view, &subject, now).is_empty() {
        return None;
    }
    let mut since = thing.head.created?;
    for pod in view.pods_selected(namespace, &service.selector).iter().filter(|pod| counts(pod)) {
        since = since.max(ready_since(pod)?);
    }
    Some(since)
}

/// Pods that ended badly, but for those that their node evicted.
fn failed(pod: &Pod<'_>) -> bool {
    let evicted = pod.odd().and_then(|odd| odd.reason.as_deref()) == Some("Evicted");
    pod.phase() == Phase::Failed && !pod.deleting() && !evicted
}

/// Pods that ended, or are leaving, say nothing of the present.
fn counts(pod: &Pod<'_>) -> bool {
    !pod.deleting() && !matches!(pod.phase(), Phase::Succeeded | Phase::Failed)
}

fn ready_since(pod: &Pod<'_>) -> Option<Timestamp> {
    pod.ready_since().filter(|_| pod.ready())
}
