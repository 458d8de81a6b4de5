//! Pods that the API server refuses to admit.
//!
//! Owns the reading of refusals from conditions and events of what makes the pods. Must never
//! hold on to an old refusal: the newest event says what refuses now, and a quota that is gone
//! refuses nothing. No IO.

mod need;

use super::case::Case;
use super::history::{self, History, asks};
use super::text::{has_any, quote, quoted_after};
use super::webhook;
use crate::action::Action;
use crate::finding::{Candidate, Cause, Evidence, Finding};
use crate::index::{Event, Template, Text, Thing, Workload};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};

/// Controllers try again at most this far apart (1,000 s), so an older refusal is over.
const STILL_REFUSED: SignedDuration = SignedDuration::from_mins(18);

/// What was refused, and why.
struct Refusal<'a> {
    holder: &'a Thing,
    message: &'a str,
    since: Option<Timestamp>,
    evidence: Option<Evidence>,
}

/// The refusals that hold a workload back.
pub(crate) fn find<'a>(case: &Case<'a>, history: &History<'a>) -> Vec<Finding> {
    let Some(thing) = case.thing else {
        return Vec::new();
    };
    let mut out: Vec<Finding> = Vec::new();
    for holder in makers(case, thing) {
        let finding = refusal(case, holder).and_then(|refusal| build(case, history, &refusal));
        out.extend(finding.filter(|f| out.iter().all(|known| known.cause != f.cause)));
    }
    out
}

/// What makes the pods itself: a Deployment only repeats its ReplicaSets' first refusal.
fn makers<'a>(case: &Case<'a>, thing: &'a Thing) -> Vec<&'a Thing> {
    let below = |kind: Kind| case.view.children(thing.head.uid).filter(move |c| c.head.kind == kind).collect();
    if thing.head.kind == Kind::Deployment {
        below(Kind::ReplicaSet)
    } else if thing.head.kind == Kind::CronJob {
        below(Kind::Job)
    } else {
        vec![thing]
    }
}

fn refusal<'a>(case: &Case<'a>, holder: &'a Thing) -> Option<Refusal<'a>> {
    let workload = holder.workload().filter(|w| lacks_pods(holder, w))?;
    let condition = workload.condition("ReplicaFailure").filter(|c| c.holds);
    let current = |e: &&Event| &*e.reason == "FailedCreate" && e.last.is_some_and(|at| case.age(at) < STILL_REFUSED);
    let event = case.view.events_of(holder.head.uid).iter().filter(current).max_by_key(|e| e.last);
    // The condition keeps the text of the first refusal for as long as any holds.
    let first = condition.and_then(|c| c.since);
    let (message, since, evidence): (&Text, _, _) = match (event, condition) {
        (Some(e), _) => (&e.message, first.or(e.first), case.in_event(e, case.view.reference(holder))),
        (None, Some(c)) => {
            (&c.message, first, case.in_thing(holder, "status.conditions[ReplicaFailure].message", &c.message))
        }
        (None, None) => return None,
    };
    Some(Refusal { holder, message, since, evidence })
}

fn lacks_pods(holder: &Thing, workload: &Workload) -> bool {
    let over = workload.condition("Complete").or(workload.condition("Failed")).is_some_and(|c| c.holds);
    let job = holder.head.kind == Kind::Job;
    workload.replicas < workload.desired && !workload.held && !(job && over)
}

fn build<'a>(case: &Case<'a>, history: &History<'a>, refusal: &Refusal<'a>) -> Option<Finding> {
    let message = strip(refusal.message);
    let cause = classify(message)?;
    let namespace = &refusal.holder.head.namespace;
    if cause == Cause::ServiceAccountMissing && account_is_back(case, namespace, message) {
        return None;
    }
    if failing_webhook(message).is_some_and(|name| webhook::explains(case.view, name, case.now)) {
        case.leave_to_another();
        return None;
    }
    let quota = quota_name(message).filter(|_| cause == Cause::QuotaExceeded);
    let found = quota.and_then(|name| case.view.named(Kind::ResourceQuota, namespace, name));
    if quota.is_some() && found.is_none() && case.view.reads(Kind::ResourceQuota) {
        // It is gone: the next attempt, due within seconds to minutes, will pass it.
        return None;
    }
    let mut evidence: Vec<Evidence> = refusal.evidence.clone().into_iter().collect();
    evidence.extend(found.and_then(|q| case.in_thing(q, "status.hard", &lines(q))));
    let (who, why) = describe(cause, message, quota);
    Some(Finding {
        cause,
        severity: case.severity(),
        subject: case.subject.clone(),
        container: None,
        summary: super::text::plain(
            &format!("new pods are refused by {who}: {}", quote(why, 200)),
            super::text::SUMMARY_CAP,
        ),
        since: refusal.since.unwrap_or(case.now),
        evidence,
        candidates: candidates(case, history, found, refusal),
    })
}

/// The account was made after the refusal: the next attempt passes.
fn account_is_back(case: &Case<'_>, namespace: &str, message: &str) -> bool {
    let name = quoted_after(message, "serviceaccount ");
    name.is_some_and(|name| case.view.named(Kind::ServiceAccount, namespace, name).is_some())
}

