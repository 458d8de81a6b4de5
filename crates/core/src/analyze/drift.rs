//! ConfigMaps that changed or went under pods that run.
//!
//! Owns what metadata alone tells: which keys there are, and when the content was written. Must never
//! conclude anything of a ConfigMap whose managers are not told, nor of Secrets. No IO.

use super::case::Case;
use super::restore;
use super::text::quote;
use crate::action::Action;
use crate::finding::{Candidate, Cause, Finding, Severity};
use crate::index::{ConfigRef, Pod, RefKind, Template, Text, Thing};
use crate::object::Kind;
use jiff::SignedDuration;

/// Whoever changes a ConfigMap often restarts its users next.
const GRACE: SignedDuration = SignedDuration::from_mins(2);

/// Whoever replaces a ConfigMap may delete it first, or put it in a moment later.
const REPLACING: SignedDuration = SignedDuration::from_secs(30);

/// What running pods have lost, or not yet seen.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some(template) = case.workload().filter(|_| case.subject.kind.is_workload()).map(|w| &*w.template) else {
        return Vec::new();
    };
    let steady: Vec<&Pod<'_>> = case.pods.iter().filter(|pod| pod.ready()).collect();
    let Some(youngest) = steady.iter().max_by_key(|pod| pod.created()) else {
        return Vec::new();
    };
    if !case.view.reads(Kind::ConfigMap) {
        return Vec::new();
    }
    lost(case, template, youngest).or_else(|| changed(case, template, &steady)).into_iter().collect()
}

fn required(template: &Template) -> impl Iterator<Item = &ConfigRef> {
    template.config_refs().map(|(_, r)| r).filter(|r| r.kind == RefKind::ConfigMap && !r.optional)
}

/// What the next pod will miss.
fn lost(case: &Case<'_>, template: &Template, youngest: &Pod<'_>) -> Option<Finding> {
    // What the pods that run were made without, the new ones miss by themselves.
    let had = |r: &&ConfigRef| required(youngest.template()).any(|own| own == *r);
    let (what, evidence, since, back) = required(template).filter(had).find_map(|r| {
        let name = quote(&r.name, 80);
        let back = |key| restore::of(case.view, Kind::ConfigMap, (youngest.namespace(), &r.name), key);
        let Some(thing) = case.view.named(Kind::ConfigMap, youngest.namespace(), &r.name) else {
            let since = case.view.lost_at(youngest.namespace(), &r.name);
            let what = format!("ConfigMap {name} no longer exists");
            return case.past(since, REPLACING).then(|| (what, case.own("spec.template", &r.name), since, back(None)));
        };
        let config = thing.config()?;
        let keys = config.keys.as_ref()?;
        let key = r.keys.iter().find(|key| !keys.contains(key)).filter(|_| case.past(config.written, REPLACING))?;
        let has = keys.join(", ");
        let evidence = case.in_thing(thing, "metadata.managedFields", &format!("keys: {has}")).into_iter().collect();
        let what = format!("ConfigMap {name} no longer has key {}, only {}", quote(key, 60), quote(&has, 100));
        Some((what, evidence, config.written, back(Some(key))))
    })?;
    let text = format!("the pods run, but new ones will not start: {what}");
    let mut finding = case.draft(Cause::ConfigMapMissing, Severity::Warning, &text);
    finding.since = since.unwrap_or(case.now);
    finding.evidence = evidence;
    finding.candidates = back.into_iter().collect();
    Some(finding)
}

/// What the pods read into their environment when they started, and was written since.
fn changed(case: &Case<'_>, template: &Template, steady: &[&Pod<'_>]) -> Option<Finding> {
    let read_once = template.containers.iter().flat_map(|c| {
        let single = c.env.iter().filter_map(|(_, from)| from.as_ref());
        c.env_from.iter().chain(single)
    });
    let names = read_once.filter(|r| r.kind == RefKind::ConfigMap).map(|r| &r.name);
    let oldest = steady.iter().filter_map(|pod| pod.created()).min()?;
    let (thing, written) = names.filter_map(|name| written(case, steady, name)).max_by_key(|(_, at)| *at)?;
    if written <= oldest || !case.past(Some(written), GRACE) {
        return None;
    }
    let stale = steady.iter().filter(|pod| pod.created().is_some_and(|at| at < written)).count();
    let text = format!(
        "{stale} of {} pods still run with what ConfigMap {} held before {written}",
        steady.len(),
        quote(&thing.head.name, 80)
    );
    let mut finding = case.draft(Cause::ConfigChangedSinceStart, Severity::Info, &text);
    finding.since = written;
    finding.evidence =
        case.in_thing(thing, "metadata.managedFields", &format!("written at {written}")).into_iter().collect();
    let why = "new pods read the ConfigMap as it is now".to_owned();
    finding.candidates = vec![Candidate { action: Action::RolloutRestart {}, target: case.subject.clone(), why }];
    Some(finding)
}

fn written<'a>(case: &Case<'a>, steady: &[&Pod<'_>], name: &Text) -> Option<(&'a Thing, jiff::Timestamp)> {
    let thing = case.view.named(Kind::ConfigMap, steady.first()?.namespace(), name)?;
    Some((thing, thing.config()?.written?))
}

#[cfg(test)]
mod tests;
