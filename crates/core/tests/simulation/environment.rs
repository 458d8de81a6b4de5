//! What the world does to a run: people, drift, crashes, freezes, switches.
//!
//! Owns the choice of events.

use crate::cluster::{Doing, Target};
use crate::process::Stage;
use crate::run::Sim;
use crate::setting::{APPROVERS, OPERATOR, STRANGER};
use bailiwick_core::life::world::Ballot;
use bailiwick_core::life::{DecisionKind, Phase};
use bailiwick_core::mandate::Outcome;
use jiff::SignedDuration;

impl Sim {
    /// One event.
    pub(crate) fn turn_world(&mut self) {
        match self.rng.below(100) {
            0..36 => self.vote(),
            36..44 => self.crash(),
            44..56 => self.freeze(),
            56..64 => self.drift(),
            64..74 => self.cluster.doing = self.rng.pick(&[Doing::Well, Doing::NotYet, Doing::Worse, Doing::Unseen]),
            74..78 => self.missed = !self.missed,
            _ => self.turn_switch(),
        }
        self.wake_all();
    }

    fn turn_switch(&mut self) {
        let (kind, dice) = (self.rng.below(100), self.rng.below(100));
        let outcomes = [
            Outcome::PreApproved,
            Outcome::PreApproved,
            Outcome::NeedsApproval,
            Outcome::NeedsApproval,
            Outcome::Refused,
        ];
        let outcome = self.rng.pick(&outcomes);
        self.cluster.tell(|told| match kind {
            0..35 => told.suspended = !told.suspended,
            35..50 => told.key = !told.key,
            50..65 => told.fence = !told.fence,
            65..85 => told.outcome = outcome,
            85..96 => told.quorum = 3 - told.quorum,
            _ if dice < 70 => told.territory = !told.territory,
            _ => told.namespace = dice < 85,
        });
    }

    fn vote(&mut self) {
        let change = self.rng.below(self.cluster.changes.len());
        let record = &self.cluster.changes[change].record;
        let waits = record.phase == Phase::AwaitingApproval;
        let current = record.plan.as_ref().map(|p| p.digest.clone()).unwrap_or_default();
        if !waits && self.rng.chance(90) {
            return;
        }
        let digest = if self.rng.chance(85) { current } else { "another".to_owned() };
        let rejects = self.rng.chance(8);
        let ballot = Ballot {
            name: format!("vote-{}", self.cluster.truth().ballots.len()),
            approver: self
                .rng
                .pick(&[APPROVERS[0], APPROVERS[1], APPROVERS[2], APPROVERS[0], STRANGER, OPERATOR])
                .to_owned(),
            groups: Vec::new(),
            decision: if rejects { DecisionKind::Reject } else { DecisionKind::Approve },
            at: self.cluster.now,
            digest,
            reason: String::new(),
        };
        self.cluster.tell(|told| told.ballots.push((change, ballot)));
    }

    /// A process dies and starts again; what it had sent may still arrive.
    fn crash(&mut self) {
        let p = self.rng.below(2);
        self.processes[p].stage = Stage::Idle;
        self.processes[p].owed.clear();
    }

    /// A process stands still, perhaps for longer than its lease; the other one takes over.
    fn freeze(&mut self) {
        let p = self.rng.below(2);
        let turns = self.rng.pick(&[5, 20, 60]);
        self.processes[p].frozen = turns;
        if self.leader == p && turns > 5 {
            self.leader = 1 - p;
            self.cluster.pass_time(SignedDuration::from_secs(15));
        }
    }

    /// Somebody else changes, replaces, deletes or creates the target; or puts an old content back.
    fn drift(&mut self) {
        let next = match (self.cluster.target.clone(), self.rng.below(10)) {
            (None, _) => Some(self.cluster.fresh(1)),
            (Some(_), 0) => None,
            (Some(_), 1) => Some(self.cluster.fresh(1)),
            (Some(old), _) => {
                let value = self.rng.pick(&[1, 1, 2, 10]);
                Some(Target { value, generation: old.generation + 1, ..old })
            }
        };
        self.cluster.touch(next);
    }
}
