//! Claims that get no volume, or lost theirs.
//!
//! Owns the comparison of a claim with the classes and volumes there are. Must never report a claim
//! that waits for its first pod, as its class says. No IO.

use super::case::Case;
use super::near::near;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{Claim, ClaimPhase, StorageClass, Text, Thing, View, Volume};
use crate::object::Kind;
use jiff::SignedDuration;

/// A volume is found within seconds.
const GRACE: SignedDuration = SignedDuration::from_secs(30);
/// A provisioner that has said nothing for so long does not do its work.
const PROVISIONING: SignedDuration = SignedDuration::from_mins(5);
/// What makes no volumes: somebody makes them by hand.
const BY_HAND: &str = "kubernetes.io/no-provisioner";

/// What is wrong with a claim.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, claim)) = case.thing.and_then(|t| Some((t, t.claim()?))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() {
        return Vec::new();
    }
    let finding = match claim.phase {
        ClaimPhase::Bound => None,
        ClaimPhase::Lost => Some(lost(case, claim)),
        ClaimPhase::Pending if !case.past(thing.head.created, GRACE) => None,
        ClaimPhase::Pending => pending(case, thing, claim),
    };
    finding.into_iter().collect()
}

fn lost(case: &Case<'_>, claim: &Claim) -> Finding {
    let volume = claim.volume.as_deref().unwrap_or("");
    let text = format!("the claim's volume {} is gone, with whatever was on it", quote(volume, 80));
    Finding { evidence: case.own("spec.volumeName", volume), ..case.draft(Cause::ClaimLost, Severity::Critical, &text) }
}

fn pending(case: &Case<'_>, thing: &Thing, claim: &Claim) -> Option<Finding> {
    if !case.view.reads(Kind::StorageClass) || claim.volume.is_some() {
        return None;
    }
    let wanted = claim.class.as_deref().unwrap_or("");
    let class = case.view.named(Kind::StorageClass, "", wanted).and_then(Thing::storage_class);
    match class {
        Some(class) if &*class.provisioner == BY_HAND => fitting(case, thing, claim, wanted, class.waits),
        Some(class) => provisioning(case, thing, class),
        None if wanted.is_empty() => fitting(case, thing, claim, wanted, false),
        None => class_missing(case, claim, wanted),
    }
}

fn class_missing(case: &Case<'_>, claim: &Claim, wanted: &str) -> Option<Finding> {
    // A volume made by hand may carry a class that is nothing but a name.
    if candidates(case.view, wanted).any(|(_, volume)| misfit(claim, volume).is_none()) {
        return None;
    }
    let names: Vec<&str> = case.view.things(Kind::StorageClass).map(|t| &*t.head.name).collect();
    let there = match near(wanted, names.iter().copied()) {
        Some(like) => format!("; there is {}", quote(like, 60)),
        None if names.is_empty() => "; there is none at all".to_owned(),
        None => format!("; there are: {}", names.join(", ")),
    };
    let text = format!("the claim gets no volume: its StorageClass {} does not exist{there}", quote(wanted, 60));
    let evidence = case.own("spec.storageClassName", wanted);
    Some(Finding { evidence, ..case.draft(Cause::StorageClassMissing, Severity::Warning, &text) })
}

/// A provisioner was asked for a volume.
fn provisioning(case: &Case<'_>, thing: &Thing, class: &StorageClass) -> Option<Finding> {
    let failed = case.own_event(&["ProvisioningFailed"], |_| true);
    // Until a pod needs it nothing is done, and then the provisioner says how it goes.
    let silent = failed.is_none() && !class.waits && case.past(thing.head.created, PROVISIONING);
    let provisioner = quote(&class.provisioner, 60);
    if let Some(event) = failed {
        let text = format!("{provisioner} cannot make a volume for the claim: {}", quote(&event.message, 160));
        let mut finding = case.draft(Cause::ProvisioningFailed, Severity::Warning, &text);
        finding.since = event.first.unwrap_or(finding.since);
        finding.evidence = case.in_event(event, Some(case.subject.clone())).into_iter().collect();
        return Some(finding);
    }
    let text = format!("{provisioner} has made no volume for the claim, and says nothing");
    let evidence = case.own("status.phase", "Pending");
    silent.then(|| Finding { evidence, ..case.draft(Cause::ProvisioningFailed, Severity::Warning, &text) })
}

