//! `PatchHPA`: what an autoscaler scales, and within which bounds.
//!
//! Owns its bounds and what it means in fields. Must never leave the mandate's bounds of replicas,
//! nor, without a person, let an autoscaler take a workload that it was not meant for. No IO.

use super::bounds::{Facts, is_told, unproven};
use super::build::set;
use super::object::{int_at, text_at};
use crate::action::{HpaSettings, Param};
use crate::analyze::near::near;
use crate::mandate::Bounds;
use crate::object::Kind;
use crate::reason::{Code, Reason};
use serde_json::{Value, json};

/// Kinds whose replicas an autoscaler may own.
pub(super) const SCALED: &[Kind] = &[Kind::Deployment, Kind::StatefulSet];

/// How often the present limit a computed one may be.
const MOST_TIMES: i64 = 2;

fn out(why: impl Into<String>) -> Reason {
    Reason::new(Code::OutOfBounds, why)
}

/// The autoscaler with the settings laid over it.
pub(super) fn apply(after: &mut Value, settings: &HpaSettings) -> Result<(), Reason> {
    for (key, number) in [("minReplicas", settings.min_replicas), ("maxReplicas", settings.max_replicas)] {
        if let Some(number) = number {
            set(after, &format!("/spec/{key}"), json!(number))?;
        }
    }
    match &settings.target {
        Some(name) => set(after, "/spec/scaleTargetRef/name", json!(name)),
        None => Ok(()),
    }
}

/// The least and the most replicas of an autoscaler.
pub(crate) fn range(hpa: &Value) -> (i64, i64) {
    (int_at(hpa, "/spec/minReplicas", 1), int_at(hpa, "/spec/maxReplicas", 0))
}

/// True while it would have more replicas than it may.
pub(crate) fn is_limited(hpa: &Value) -> bool {
    let conditions = hpa.pointer("/status/conditions").and_then(Value::as_array);
    let says = |c: &Value, key: &str, text: &str| text_at(c, key) == Some(text);
    let limited = |c: &Value| {
        says(c, "/type", "ScalingLimited") && says(c, "/status", "True") && says(c, "/reason", "TooManyReplicas")
    };
    conditions.is_some_and(|all| all.iter().any(limited))
}

/// Checks the settings against the mandate and the workloads that there are.
pub(super) fn check(settings: &Param<HpaSettings>, facts: &Facts, bounds: &Bounds) -> Result<(), Reason> {
    let hpa = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let wanted = &settings.value;
    if *wanted == HpaSettings::default() {
        return Err(out("nothing is named to be set"));
    }
    let told = is_told(&settings.origin, "an autoscaler")?;
    within(hpa, wanted, bounds)?;
    if told {
        more(hpa, wanted)?;
    }
    match &wanted.target {
        Some(name) => scales(hpa, name.as_str(), told, facts),
        None => Ok(()),
    }
}

/// What is set lies within the mandate's bounds, and the least is not above the most.
fn within(hpa: &Value, wanted: &HpaSettings, bounds: &Bounds) -> Result<(), Reason> {
    let allowed = bounds.min_replicas..=bounds.max_replicas;
    for number in [wanted.min_replicas, wanted.max_replicas].into_iter().flatten() {
        if !allowed.contains(&number) {
            return Err(out(format!("{number} replicas are not within {} to {}", allowed.start(), allowed.end())));
        }
    }
    let now = range(hpa);
    let least = wanted.min_replicas.map_or(now.0, i64::from);
    let most = wanted.max_replicas.map_or(now.1, i64::from);
    if least > most {
        return Err(out(format!("at least {least} and at most {most} replicas contradict each other")));
    }
    Ok(())
}

/// Computed is only a higher limit, where the present one is in the way.
fn more(hpa: &Value, wanted: &HpaSettings) -> Result<(), Reason> {
    if wanted.min_replicas.is_some() {
        return Err(unproven("only a person may set the least replicas"));
    }
    let Some(most) = wanted.max_replicas.map(i64::from) else { return Ok(()) };
    let now = range(hpa).1;
    if most <= now || !is_limited(hpa) {
        return Err(unproven("the autoscaler's limit is not in its way; only a person may set another"));
    }
    if most > now.saturating_mul(MOST_TIMES) {
        return Err(out(format!("{most} replicas are more than {MOST_TIMES} times the present limit of {now}")));
    }
    Ok(())
}

/// The target is a workload that exists, of the kind that the autoscaler names. Without a person it
/// takes the place of one that does not, has nearly its name, and is nobody else's to scale.
fn scales(hpa: &Value, wanted: &str, told: bool, facts: &Facts) -> Result<(), Reason> {
    let at =
        |hpa: &Value, key: &str| text_at(hpa, &format!("/spec/scaleTargetRef/{key}")).unwrap_or_default().to_owned();
    let kind = Kind::parse(&at(hpa, "kind")).filter(|kind| SCALED.contains(kind));
    let kind = kind.filter(|kind| kind.api_version() == at(hpa, "apiVersion"));
    let kind = kind.ok_or_else(|| out("the autoscaler scales what is neither a Deployment nor a StatefulSet"))?;
    let known = facts.names(kind);
    if !known.contains(&wanted) {
        return Err(out(format!("there is no {kind} {wanted}")));
    }
    if !told {
        return Ok(());
    }
    let now = at(hpa, "name");
    if known.contains(&now.as_str()) {
        return Err(unproven("what the autoscaler scales exists; only a person may have it scale something else"));
    }
    if near(&now, known.iter().copied()) != Some(wanted) {
        return Err(unproven(format!("{wanted} is not the one {kind} whose name is nearly {now:?}")));
    }
    let mut others = facts.living(Kind::HorizontalPodAutoscaler);
    let taken = others.any(|other| at(other, "kind") == kind.as_str() && at(other, "name") == wanted);
    if taken { Err(unproven(format!("another autoscaler scales {kind} {wanted} already"))) } else { Ok(()) }
}
