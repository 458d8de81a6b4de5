//! One run: turns of the world until the storm is over, then calm until all is quiet.
//!
//! Owns the order of events, which the seed alone decides.

use crate::bug::Bug;
use crate::checker::{Verdict, check};
use crate::cluster::Cluster;
use crate::process::{Process, Stage};
use crate::rng::Rng;
use crate::setting::begin;
use jiff::{SignedDuration, Timestamp};

/// Turns of the storm.
const STORM: usize = 300;
/// Turns in which everything must have come to rest after it.
const CALM: usize = 4000;

/// A run under way.
pub(crate) struct Sim {
    pub(crate) cluster: Cluster,
    pub(crate) rng: Rng,
    pub(crate) processes: [Process; 2],
    /// The process that holds the lease.
    pub(crate) leader: usize,
    /// True once nothing goes wrong any more.
    pub(crate) calm: bool,
    /// How many of a hundred calls fail, and how many replies are lost.
    pub(crate) faults: usize,
    /// How many of a hundred turns are the world's.
    pub(crate) hostility: usize,
    /// True while the target cannot be read.
    pub(crate) missed: bool,
    /// True once leftovers were looked for after everything else was quiet.
    pub(crate) swept: bool,
    /// Changes of which something is new.
    pub(crate) dirty: Vec<bool>,
    /// When a Change is to be looked at again by itself.
    pub(crate) wake: Vec<Option<Timestamp>>,
}

impl Sim {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut rng = Rng::new(seed);
        let cluster = begin(&mut rng, bug);
        let changes = cluster.changes.len();
        Self {
            cluster,
            processes: [Process::new(), Process::new()],
            leader: 0,
            calm: false,
            faults: rng.pick(&[0, 2, 8]),
            hostility: rng.pick(&[3, 8, 16]),
            missed: false,
            swept: false,
            dirty: vec![true; changes],
            wake: vec![None; changes],
            rng,
        }
    }

    pub(crate) fn is_due(&self, change: usize) -> bool {
        self.dirty[change] || self.wake[change].is_some_and(|at| at <= self.cluster.now)
    }

    /// Something that every Change may depend on is new.
    pub(crate) fn wake_all(&mut self) {
        self.dirty.fill(true);
    }

    pub(crate) fn wake_others(&mut self, change: usize) {
        let others = self.dirty.iter_mut().enumerate().filter(|(n, _)| *n != change);
        others.for_each(|(_, dirty)| *dirty = true);
    }

    fn storm(&mut self) {
        for _ in 0..STORM {
            for process in &mut self.processes {
                process.frozen = process.frozen.saturating_sub(1);
            }
            let p = if self.rng.chance(65) { self.leader } else { 1 - self.leader };
            match self.rng.below(100) {
                turn if turn < self.hostility => self.turn_world(),
                turn if turn < self.hostility + 5 => self.arrive_one(),
                turn if turn < self.hostility + 15 => self.pass_time(),
                _ if self.processes[p].frozen > 0 => {}
                _ => self.step(p),
            }
        }
    }

    /// A write that was under way arrives, if there is one.
    pub(crate) fn arrive_one(&mut self) {
        if !self.cluster.under_way.is_empty() {
            let n = self.rng.below(self.cluster.under_way.len());
            let request = self.cluster.under_way.swap_remove(n);
            self.cluster.arrive(&request);
            self.wake_all();
        }
    }

    fn pass_time(&mut self) {
        let millis = self.rng.pick(&[50, 500, 2000, 2000, 9000]);
        self.cluster.pass_time(SignedDuration::from_millis(millis));
    }

    /// Everything works again.
    fn settle(&mut self) {
        self.calm = true;
        self.missed = false;
        self.cluster.tell(|told| {
            (told.suspended, told.key, told.fence) = (false, true, true);
        });
        for process in &mut self.processes {
            process.frozen = 0;
        }
        self.wake_all();
    }

    fn is_quiet(&self) -> bool {
        let idle = self.processes.iter().all(|p| matches!(p.stage, Stage::Idle) && p.owed.is_empty());
        idle && self.cluster.under_way.is_empty() && !(0..self.dirty.len()).any(|c| self.is_due(c))
    }

    /// Runs until all is quiet; false if it never is.
    fn rest(&mut self) -> bool {
        for _ in 0..CALM {
            if !self.is_quiet() {
                self.arrive_one();
                let p =
                    usize::from(!matches!(self.processes[1 - self.leader].stage, Stage::Idle) && self.rng.chance(40));
                let p = if p == 1 { 1 - self.leader } else { self.leader };
                self.swept = self.swept && matches!(self.processes[p].stage, Stage::Idle);
                self.step(p);
                continue;
            }
            match self.wake.iter().flatten().min() {
                Some(next) => self.cluster.now = (*next).max(self.cluster.now),
                None if self.swept => return true,
                None => self.step(self.leader),
            }
        }
        false
    }
}

/// Plays a seed and checks its history.
pub(crate) fn play(seed: u64, bug: Option<Bug>) -> Result<Verdict, String> {
    let mut sim = Sim::new(seed, bug);
    sim.storm();
    sim.settle();
    let quiet = sim.rest();
    check(&sim.cluster, quiet)
}
