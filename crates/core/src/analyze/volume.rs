//! Volumes that are left over, cannot be reclaimed, or have two classes to choose from.
//!
//! Owns the reading of volumes and of default classes. Must never propose a change: a volume is
//! data. No IO.

use super::case::Case;
use super::claim::misfit;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{ClaimPhase, Thing, Volume};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};

/// A volume that is to be deleted is released for a moment.
const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// One that is kept is not, but may be given away anew.
const KEPT_GRACE: SignedDuration = SignedDuration::from_secs(30);
/// For so long it is told as a warning that data has lost its claim; who leaves it there means it.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// What is wrong with a volume.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, volume)) = case.thing.and_then(|t| Some((t, t.volume()?))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() {
        return Vec::new();
    }
    let finding = match &*volume.phase {
        "Failed" => Some(failed(case, volume)),
        "Released" => {
            let since = volume.since.or(thing.head.created);
            case.past(since, if volume.retained { KEPT_GRACE } else { GRACE }).then(|| released(case, volume, since))
        }
        _ => None,
    };
    finding.into_iter().collect()
}

fn failed(case: &Case<'_>, volume: &Volume) -> Finding {
    let text = format!("the volume cannot be reclaimed: {}", quote(&volume.message, 180));
    let mut finding = case.draft(Cause::VolumeFailed, Severity::Warning, &text);
    finding.since = volume.since.unwrap_or(finding.since);
    finding.evidence = case.own("status.message", &volume.message);
    finding
}

/// Nothing is lost by it, unless a claim waits for just such a volume; but what it holds is out of reach, and
/// whoever deleted the claim a moment ago may not have meant that.
fn released(case: &Case<'_>, volume: &Volume, since: Option<Timestamp>) -> Finding {
    let (namespace, name) = volume.claim.as_ref().map_or(("", ""), |(namespace, name, _)| (namespace, name));
    let former = quote(&format!("{namespace}/{name}"), 90);
    let kept = if volume.retained { "kept as its policy says" } else { "not deleted yet though its policy says so" };
    let waiting = waiting(case, volume);
    let tail = waiting.map_or_else(String::new, |claim| {
        format!(
            "; claim {} waits for such a volume",
            quote(&format!("{}/{}", claim.head.namespace, claim.head.name), 80)
        )
    });
    // Where the namespace is gone as well, the claim was not lost by itself.
    let in_use = case.view.namespace(namespace).is_some_and(|n| n.namespace().is_some_and(|n| !n.terminating));
    let fresh = volume.retained && in_use && !case.past(since, FRESH);
    let severity = if waiting.is_some() || fresh { Severity::Warning } else { Severity::Info };
    let text = format!(
        "the volume is {kept} since its claim {former} is gone; nobody gets it before its claimRef is removed{tail}"
    );
    let mut finding = case.draft(Cause::VolumeReleased, severity, &text);
    finding.since = volume.since.unwrap_or(finding.since);
    finding.evidence = case.own("status.phase", "Released");
    finding
}

fn waiting<'a>(case: &Case<'a>, volume: &Volume) -> Option<&'a Thing> {
    case.view.things(Kind::PersistentVolumeClaim).find(|thing| {
        thing.claim().is_some_and(|claim| {
            let same = claim.class.as_deref().unwrap_or("") == &*volume.class;
            claim.phase == ClaimPhase::Pending && same && misfit(claim, volume).is_none()
        })
    })
}

/// Where several classes are the default, said once, of the one that is used.
pub(crate) fn defaults(case: &Case<'_>) -> Vec<Finding> {
    let default = |thing: &&Thing| thing.storage_class().is_some_and(|c| c.default) && !thing.head.marks.deleting();
    let all: Vec<&Thing> = case.view.things(Kind::StorageClass).filter(default).collect();
    // The API server takes the youngest.
    let used = all.iter().max_by_key(|t| (t.head.created, &t.head.name));
    if all.len() < 2 || used.map(|t| t.head.uid) != case.thing.map(|t| t.head.uid) {
        return Vec::new();
    }
    let names: Vec<&str> = all.iter().map(|t| &*t.head.name).collect();
    let text = format!(
        "{} StorageClasses are the default ({}); claims that name none get this one, the youngest",
        names.len(),
        names.join(", ")
    );
    let evidence = all
        .iter()
        .filter_map(|t| case.in_thing(t, "metadata.annotations[storageclass.kubernetes.io/is-default-class]", "true"));
    let evidence = evidence.collect();
    vec![Finding { evidence, ..case.draft(Cause::TwoDefaultStorageClasses, Severity::Warning, &text) }]
}

#[cfg(test)]
mod tests;