/// Volumes made by hand: why none of them will do.
fn fitting(case: &Case<'_>, thing: &Thing, claim: &Claim, class: &str, waits: bool) -> Option<Finding> {
    if !case.view.reads(Kind::PersistentVolume) || (waits && !is_used(case.view, thing)) {
        return None;
    }
    let mut reasons: Vec<String> = Vec::new();
    for (volume_thing, volume) in candidates(case.view, class) {
        // One that fits is bound within a moment.
        let why = misfit(claim, volume)?;
        reasons.push(format!("{} {why}", quote(&volume_thing.head.name, 50)));
    }
    let kind = match claim.class.as_deref() {
        None => "it names no class, there is no default one, and".to_owned(),
        Some("") => "it wants no class, and".to_owned(),
        Some(name) => format!("class {} makes no volumes, and", quote(name, 50)),
    };
    let why = if reasons.is_empty() {
        "no volume is free".to_owned()
    } else {
        format!("no free volume fits: {}", reasons.join(", "))
    };
    let text = format!("the claim gets no volume: {kind} {why}");
    let evidence = case.own("status.phase", "Pending");
    Some(Finding { evidence, ..case.draft(Cause::ClaimUnbound, Severity::Warning, &text) })
}

/// The free volumes of a class.
fn candidates<'a>(view: View<'a>, class: &str) -> impl Iterator<Item = (&'a Thing, &'a Volume)> {
    let volumes = view.things(Kind::PersistentVolume).filter_map(|t| Some((t, t.volume()?)));
    volumes.filter(move |(_, v)| &*v.class == class && &*v.phase == "Available")
}

/// Why a volume cannot be bound to a claim.
pub(crate) fn misfit(claim: &Claim, volume: &Volume) -> Option<String> {
    let lacks = claim.modes.iter().find(|mode| !volume.modes.contains(mode));
    if let Some(mode) = lacks {
        return Some(format!("cannot be mounted {mode}"));
    }
    if claim.block != volume.block {
        return Some("is of the other volume mode".to_owned());
    }
    if claim.size.zip(volume.size).is_some_and(|(wanted, has)| has < wanted) {
        return Some("is too small".to_owned());
    }
    claim.selector.as_ref().map(|_| "is not selected".to_owned())
}

fn is_used(view: View<'_>, claim: &Thing) -> bool {
    let (namespace, name) = (&claim.head.namespace, &claim.head.name);
    view.pods_in(namespace).any(|pod| claims_of(&pod).any(|of| of == **name))
}

/// The names of the claims that a pod mounts.
pub(crate) fn claims_of<'p>(pod: &crate::index::Pod<'p>) -> impl Iterator<Item = String> + use<'p> {
    let name = pod.name();
    pod.template().claims.iter().map(move |claim: &Text| match claim.strip_suffix('*') {
        Some(head) => format!("{head}{name}"),
        None => claim.to_string(),
    })
}

/// True where a claim that a pod mounts has a finding of its own, or is still given time.
pub(crate) fn explains(case: &Case<'_>, pod: &crate::index::Pod<'_>) -> bool {
    let view = case.view;
    let claims = claims_of(pod).filter_map(|name| view.named(Kind::PersistentVolumeClaim, pod.namespace(), &name));
    let cases = claims.filter_map(|thing| Case::of_object(view, &view.reference(thing)?, case.now));
    cases.fold(false, |explained, claim| {
        let told = !find(&claim).is_empty();
        claim.recheck().into_iter().for_each(|at| case.look_again(at));
        explained || told || claim.recheck().is_some()
    })
}

#[cfg(test)]
mod tests;
