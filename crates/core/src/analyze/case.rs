//! One workload under examination: its pods, its revisions, and how evidence of them is named.
//!
//! Owns the selection of pods that say something about the present. Must never look at pods that
//! are leaving, or at workloads that nobody wants to run. No IO.

use super::history::History;
use super::text::{EVIDENCE_CAP, SUMMARY_CAP, plain};
use crate::finding::{Candidate, Cause, Evidence, Finding, Severity};
use crate::index::{Condition, Event, Phase, Pod, Text, Thing, UidKey, View, Workload};
use crate::names::Uid;
use crate::object::{Kind, ObjectRef};
use jiff::{SignedDuration, Timestamp};
use std::cell::Cell;

/// A workload, or a pod without one.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) view: View<'a>,
    pub(crate) now: Timestamp,
    pub(crate) subject: ObjectRef,
    /// The workload's row; none for a pod by itself or an owner that was not seen.
    pub(crate) thing: Option<&'a Thing>,
    /// The pods that count, newest revision and older.
    pub(crate) pods: Vec<Pod<'a>>,
    recheck: Cell<Option<Timestamp>>,
    /// Another object's finding says why this one is held up.
    explained: Cell<bool>,
}

/// What one pod shows.
#[derive(Debug, Clone)]
pub(crate) struct Sign<'a> {
    pub(crate) cause: Cause,
    pub(crate) container: Option<Text>,
    pub(crate) pod: Pod<'a>,
    pub(crate) since: Option<Timestamp>,
    /// What to say of it; already fit to be shown.
    pub(crate) detail: String,
    pub(crate) evidence: Vec<Evidence>,
    /// What would mend it, asked once for all pods that show it.
    pub(crate) mend: Mend,
}

