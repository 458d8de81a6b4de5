//! What several matching rules come to together: of everything the strictest.
//!
//! Owns the merging. Must never let a second mandate widen what the first one allows. No IO.

use super::{ApprovalMode, Approvers, Limits, Mandate, Rule};
use std::collections::BTreeMap;

/// The rules that decide: those that refuse, else those that ask for people, else all.
///
/// A rule that pre-approves, but not this proposer or not at this hour, asks for people too. Were
/// it left out beside one that always asks, the second mandate would set aside the first one's
/// approvers and quorum.
pub(super) fn deciding<'a>(
    matched: &[(&'a Mandate, &'a Rule)],
    asks: impl Fn(&Rule) -> bool,
) -> Vec<(&'a Mandate, &'a Rule)> {
    let those =
        |is_so: &dyn Fn(&Rule) -> bool| -> Vec<_> { matched.iter().copied().filter(|(_, rule)| is_so(rule)).collect() };
    let (refusing, asking) = (those(&|rule| rule.approval == ApprovalMode::Refused), those(&asks));
    match (refusing.is_empty(), asking.is_empty()) {
        (false, _) => refusing,
        (true, false) => asking,
        (true, true) => matched.to_vec(),
    }
}

/// Who may approve under every one of the rules; `None` if nobody is named by all of them.
pub(super) fn approvers(rules: &[(&Mandate, &Rule)]) -> Option<Approvers> {
    let lists = rules.iter().map(|(_, rule)| &rule.approvers).filter(|list| !is_open(list));
    let mut shared: Option<Approvers> = None;
    for list in lists {
        let next = match shared {
            None => list.clone(),
            Some(so_far) => Approvers {
                users: so_far.users.into_iter().filter(|u| list.users.contains(u)).collect(),
                groups: so_far.groups.into_iter().filter(|g| list.groups.contains(g)).collect(),
            },
        };
        if is_open(&next) {
            return None;
        }
        shared = Some(next);
    }
    Some(shared.unwrap_or_default())
}

/// A list without names leaves the choice to RBAC.
fn is_open(list: &Approvers) -> bool {
    list.users.is_empty() && list.groups.is_empty()
}

/// The limits that satisfy every mandate.
pub(super) fn limits(matched: &[(&Mandate, &Rule)]) -> Limits {
    merged(matched.iter().map(|(mandate, _)| &mandate.limits))
}

/// The limits that hold in a namespace with these labels: those of every mandate that has a rule
/// for it together, the defaults where none has.
pub fn limits_in(mandates: &[Mandate], labels: Option<&BTreeMap<String, String>>) -> Limits {
    let empty = BTreeMap::new();
    let labels = labels.unwrap_or(&empty);
    let applies = |m: &&Mandate| {
        let mut rules = m.rules.iter();
        rules.any(|r| r.namespace_selector.as_ref().is_none_or(|s| s.matches(labels)))
    };
    merged(mandates.iter().filter(applies).map(|m| &m.limits))
}

fn merged<'a>(mut all: impl Iterator<Item = &'a Limits>) -> Limits {
    let first = all.next().cloned().unwrap_or_default();
    all.fold(first, |a, b| Limits {
        concurrent: a.concurrent.min(b.concurrent),
        per_hour: a.per_hour.min(b.per_hour),
        cool_down_seconds: a.cool_down_seconds.max(b.cool_down_seconds),
        healthy_delay_seconds: a.healthy_delay_seconds.max(b.healthy_delay_seconds),
        hold_seconds: a.hold_seconds.max(b.hold_seconds),
        recovery_window_seconds: a.recovery_window_seconds.min(b.recovery_window_seconds),
        late_recovery_seconds: a.late_recovery_seconds.min(b.late_recovery_seconds),
        approval_ttl_seconds: a.approval_ttl_seconds.min(b.approval_ttl_seconds),
        breaker_failures: a.breaker_failures.min(b.breaker_failures),
        breaker_window_seconds: a.breaker_window_seconds.max(b.breaker_window_seconds),
        storm_incidents: a.storm_incidents.min(b.storm_incidents),
        storm_window_seconds: a.storm_window_seconds.max(b.storm_window_seconds),
        cascade_window_seconds: a.cascade_window_seconds.max(b.cascade_window_seconds),
        flap_recurrences: a.flap_recurrences.min(b.flap_recurrences),
        flap_window_seconds: a.flap_window_seconds.max(b.flap_window_seconds),
    })
}
