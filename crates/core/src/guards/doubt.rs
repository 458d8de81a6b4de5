//! Doubts: why a person decides on a change that a mandate pre-approves.
//!
//! Owns the link from an Incident to the change that may have caused it, and what comes back too
//! often. Must never turn a refusal into anything else, nor ask fewer people. No IO.

use super::past::Past;
use crate::finding::Cause;
use crate::index::View;
use crate::mandate::{Limits, Outcome, Verdict, seconds};
use crate::names::ObjectName;
use crate::object::{Kind, ObjectRef};
use crate::reason::{Code, Reason};
use jiff::Timestamp;

/// An Incident that a Change answers, or that is about its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The Incident's name.
    pub incident: String,
    /// What is wrong.
    pub cause: Cause,
    /// What is wrong with it, and what it rests on: see [`kin`].
    pub kin: Vec<ObjectRef>,
    /// When the present occurrence began, by the operator's observation.
    pub began: Timestamp,
    /// How often it began, each time within an hour of its last end.
    pub count: i64,
    /// When it came back.
    pub returns: Vec<Timestamp>,
    /// When each Incident of the same cause began, this one included.
    pub alike: Vec<Timestamp>,
}

/// The verdict with what stands against a pre-approval: a person decides then.
pub fn doubt(mut verdict: Verdict, troubles: &[Trouble], past: &[Past<'_>], now: Timestamp) -> Verdict {
    if verdict.outcome != Outcome::PreApproved {
        return verdict;
    }
    let limits = &verdict.limits;
    let of = |t: &Trouble| cascade(t, limits, past).or_else(|| flapping(t.count, &t.returns, limits, now));
    if let Some(reason) = troubles.iter().find_map(of) {
        verdict.outcome = Outcome::NeedsApproval;
        verdict.reasons.insert(0, reason);
    }
    verdict
}

/// The write of a Change for another Incident, or for none, to something that the Incident is
/// about, shortly before it began. The clocks are two, the API server's and the operator's: what
/// began in the second of the write counts.
fn cascade(trouble: &Trouble, limits: &Limits, past: &[Past<'_>]) -> Option<Reason> {
    let window = seconds(limits.cascade_window_seconds);
    if window.is_zero() {
        return None;
    }
    let others = past.iter().filter(|p| p.incident != Some(trouble.incident.as_str()));
    let near = others.filter(|p| trouble.kin.iter().any(|kin| reaches(p, kin)));
    let mut causes: Vec<(i64, &Past<'_>)> = Vec::new();
    for change in near {
        let after = change.written().map(|at| trouble.began.duration_since(at));
        let soon = after.filter(|after| *after <= window && after.as_secs() >= 0).min();
        causes.extend(soon.map(|after| (after.as_secs(), change)));
    }
    let (after, change) = causes.into_iter().min_by_key(|(after, _)| *after)?;
    let why =
        format!("incident {} began {after} s after change {} wrote {}", trouble.incident, change.name, change.target);
    Some(Reason::new(Code::Cascade, why))
}

/// True where a Change wrote to the object, or to a limit of its whole namespace.
fn reaches(change: &Past<'_>, object: &ObjectRef) -> bool {
    let everywhere = matches!(change.target.kind, Kind::ResourceQuota | Kind::LimitRange);
    (everywhere && change.target.namespace == object.namespace) || change.workload().is(object)
}

/// What an Incident's subject is, and what a change of would touch it as well: a workload and the
/// Services that select its pods, a Service and the workloads that it selects.
pub fn kin(view: &View<'_>, subject: &ObjectRef) -> Vec<ObjectRef> {
    let mut all = vec![subject.clone()];
    let namespace = subject.namespace_str();
    for (thing, service) in view.services_in(namespace) {
        let behind = view.pods_selected(namespace, &service.selector);
        let mut workloads: Vec<ObjectRef> = behind.iter().filter_map(crate::index::Pod::subject).collect();
        workloads.dedup();
        if subject.kind == Kind::Service && thing.head.name.as_ref() == subject.name.as_str() {
            all.append(&mut workloads);
        } else if workloads.iter().any(|w| same(w, subject)) {
            let name = ObjectName::parse(thing.head.name.as_ref()).ok();
            let service =
                |name| subject.namespace.clone().map(|ns| ObjectRef::namespaced(Kind::Service, ns, name, None));
            all.extend(name.and_then(service));
        }
    }
    all
}

fn same(a: &ObjectRef, b: &ObjectRef) -> bool {
    (a.kind, &a.namespace, &a.name) == (b.kind, &b.namespace, &b.name)
}

/// Whether an Incident came back too often: within the window, or time after time within an hour
/// of its last end.
pub fn flapping(count: i64, returns: &[Timestamp], limits: &Limits, now: Timestamp) -> Option<Reason> {
    let window = seconds(limits.flap_window_seconds);
    let recent = returns.iter().filter(|at| now.duration_since(**at) < window).count();
    let times = recent.max(usize::try_from(count - 1).unwrap_or(0));
    let most = super::count(limits.flap_recurrences);
    let why = || format!("it came back {times} times; {most} within {} s are too many", window.as_secs());
    (times >= most).then(|| Reason::new(Code::Flapping, why()))
}
