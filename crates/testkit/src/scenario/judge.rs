//! Whether the product made of a fault what was expected.
//!
//! Pure. Must never take silence for success, nor a Change of the right type with the wrong target or value.

use bailiwick_api::kinds::incident::IncidentPhase;
use bailiwick_api::{Change, Incident};
use bailiwick_core::action::ChangeType;
use bailiwick_core::life::{Phase, Purpose};
use jiff::Timestamp;
use serde_json::Value;

use super::format::{Expectation, Outcome, Target, Wanted};
use super::product::Shown;

/// How one expectation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// As expected.
    Met,
    /// It may still come.
    Pending,
    /// Unless something happens it does not come.
    Lost(String),
}

impl Target {
    /// Whether it is an object of this kind and name.
    pub(super) fn is(&self, kind: &str, name: &str) -> bool {
        self.kind == kind && self.name == name
    }
}

impl Expectation {
    /// Every object that it names.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Target> {
        let changes = match &self.outcome {
            Outcome::Change(wanted) => wanted.as_slice(),
            Outcome::Escalate | Outcome::Nothing => &[],
        };
        self.subject.iter().chain(changes.iter().filter_map(|w| w.target.as_ref()))
    }
}

fn phase(incident: &Incident) -> IncidentPhase {
    incident.status.as_ref().map(|s| s.phase).unwrap_or_default()
}

/// Whether the Incident has come to an end.
pub(super) fn has_ended(incident: &Incident) -> bool {
    phase(incident).is_terminal()
}

/// Whether the Incident is about what happened after `since`.
pub(super) fn is_news(incident: &Incident, since: Timestamp) -> bool {
    let created = incident.metadata.creation_timestamp.as_ref().map(|t| t.0);
    let ended = incident.status.as_ref().and_then(|s| s.ended_at);
    // Times of creation are whole seconds.
    let after = |at: Timestamp| at.as_second() >= since.as_second();
    !phase(incident).is_terminal() || created.is_some_and(after) || ended.is_some_and(after)
}

/// The Incidents of the expected cause and subject.
pub(super) fn expected<'a>(
    e: &'a Expectation,
    shown: &'a Shown,
    since: Timestamp,
) -> impl Iterator<Item = &'a Incident> {
    let of_cause = |i: &Incident| e.cause.iter().any(|c| c == i.spec.cause.as_str());
    let of_subject =
        |i: &Incident| e.subject.iter().any(|s| s.is(i.spec.subject.kind.as_str(), i.spec.subject.name.as_str()));
    shown.incidents.iter().filter(move |i| is_news(i, since) && of_cause(i) && of_subject(i))
}

/// Whether what is wrong was told, or nothing was where nothing is.
pub(super) fn is_diagnosed(e: &Expectation, shown: &Shown, since: Timestamp) -> bool {
    if e.cause.is_empty() {
        return standing_alarm(shown, since).is_none();
    }
    expected(e, shown, since).next().is_some()
}

/// An Incident that people are told of.
fn standing_alarm(shown: &Shown, since: Timestamp) -> Option<&Incident> {
    shown
        .incidents
        .iter()
        .filter(|i| is_news(i, since))
        .find(|i| !matches!(phase(i), IncidentPhase::Resolved | IncidentPhase::Dismissed))
}

/// Whether the Change is one that the expectation asks for.
pub(super) fn is_wanted(e: &Expectation, change: &Change) -> bool {
    match &e.outcome {
        Outcome::Change(wanted) => wanted.iter().any(|w| fits(w, e, change)),
        Outcome::Escalate | Outcome::Nothing => false,
    }
}

fn fits(wanted: &Wanted, e: &Expectation, change: &Change) -> bool {
    let spec = &change.spec;
    let is_target = |t: &Target| t.is(spec.target.kind.as_str(), spec.target.name.as_str());
    let at_target = wanted.target.as_ref().map_or_else(|| e.subject.iter().any(is_target), is_target);
    if ChangeType::parse(&wanted.change_type) != Some(spec.change_type) || !at_target {
        return false;
    }
    let action = serde_json::to_value(&spec.action).unwrap_or_default();
    let given = action.as_object().and_then(|a| a.values().next()).cloned().unwrap_or_default();
    wanted.parameters.iter().all(|(name, value)| {
        let found = &given[name.as_str()];
        is_within(value, found) || is_within(value, &found["value"])
    })
}

