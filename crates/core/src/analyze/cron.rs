//! CronJobs that do not run when their schedule says.
//!
//! Owns the comparison of schedule and runs. Must never count on the time zone of the schedule: only
//! several missed runs in a row say anything. No IO.

mod calendar;

use super::case::Case;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{Cron, Overlap, Thing};
use crate::object::Kind;
use calendar::Calendar;
use jiff::{SignedDuration, Timestamp};

/// So many runs left out are no accident.
const MISSED: usize = 3;
/// What the controller may take to start a run that is due.
const START: SignedDuration = SignedDuration::from_mins(2);
/// What the controller says where it cannot read the schedule or its zone.
const UNREADABLE: [&str; 4] =
    ["UnparseableSchedule", "UnParseableCronJobSchedule", "UnknownTimeZone", "InvalidSchedule"];
/// A complaint older than this is over: the controller repeats it with every look.
const STILL_TOLD: SignedDuration = SignedDuration::from_mins(60);

/// What keeps a CronJob from running.
pub(crate) fn find(case: &Case<'_>) -> Option<Finding> {
    let (thing, workload) = (case.thing?, case.workload()?);
    let cron = workload.cron.as_deref().filter(|_| !workload.held && !thing.head.marks.deleting())?;
    unreadable(case, cron)
        .or_else(|| never(case, cron))
        .or_else(|| blocked(case, thing, cron))
        .or_else(|| missed(case, thing, cron))
}

/// True where it ran as its schedule says until that time, and not long before it at last.
pub(crate) fn ran_until(cron: &Cron, until: Timestamp) -> bool {
    let calendar = cron.last.zip(Calendar::parse(&cron.schedule));
    calendar.is_some_and(|(last, calendar)| calendar.between(last, until, MISSED).len() < MISSED)
}

fn unreadable(case: &Case<'_>, cron: &Cron) -> Option<Finding> {
    let event = case.own_event(&UNREADABLE, |_| true)?;
    if event.last.is_some_and(|at| case.age(at) > STILL_TOLD) {
        return None;
    }
    let text = format!("never runs: its schedule {} cannot be read: {}", shown(cron), quote(&event.message, 140));
    let mut finding = case.draft(Cause::CronJobNeverRuns, Severity::Warning, &text);
    finding.since = event.first.unwrap_or(finding.since);
    finding.evidence = case.in_event(event, Some(case.subject.clone())).into_iter().collect();
    Some(finding)
}

fn shown(cron: &Cron) -> String {
    let zone = cron.zone.as_ref().map_or_else(String::new, |zone| format!(" in {zone}"));
    quote(&format!("{}{zone}", cron.schedule), 80)
}

/// A day that no month has.
fn never(case: &Case<'_>, cron: &Cron) -> Option<Finding> {
    let calendar = Calendar::parse(&cron.schedule)?;
    if calendar.next(case.now).is_some() {
        return None;
    }
    let text = format!("never runs: no day is as its schedule {} says", shown(cron));
    let evidence = case.own("spec.schedule", &cron.schedule);
    Some(Finding { evidence, ..case.draft(Cause::CronJobNeverRuns, Severity::Warning, &text) })
}

/// The last run does not end, and the next may not begin beside it.
fn blocked(case: &Case<'_>, thing: &Thing, cron: &Cron) -> Option<Finding> {
    if cron.overlap != Overlap::Forbid || cron.active == 0 {
        return None;
    }
    let over = |t: &&Thing| {
        t.workload().is_some_and(|w| w.conditions.iter().any(|c| c.holds && matches!(&*c.kind, "Complete" | "Failed")))
    };
    let jobs = case.view.children(thing.head.uid).filter(|t| t.head.kind == Kind::Job && !over(t));
    let job = jobs.min_by_key(|t| t.head.created)?;
    let since = job.head.created?;
    let due = Calendar::parse(&cron.schedule)?.between(since, case.now, MISSED + 1);
    if due.len() < MISSED {
        case.look_again(case.now.checked_add(SignedDuration::from_mins(5)).unwrap_or(case.now));
        return None;
    }
    let name = quote(&job.head.name, 80);
    let text = format!(
        "starts no run: Job {name} has been running since {since}, {} runs were due since, and its policy forbids two at once",
        if due.len() > MISSED { format!("more than {MISSED}") } else { due.len().to_string() }
    );
    let mut finding = case.draft(Cause::CronJobBlocked, Severity::Warning, &text);
    finding.since = due.first().copied().unwrap_or(since);
    finding.evidence = case.own("status.active", &job.head.name);
    finding.evidence.extend(case.in_thing(job, "status.active", "1"));
    Some(finding)
}

fn missed(case: &Case<'_>, thing: &Thing, cron: &Cron) -> Option<Finding> {
    // A schedule that was just changed, or goes on again, makes past days look like missed ones.
    let from = cron.last.max(cron.changed).max(thing.head.created)?;
    let due = Calendar::parse(&cron.schedule)?.between(from, Timestamp::MAX, MISSED + 1);
    let one_too_many = due.get(MISSED).copied()?;
    let deadline = cron.deadline.filter(|d| d.as_secs() < 10);
    let patience = if deadline.is_some() { SignedDuration::ZERO } else { START };
    if cron.active > 0 || !case.past(Some(one_too_many), patience) {
        return None;
    }
    let why = match deadline {
        Some(d) => {
            format!("; its starting deadline of {} s is shorter than the controller's look every 10 s", d.as_secs())
        }
        None => String::new(),
    };
    let text = format!("has not run since {from}, though its schedule is {}{why}", shown(cron));
    let mut finding = case.draft(Cause::CronJobNeverRuns, Severity::Warning, &text);
    finding.since = due.first().copied().unwrap_or(from);
    finding.evidence =
        case.own("status.lastScheduleTime", &cron.last.map_or_else(|| "never".to_owned(), |at| at.to_string()));
    Some(finding)
}

#[cfg(test)]
mod tests;
