//! A workload's revisions, and the changes that go back to one that is known to work.
//!
//! Owns the proof that a revision served. Must never propose a value that is not in a revision
//! or in the live workload. No IO.

pub(crate) mod asks;

use super::case::Case;
use crate::action::{Action, Origin, Param};
use crate::finding::Candidate;
use crate::index::{Container, ContainerState, Now, Odd, Pod, SERVED_FOR, Template, Text, Thing, UidKey};
use crate::names::{ContainerName, ObjectName};
use crate::object::Kind;
use crate::quantity::{Format, Quantity};
use std::sync::Arc;

/// One revision.
#[derive(Debug, Clone)]
pub(crate) struct Revision<'a> {
    pub(crate) holder: &'a Thing,
    pub(crate) number: i64,
    pub(crate) template: &'a Arc<Template>,
}

impl Revision<'_> {
    pub(crate) fn origin(&self) -> Option<Origin> {
        let source = ObjectName::parse(&*self.holder.head.name).ok()?;
        Some(Origin::RevisionHistory { source, revision: self.number })
    }
}

/// The revisions of a case's workload, newest first.
#[derive(Debug)]
pub(crate) struct History<'a> {
    revisions: Vec<Revision<'a>>,
}

impl<'a> History<'a> {
    pub(crate) fn of(case: &Case<'a>) -> Self {
        let Some(thing) = case.thing.filter(|t| t.head.kind.is_workload()) else {
            return Self { revisions: Vec::new() };
        };
        let mut revisions: Vec<Revision<'a>> = case.view.children(thing.head.uid).filter_map(read).collect();
        revisions.sort_by_key(|r| std::cmp::Reverse(r.number));
        Self { revisions }
    }

    pub(crate) fn newest(&self) -> Option<&Revision<'a>> {
        self.revisions.first()
    }

    /// The revision a pod was made from is the newest one.
    pub(crate) fn is_newest(&self, pod: &Pod<'_>) -> bool {
        let of = pod.revision().map(|t| t.head.uid);
        self.newest().is_some_and(|newest| of == Some(newest.holder.head.uid))
    }

    /// The newest earlier revision that served, whose template passes `better`.
    pub(crate) fn good(&self, case: &Case<'a>, better: impl Fn(&Template) -> bool) -> Option<&Revision<'a>> {
        let mut earlier = self.revisions.iter().skip(1);
        earlier.find(|r| better(r.template) && served(case, r.holder))
    }
}

fn read(thing: &Thing) -> Option<Revision<'_>> {
    if let Some(w) = thing.workload().filter(|w| thing.head.kind == Kind::ReplicaSet && w.revision > 0) {
        return Some(Revision { holder: thing, number: w.revision, template: &w.template });
    }
    let kept = thing.revision()?;
    Some(Revision { holder: thing, number: kept.revision, template: kept.template.as_ref()? })
}

/// True where pods of a revision are known to have served: now, or when they were taken down.
fn served(case: &Case<'_>, holder: &Thing) -> bool {
    let remembered = holder.workload().is_some_and(|w| w.was_available)
        || holder.revision().is_some_and(|r| r.was_available || rolled_out(case, holder));
    remembered || case.pods.iter().any(|pod| is_of(pod, holder.head.uid) && serves(case, pod))
}

/// A StatefulSet moves `currentRevision` on only when every pod of it became ready.
fn rolled_out(case: &Case<'_>, holder: &Thing) -> bool {
    case.workload().is_some_and(|w| {
        w.current_revision.as_ref() == Some(&holder.head.name) && w.current_revision != w.update_revision
    })
}

fn is_of(pod: &Pod<'_>, holder: UidKey) -> bool {
    pod.revision().is_some_and(|t| t.head.uid == holder)
}

/// Ready for long enough, and over its crashes: a process that crashes is ready between them.
fn serves(case: &Case<'_>, pod: &Pod<'_>) -> bool {
    let steady = |odd: &Odd| odd.containers.iter().all(|c| c.restarts == 0 || is_over_it(case, c));
    pod.ready() && pod.odd().is_none_or(steady) && case.past(pod.ready_since(), SERVED_FOR)
}

