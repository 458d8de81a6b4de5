//! From a look at a subject to the steps of its Incidents.
//!
//! Owns the gathering of what each decision needs. Must never decide by itself: the core does.
//! No IO.

use super::dispatch::Dispatcher;
use super::look::{Sight, is_about};
use super::state::{Known, attempts, key_of, spec_of};
use super::storms;
use super::table::Key;
use super::write::Step;
use bailiwick_core::action::ChangeType;
use bailiwick_core::finding::Finding;
use bailiwick_core::incident::{Case, Choice, Decision, Effect, Record, Story, Writing, decide, story, weigh};
use bailiwick_core::mandate::{Question, limits_in};
use bailiwick_core::object::ObjectRef;
use std::collections::BTreeMap;
use std::time::Duration;

impl Dispatcher {
    /// Decides on every Incident of a subject. Returns what to write, and when to look again.
    pub(crate) fn decide(&mut self, sight: &Sight) -> (Vec<Step>, Option<Duration>) {
        if storms::subject().as_ref() == Some(&sight.subject) {
            return self.decide_storms(sight);
        }
        let mut findings: BTreeMap<Key, &Finding> = BTreeMap::new();
        for finding in &sight.analysis.findings {
            if is_about(sight, finding.subject.uid.as_ref()) {
                findings.entry(key_of(finding)).or_insert(finding);
            }
        }
        let mut keys = self.state.of_subject(&sight.subject);
        keys.extend(findings.keys().cloned());
        keys.sort();
        keys.dedup();
        let again = sight.analysis.recheck.map(|at| at.duration_since(sight.at));
        let mut recheck = again.and_then(|d| Duration::try_from(d).ok());
        let mut steps = Vec::new();
        for key in keys {
            let finding = findings.get(&key).copied();
            let Some((step, again)) = self.decide_one(key, finding, sight) else {
                continue;
            };
            recheck = recheck.into_iter().chain(again).min();
            steps.extend(step);
        }
        (steps, recheck)
    }

    fn decide_one(
        &mut self,
        key: Key,
        finding: Option<&Finding>,
        sight: &Sight,
    ) -> Option<(Option<Step>, Option<Duration>)> {
        let mut known = match (self.state.get(&key), finding) {
            (Some(known), _) => known.clone(),
            (None, Some(finding)) => self.discover(finding, sight),
            (None, None) => return None,
        };
        let is_new = known.uid.is_none() && known.record.is_none();
        let Some(old) = self.record(&known, finding, sight) else {
            return Some((self.abandon(key, known), None));
        };
        if known.uid.is_none() && finding.is_none() {
            // It was never written, and is over.
            self.state.remove(&key);
            return None;
        }
        if is_new {
            // It counts as one of its cause before anything is decided of it.
            self.state.put(key.clone(), Known { record: Some(old.clone()), ..known.clone() });
        }
        let decision = self.judge(&key, &known, &old, (finding, sight));
        let (step, again) = settle(&key, &known, &decision, sight, story);
        known.record = Some(decision.record);
        self.state.put(key, known);
        Some((step, again))
    }

    fn discover(&mut self, finding: &Finding, sight: &Sight) -> Known {
        if self.priming.covers(&sight.subject) {
            self.priming.count(finding.cause);
        } else {
            let latency = sight.at.duration_since(finding.since);
            let latency = Duration::try_from(latency).unwrap_or_default();
            self.writer.metrics.detected(finding.cause, latency);
        }
        Known { uid: None, spec: spec_of(finding.key()), record: None, status: None, taken: Vec::new() }
    }

    /// The record as it is, or that of something new.
    fn record(&self, known: &Known, finding: Option<&Finding>, sight: &Sight) -> Option<Record> {
        let primed = self.priming.covers(&sight.subject);
        let new = || finding.map(|finding| Record::open(finding, primed, sight.at));
        known.record.clone().or_else(new)
    }

    /// An Incident without status whose finding is gone tells nothing.
    fn abandon(&mut self, key: Key, known: Known) -> Option<Step> {
        self.state.remove(&key);
        known.uid.is_some().then_some(Step {
            key,
            known,
            store: false,
            effect: Some(Effect::Forget),
            stories: Vec::new(),
        })
    }

    fn judge(
        &mut self,
        key: &Key,
        known: &Known,
        old: &Record,
        (finding, sight): (Option<&Finding>, &Sight),
    ) -> Decision {
        let mandates = self.own.readable();
        let storm = finding.and_then(|f| self.storm(f.cause, sight.labels.as_ref(), &mandates, sight.at));
        let unreadable = self.own.unreadable();
        let config = &self.writer.config;
        let question = Question {
            proposer: &config.username,
            operator: &config.username,
            change_type: ChangeType::RolloutRestart,
            target: &sight.subject,
            object: None,
            namespace: sight.labels.as_ref(),
            territory: (&config.territory.key, &config.territory.value),
            mandates: &mandates,
            unreadable: &unreadable,
            proposal: None,
            now: sight.at,
        };
        let choices: Vec<Choice> = finding.map(|f| weigh(f, &question)).unwrap_or_default();
        let (attempts, mut taken) = attempts(&self.own, key, known.uid.as_deref(), &config.username);
        taken.extend(known.taken.iter().cloned());
        let subject: &ObjectRef = &sight.subject;
        decide(
            old,
            &Case {
                name: &key.1,
                finding,
                subject_exists: sight.exists,
                choices: &choices,
                attempts: &attempts,
                taken: &taken,
                busy: self.state.is_busy(key, subject),
                neighbours: self.state.has_changing_neighbour(key),
                ripens: sight.analysis.recheck.map(|at| at.duration_since(sight.at)),
                storm,
                limits: &limits_in(&mandates, sight.labels.as_ref()),
                now: sight.at,
            },
        )
    }
}

/// What of a decision is to be written now, and when to look again.
pub(super) fn settle(
    key: &Key,
    known: &Known,
    decision: &Decision,
    sight: &Sight,
    told: impl Fn(Option<&Record>, &Record) -> Vec<Story>,
) -> (Option<Step>, Option<Duration>) {
    let written = known.status.as_ref().and_then(super::project::record_of);
    let writing = written.as_ref().map_or(Writing::Now, |old| decision.record.writing(old, sight.at));
    let later = match writing {
        Writing::Later(left) => Some(left),
        Writing::No | Writing::Now => None,
    };
    let again = decision.recheck.into_iter().chain(later).min();
    let again = again.and_then(|d| Duration::try_from(d).ok());
    let store = writing == Writing::Now;
    if !store && decision.effect.is_none() {
        return (None, again);
    }
    let stories = if store { told(written.as_ref(), &decision.record) } else { Vec::new() };
    let step = Step {
        key: key.clone(),
        known: Known { record: Some(decision.record.clone()), ..known.clone() },
        store,
        effect: decision.effect.clone(),
        stories,
    };
    (Some(step), again)
}
