//! Admission webhooks that cannot be called, not be trusted, or take too long together.
//!
//! Owns the comparison of webhook configurations with the Services there are. Must never propose a
//! change: admission configuration is protected. No IO.

use super::case::Case;
use super::text::{has_any, quote};
use crate::finding::{Cause, Finding, Severity};
use crate::index::{Bundle, HOOKS, Hook, Text, Thing, View, Workload};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};

/// A webhook is often registered before it runs.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// Some webhooks write their own CA bundle once they run.
const FILLING: SignedDuration = SignedDuration::from_mins(2);
/// Seconds that the API server gives a whole request by itself.
const REQUEST: i32 = 30;

/// What is wrong with a webhook configuration.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, hooks)) = case.thing.and_then(|t| Some((t, &t.hooks()?.hooks))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() || !case.past(thing.head.created, GRACE) {
        return Vec::new();
    }
    let mut out: Vec<Finding> = Vec::new();
    let silent = hooks.iter().filter_map(|hook| {
        let why = unserved(case.view, hook).filter(|_| !is_explained(case, hook))?;
        Some((hook, why))
    });
    // The one whose silence refuses requests comes first.
    if let Some((hook, why)) = silent.max_by_key(|(hook, _)| hook.fails) {
        out.push(build(case, Cause::WebhookBackendMissing, hook, "clientConfig.service", &why));
    }
    let answering = hooks.iter().filter(|hook| unserved(case.view, hook).is_none());
    let mistrusted = answering.filter_map(|hook| Some((hook, mistrusted(case, hook)?)));
    if let Some((hook, why)) = mistrusted.max_by_key(|(hook, _)| hook.fails) {
        out.push(build(case, Cause::WebhookBundleInvalid, hook, "clientConfig.caBundle", &why));
    }
    out.extend(too_slow(case, thing));
    out
}

fn build(case: &Case<'_>, cause: Cause, hook: &Hook, path: &str, why: &str) -> Finding {
    let (severity, effect) = if hook.fails {
        (Severity::Critical, "requests that it is asked about are refused")
    } else {
        (Severity::Warning, "requests pass without it")
    };
    let text = format!("webhook {} {why}: {effect}", quote(&hook.name, 90));
    let evidence = case.own(&format!("webhooks[{}].{path}", hook.name), why);
    Finding { evidence, ..case.draft(cause, severity, &text) }
}

/// Why nothing answers at a webhook's Service.
fn unserved(view: View<'_>, hook: &Hook) -> Option<String> {
    let (namespace, name, _) = hook.service.as_ref()?;
    let shown = quote(&format!("{namespace}/{name}"), 90);
    if !view.reads_in(Kind::Service, namespace) {
        return None;
    }
    let Some(thing) = view.named(Kind::Service, namespace, name) else {
        return Some(format!("has no backend, Service {shown} does not exist"));
    };
    let service = thing.service()?;
    if service.external || !view.reads_in(Kind::EndpointSlice, namespace) || is_served(view, thing) {
        return None;
    }
    let selector = &service.selector;
    let made = |w: &Workload| selector.iter().all(|(k, v)| w.template_labels.get(k) == Some(v));
    let stopped = !selector.is_empty() && view.makers_in(namespace).any(|(_, w)| w.desired == 0 && made(w));
    let why = if stopped { ", its workload is scaled to zero" } else { "" };
    Some(format!("has no backend, Service {shown} has no ready endpoint{why}"))
}

/// True where the pods behind a webhook are on their way, or have findings that say why they are not.
fn is_explained(case: &Case<'_>, hook: &Hook) -> bool {
    let view = case.view;
    let service = hook.service.as_ref().and_then(|(namespace, name, _)| view.named(Kind::Service, namespace, name));
    let selected = service.and_then(|t| Some(view.pods_selected(&t.head.namespace, &t.service()?.selector)));
    selected.unwrap_or_default().iter().any(|pod| {
        let told = || {
            let analysis = pod.subject().map(|subject| super::examine(&view, &subject, case.now)).unwrap_or_default();
            // Some are over with time alone.
            analysis.recheck.into_iter().for_each(|at| case.look_again(at));
            !analysis.findings.is_empty()
        };
        !case.past(pod.created(), GRACE) || told()
    })
}

fn is_served(view: View<'_>, service: &Thing) -> bool {
    let mut slices = view.things_in(Kind::EndpointSlice, &service.head.namespace).filter_map(Thing::slice);
    slices.any(|s| s.ready > 0 && s.service.as_ref() == Some(&service.head.name))
}