/// From a sign and the pods that show it to changes that would mend it, best first.
pub(crate) type Mend = for<'a> fn(&Case<'a>, &History<'a>, &Sign<'a>, &[Pod<'a>]) -> Vec<Candidate>;

impl<'a> Case<'a> {
    /// Opens a case on a workload or bare pod; `None` if there is nothing to examine.
    pub(crate) fn open(view: View<'a>, subject: &ObjectRef, now: Timestamp) -> Option<Self> {
        let key = UidKey::of(subject.uid.as_ref().map_or("", Uid::as_str));
        let thing = view.thing(key);
        let (recheck, explained) = (Cell::new(None), Cell::new(false));
        let case = |pods| Self { view, now, subject: subject.clone(), thing, pods, recheck, explained };
        if subject.kind == Kind::Pod {
            let pod = view.pod_by_key(key)?;
            let counts = !pod.deleting() && pod.phase() != Phase::Succeeded && !pod.marks().mirror();
            return counts.then(|| case(vec![pod]));
        }
        if let Some(thing) = thing {
            let above = view.subject_of(key).filter(|top| top != subject);
            let unwanted = thing.workload().is_some_and(|w| finished(thing, w));
            if above.is_some() || unwanted || thing.head.marks.deleting() {
                return None;
            }
        }
        let job = matches!(subject.kind, Kind::Job | Kind::CronJob);
        let newest_job = (subject.kind == Kind::CronJob).then(|| newest_child(view, key)).flatten();
        let belongs = |pod: &Pod<'_>| newest_job.is_none_or(|job| pod.owner().is_some_and(|o| o.uid == job.head.uid));
        let counts = |pod: &Pod<'_>| {
            let ended = pod.phase() == Phase::Succeeded || (pod.phase() == Phase::Failed && !job);
            !pod.deleting() && !ended && belongs(pod)
        };
        // Its pods say nothing more, though its CronJob may have something to say.
        let over = |job: &Thing, cron: &Thing| {
            job.workload().is_some_and(|w| finished(job, w)) || super::job::is_overcome(cron, job)
        };
        let over = newest_job.zip(thing).is_some_and(|(job, cron)| over(job, cron));
        Some(case(view.pods_of(key).filter(|pod| !over && counts(pod)).collect()))
    }

    /// Opens a case on any one object, without pods; `None` if it is not known.
    pub(crate) fn of_object(view: View<'a>, subject: &ObjectRef, now: Timestamp) -> Option<Self> {
        let thing = view.thing(UidKey::of(subject.uid.as_ref().map_or("", Uid::as_str)))?;
        let (recheck, explained) = (Cell::new(None), Cell::new(false));
        Some(Self { view, now, subject: subject.clone(), thing: Some(thing), pods: Vec::new(), recheck, explained })
    }

    /// A finding about the subject itself, since it was made; the caller adds what else is known.
    pub(crate) fn draft(&self, cause: Cause, severity: Severity, text: &str) -> Finding {
        Finding {
            cause,
            severity,
            subject: self.subject.clone(),
            container: None,
            summary: plain(text, SUMMARY_CAP),
            since: self.thing.and_then(|t| t.head.created).unwrap_or(self.now),
            evidence: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// A finding of the subject itself, as one of its conditions tells it.
    pub(crate) fn by_condition(&self, cause: Cause, condition: &Condition, text: &str) -> Finding {
        let mut finding = self.draft(cause, Severity::Warning, text);
        finding.since = condition.since.unwrap_or(finding.since);
        let path = format!("status.conditions[{}]", condition.kind);
        finding.evidence = self.own(&path, &format!("{}: {}", condition.reason, condition.message));
        finding
    }

    /// Evidence in the subject's own fields.
    pub(crate) fn own(&self, path: &str, value: &str) -> Vec<Evidence> {
        self.thing.and_then(|thing| self.in_thing(thing, path, value)).into_iter().collect()
    }

    /// The newest event about the subject itself with one of these reasons that `wanted` accepts.
    pub(crate) fn own_event(&self, reasons: &[&str], wanted: impl Fn(&str) -> bool) -> Option<&'a Event> {
        let about = |e: &&Event| reasons.contains(&&*e.reason) && wanted(&e.message);
        self.view.events_of(self.thing?.head.uid).iter().filter(about).max_by_key(|e| e.last)
    }

    pub(crate) fn workload(&self) -> Option<&'a Workload> {
        self.thing.and_then(Thing::workload)
    }

    /// True once `since` is at least `grace` ago; asks to be looked at again if it is not.
    pub(crate) fn past(&self, since: Option<Timestamp>, grace: SignedDuration) -> bool {
        let Some(due) = since.and_then(|s| s.checked_add(grace).ok()) else {
            return true;
        };
        if due > self.now {
            self.look_again(due);
        }
        due <= self.now
    }

    pub(crate) fn look_again(&self, at: Timestamp) {
        let next = self.recheck.get().map_or(at, |known| known.min(at));
        self.recheck.set(Some(next));
    }

    /// Leaves the telling to another object's finding.
    pub(crate) fn leave_to_another(&self) {
        self.explained.set(true);
    }

    /// True where another object's finding says why this one is held up.
    pub(crate) fn is_explained(&self) -> bool {
        self.explained.get()
    }

    pub(crate) fn recheck(&self) -> Option<Timestamp> {
        self.recheck.get()
    }

    /// How long ago a time is; nothing for times to come.
    pub(crate) fn age(&self, of: Timestamp) -> SignedDuration {
        self.now.duration_since(of).max(SignedDuration::ZERO)
    }

    /// Critical where no pod of the workload is ready; a Job serves nobody.
    pub(crate) fn severity(&self) -> Severity {
        let batch = matches!(self.subject.kind, Kind::Job | Kind::CronJob);
        if batch || self.pods.iter().any(Pod::ready) { Severity::Warning } else { Severity::Critical }
    }

    /// Evidence in a pod's own fields.
    pub(crate) fn in_pod(&self, pod: &Pod<'_>, path: &str, value: &str) -> Option<Evidence> {
        let uid = self.view.uid_text(pod.key());
        let id = format!("object:{uid}@{}#{path}", pod.rv());
        Some(Evidence { id, object: pod.reference()?, value: plain(value, EVIDENCE_CAP) })
    }

    /// Evidence in another object's fields.
    pub(crate) fn in_thing(&self, thing: &Thing, path: &str, value: &str) -> Option<Evidence> {
        let uid = self.view.uid_text(thing.head.uid);
        let id = format!("object:{uid}@{}#{path}", thing.head.rv);
        Some(Evidence { id, object: self.view.reference(thing)?, value: plain(value, EVIDENCE_CAP) })
    }

    /// Evidence in an event about `object`.
    pub(crate) fn in_event(&self, event: &Event, object: Option<ObjectRef>) -> Option<Evidence> {
        let id = format!("event:{}", self.view.uid_text(event.uid));
        Some(Evidence { id, object: object?, value: plain(&event.message, EVIDENCE_CAP) })
    }

    /// The newest event about a pod's container with one of these reasons that `wanted` accepts.
    pub(crate) fn event(
        &self,
        pod: &Pod<'_>,
        container: Option<&str>,
        reason: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<&'a Event> {
        let about = |e: &&Event| {
            let named = container.is_none() || e.container.is_none() || e.container.as_deref() == container;
            named && &*e.reason == reason && wanted(&e.message)
        };
        self.view.events_of(pod.key()).iter().filter(about).max_by_key(|e| e.last)
    }
}

/// True where nothing is wanted of a workload: done, suspended, or scaled to zero on purpose.
fn finished(thing: &Thing, workload: &Workload) -> bool {
    let done = |kind: &str| workload.condition(kind).is_some_and(|c| c.holds);
    if thing.head.kind == Kind::Job {
        // A failed Job's pods still tell why; a completed one's failures were overcome.
        done("Complete") || done("SuccessCriteriaMet") || workload.held
    } else if thing.head.kind == Kind::CronJob {
        false
    } else {
        workload.desired == 0
    }
}

fn newest_child(view: View<'_>, owner: UidKey) -> Option<&Thing> {
    view.children(owner).filter(|c| c.head.kind == Kind::Job).max_by_key(|c| c.head.created)
}
