//! What is known of an Incident.
//!
//! Owns the record's form and what of it is worth writing down. Must never hold untrusted text
//! that was not redacted. No IO.

use super::{MOST_CANDIDATES, MOST_CHANGES, MOST_EVIDENCE, MOST_RETURNS, redact};
use crate::finding::{Candidate, Evidence, Finding, Severity};
use crate::names::ObjectName;
use crate::reason::Reason;
use jiff::{SignedDuration, Timestamp};

/// Changes of evidence alone are written this often at most.
const SOFT: SignedDuration = SignedDuration::from_secs(15);
/// A finding that holds is shown as seen at least this often.
const SEEN: SignedDuration = SignedDuration::from_mins(5);

/// Where an Incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Seen; nothing is being done yet.
    Open,
    /// A Change is under way.
    Changing,
    /// Ended: it is no longer wrong.
    Resolved,
    /// Ended here: people must look.
    Escalated,
    /// Ended: it was nothing, or its object is gone.
    Dismissed,
}

impl Phase {
    /// The phase's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Open => "Open",
            Phase::Changing => "Changing",
            Phase::Resolved => "Resolved",
            Phase::Escalated => "Escalated",
            Phase::Dismissed => "Dismissed",
        }
    }

    /// True where the Incident has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Phase::Resolved | Phase::Escalated | Phase::Dismissed)
    }
}

/// Whether the finding holds, and since when without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// True while the finding holds.
    pub holds: bool,
    /// Since when, by the operator's observation.
    pub since: Timestamp,
}

/// An Incident's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub phase: Phase,
    /// How bad it is.
    pub severity: Severity,
    /// When it was first seen, by the API server's or kubelet's clock.
    pub first_seen: Timestamp,
    /// When it was last seen, as of the last writing.
    pub last_seen: Timestamp,
    /// How often it began, each time within an hour of its last end.
    pub count: i64,
    /// When the present occurrence began, by the operator's observation.
    pub began: Timestamp,
    /// When it came back after it had been gone, oldest first.
    pub returns: Vec<Timestamp>,
    /// True if it was wrong already when the operator first looked.
    pub primed: bool,
    /// Whether the finding holds.
    pub presence: Presence,
    /// What is the matter, in one sentence.
    pub summary: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What would mend it, best first.
    pub candidates: Vec<Candidate>,
    /// Names of the Changes made for it, oldest first.
    pub changes: Vec<ObjectName>,
    /// True from the decision to make the last of them until it was seen.
    pub proposing: bool,
    /// The difference that the best candidate would make, for people.
    pub diff: String,
    /// Why it stands where it stands.
    pub reason: Option<Reason>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Whether a record should be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// It says nothing new.
    No,
    /// Not before so long.
    Later(SignedDuration),
    /// At once.
    Now,
}

impl Record {
    /// The record of a finding that was not known.
    pub fn open(finding: &Finding, primed: bool, now: Timestamp) -> Self {
        let mut record = Self { primed, ..Self::since(finding.since, finding.severity, now) };
        record.see(finding, now);
        record
    }

    /// The record of something that nothing is told of yet.
    pub(super) fn since(first_seen: Timestamp, severity: Severity, now: Timestamp) -> Self {
        Self {
            phase: Phase::Open,
            severity,
            first_seen,
            last_seen: now,
            count: 1,
            began: now,
            returns: Vec::new(),
            primed: false,
            presence: Presence { holds: true, since: now },
            summary: String::new(),
            evidence: Vec::new(),
            candidates: Vec::new(),
            changes: Vec::new(),
            proposing: false,
            diff: String::new(),
            reason: None,
            ended_at: None,
        }
    }

    /// Takes in that the finding holds.
    pub(super) fn see(&mut self, finding: &Finding, now: Timestamp) {
        if !self.presence.holds {
            self.presence = Presence { holds: true, since: now };
        }
        self.last_seen = now;
        self.severity = finding.severity;
        self.summary = redact(&finding.summary);
        let shown = |e: &Evidence| Evidence { value: redact(&e.value).chars().take(1000).collect(), ..e.clone() };
        let fits = |e: &&Evidence| e.id.len() <= 512;
        self.evidence = finding.evidence.iter().filter(fits).take(MOST_EVIDENCE).map(shown).collect();
        self.candidates = finding.candidates.iter().take(MOST_CANDIDATES).cloned().collect();
    }

    /// Notes that it came back.
    pub(super) fn note_return(&mut self, now: Timestamp) {
        self.returns.push(now);
        let surplus = self.returns.len().saturating_sub(MOST_RETURNS);
        self.returns.drain(..surplus);
    }

    /// Takes in that the finding does not hold.
    pub(super) fn miss(&mut self, now: Timestamp) {
        if self.presence.holds {
            self.presence = Presence { holds: false, since: now };
        }
    }

    /// Notes the name of a Change before it is made.
    pub(super) fn note_change(&mut self, name: ObjectName) {
        self.changes.push(name);
        let surplus = self.changes.len().saturating_sub(MOST_CHANGES);
        self.changes.drain(..surplus);
    }

    /// Whether this record should replace the one that was written.
    pub fn writing(&self, written: &Record, now: Timestamp) -> Writing {
        if self.hard() != written.hard() {
            return Writing::Now;
        }
        let age = now.duration_since(written.last_seen);
        let soft = self.evidence != written.evidence || self.summary != written.summary;
        let due = match (soft, self.presence.holds && !self.phase.is_terminal()) {
            (true, _) => SOFT,
            (false, true) => SEEN,
            (false, false) => return Writing::No,
        };
        if age >= due { Writing::Now } else { Writing::Later(due - age) }
    }

    /// The record without what may be written late.
    fn hard(&self) -> Record {
        Record { last_seen: Timestamp::UNIX_EPOCH, summary: String::new(), evidence: Vec::new(), ..self.clone() }
    }
}
