//! One operator process: it looks, decides, persists, acts and reports, one API call at a time.
//!
//! Owns the driver of `decide` and `fold`. Between any two calls the process may be frozen or
//! die, and the world goes on; what it has not persisted it does not know after that.

use crate::bug::Bug;
use crate::effects::Act;
use crate::history::{Event, Seen};
use crate::run::Sim;
use crate::setting::{limits, verdict};
use bailiwick_core::guards::{Asking, Past, admit};
use bailiwick_core::life::world::{Ballot, TargetNow};
use bailiwick_core::life::{Decision, Effect, Record, World, decide};
use bailiwick_core::oracle::Health;
use bailiwick_core::plan::Operation;
use bailiwick_core::reason::{Code, Reason};
use jiff::SignedDuration;
use std::rc::Rc;

/// What a process is doing.
pub(crate) enum Stage {
    /// Nothing.
    Idle,
    /// About to look at a Change, within a pass.
    Look { change: usize },
    /// It has decided and is about to persist.
    Persist { change: usize, rv: u64, decision: Box<Decision>, seen: Seen },
    /// It runs an effect.
    Act(Box<Act>),
    /// It has a report and is about to persist it.
    Report { change: usize, rv: u64, record: Box<Record> },
    /// It has listed accounts that may be leftovers.
    Sweep { candidates: Vec<String> },
}

/// A process.
pub(crate) struct Process {
    pub(crate) stage: Stage,
    /// Turns for which it will not run.
    pub(crate) frozen: u32,
    /// The newest snapshot that its watches have told.
    pub(crate) told: usize,
    /// Receipts that it owes (only a wrong driver owes any).
    pub(crate) owed: Vec<(usize, String)>,
}

impl Process {
    pub(crate) fn new() -> Self {
        Self { stage: Stage::Idle, frozen: 0, told: 0, owed: Vec::new() }
    }
}

impl Sim {
    /// Lets a process make one step.
    pub(crate) fn step(&mut self, p: usize) {
        let stage = std::mem::replace(&mut self.processes[p].stage, Stage::Idle);
        let next = match stage {
            Stage::Idle => self.begin(p),
            Stage::Look { change } => self.look(p, change),
            Stage::Persist { change, rv, decision, seen } => self.persist(p, (change, rv), *decision, seen),
            Stage::Act(act) => self.act(p, *act),
            Stage::Report { change, rv, record } => self.report(p, (change, rv), &record),
            Stage::Sweep { candidates } => self.sweep(&candidates),
        };
        self.processes[p].stage = next;
    }

    fn begin(&mut self, p: usize) -> Stage {
        for (change, about) in std::mem::take(&mut self.processes[p].owed) {
            self.cluster.receipt(change, &about);
        }
        if self.leader != p {
            return Stage::Idle;
        }
        let due: Vec<usize> = (0..self.cluster.changes.len()).filter(|c| self.is_due(*c)).collect();
        if !due.is_empty() {
            return Stage::Look { change: self.rng.pick(&due) };
        }
        if (self.calm && !self.swept) || self.rng.chance(5) {
            let candidates = self.cluster.accounts.keys().chain(self.cluster.fence.keys()).cloned().collect();
            return Stage::Sweep { candidates };
        }
        Stage::Idle
    }

    /// Removes what no running Change needs. Whoever makes an account has recorded it before, so
    /// the records are read after the candidates.
    fn sweep(&mut self, candidates: &[String]) -> Stage {
        let mut needed = Vec::new();
        for change in self.cluster.changes.iter().filter(|c| !c.record.phase.is_terminal() || c.record.ending.is_some())
        {
            let grants = change.record.planning.iter().chain(change.record.executions.iter().map(|e| &e.grant));
            needed.extend(grants.filter(|g| g.revoked_at.is_none()).map(|g| g.account.clone()));
        }
        if self.cluster.bug != Some(Bug::NoSweep) {
            for account in candidates.iter().filter(|c| !needed.contains(*c)) {
                self.cluster.fence.remove(account);
                self.cluster.accounts.remove(account);
            }
        }
        self.swept = true;
        Stage::Idle
    }

    /// Reads the Change and the world, and decides.
    fn look(&mut self, p: usize, change: usize) -> Stage {
        let newest = self.cluster.told.len() - 1;
        let behind = if self.calm { 0 } else { self.rng.pick(&[0, 0, 0, 1, 2]) };
        let told = newest.saturating_sub(behind).max(self.processes[p].told);
        self.processes[p].told = told;
        self.dirty[change] = told < newest;
        let seen = Seen { at: self.cluster.now, truth: Rc::clone(&self.cluster.told[told]) };
        let (rv, mut record) = (self.cluster.changes[change].rv, Rc::clone(&self.cluster.changes[change].record));
        if self.cluster.bug == Some(Bug::Resurrect) && record.phase.is_terminal() && self.rng.chance(30) {
            record = Rc::new(Record::default());
        }
        let ballots = self.ballots(change, &seen, &record);
        let decision = decide(&record, &self.world(change, &seen, &record, &ballots));
        Stage::Persist { change, rv, decision: Box::new(decision), seen }
    }

