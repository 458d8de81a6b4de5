//! Guards: how much may be changed at the same time, in an hour, on one workload, after failures,
//! in a storm; and what a person must decide though a mandate pre-approves it.
//!
//! Owns the arithmetic over past Changes and over Incidents. Must never let a number that cannot be
//! counted through. No IO.

mod doubt;
mod past;
mod storm;

pub use doubt::{Trouble, doubt, flapping, kin};
pub use past::Past;
pub use storm::storm;

use crate::life::Record;
use crate::mandate::{Limits, Outcome, seconds};
use crate::object::ObjectRef;
use crate::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};

/// Why not now, and when to ask again.
pub type Hold = (Reason, SignedDuration);

/// The Change that asks whether it may start.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Its target.
    pub target: &'a ObjectRef,
    /// Its record.
    pub record: &'a Record,
    /// What was decided of it.
    pub outcome: Outcome,
    /// The Incidents that it is about.
    pub troubles: &'a [Trouble],
}

/// Whether another change may start now, or why not and when to ask again. Concurrency holds for
/// every change; rates, cool-down, breaker and storm hold for those that no human approved.
///
/// # Errors
/// The first guard that holds it back, with the time to wait.
pub fn admit(asking: &Asking<'_>, limits: &Limits, past: &[Past<'_>], now: Timestamp) -> Result<(), Hold> {
    at_once(asking, limits, past)?;
    if asking.outcome == Outcome::NeedsApproval {
        return Ok(());
    }
    for trouble in asking.troubles {
        storm(trouble.cause, &trouble.alike, limits, now).map_or(Ok(()), Err)?;
    }
    breaker(limits, past, now)?;
    cool_down(asking, limits, past, now)?;
    hourly(limits, past, now)
}

/// True if `object` is what people know the target by: for a pod, as far as the plan tells, its workload.
pub fn is_about(target: &ObjectRef, record: &Record, object: &ObjectRef) -> bool {
    past::workload(target, record).is(object)
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn at_once(asking: &Asking<'_>, limits: &Limits, past: &[Past<'_>]) -> Result<(), Hold> {
    let work = past::workload(asking.target, asking.record);
    // The more wait, the less often each asks.
    let waiting = past.iter().filter(|p| p.waits()).count();
    let soon = SignedDuration::from_secs(2 + i64::try_from(waiting / 10).unwrap_or(i64::MAX).min(20));
    if let Some(other) = past.iter().find(|p| p.is_running() && p.workload() == work) {
        let why = format!("another change of {} is under way", other.target);
        return Err((Reason::new(Code::TooManyAtOnce, why), soon));
    }
    let running = past.iter().filter(|p| p.is_running()).count();
    if running < count(limits.concurrent) {
        return Ok(());
    }
    let why = format!("{running} changes are under way, {} are allowed", limits.concurrent);
    Err((Reason::new(Code::TooManyAtOnce, why), soon))
}

fn breaker(limits: &Limits, past: &[Past<'_>], now: Timestamp) -> Result<(), Hold> {
    let window = seconds(limits.breaker_window_seconds);
    let failed = past.iter().filter_map(Past::failed);
    let Some((times, wait)) = more_than(failed, count(limits.breaker_failures).saturating_sub(1), window, now) else {
        return Ok(());
    };
    let most = limits.breaker_failures;
    let why = format!("{times} changes failed within {} s, {most} open the breaker", window.as_secs());
    Err((Reason::new(Code::BreakerOpen, why), wait))
}

fn cool_down(asking: &Asking<'_>, limits: &Limits, past: &[Past<'_>], now: Timestamp) -> Result<(), Hold> {
    let pause = seconds(limits.cool_down_seconds);
    let work = past::workload(asking.target, asking.record);
    let last = past.iter().filter(|p| p.workload() == work).filter_map(Past::begun).max();
    let Some(since) = last.map(|at| now.duration_since(at)).filter(|since| *since < pause) else { return Ok(()) };
    let ago = since.as_secs();
    let why = format!("{work} was changed {ago} s ago; {} s must pass between changes", pause.as_secs());
    Err((Reason::new(Code::CoolingDown, why), pause - since))
}

fn hourly(limits: &Limits, past: &[Past<'_>], now: Timestamp) -> Result<(), Hold> {
    let begun = past.iter().filter_map(Past::begun);
    let most = count(limits.per_hour).saturating_sub(1);
    let Some((times, wait)) = more_than(begun, most, SignedDuration::from_hours(1), now) else { return Ok(()) };
    let why = format!("{times} changes were made in the last hour, {} are allowed", limits.per_hour);
    Err((Reason::new(Code::TooManyPerHour, why), wait))
}

/// Where more than `most` of the times lie within the window: how many, and how long until no more
/// than `most` do.
fn more_than(
    times: impl Iterator<Item = Timestamp>,
    most: usize,
    window: SignedDuration,
    now: Timestamp,
) -> Option<(usize, SignedDuration)> {
    let mut recent: Vec<Timestamp> = times.filter(|at| now.duration_since(*at) < window).collect();
    recent.sort();
    let last_to_leave = recent.len().checked_sub(most.saturating_add(1))?;
    Some((recent.len(), window - now.duration_since(recent[last_to_leave])))
}

#[cfg(test)]
mod tests;
