//! Deterministic simulation of Changes: `decide` and `fold` driven by a model of the operator
//! against a model of the API server, with everything going wrong that can.
//!
//! A seed decides the whole run: two operator processes (frozen past their lease, dying between
//! any two calls), lost replies, writes that arrive late, watches that lag, drift, people who
//! approve, reject, or approve something else, suspension, policies that vanish. Afterwards the
//! checker reads the history. A seed that fails is printed; it is played again by
//!
//! ```text
//! BAILIWICK_TEST_SEED=17 cargo test -p bailiwick-core --test simulation -- --exact replay --nocapture
//! ```
//!
//! and many more seeds by `cargo xtask torture R41`. The checker itself is proved: each bug of
//! `bug.rs`, built into the driver or the model, must be found. Reads the environment, and appends
//! to the file that the torture names.

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
mod seeds;
#[cfg(test)]
mod setting;

use bug::Bug;
use run::play;
use seeds::{Seeds, Tally};

/// The seed that `replay` plays if none is named.
const REPLAYED: u64 = 1;
/// Seeds that are played if nobody asks for more.
const USUALLY: u64 = 10_000;
/// Seeds within which a bug must be found.
const PATIENCE: u64 = 1_500;

/// Together the runs must have seen everything that can happen.
#[test]
fn many_seeds() {
    let seeds = Seeds::asked(USUALLY);
    let begin = std::time::Instant::now();
    let tally: Tally = seeds.play(|seed| play(seed, None)).unwrap_or_else(|broken| panic!("{broken}"));
    println!("{} in {:.1} s\n{tally}", seeds, begin.elapsed().as_secs_f64());
    tally.is_telling(seeds.count()).unwrap_or_else(|why| panic!("{why}"));
    seeds.held(begin.elapsed());
}

#[test]
fn replay() {
    let seed = seeds::named().unwrap_or(REPLAYED);
    let (first, second) = (play(seed, None), play(seed, None));
    println!("seed {seed}: {first:#?}");
    assert_eq!(format!("{first:?}"), format!("{second:?}"), "the same seed played two different runs");
    assert!(first.is_ok(), "seed {seed}: {first:?}");
}

#[test]
fn the_checker_finds_every_seeded_bug() {
    for bug in Bug::ALL {
        let found = (0..PATIENCE).find_map(|seed| play(seed, Some(bug)).err().map(|broken| (seed, broken)));
        let Some((seed, broken)) = found else { panic!("{bug:?} was not found within {PATIENCE} seeds") };
        println!("{bug:?}: seed {seed}: {broken}");
    }
}
