//! Jobs that gave up.
//!
//! Owns what a Job says of its own end. Must never report a Job whose pods still tell why: they say
//! more. No IO.

use super::case::Case;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{Condition, Thing};
use crate::object::Kind;

/// The Job that counts: the subject, or the newest of a CronJob.
pub(crate) fn counting<'a>(case: &Case<'a>) -> Option<&'a Thing> {
    let thing = case.thing?;
    if thing.head.kind == Kind::Job {
        return Some(thing);
    }
    let jobs = case.view.children(thing.head.uid).filter(|c| c.head.kind == Kind::Job);
    jobs.max_by_key(|c| c.head.created).filter(|_| thing.head.kind == Kind::CronJob)
}

/// How the Job that counts ended badly, if it did.
pub(crate) fn failure<'a>(case: &Case<'a>) -> Option<(&'a Thing, &'a Condition)> {
    let job = counting(case)?;
    let condition = job.workload()?.condition("Failed").filter(|c| c.holds)?;
    let overcome = case.thing.is_some_and(|cron| is_overcome(cron, job));
    (!overcome).then_some((job, condition))
}

/// True where a CronJob succeeded after one of its Jobs failed: those that succeed need not be kept.
pub(crate) fn is_overcome(cron: &Thing, job: &Thing) -> bool {
    let failed = job.workload().and_then(|w| w.condition("Failed")).filter(|c| c.holds).and_then(|c| c.since);
    let succeeded = cron.workload().and_then(|w| w.cron.as_ref()?.succeeded);
    succeeded.zip(failed).is_some_and(|(succeeded, failed)| succeeded > failed)
}

/// True where the Job that counts tried as often as it may.
pub(crate) fn is_spent(case: &Case<'_>) -> bool {
    failure(case).is_some_and(|(_, c)| matches!(&*c.reason, "BackoffLimitExceeded" | "MaxFailedIndexesExceeded"))
}

/// A Job's end, as it tells it itself.
pub(crate) fn find(case: &Case<'_>) -> Option<Finding> {
    let (job, condition) = failure(case)?;
    let failed = job.workload().map_or(0, |w| w.failed);
    let pods = if failed == 1 { "one pod".to_owned() } else { format!("{failed} pods") };
    let name =
        if case.subject.kind == Kind::CronJob { format!("Job {} ", quote(&job.head.name, 80)) } else { String::new() };
    let (cause, text) = match &*condition.reason {
        "BackoffLimitExceeded" | "MaxFailedIndexesExceeded" => (
            Cause::JobBackoffLimitExceeded,
            format!("{name}gave up after {pods} failed, none of which is left to tell why"),
        ),
        "DeadlineExceeded" => {
            (Cause::JobDeadlineExceeded, format!("{name}was ended at its deadline: it took too long"))
        }
        reason => (Cause::JobFailed, format!("{name}failed ({reason}): {}", quote(&condition.message, 180))),
    };
    let mut finding = case.draft(cause, Severity::Warning, &text);
    finding.since = condition.since.unwrap_or(finding.since);
    let value = format!("{}: {}", condition.reason, condition.message);
    finding.evidence = case.in_thing(job, "status.conditions[Failed]", &value).into_iter().collect();
    Some(finding)
}

#[cfg(test)]
mod tests;
