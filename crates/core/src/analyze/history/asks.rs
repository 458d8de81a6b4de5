//! What containers ask for, and what they asked for in revisions that served.
//!
//! Owns the way back to requests and limits that a revision dropped. Must never make an amount up, nor
//! set one container's where several lack theirs. No IO.

use super::{History, undo};
use crate::action::{Action, Param, ResourceName, Resources};
use crate::analyze::case::Case;
use crate::finding::Candidate;
use crate::index::{Amounts, Container, Role, Template, Text, Thing};
use crate::names::ContainerName;

/// The two parts of a container's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Requests,
    Limits,
}

/// One amount that a container may name, such as its CPU limit.
pub(crate) type Amount = (Part, ResourceName);

/// What a container names as one of its amounts.
pub(crate) fn named(container: &Container, (part, resource): Amount) -> Option<&Text> {
    let Amounts { cpu, memory } = match part {
        Part::Requests => &container.requests,
        Part::Limits => &container.limits,
    };
    match resource {
        ResourceName::Cpu => cpu.as_ref(),
        ResourceName::Memory => memory.as_ref(),
    }
}

/// The same for what a workload that is not the case's subject dropped.
pub(crate) fn back_in(case: &Case<'_>, target: &Thing, amounts: &[Amount]) -> Vec<Candidate> {
    let subject = case.view.reference(target);
    let Some(other) = subject.and_then(|subject| Case::open(case.view, &subject, case.now)) else { return Vec::new() };
    let candidates = back(&other, &History::of(&other), amounts);
    other.recheck().into_iter().for_each(|at| case.look_again(at));
    candidates
}

/// Amounts that the newest revision dropped: alone, as a revision that served had them, and with all that
/// this revision had.
pub(crate) fn back<'a>(case: &Case<'a>, history: &History<'a>, amounts: &[Amount]) -> Vec<Candidate> {
    let Some(newest) = history.newest() else { return Vec::new() };
    let lacks = |template: &Template, container: &&Container| {
        let now = template.container(&container.name);
        container.role != Role::Init && now.is_some_and(|now| amounts.iter().any(|a| named(now, *a).is_none()))
    };
    let complete = |old: &Template| {
        let mut lacking = old.containers.iter().filter(|c| lacks(newest.template, c)).peekable();
        lacking.peek().is_some() && lacking.all(|c| amounts.iter().all(|a| named(c, *a).is_some()))
    };
    let Some(good) = history.good(case, complete) else { return Vec::new() };
    let mut lacking = good.template.containers.iter().filter(|c| lacks(newest.template, c));
    let only = lacking.next().filter(|_| lacking.next().is_none());
    let alone = only.and_then(|container| {
        let mut resources = Resources::default();
        for amount in amounts {
            let values = match amount.0 {
                Part::Requests => &mut resources.requests,
                Part::Limits => &mut resources.limits,
            };
            values.insert(amount.1, named(container, *amount)?.to_string());
        }
        let container = ContainerName::parse(&*container.name).ok()?;
        Some(Candidate {
            action: Action::SetResources { container, resources: Param::new(resources, good.origin()?) },
            target: case.subject.clone(),
            why: format!("revision {} served and named these amounts", good.number),
        })
    });
    alone.into_iter().chain(undo(case, good, "served and named the amounts that this one lacks")).collect()
}
