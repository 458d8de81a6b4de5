//! What the dispatcher hears, and which subjects that makes worth a look.
//!
//! Owns the way from news to subjects. Must never decide anything. No IO.

use super::dispatch::{DEBOUNCE, Dispatcher};
use super::look::subjects;
use super::own::{Heard, News};
use super::state::Known;
use super::table::Key;
use crate::shared::Changed;
use bailiwick_core::incident::Phase;
use bailiwick_core::object::ObjectRef;
use std::time::Duration;
use tokio::sync::broadcast;

impl Dispatcher {
    pub(super) fn push_incidents(&mut self, wanted: impl Fn(&Key, Option<Phase>) -> bool) {
        let phase = |known: &Known| known.record.as_ref().map(|r| r.phase);
        let all = self.state.iter().filter(|(key, known)| wanted(key, phase(known)));
        let found: Vec<ObjectRef> = all.map(|(_, known)| known.spec.subject.clone()).collect();
        for subject in found {
            self.push(subject, Duration::ZERO);
        }
    }

    /// Takes in what a watch of our own kinds says.
    pub(super) fn hear(&mut self, news: News) {
        match self.own.hear(news, &self.writer.metrics) {
            Heard::Incidents(keys) => {
                for key in keys {
                    let subject = self.state.hear(&key, self.own.incidents.get(&key));
                    subject.into_iter().for_each(|s| self.push(s, Duration::ZERO));
                }
            }
            Heard::Changes(keys) => {
                for key in keys {
                    self.push_owner(&key);
                }
            }
            // A mandate may lift a refusal, or change a delay.
            Heard::Mandates => self.push_incidents(|_, phase| lives(phase)),
        }
    }

    /// Looks at the Incident that a Change answers.
    fn push_owner(&mut self, change: &Key) {
        let named = self.own.changes.get(change).and_then(|seen| seen.incident.as_ref());
        let name = match named {
            Some((incident, _)) => incident.to_string(),
            // A Change that is gone is known by its name only.
            None => change.1.rsplit_once('-').map_or("", |(head, _)| head).to_owned(),
        };
        if let Some(known) = self.state.get(&(change.0.clone(), name)) {
            let subject = known.spec.subject.clone();
            self.push(subject, Duration::ZERO);
        }
    }

    /// Takes in what the index says has changed.
    pub(super) fn note(&mut self, changed: Result<Changed, broadcast::error::RecvError>) {
        match changed {
            Ok(Changed::Subject(subject)) => self.push(subject, DEBOUNCE),
            Ok(Changed::Namespace(name)) => {
                self.push_incidents(|(namespace, _), phase| *namespace == name && lives(phase));
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::info!(news.missed = missed, "news came too fast; everything is looked at");
                let all = subjects(&self.index);
                all.into_iter().for_each(|subject| self.push(subject, DEBOUNCE));
                self.push_incidents(|_, _| true);
            }
            // The index outlives the dispatcher.
            Err(broadcast::error::RecvError::Closed) => {}
        }
    }
}

/// True where news of a label or a mandate matters.
fn lives(phase: Option<Phase>) -> bool {
    !matches!(phase, Some(Phase::Resolved | Phase::Dismissed))
}
