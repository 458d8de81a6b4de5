//! Guards: how much may be changed at the same time, in an hour, on one workload, after failures.
//!
//! Owns the arithmetic over past Changes. Must never let a number that cannot be counted through.
//! No IO.

use crate::life::{Phase, Purpose, Record};
use crate::mandate::{Limits, Outcome};
use crate::object::ObjectRef;
use crate::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};

/// Failed changes are counted over this time.
const BREAKER_WINDOW: SignedDuration = SignedDuration::from_mins(30);

/// What the guards look at in one other Change.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// Its target.
    pub target: &'a ObjectRef,
    /// Its record.
    pub record: &'a Record,
}

impl Past<'_> {
    /// True while it holds or uses authority to write, or its effect is still being watched.
    fn is_running(&self) -> bool {
        matches!(self.record.phase, Phase::Granting | Phase::Executing | Phase::Verifying | Phase::RollingBack)
    }

    /// When its last write was made.
    fn written(&self) -> Option<Timestamp> {
        self.record.executions.iter().filter(|e| e.purpose == Purpose::Apply).filter_map(|e| e.applied_at).max()
    }

    /// When it failed or was rolled back, if it was decided by a mandate.
    fn failed(&self) -> Option<Timestamp> {
        let bad = matches!(self.record.phase, Phase::Failed | Phase::RolledBack);
        if bad && !self.record.executions.is_empty() { self.record.entered() } else { None }
    }
}