/// The webhook that could not be asked.
fn failing_webhook(message: &str) -> Option<&str> {
    ["failed calling webhook ", "failed to call webhook "].iter().find_map(|words| quoted_after(message, words))
}

/// Without the controllers' own words before the API server's.
fn strip(message: &str) -> &str {
    let own = message.strip_prefix("Error creating: ").unwrap_or(message);
    own.split_once(" failed error: ").map_or(own, |(_, rest)| rest)
}

/// `None` for what is over by itself: a namespace that goes, a server that is busy.
fn classify(message: &str) -> Option<Cause> {
    let is = |parts: &[&str]| has_any(message, parts);
    if is(&[
        "because it is being terminated",
        "status unknown for quota",
        "request timed out",
        "object has been modified",
        "already exists",
    ]) {
        None
    } else if is(&["exceeded quota:", "failed quota:", "insufficient quota"]) {
        Some(Cause::QuotaExceeded)
    } else if is(&["error looking up service account"]) {
        Some(Cause::ServiceAccountMissing)
    } else if is(&["violates podsecurity"]) {
        Some(Cause::PodSecurityRefused)
    } else if is(&[" usage per container", " usage per pod", "limit to request ratio per "]) {
        Some(Cause::LimitRangeViolated)
    } else if is(&["forbidden", "denied", "is invalid", "failed calling webhook", "failed to call webhook"]) {
        Some(Cause::AdmissionRefused)
    } else {
        None
    }
}

/// The name in `exceeded quota: NAME, requested: …` and `failed quota: NAME: must specify …`.
fn quota_name(message: &str) -> Option<&str> {
    let rest = [" exceeded quota: ", " failed quota: "].iter().find_map(|words| message.split_once(words))?.1;
    let end = rest.find([',', ':', ' ']).unwrap_or(rest.len());
    rest.get(..end).filter(|name| !name.is_empty())
}

fn describe<'m>(cause: Cause, message: &'m str, quota: Option<&str>) -> (String, &'m str) {
    let behind = |words: &str| message.split_once(words).map_or(message, |(_, rest)| rest);
    if cause == Cause::QuotaExceeded {
        let name = quota.unwrap_or_default();
        let said = behind("quota: ");
        let said = said.strip_prefix(name).unwrap_or(said).trim_start_matches([',', ':', ' ']);
        (format!("quota {}", quote(name, 80)), said)
    } else if cause == Cause::PodSecurityRefused {
        let level = quoted_after(message, "PodSecurity ").unwrap_or("");
        let said = behind("violates PodSecurity ");
        (format!("Pod Security {}", quote(level, 40)), said.split_once(": ").map_or(said, |(_, rest)| rest))
    } else if cause == Cause::ServiceAccountMissing {
        let account = quoted_after(message, "serviceaccount ").unwrap_or("");
        (format!("admission, ServiceAccount {} does not exist", quote(account, 80)), behind(" is forbidden: "))
    } else if cause == Cause::LimitRangeViolated {
        ("a LimitRange".to_owned(), behind(" is forbidden: "))
    } else {
        let webhook = quoted_after(message, "admission webhook ").or_else(|| failing_webhook(message));
        let who = webhook.map_or_else(|| "admission".to_owned(), |name| format!("webhook {}", quote(name, 80)));
        (who, behind(" is forbidden: "))
    }
}

fn lines(quota: &Thing) -> String {
    let Some(q) = quota.quota() else {
        return String::new();
    };
    let line = |(name, hard, used): &(Text, Text, Text)| format!("{name}: {used} of {hard}");
    q.lines.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// Back to a revision that was admitted, if the newest is the one refused; the quota itself.
fn candidates<'a>(
    case: &Case<'a>,
    history: &History<'a>,
    quota: Option<&'a Thing>,
    refusal: &Refusal<'a>,
) -> Vec<Candidate> {
    let holder = refusal.holder;
    let exceeded = refusal.message.contains("exceeded quota: ");
    let newest =
        history.newest().is_some_and(|r| r.holder.head.uid == holder.head.uid) || holder.head.kind != Kind::ReplicaSet;
    let same = |old: &Template, new: &Template| {
        // A quota that the older revision fitted into is only left by asking for less.
        if exceeded { !history::asks_more(old, new) } else { std::ptr::eq(old, new) }
    };
    // A quota that only wants limits to be named is mended in the workload.
    let unnamed = need::unnamed(refusal.message);
    if newest && !unnamed.is_empty() {
        let back = asks::back(case, history, &unnamed);
        let first = || need::named_first(case, holder, quota, &unnamed).into_iter().collect();
        return if back.is_empty() { first() } else { back };
    }
    let undo = newest.then(|| history::undo_newest(case, history, same)).flatten();
    let delete = quota.filter(|q| exceeded && !need::is_absurd(holder, q)).and_then(|q| {
        Some(Candidate {
            action: Action::DeleteResourceQuota {},
            target: case.view.reference(q)?,
            why: format!("quota {} refuses the pods; a copy is kept", q.head.name),
        })
    });
    undo.into_iter().chain(delete).collect()
}

#[cfg(test)]
mod tests;
