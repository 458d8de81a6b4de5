//! Paths of an Ingress that were led to another Service than before.
//!
//! Owns the question whether that can have been meant. Must never take one for a fault whose former
//! Service is gone, serves nobody or is still led to, nor a switch between two versions of one thing. No IO.

use crate::analyze::case::Case;
use crate::analyze::earlier;
use crate::analyze::text::quote;
use crate::finding::{Candidate, Cause, Finding, Severity};
use crate::index::names::speaks;
use crate::index::{Backend, Ingress, Pod, Thing, View};
use crate::object::Kind;
use std::collections::BTreeSet;

/// Shorter ones, such as `v2` or `my`, are in the names of too many things.
const A_WORD: usize = 3;

/// A path whose former Service still serves and waits for requests.
pub(super) fn find(case: &Case<'_>, thing: &Thing, ingress: &Ingress) -> Option<Finding> {
    if thing.head.owner.is_some() || thing.head.marks.gitops() || thing.head.marks.explained() {
        return None;
    }
    let namespace = &*thing.head.namespace;
    let (was, now) = ingress.earlier.iter().find_map(|was| {
        let now = ingress.backends.iter().find(|now| now.is_at(was))?;
        let waits = serves(case.view, namespace, &was.service) && !is_led_to(case.view, namespace, &was.service);
        (waits && !is_meant(thing, was, now)).then_some((was, now))
    })?;
    let text = format!(
        "the Ingress leads {} to Service {}, and led it to {} before, which still serves and to which no Ingress here leads now",
        quote(&now.place(), 80),
        quote(&now.service, 70),
        quote(&was.service, 70)
    );
    let why = format!("{} answered this path until the Ingress was changed", was.service);
    let change = |action| Candidate { action, target: case.subject.clone(), why };
    let evidence = case.own("spec.rules", &format!("{}: Service {}", now.place(), now.service));
    let candidates = earlier::path(was).map(change).into_iter().collect();
    Some(Finding { evidence, candidates, ..case.draft(Cause::IngressMisrouted, Severity::Warning, &text) })
}

fn serves(view: View<'_>, namespace: &str, name: &str) -> bool {
    let service = view.named(Kind::Service, namespace, name).and_then(Thing::service);
    service.is_some_and(|s| !s.selector.is_empty() && view.pods_selected(namespace, &s.selector).iter().any(Pod::ready))
}

fn is_led_to(view: View<'_>, namespace: &str, name: &str) -> bool {
    let ingresses = view.things_in(Kind::Ingress, namespace).filter_map(Thing::ingress);
    let mut led = ingresses.flat_map(|ingress| ingress.backends.iter());
    led.any(|backend| &*backend.service == name)
}

/// True where both Services may be versions of one thing, or the new one's name speaks of maintenance, or the new one's name speaks of the path at
/// least as much as that of the one before does.
fn is_meant(thing: &Thing, was: &Backend, now: &Backend) -> bool {
    let (before, after) = (words(&was.service), words(&now.service));
    let place: BTreeSet<String> = words(&thing.head.name).union(&words(&now.place())).cloned().collect();
    if speaks(&now.service) {
        return true;
    }
    let told = |name: &BTreeSet<String>| name.intersection(&place).count();
    let related = before.intersection(&after).next().is_some();
    told(&before) <= told(&after) && (related || told(&after) > 0)
}

fn words(text: &str) -> BTreeSet<String> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    parts.filter(|word| word.len() >= A_WORD).map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests;
