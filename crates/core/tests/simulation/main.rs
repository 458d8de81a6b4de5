//! Deterministic simulation of Changes: `decide` and `fold` driven by a model of the operator
//! against a model of the API server, with everything going wrong that can.
//!
//! A seed decides the whole run: two operator processes (frozen past their lease, dying between
//! any two calls), lost replies, writes that arrive late, watches that lag, drift, people who
//! approve, reject, or approve something else, suspension, policies that vanish. Afterwards the
//! checker reads the history. To play one seed again, put it into `REPLAYED` below and run
//!
//! ```text
//! cargo test -p bailiwick-core --test simulation -- --exact replay --nocapture
//! ```
//!
//! The checker itself is proved: each bug of `bug.rs`, built into the driver or the model, must
//! be found. No IO.

#[cfg(test)]
mod bug;
#[cfg(test)]
mod checker;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod history;
#[cfg(test)]
mod permit;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod process;
#[cfg(test)]
mod rng;
#[cfg(test)]
mod run;
#[cfg(test)]
mod setting;

use bailiwick_core::life::Phase;
use bug::Bug;
use run::play;

/// The seed that `replay` plays.
const REPLAYED: u64 = 1;
/// Seeds of one shard; shards run side by side.
const SHARD: u64 = 2_500;
/// Seeds within which a bug must be found.
const PATIENCE: u64 = 1_500;

/// Plays the seeds of one shard; together they must have seen everything that can happen.
#[cfg(test)]
fn shard(number: u64) {
    let (mut ended, mut writes, mut turned_away, mut found) = (Vec::new(), 0, 0, 0);
    for seed in number * SHARD..(number + 1) * SHARD {
        match play(seed, None) {
            Ok(verdict) => {
                writes += verdict.writes;
                turned_away += verdict.turned_away;
                found += verdict.found;
                ended.extend(verdict.ended);
            }
            Err(broken) => panic!("seed {seed}: {broken}"),
        }
    }
    println!("shard {number}: {writes} writes, {turned_away} turned away, {found} found by a second look");
    for phase in Phase::ALL.iter().filter(|p| p.is_terminal()) {
        let count = ended.iter().filter(|e| *e == phase).count();
        println!("  {count} ended {phase}");
        assert!(count >= 10, "{count} Changes ended {phase}: the runs are too tame to prove anything");
    }
    assert!(writes >= 500 && turned_away >= 20 && found >= 20, "{writes} {turned_away} {found}");
}

#[test]
fn shard_0() {
    shard(0);
}

#[test]
fn shard_1() {
    shard(1);
}

#[test]
fn shard_2() {
    shard(2);
}

#[test]
fn shard_3() {
    shard(3);
}

#[test]
fn replay() {
    let (first, second) = (play(REPLAYED, None), play(REPLAYED, None));
    println!("seed {REPLAYED}: {first:#?}");
    assert_eq!(format!("{first:?}"), format!("{second:?}"), "the same seed played two different runs");
    assert!(first.is_ok(), "seed {REPLAYED}: {first:?}");
}

#[test]
fn the_checker_finds_every_seeded_bug() {
    for bug in Bug::ALL {
        let found = (0..PATIENCE).find_map(|seed| play(seed, Some(bug)).err().map(|broken| (seed, broken)));
        let Some((seed, broken)) = found else { panic!("{bug:?} was not found within {PATIENCE} seeds") };
        println!("{bug:?}: seed {seed}: {broken}");
    }
}
