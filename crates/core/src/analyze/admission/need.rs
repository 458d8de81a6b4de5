//! What a workload needs of a quota.
//!
//! Owns the question whether the quota or the need is out of all proportion, and small amounts for who named
//! none. Must never take an amount from a message: it only tells which are meant. No IO.

use crate::action::{Action, Origin, Param, ResourceName, Resources};
use crate::analyze::case::Case;
use crate::analyze::history::asks::{Amount, Part, named};
use crate::finding::Candidate;
use crate::index::{Container, Quota, Role, Template, Thing};
use crate::names::ContainerName;
use crate::plan::unnamed::{MOST_TIMES, PROPOSED, least, share};
use crate::quantity::Quantity;

/// Who needs so many times what a quota allows is mistaken, and not the quota.
const ABSURD: i128 = 10;
const AMOUNTS: [(&str, Amount); 6] = [
    ("cpu", (Part::Requests, ResourceName::Cpu)),
    ("memory", (Part::Requests, ResourceName::Memory)),
    ("requests.cpu", (Part::Requests, ResourceName::Cpu)),
    ("requests.memory", (Part::Requests, ResourceName::Memory)),
    ("limits.cpu", (Part::Limits, ResourceName::Cpu)),
    ("limits.memory", (Part::Limits, ResourceName::Memory)),
];

/// The amounts that a quota wants named: `must specify limits.cpu for: web; limits.memory for: web`.
pub(super) fn unnamed(message: &str) -> Vec<Amount> {
    let Some((_, told)) = message.split_once("must specify ") else { return Vec::new() };
    let words: Vec<&str> = told.split([';', ',', ' ']).collect();
    AMOUNTS.iter().filter(|(name, _)| words.contains(name)).map(|(_, amount)| *amount).collect()
}

/// Small amounts for the one container that names none: a limit of twice its request, or a share of what the
/// quota leaves.
pub(super) fn named_first(
    case: &Case<'_>,
    holder: &Thing,
    quota: Option<&Thing>,
    amounts: &[Amount],
) -> Option<Candidate> {
    let workload = holder.workload()?;
    let (thing, quota) = (quota?, quota?.quota()?);
    let mut lacking = workload.template.containers.iter().filter(|c| amounts.iter().any(|a| named(c, *a).is_none()));
    let only = lacking.next().filter(|_| lacking.next().is_none())?;
    let mut resources = Resources::default();
    for amount in amounts.iter().filter(|amount| named(only, **amount).is_none()) {
        let values = match amount.0 {
            Part::Requests => &mut resources.requests,
            Part::Limits => &mut resources.limits,
        };
        values.insert(amount.1, small(only, *amount, quota, workload.desired.into())?);
    }
    let resources = Param::new(resources, Origin::CurrentValue {});
    Some(Candidate {
        action: Action::SetResources { container: ContainerName::parse(&*only.name).ok()?, resources },
        target: case.subject.clone(),
        why: format!("quota {} demands these amounts, and the container names none", thing.head.name),
    })
}

/// What is named of an amount that nobody named.
fn small(container: &Container, (part, resource): Amount, quota: &Quota, pods: i64) -> Option<String> {
    let asked = named(container, (Part::Requests, resource)).filter(|_| part == Part::Limits);
    let millis = match asked {
        Some(text) => Quantity::parse(text).ok()?.millis().checked_mul(MOST_TIMES)?,
        None => left(quota, resource, pods)?,
    };
    let (unit, suffix) = match resource {
        ResourceName::Cpu => (1, "m"),
        ResourceName::Memory => (1000 << 10, "Ki"),
    };
    let amount = Quantity::parse(&format!("{}{suffix}", millis / unit)).ok()?;
    (asked.is_some() || millis >= least(resource)).then(|| amount.to_string())
}

/// The smallest share of a resource that one pod has of the quota, in thousandths.
fn left(quota: &Quota, resource: ResourceName, pods: i64) -> Option<i128> {
    let is_of = |name: &str| AMOUNTS.iter().any(|(known, amount)| *known == name && amount.1 == resource);
    let lines = quota.lines.iter().filter(|(name, ..)| is_of(name));
    let shares = lines
        .map(|(_, hard, used)| Some(share(Quantity::parse(hard).ok()?, Quantity::parse(used).ok()?, pods, PROPOSED)));
    shares.collect::<Option<Vec<i128>>>()?.into_iter().min()
}

/// True where what is wanted is many times what a quota allows that has not been overrun: no quota that lets
/// it in would be one.
pub(super) fn is_absurd(holder: &Thing, quota: &Thing) -> bool {
    let (Some(workload), Some(quota)) = (holder.workload(), quota.quota()) else { return false };
    quota.lines.iter().any(|(name, hard, used)| {
        let (Ok(hard), Ok(used)) = (Quantity::parse(hard), Quantity::parse(used)) else { return false };
        let need = each(&workload.template, name).unwrap_or(0) * i128::from(workload.desired);
        !hard.is_zero() && used <= hard && need >= hard.millis().saturating_mul(ABSURD)
    })
}

/// What one pod needs, in thousandths.
fn each(template: &Template, name: &str) -> Option<i128> {
    if matches!(name, "pods" | "count/pods") {
        return Some(1000);
    }
    let (_, amount) = AMOUNTS.iter().find(|(known, _)| *known == name)?;
    let amounts = template.containers.iter().filter(|c| c.role != Role::Init).filter_map(|c| named(c, *amount));
    Some(amounts.filter_map(|text| Quantity::parse(text).ok()).map(Quantity::millis).sum())
}