/// Why the API server cannot trust a webhook's server.
fn mistrusted(case: &Case<'_>, hook: &Hook) -> Option<String> {
    let thing = case.thing.filter(|_| hook.service.is_some())?;
    match hook.bundle {
        Bundle::Until(Some(until)) if until <= case.now => {
            Some(format!("cannot be trusted, its CA bundle expired at {until}"))
        }
        Bundle::Until(_) => None,
        Bundle::Absent | Bundle::Broken if !case.past(thing.head.created, FILLING) => None,
        Bundle::Broken => Some("cannot be trusted, its CA bundle holds no certificate".to_owned()),
        Bundle::Absent if thing.hooks().is_some_and(|h| h.injected) => {
            Some("cannot be trusted, cert-manager has not written its CA bundle".to_owned())
        }
        // No public authority signs for a Service's name.
        Bundle::Absent => Some("cannot be trusted, it has no CA bundle".to_owned()),
    }
}

/// Said once, of the configuration that may take longest.
fn too_slow(case: &Case<'_>, thing: &Thing) -> Option<Finding> {
    let mut all: Vec<(&Thing, i32)> = Vec::new();
    for kind in HOOKS {
        all.extend(case.view.things(kind).map(|t| (t, slowest(t))).filter(|(_, seconds)| *seconds > 0));
    }
    all.sort_by_key(|(t, seconds)| (-seconds, t.head.kind, t.head.name.clone()));
    let together: i32 = all.iter().map(|(_, seconds)| seconds).sum();
    if all.first()?.0.head.uid != thing.head.uid || together <= REQUEST {
        return None;
    }
    let serial: i32 = all.iter().filter(|(t, _)| t.head.kind == HOOKS[0]).map(|(_, seconds)| seconds).sum();
    let side_by_side = all.iter().filter(|(t, _)| t.head.kind == HOOKS[1]).map(|(_, seconds)| *seconds).max();
    let silent = all.iter().any(|(t, _)| hooks(t).any(|hook| unserved(case.view, hook).is_some())) || times_out(case);
    let worst = serial + side_by_side.unwrap_or(0);
    if worst <= REQUEST && !silent {
        return None;
    }
    let ranked: Vec<String> =
        all.iter().take(6).map(|(t, seconds)| format!("{} {seconds} s", quote(&t.head.name, 40))).collect();
    let tail = if silent { "; one of them does not answer in time" } else { "" };
    let text = format!(
        "webhooks asked about every new pod may take {together} s together, and a request has {REQUEST} s: {}{tail}",
        ranked.join(", ")
    );
    let severity = if silent { Severity::Warning } else { Severity::Info };
    let evidence = all
        .iter()
        .take(6)
        .filter_map(|(t, seconds)| case.in_thing(t, "webhooks[*].timeoutSeconds", &seconds.to_string()));
    let evidence = evidence.collect();
    Some(Finding { evidence, ..case.draft(Cause::WebhookTimeouts, severity, &text) })
}

fn hooks(thing: &Thing) -> impl Iterator<Item = &Hook> {
    thing.hooks().into_iter().flat_map(|h| &h.hooks).filter(|hook| hook.covers_pods)
}

/// Mutating webhooks are asked one after the other, validating ones side by side.
fn slowest(thing: &Thing) -> i32 {
    let seconds = hooks(thing).map(|hook| hook.timeout);
    if thing.head.kind == HOOKS[0] { seconds.sum() } else { seconds.max().unwrap_or(0) }
}

/// True where a controller was told that a webhook did not answer in time.
fn times_out(case: &Case<'_>) -> bool {
    let late = |m: &Text| has_any(m, &["failed calling webhook"]) && has_any(m, &["deadline exceeded", "timeout"]);
    let makers = case.view.things(Kind::ReplicaSet).chain(case.view.things(Kind::StatefulSet));
    let makers = makers.filter(|t| t.workload().is_some_and(|w| w.replicas < w.desired));
    makers.into_iter().any(|t| case.view.events_of(t.head.uid).iter().any(|e| late(&e.message)))
}

/// True where what is known of a webhook of that name says why it cannot be asked. Its pods are not
/// looked at: they may be refused by this very webhook.
pub(crate) fn explains(view: View<'_>, name: &str, now: Timestamp) -> bool {
    let things = HOOKS.into_iter().flat_map(|kind| view.things(kind));
    let cases = things.filter_map(|thing| Case::of_object(view, &view.reference(thing)?, now));
    cases.into_iter().any(|case| {
        let hooks = case.thing.and_then(Thing::hooks).into_iter().flat_map(|h| &h.hooks);
        let mut named = hooks.filter(|hook| &*hook.name == name);
        named.any(|hook| unserved(view, hook).is_some() || mistrusted(&case, hook).is_some())
    })
}

#[cfg(test)]
mod tests;
