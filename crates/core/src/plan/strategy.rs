//! `SetStrategy`: how many pods of a Deployment are replaced at a time.
//!
//! Owns its bounds and what it means in fields. Must never let a rollout take every pod down at
//! once, but for a single replica's only one, nor let it stand still. No IO.

use super::bounds::{Facts, unproven};
use super::build::set;
use super::object::{int_at, text_at};
use crate::action::{Origin, Param, Strategy};
use crate::names::Amount;
use crate::reason::{Code, Reason};
use serde_json::Value;

const ROLLING: &str = "/spec/strategy/rollingUpdate";

fn out(why: &str) -> Reason {
    Reason::new(Code::OutOfBounds, why)
}

/// The strategy with the amounts laid over it.
pub(super) fn apply(after: &mut Value, strategy: &Strategy) -> Result<(), Reason> {
    for (key, amount) in [("maxSurge", &strategy.max_surge), ("maxUnavailable", &strategy.max_unavailable)] {
        if let Some(amount) = amount {
            set(after, &format!("{ROLLING}/{key}"), amount.value())?;
        }
    }
    Ok(())
}

/// Checks the amounts.
pub(super) fn check(strategy: &Param<Strategy>, facts: &Facts) -> Result<(), Reason> {
    let target = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    if text_at(target, "/spec/strategy/type").is_some_and(|t| t != "RollingUpdate") {
        return Err(out("the Deployment does not replace its pods step by step"));
    }
    let wanted = &strategy.value;
    if *wanted == Strategy::default() {
        return Err(out("nothing is named to be set"));
    }
    let amount = |wanted: &Option<Amount>, key: &str| {
        let now = || Amount::parse(plain(target.pointer(&format!("{ROLLING}/{key}"))?)).ok();
        wanted.clone().or_else(now)
    };
    let (surge, missing) = (amount(&wanted.max_surge, "maxSurge"), amount(&wanted.max_unavailable, "maxUnavailable"));
    if surge.is_some_and(|a| a.is_zero()) && missing.as_ref().is_some_and(Amount::is_zero) {
        return Err(out("neither a pod more nor a pod less lets no rollout go on"));
    }
    let replicas = int_at(target, "/spec/replicas", 1);
    if wanted.max_unavailable.as_ref().is_some_and(|a| takes_all(a, replicas)) {
        return Err(out("every pod could be missing at once"));
    }
    match strategy.origin {
        Origin::Human {} => Ok(()),
        Origin::RevisionHistory { .. }
        | Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::CurrentValue {}
        | Origin::Earlier {}
        | Origin::Telemetry {} => Err(unproven("no revision keeps a strategy")),
    }
}

/// True where so many pods may be missing that none need be left.
fn takes_all(amount: &Amount, replicas: i64) -> bool {
    match amount.as_str().strip_suffix('%') {
        Some(percent) => percent.parse::<i64>().unwrap_or(100) >= 100,
        None => amount.as_str().parse::<i64>().unwrap_or(i64::MAX) >= replicas.max(2),
    }
}

/// A number or a text, as text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