    fn ballots(&self, change: usize, seen: &Seen, record: &Record) -> Vec<Ballot> {
        let mine = seen.truth.ballots.iter().filter(|(of, _)| *of == change).map(|(_, b)| b.clone());
        let digest = record.plan.as_ref().map(|p| p.digest.clone());
        mine.map(|ballot| match (self.cluster.bug, &digest) {
            (Some(Bug::AnyDigest), Some(digest)) => Ballot { digest: digest.clone(), ..ballot },
            (Some(Bug::NoExpiry), _) => Ballot { at: seen.at, ..ballot },
            _ => ballot,
        })
        .collect()
    }

    fn world<'a>(&'a self, change: usize, seen: &Seen, record: &Record, ballots: &'a [Ballot]) -> World<'a> {
        let stored = &self.cluster.changes[change];
        let truth = &seen.truth;
        let others = self.cluster.changes.iter().enumerate().filter(|(n, _)| *n != change);
        let past = others.map(|(_, c)| {
            let name = c.proposal.name.as_str();
            Past { name, target: &c.proposal.target, incident: None, record: &c.record }
        });
        let past: Vec<Past<'_>> = past.collect();
        let asking = Asking { target: &stored.proposal.target, record, outcome: truth.outcome, troubles: &[] };
        let target = match (&self.cluster.target, self.missed) {
            (_, true) => TargetNow::Unknown,
            (None, false) => TargetNow::Absent,
            (now, false) => TargetNow::Present(crate::cluster::fingerprint(now.as_ref(), self.cluster.free)),
        };
        World {
            now: seen.at,
            generation: 1,
            proposal: Ok(&stored.proposal),
            verdict: verdict(truth.outcome, truth.quorum),
            namespace_alive: truth.namespace,
            in_territory: truth.territory && truth.namespace,
            target,
            ballots,
            suspended: truth.suspended,
            fence: if truth.fence { Ok(()) } else { Err(Reason::plain(Code::FenceAbsent)) },
            can_sign: truth.key,
            guards: admit(&asking, &limits(), &past, seen.at),
            health: self.health(record),
        }
    }

    fn health(&self, record: &Record) -> Option<Health> {
        use crate::cluster::Doing;
        let last = record.executions.iter().rev().find(|e| e.is_applied())?;
        let deletes = record.plan.as_ref().is_some_and(|p| p.operation == Operation::Delete && p.digest == last.digest);
        if self.cluster.target.is_none() && !deletes {
            return Some(Health::Vanished);
        }
        match self.cluster.doing {
            Doing::Well => Some(Health::Healthy("all".into())),
            Doing::NotYet => Some(Health::NotYet("some".into())),
            Doing::Worse => Some(Health::Worse("fewer".into())),
            Doing::Unseen => None,
        }
    }

    /// Compare-and-swap; what was accepted goes into the history.
    fn swap(&mut self, p: usize, at: (usize, u64), record: &Record, seen: Option<Seen>) -> Option<u64> {
        let (change, rv) = at;
        let before = self.cluster.changes[change].rv;
        let after = self.cluster.persist(change, rv, record)?;
        if after != before {
            let record = Rc::clone(&self.cluster.changes[change].record);
            self.cluster.history.push(Event::Persisted { process: p, change, record, seen });
            self.wake_others(change);
        }
        Some(after)
    }

    fn persist(&mut self, p: usize, at: (usize, u64), decision: Decision, seen: Seen) -> Stage {
        let (change, _) = at;
        let early =
            self.cluster.bug == Some(Bug::WriteBeforeIntent) && matches!(decision.effect, Some(Effect::Write { .. }));
        let rv = if early { Some(at.1) } else { self.swap(p, at, &decision.record, Some(seen)) };
        let Some(rv) = rv else {
            self.dirty[change] = true;
            return Stage::Idle;
        };
        if let Some(effect) = decision.effect {
            return Stage::Act(Box::new(Act::new(change, rv, decision.record, effect)));
        }
        if decision.recheck == Some(SignedDuration::ZERO) {
            return Stage::Look { change };
        }
        let forgets = self.cluster.bug == Some(Bug::ForgetRecheck);
        self.wake[change] = decision.recheck.filter(|_| !forgets).map(|wait| self.cluster.now + wait);
        Stage::Idle
    }

    fn report(&mut self, p: usize, at: (usize, u64), record: &Record) -> Stage {
        match self.swap(p, at, record, None) {
            Some(_) => Stage::Look { change: at.0 },
            None => {
                self.dirty[at.0] = true;
                Stage::Idle
            }
        }
    }
}
