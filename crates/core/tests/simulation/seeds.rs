//! Which seeds are played, on how many threads, and what they saw together.
//!
//! Owns the counts. Reads what is asked for from the environment, and tells `cargo xtask torture`
//! by a line in its file what held.

use crate::checker::Verdict;
use bailiwick_core::life::Phase;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Of so many seeds together it is demanded that they saw everything.
const TELLING: u64 = 2_500;
/// Seeds that a thread takes at once.
const HANDFUL: u64 = 64;

/// Seeds to play.
#[derive(Debug, Deserialize)]
pub(crate) struct Seeds {
    first: u64,
    runs: u64,
    /// Where the torture wants to be told.
    #[serde(default)]
    file: Option<PathBuf>,
}

#[expect(clippy::disallowed_methods, reason = "a test is told by the environment which seeds to play")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The one seed that somebody wants to see.
pub(crate) fn named() -> Option<u64> {
    variable("BAILIWICK_TEST_SEED").map(|text| text.parse().expect("BAILIWICK_TEST_SEED is a number"))
}

impl Seeds {
    /// What the torture asks for, or so many.
    pub(crate) fn asked(usually: u64) -> Self {
        let asked = variable("BAILIWICK_TEST_TORTURE");
        let asked = asked.map(|json| serde_json::from_str(&json).expect("BAILIWICK_TEST_TORTURE names seeds"));
        asked.unwrap_or(Self { first: 0, runs: usually, file: None })
    }

    pub(crate) fn count(&self) -> u64 {
        self.runs
    }

    /// Plays all of them on every processor; the lowest seed that a thread saw broken, if any was.
    pub(crate) fn play(&self, play: impl Fn(u64) -> Result<Verdict, String> + Sync) -> Result<Tally, String> {
        let (next, end) = (AtomicU64::new(self.first), self.first + self.runs);
        let work = || {
            let mut tally = Tally::default();
            loop {
                let from = next.fetch_add(HANDFUL, Ordering::Relaxed);
                if from >= end {
                    return Ok(tally);
                }
                for seed in from..end.min(from + HANDFUL) {
                    tally.add(&play(seed).map_err(|broken| format!("seed {seed}: {broken}"))?);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let tallies = workers.into_iter().map(|worker| worker.join().expect("a worker broke"));
            tallies.reduce(|all, one| Ok(all?.and(one?))).unwrap_or_else(|| Ok(Tally::default()))
        })
    }

    /// Tells the torture that all of them held.
    pub(crate) fn held(&self, took: Duration) {
        let Some(path) = &self.file else { return };
        let line = serde_json::json!({
            "row": "R41", "seed": self.first, "runs": self.runs, "seconds": took.as_secs_f64(),
        });
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the torture's file");
        writeln!(file, "{line}").expect("a line for the torture");
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seeds {}..{}", self.first, self.first + self.runs)
    }
}

/// What runs saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    ended: BTreeMap<&'static str, usize>,
    writes: usize,
    turned_away: usize,
    found: usize,
}

impl Tally {
    fn add(&mut self, verdict: &Verdict) {
        self.writes += verdict.writes;
        self.turned_away += verdict.turned_away;
        self.found += verdict.found;
        for phase in &verdict.ended {
            *self.ended.entry(phase.as_str()).or_default() += 1;
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.writes += other.writes;
        self.turned_away += other.turned_away;
        self.found += other.found;
        for (phase, count) in other.ended {
            *self.ended.entry(phase).or_default() += count;
        }
        self
    }

    /// Whether so many seeds have seen everything that can happen, each thing often.
    pub(crate) fn is_telling(&self, seeds: u64) -> Result<(), String> {
        let times = usize::try_from(seeds / TELLING).unwrap_or(usize::MAX);
        for phase in Phase::ALL.iter().filter(|p| p.is_terminal()) {
            let count = self.ended.get(phase.as_str()).copied().unwrap_or(0);
            if count < 10 * times {
                return Err(format!("{count} Changes ended {phase}: the runs are too tame to prove anything"));
            }
        }
        let enough = self.writes >= 500 * times && self.turned_away >= 20 * times && self.found >= 20 * times;
        if enough { Ok(()) } else { Err(format!("the runs are too tame to prove anything: {self}")) }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ended, writes, turned_away, found } = self;
        write!(f, "{writes} writes, {turned_away} turned away, {found} found by a second look; ended: {ended:?}")
    }
}
