//! Whether an autoscaler scales.
//!
//! Owns what counts as that, by the autoscaler's own status: what it is able to do, follows and has.
//! Must never take the written bounds for what came of them. No IO.

use super::Health;
use crate::plan::Plan;
use crate::plan::autoscaler::{is_limited, range};
use crate::plan::object::{has_condition, int_at};
use serde_json::Value;

/// Judges an autoscaler that still is as it was set. Its controller looks every few seconds and
/// writes only what is new: a condition that was false before the write and is true now is newer.
pub(super) fn scales(plan: &Plan, hpa: &Value) -> Health {
    if let Some(lacking) = ["AbleToScale", "ScalingActive"].iter().find(|kind| !has_condition(hpa, kind, "True")) {
        return Health::NotYet(format!("its condition {lacking} is not True"));
    }
    let ((least, most), current) = (range(hpa), int_at(hpa, "/status/currentReplicas", 0));
    if !(least..=most).contains(&current) {
        return Health::NotYet(format!("it has {current} replicas, not within {least} to {most}"));
    }
    let before = plan.before_object().map_or(most, |before| range(&before).1);
    if most > before && is_limited(hpa) && current <= before {
        return Health::NotYet(format!("it wants more than {before} replicas and has {current}"));
    }
    Health::Healthy(format!("it scales, and has {current} replicas within {least} to {most}"))
}
