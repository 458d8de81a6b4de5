//! ConfigMaps and Secrets, or keys of them, that a pod refers to and that do not exist.
//!
//! Owns the reading of the kubelet's complaints about them. Must never need a right on Secrets:
//! the kubelet says what it misses, the pod's own spec says what it is. No IO.

use super::case::{Case, Sign};
use super::history::{self, History};
use super::restore;
use super::text::{quote, quoted_after};
use crate::finding::{Candidate, Cause};
use crate::index::{ConfigRef, ContainerState, Now, Phase, Pod, RefKind, Template};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};

/// What is applied together may arrive in any order.
const GRACE: SignedDuration = SignedDuration::from_secs(5);

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Missing<'m> {
    kind: RefKind,
    name: &'m str,
    key: Option<&'m str>,
}

/// A container that cannot be made for lack of configuration.
pub(crate) fn sign<'a>(case: &Case<'a>, pod: Pod<'a>, state: &ContainerState) -> Option<Sign<'a>> {
    let Now::Waiting { reason, message } = &state.now else {
        return None;
    };
    if &**reason != "CreateContainerConfigError" {
        return None;
    }
    let missing = parse(message, pod.template(), Some(&state.name))?;
    let event = case.event(&pod, Some(&state.name), "Failed", |m| m.contains(&**message));
    let since = event.and_then(|e| e.first).or(pod.created());
    let path = format!("status.{}[{}].state.waiting", super::statuses(state), state.name);
    let evidence = case.in_pod(&pod, &path, &format!("{reason}: {message}"));
    let (cause, what) = verdict(case, &pod, missing, since)?;
    Some(Sign {
        cause,
        container: Some(state.name.clone()),
        pod,
        since,
        detail: format!("cannot be made: {what}"),
        evidence: evidence.into_iter().collect(),
        mend: candidates,
    })
}

/// A volume that cannot be mounted for lack of configuration.
pub(crate) fn mount<'a>(case: &Case<'a>, pod: Pod<'a>) -> Option<Sign<'a>> {
    if pod.phase() != Phase::Pending {
        return None;
    }
    let parsed = |message: &str| parse(message, pod.template(), None).is_some();
    let event = case.event(&pod, None, "FailedMount", parsed)?;
    let missing = parse(&event.message, pod.template(), None)?;
    let since = event.first.or(pod.created());
    let (cause, what) = verdict(case, &pod, missing, since)?;
    Some(Sign {
        cause,
        container: None,
        pod,
        since,
        detail: format!("a volume cannot be mounted: {what}"),
        evidence: case.in_event(event, pod.reference()).into_iter().collect(),
        mend: candidates,
    })
}

fn verdict(case: &Case<'_>, pod: &Pod<'_>, missing: Missing<'_>, since: Option<Timestamp>) -> Option<(Cause, String)> {
    let (cause, kind) = match missing.kind {
        RefKind::ConfigMap => (Cause::ConfigMapMissing, "ConfigMap"),
        RefKind::Secret => (Cause::SecretMissing, "Secret"),
    };
    if !case.past(since, GRACE) || is_back(case, pod, &missing) {
        return None;
    }
    let what = match missing.key {
        Some(key) => format!("{kind} {} has no key {}", quote(missing.name, 80), quote(key, 60)),
        None => format!("{kind} {} does not exist", quote(missing.name, 80)),
    };
    Some((cause, what))
}

/// The object was made after the kubelet complained: it will try again by itself.
fn is_back(case: &Case<'_>, pod: &Pod<'_>, missing: &Missing<'_>) -> bool {
    missing.kind == RefKind::ConfigMap
        && missing.key.is_none()
        && case.view.named(Kind::ConfigMap, pod.namespace(), missing.name).is_some()
}

/// Reads `configmap "x" not found`, `couldn't find key k in ConfigMap ns/x` and the volume
/// plugins' `references non-existent config key: k`, and accepts only what the spec refers to.
fn parse<'m>(message: &'m str, template: &'m Template, container: Option<&str>) -> Option<Missing<'m>> {
    let referred = |kind: RefKind, name: &str| {
        let mut refs = template.config_refs();
        refs.find(|(of, r)| {
            let by = of.is_none_or(|of| container == Some(&**of));
            by && of.is_some() == container.is_some() && r.kind == kind && &*r.name == name
        })
    };
    for (kind, word) in [(RefKind::ConfigMap, "configmap"), (RefKind::Secret, "secret")] {
        if let Some(name) = quoted_after(message, &format!("{word} "))
            && message.contains("not found")
        {
            return referred(kind, name).map(|(_, r)| Missing { kind, name: &r.name, key: None });
        }
    }
    if let Some((_, rest)) = message.split_once("couldn't find key ") {
        let (key, rest) = rest.split_once(" in ")?;
        let (word, rest) = rest.split_once(' ')?;
        let kind = if word == "Secret" { RefKind::Secret } else { RefKind::ConfigMap };
        let name = rest.split_whitespace().next()?;
        let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
        return referred(kind, name).map(|(_, r)| Missing { kind, name: &r.name, key: Some(key) });
    }
    for (kind, word) in [(RefKind::ConfigMap, "config"), (RefKind::Secret, "secret")] {
        if let Some((_, key)) = message.split_once(&format!("references non-existent {word} key: ")) {
            let key = key.split_whitespace().next()?;
            let holds = |r: &&ConfigRef| r.kind == kind && r.keys.iter().any(|k| &**k == key);
            let of = template.mounts.iter().find(holds)?;
            return Some(Missing { kind, name: &of.name, key: Some(key) });
        }
    }
    None
}

/// What a sign of this analyzer is about.
fn told<'a>(case: &Case<'a>, sign: &Sign<'a>) -> Option<Missing<'a>> {
    let (pod, container) = (sign.pod, sign.container.as_deref());
    let Some(name) = container else {
        let event = case.event(&pod, None, "FailedMount", |m| parse(m, pod.template(), None).is_some())?;
        return parse(&event.message, pod.template(), None);
    };
    match &pod.odd()?.containers.iter().find(|c| &*c.name == name)?.now {
        Now::Waiting { message, .. } => parse(message, pod.template(), container),
        Now::Running { .. } | Now::Ended(_) => None,
    }
}

/// What is missing itself, or back to a revision that does not refer to it.
fn candidates<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let missing = told(case, sign).filter(|missing| missing.kind == RefKind::ConfigMap);
    let place = |m: &Missing<'a>| (sign.pod.namespace(), m.name);
    let back = missing.and_then(|m| restore::of(case.view, Kind::ConfigMap, place(&m), m.key));
    let same = |old: &Template, new: &Template| {
        let refs =
            |t: &Template| t.config_refs().map(|(_, r)| (r.kind, r.name.clone(), r.keys.clone())).collect::<Vec<_>>();
        let (old, new) = (refs(old), refs(new));
        new.iter().all(|r| old.contains(r))
    };
    back.into_iter().chain(history::undo_if_new(case, history, pods, same)).collect()
}

#[cfg(test)]
mod tests;
