//! What a workload needs of a quota.
//!
//! Owns the question whether the quota or the need is out of all proportion. Must never take an amount
//! from a message: it only tells which are meant. No IO.

use crate::action::ResourceName;
use crate::analyze::history::asks::{Amount, Part, named};
use crate::index::{Role, Template, Thing};
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