/// True for a container that has run for longer than twice its last run, as one does that only waited for
/// another to come up.
fn is_over_it(case: &Case<'_>, container: &ContainerState) -> bool {
    let (Now::Running { since: Some(since) }, Some(last)) = (&container.now, &container.last) else { return false };
    let Some((started, finished)) = last.started.zip(last.finished) else { return false };
    case.past(Some(*since), finished.duration_since(started).saturating_mul(2).max(SERVED_FOR))
}

/// Going back to `revision`.
pub(crate) fn undo(case: &Case<'_>, revision: &Revision<'_>, why: &str) -> Option<Candidate> {
    let revision_param = Param::new(revision.number, revision.origin()?);
    Some(Candidate {
        action: Action::RolloutUndo { revision: revision_param },
        target: case.subject.clone(),
        why: format!("revision {} of {} {why}", revision.number, case.subject.name),
    })
}

/// Deleting the pod that a StatefulSet's controller waits for: one of a revision that is not wanted
/// any more. Before it is gone the wanted revision is not rolled out.
pub(crate) fn delete_leftover(case: &Case<'_>, pods: &[Pod<'_>]) -> Option<Candidate> {
    let set = case.workload().filter(|w| case.subject.kind == Kind::StatefulSet && w.strategy.waits_for_each())?;
    let wanted = set.update_revision.as_ref()?;
    let unwanted = |pod: &Pod<'_>| pod.revision().is_some_and(|r| r.head.name != *wanted);
    let pod = pods.iter().find(|pod| !pod.ready() && unwanted(pod))?;
    Some(Candidate {
        action: Action::DeletePod {},
        target: pod.reference()?,
        why: format!("{} is of a revision that is not wanted any more, and its controller waits for it", pod.name()),
    })
}

/// Setting a container's image to what it was in `revision`.
pub(crate) fn set_image(case: &Case<'_>, revision: &Revision<'_>, container: &str) -> Option<Candidate> {
    let image = revision.template.container(container)?.image.to_string();
    Some(Candidate {
        action: Action::SetImage {
            container: ContainerName::parse(container).ok()?,
            image: Param::new(image, revision.origin()?),
        },
        target: case.subject.clone(),
        why: format!("revision {} ran this container with this image", revision.number),
    })
}

/// Going back because the newest revision cannot be rolled out: some earlier one served, and
/// `same` does not hold between the two templates.
pub(crate) fn undo_newest<'a>(
    case: &Case<'a>,
    history: &History<'a>,
    same: impl Fn(&Template, &Template) -> bool,
) -> Option<Candidate> {
    let newest = history.newest()?;
    let good = history.good(case, |template| !same(template, newest.template))?;
    undo(case, good, "served before this one, whose pods cannot start")
}

/// Going back because the fault came with the newest revision: some earlier one served, and
/// `same` does not hold between the two templates.
pub(crate) fn undo_if_new<'a>(
    case: &Case<'a>,
    history: &History<'a>,
    pods: &[Pod<'a>],
    same: impl Fn(&Template, &Template) -> bool,
) -> Option<Candidate> {
    let newest = history.newest().filter(|_| pods.iter().any(|pod| history.is_newest(pod)))?;
    let struck = |r: &Revision<'_>| pods.iter().any(|pod| is_of(pod, r.holder.head.uid));
    let good = history.good(case, |template| !same(template, newest.template))?;
    if struck(good) {
        return None;
    }
    undo(case, good, "served before this one and differs where it fails")
}

/// True where a template asks for more CPU or memory than an older one.
pub(crate) fn asks_more(old: &Template, new: &Template) -> bool {
    let total = |template: &Template, of: fn(&Container) -> &Option<Text>| {
        let texts = template.containers.iter().filter_map(|c| of(c).as_deref());
        texts
            .filter_map(|t| Quantity::parse(t).ok())
            .try_fold(Quantity::whole(0, Format::Decimal), Quantity::checked_add)
    };
    let parts: [fn(&Container) -> &Option<Text>; 4] =
        [|c| &c.requests.cpu, |c| &c.requests.memory, |c| &c.limits.cpu, |c| &c.limits.memory];
    parts.into_iter().any(|of| total(new, of) > total(old, of))
}

/// The same container in two templates.
pub(crate) fn both<'t>(
    old: &'t Template,
    new: &'t Template,
    name: Option<&str>,
) -> Option<(&'t Container, &'t Container)> {
    let name = name?;
    Some((old.container(name)?, new.container(name)?))
}

#[cfg(test)]
mod tests;
