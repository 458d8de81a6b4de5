//! Storms: when Incidents of one cause come too fast, and the one Incident that tells of it.
//!
//! Owns the Incidents of storms, which are about the namespace they are kept in. Must never decide
//! by itself when there is a storm: the core's guard does. No IO.

use super::board::member;
use super::dispatch::Dispatcher;
use super::judge::settle;
use super::look::{Sight, labels};
use super::state::Known;
use super::table::Key;
use super::write::Step;
use bailiwick_api::IncidentSpec;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::finding::Cause;
use bailiwick_core::guards::{Hold, storm};
use bailiwick_core::incident::{Group, Member, gather, group_name, storm_story};
use bailiwick_core::mandate::{Mandate, limits_in};
use bailiwick_core::names::ObjectName;
use bailiwick_core::object::{Kind, ObjectRef};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The dedupe keys of storms begin so; those of other Incidents begin with a cause.
const HEAD: &str = "storm|";

/// What the Incidents of storms are about.
pub(super) fn subject() -> Option<ObjectRef> {
    Some(ObjectRef::cluster(Kind::Namespace, ObjectName::parse(SYSTEM_NAMESPACE).ok()?, None))
}

/// True for the Incident of a storm.
pub(super) fn is_storm(spec: &IncidentSpec) -> bool {
    spec.dedupe_key.starts_with(HEAD)
}

fn key(cause: Cause) -> Key {
    (SYSTEM_NAMESPACE.to_owned(), group_name(cause))
}

impl Dispatcher {
    /// Whether Incidents of that cause come in a storm, by the limits of a namespace with these
    /// labels. Has the storm's own Incident looked at if so.
    pub(super) fn storm(
        &mut self,
        cause: Cause,
        labels: Option<&BTreeMap<String, String>>,
        mandates: &[Mandate],
        now: Timestamp,
    ) -> Option<Hold> {
        let began: Vec<Timestamp> = self.state.alike(cause).map(|(_, _, record)| record.began).collect();
        let found = storm(cause, &began, &limits_in(mandates, labels), now);
        if found.is_some()
            && let Some(subject) = subject()
        {
            self.push(subject, Duration::from_millis(200));
        }
        found
    }

    /// Decides on the Incident of each storm that rages or did. Returns what to write, and when to
    /// look again.
    pub(super) fn decide_storms(&mut self, sight: &Sight) -> (Vec<Step>, Option<Duration>) {
        let mandates = self.own.readable();
        let mut recheck: Option<Duration> = None;
        let mut steps = Vec::new();
        let mut raging = 0;
        for cause in self.state.causes() {
            let Some((step, again, rages)) = self.decide_storm(cause, &mandates, sight) else { continue };
            recheck = recheck.into_iter().chain(again).min();
            raging += usize::from(rages);
            steps.extend(step);
        }
        self.writer.metrics.storms(raging);
        (steps, recheck)
    }

    fn decide_storm(
        &mut self,
        cause: Cause,
        mandates: &[Mandate],
        sight: &Sight,
    ) -> Option<(Option<Step>, Option<Duration>, bool)> {
        let (storm, members) = self.members(cause, mandates, sight.at);
        let rages = storm.is_some();
        let key = key(cause);
        let known = self.state.get(&key).cloned();
        let old = known.as_ref().and_then(|k| k.record.clone());
        let group = Group { cause, members: &members, storm, now: sight.at };
        let decision = gather(old.as_ref(), &group)?;
        let mut known = known.or_else(|| new(cause))?;
        let (step, again) = settle(&key, &known, &decision, sight, storm_story);
        known.record = Some(decision.record);
        self.state.put(key, known);
        Some((step, again, rages))
    }

    /// The storm that lasts longest by the limits of any member's namespace, and what began lately.
    fn members(&self, cause: Cause, mandates: &[Mandate], now: Timestamp) -> (Option<Hold>, Vec<Member>) {
        let alike: Vec<_> = self.state.alike(cause).collect();
        let began: Vec<Timestamp> = alike.iter().map(|(_, _, record)| record.began).collect();
        let places: BTreeSet<&str> = alike.iter().map(|(_, spec, _)| spec.subject.namespace_str()).collect();
        let mut window = 0;
        let mut longest: Option<Hold> = None;
        for place in places {
            let limits = limits_in(mandates, self.index.read(|view| labels(view, place)).as_ref());
            let found = storm(cause, &began, &limits, now);
            window = window.max(if found.is_some() { limits.storm_window_seconds } else { 0 });
            longest = longest.into_iter().chain(found).max_by_key(|(_, calm_in)| *calm_in);
        }
        let recent = |at: Timestamp| now.duration_since(at).as_secs() < i64::from(window);
        let lately = alike.iter().filter(|(_, _, record)| recent(record.began));
        let members = lately.map(|(key, spec, record)| member(&key.1, &spec.subject, record)).collect();
        (longest, members)
    }
}

fn new(cause: Cause) -> Option<Known> {
    let spec = IncidentSpec { cause, subject: subject()?, container: None, dedupe_key: format!("{HEAD}{cause}") };
    Some(Known { uid: None, spec, record: None, status: None, taken: Vec::new() })
}