/// Whether another change may start now, or why not and when to ask again. Concurrency holds for
/// every change; rates, cool-down and breaker hold for those that no human approved.
///
/// # Errors
/// The first guard that holds it back, with the time to wait.
pub fn admit(
    target: &ObjectRef,
    outcome: Outcome,
    limits: &Limits,
    past: &[Past<'_>],
    now: Timestamp,
) -> Result<(), (Reason, SignedDuration)> {
    let soon = SignedDuration::from_secs(2);
    if let Some(other) = past.iter().find(|p| p.is_running() && p.target == target) {
        let why = format!("another change of {} is under way", other.target);
        return Err((Reason::new(Code::TooManyAtOnce, why), soon));
    }
    let running = past.iter().filter(|p| p.is_running()).count();
    if running >= count(limits.concurrent) {
        let why = format!("{running} changes are under way, {} are allowed", limits.concurrent);
        return Err((Reason::new(Code::TooManyAtOnce, why), soon));
    }
    if outcome == Outcome::NeedsApproval {
        return Ok(());
    }
    breaker(limits, past, now)?;
    cool_down(target, limits, past, now)?;
    hourly(limits, past, now)
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn breaker(limits: &Limits, past: &[Past<'_>], now: Timestamp) -> Result<(), (Reason, SignedDuration)> {
    let recent = |at: &Timestamp| now.duration_since(*at) < BREAKER_WINDOW;
    let mut failed: Vec<Timestamp> = past.iter().filter_map(Past::failed).filter(recent).collect();
    failed.sort();
    if failed.len() < count(limits.breaker_failures) {
        return Ok(());
    }
    let oldest = failed[failed.len() - count(limits.breaker_failures).max(1)];
    let why =
        format!("{} changes failed within 30 minutes, {} open the breaker", failed.len(), limits.breaker_failures);
    Err((Reason::new(Code::BreakerOpen, why), BREAKER_WINDOW - now.duration_since(oldest)))
}

fn cool_down(
    target: &ObjectRef,
    limits: &Limits,
    past: &[Past<'_>],
    now: Timestamp,
) -> Result<(), (Reason, SignedDuration)> {
    let pause = SignedDuration::from_secs(i64::from(limits.cool_down_seconds));
    let last = past.iter().filter(|p| p.target == target).filter_map(Past::written).max();
    let Some(since) = last.map(|at| now.duration_since(at)).filter(|since| *since < pause) else { return Ok(()) };
    let why = format!(
        "{target} was changed {} s ago; {} s must pass between changes",
        since.as_secs(),
        limits.cool_down_seconds
    );
    Err((Reason::new(Code::CoolingDown, why), pause - since))
}

fn hourly(limits: &Limits, past: &[Past<'_>], now: Timestamp) -> Result<(), (Reason, SignedDuration)> {
    let hour = SignedDuration::from_hours(1);
    let mut written: Vec<Timestamp> =
        past.iter().filter_map(Past::written).filter(|at| now.duration_since(*at) < hour).collect();
    written.sort();
    if written.len() < count(limits.per_hour) {
        return Ok(());
    }
    let oldest = written[written.len() - count(limits.per_hour).max(1)];
    let why = format!("{} changes were made in the last hour, {} are allowed", written.len(), limits.per_hour);
    Err((Reason::new(Code::TooManyPerHour, why), hour - now.duration_since(oldest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{Execution, Grant, Transition};
    use crate::names::{Namespace, ObjectName};
    use crate::object::Kind;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn target(name: &str) -> ObjectRef {
        ObjectRef::namespaced(
            Kind::Deployment,
            Namespace::parse("shop").unwrap(),
            ObjectName::parse(name).unwrap(),
            None,
        )
    }

    fn written(phase: Phase, second: i64) -> Record {
        let grant = Grant {
            account: "bwk-a".into(),
            purpose: Purpose::Apply,
            granted_at: at(second),
            proved_at: None,
            proof: None,
            revoked_at: None,
        };
        let execution = Execution {
            key: "k".into(),
            purpose: Purpose::Apply,
            digest: String::new(),
            grant,
            started_at: Some(at(second)),
            applied_at: Some(at(second)),
            attempts: 1,
            resource_version: None,
            generation: None,
            outcome: None,
        };
        Record {
            phase,
            executions: vec![execution],
            timeline: vec![Transition { phase, at: at(second), reason: None }],
            ..Record::default()
        }
    }

    fn code(target_name: &str, outcome: Outcome, records: &[(&ObjectRef, &Record)], now: i64) -> Option<Code> {
        let past: Vec<Past<'_>> = records.iter().map(|(target, record)| Past { target, record }).collect();
        let limits = Limits { concurrent: 2, per_hour: 3, ..Limits::default() };
        admit(&target(target_name), outcome, &limits, &past, at(now)).err().map(|(reason, wait)| {
            assert!(wait > SignedDuration::ZERO);
            reason.code
        })
    }

    #[test]
    fn each_guard_holds_at_its_limit_and_not_before() {
        let (a, b, c) = (target("a"), target("b"), target("c"));
        let running = written(Phase::Verifying, 0);
        let done = written(Phase::Recovered, 0);
        let failed = written(Phase::RolledBack, 0);
        let pre = Outcome::PreApproved;
        assert_eq!(code("x", pre, &[(&a, &running)], 10), None);
        assert_eq!(code("x", pre, &[(&a, &running), (&b, &running)], 10), Some(Code::TooManyAtOnce));
        assert_eq!(code("a", Outcome::NeedsApproval, &[(&a, &running)], 10), Some(Code::TooManyAtOnce));
        assert_eq!(code("a", pre, &[(&a, &done)], 1799), Some(Code::CoolingDown));
        assert_eq!(code("a", pre, &[(&a, &done)], 1800), None);
        assert_eq!(code("a", Outcome::NeedsApproval, &[(&a, &done)], 1), None);
        assert_eq!(code("x", pre, &[(&a, &done), (&b, &done), (&c, &done)], 3599), Some(Code::TooManyPerHour));
        assert_eq!(code("x", pre, &[(&a, &done), (&b, &done), (&c, &done)], 3600), None);
        assert_eq!(code("x", pre, &[(&a, &failed), (&b, &failed), (&c, &failed)], 1799), Some(Code::BreakerOpen));
        assert_eq!(code("x", pre, &[(&a, &failed), (&b, &failed)], 1799), None);
    }
}