/// Whether everything of `wanted` is in `found`.
fn is_within(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(key, value)| found.get(key).is_some_and(|f| is_within(value, f)))
        }
        _ => wanted == found,
    }
}

/// Whether its write is known to have happened.
pub(super) fn is_applied(change: &Change) -> bool {
    let record = change.status.as_ref();
    record.is_some_and(|r| r.executions.iter().any(|e| e.purpose == Purpose::Apply && e.is_applied()))
}

/// Where a Change stands.
pub(super) fn stands(change: &Change) -> Phase {
    change.status.as_ref().map(|s| s.phase).unwrap_or_default()
}

/// How the expectation stands.
pub(super) fn standing(e: &Expectation, shown: &Shown, since: Timestamp) -> Standing {
    match &e.outcome {
        Outcome::Change(_) => change(e, shown, since),
        Outcome::Escalate => escalation(e, shown, since),
        Outcome::Nothing => nothing(shown, since),
    }
}

fn change(e: &Expectation, shown: &Shown, since: Timestamp) -> Standing {
    if shown.changes.iter().any(|c| is_wanted(e, c) && stands(c) == Phase::Recovered) {
        return Standing::Met;
    }
    if is_busy(shown, since) {
        return Standing::Pending;
    }
    match shown.changes.iter().rfind(|c| is_wanted(e, c)) {
        Some(change) => Standing::Lost(format!("{} ended as {}", change.spec.change_type, stands(change))),
        None => Standing::Lost("no such Change was proposed".to_owned()),
    }
}

fn escalation(e: &Expectation, shown: &Shown, since: Timestamp) -> Standing {
    // Whoever was asked to approve, or saw it done, was not just told.
    let went_on = |c: &&Change| {
        let record = c.status.as_ref();
        record.is_some_and(|r| {
            !r.executions.is_empty() || !r.approvals.is_empty() || r.timeline.iter().any(|t| asks(t.phase))
        })
    };
    if let Some(change) = shown.changes.iter().find(went_on) {
        return Standing::Lost(format!("{} was proposed and stands at {}", change.spec.change_type, stands(change)));
    }
    if expected(e, shown, since).any(|i| phase(i) == IncidentPhase::Escalated) {
        return Standing::Met;
    }
    if is_busy(shown, since) { Standing::Pending } else { Standing::Lost("nobody was told".to_owned()) }
}

const fn asks(phase: Phase) -> bool {
    matches!(phase, Phase::AwaitingApproval | Phase::PreApproved | Phase::Approved)
}

fn nothing(shown: &Shown, since: Timestamp) -> Standing {
    if let Some(change) = shown.changes.first() {
        return Standing::Lost(format!("{} was proposed", change.spec.change_type));
    }
    match standing_alarm(shown, since) {
        Some(incident) if phase(incident) == IncidentPhase::Open => Standing::Pending,
        Some(incident) => Standing::Lost(format!("an alarm of {} stands", incident.spec.cause)),
        None => Standing::Met,
    }
}

/// Whether the product is still at something, or has seen nothing yet.
fn is_busy(shown: &Shown, since: Timestamp) -> bool {
    let mut news = shown.incidents.iter().filter(|i| is_news(i, since)).peekable();
    let blind = news.peek().is_none();
    blind || news.any(|i| !phase(i).is_terminal()) || shown.changes.iter().any(|c| !stands(c).is_terminal())
}

/// Whether the product says that all that is wrong is mended.
pub(super) fn claims_mended(expect: &[Expectation], shown: &Shown, since: Timestamp) -> bool {
    let resolved = |e: &Expectation| expected(e, shown, since).any(|i| phase(i) == IncidentPhase::Resolved);
    // Where several things are wrong, a Change speaks for the one that it is about.
    let about = |e: &Expectation, c: &Change| {
        let target = &c.spec.target;
        expect.len() == 1 || e.objects().any(|o| o.is(target.kind.as_str(), target.name.as_str()))
    };
    let recovered = |e: &Expectation| shown.changes.iter().any(|c| stands(c) == Phase::Recovered && about(e, c));
    !expect.is_empty() && expect.iter().all(|e| resolved(e) || recovered(e))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
