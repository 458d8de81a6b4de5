//! Amounts that no container named until a quota demanded them.
//!
//! Owns how much may be named without a person: little enough that neither the quota nor a node is used up
//! by it, and enough to run. Must never name what no quota demands. No IO.

use super::bounds::{Facts, current};
use super::object::{int_at, name_of, text_at};
use crate::action::ResourceName;
use crate::object::Kind;
use crate::quantity::Quantity;
use crate::reason::{Code, Reason};
use serde_json::Value;

/// How often a request its limit may be.
pub(crate) const MOST_TIMES: i128 = 2;
/// Of what is left of a quota, the part that a proposal gives to one workload.
pub(crate) const PROPOSED: i128 = 4;
/// The part that it may have: what is left changes meanwhile.
const ALLOWED: i128 = 2;

/// With less, in thousandths of a processor and of a byte, no program runs well; and zero is no limit at all.
pub(crate) const fn least(name: ResourceName) -> i128 {
    match name {
        ResourceName::Cpu => 20,
        ResourceName::Memory => 1000 * (16 << 20),
    }
}

/// What of a quota falls to each of so many pods, in thousandths.
pub(crate) fn share(hard: Quantity, used: Quantity, pods: i64, part: i128) -> i128 {
    let left = hard.millis().saturating_sub(used.millis()).max(0);
    left / part / i128::from(pods.max(1))
}

/// Checks an amount that the container does not name.
pub(super) fn check(
    live: &Value,
    container: &str,
    (part, name): (&str, ResourceName),
    value: &Quantity,
    facts: &Facts,
) -> Result<(), Reason> {
    let what = format!("{part}.{}", name.as_str());
    let keys: &[&str] = if part == "requests" { &[what.as_str(), name.as_str()] } else { &[what.as_str()] };
    let demanded: Vec<(&Value, &str)> = facts
        .living(Kind::ResourceQuota)
        // Whether a scope is about these pods is not looked at.
        .filter(|quota| ["/spec/scopes", "/spec/scopeSelector"].iter().all(|at| quota.pointer(at).is_none()))
        .flat_map(|quota| keys.iter().map(move |key| (quota, *key)))
        .filter(|(quota, key)| text_at(quota, &format!("/spec/hard/{key}")).is_some())
        .collect();
    if demanded.is_empty() {
        return Err(out(format!("{what} is not set now, so there is nothing to double, and no quota demands it")));
    }
    let asked = current(live, container, "requests", name).and_then(|text| Quantity::parse(text).ok());
    if let Some(asked) = asked.filter(|_| part == "limits") {
        let most = asked.millis().saturating_mul(MOST_TIMES);
        let within = (asked.millis()..=most).contains(&value.millis());
        return if within {
            Ok(())
        } else {
            Err(out(format!("{what} {value} is not within one and two times the request {asked}")))
        };
    }
    if value.millis() < least(name) {
        return Err(out(format!("{what} {value} is too little for any program")));
    }
    for (quota, key) in demanded {
        let of = |at: &str| text_at(quota, &format!("/{at}/{key}")).and_then(|text| Quantity::parse(text).ok());
        let (Some(hard), Some(used)) = (of("spec/hard"), of("status/used")) else {
            return Err(out(format!("what is left of quota {} is not known", name_of(quota))));
        };
        if value.millis() > share(hard, used, pods(live), ALLOWED) {
            return Err(out(format!(
                "{what} {value} is more than falls to each pod of what quota {} leaves",
                name_of(quota)
            )));
        }
    }
    Ok(())
}

/// How many pods the workload wants.
fn pods(live: &Value) -> i64 {
    int_at(live, "/spec/replicas", int_at(live, "/status/desiredNumberScheduled", 1))
}

fn out(why: String) -> Reason {
    Reason::new(Code::OutOfBounds, why)
}
