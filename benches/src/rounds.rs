//! Interleaved rounds of fixed work.
//!
//! Owns how two costs are compared: ours and the peer's alternate, and only costs of the same
//! round are divided. Must never compare across runs. No IO.

use anyhow::Result;
use std::time::Duration;

/// Medians over the rounds, in seconds per operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Our cost.
    pub ours: f64,
    /// The peer's cost.
    pub peer: f64,
    /// Median of the peer's cost over ours within each round.
    pub ratio: f64,
}

/// Runs both `rounds` times after one round to warm up; each call does `operations` operations and
/// returns the CPU time they took.
///
/// # Errors
/// The first error of either.
pub fn compare(
    rounds: usize,
    operations: u32,
    mut ours: impl FnMut() -> Result<Duration>,
    mut peer: impl FnMut() -> Result<Duration>,
) -> Result<Compared> {
    let per = |time: Duration| time.as_secs_f64() / f64::from(operations);
    (ours()?, peer()?);
    let mut costs = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        costs.push((per(ours()?), per(peer()?)));
    }
    Ok(Compared {
        ours: median(costs.iter().map(|c| c.0).collect()),
        peer: median(costs.iter().map(|c| c.1).collect()),
        ratio: median(costs.iter().map(|c| c.1 / c.0).collect()),
    })
}

/// The middle value; zero where there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_taken_within_rounds() {
        let (mut ours, mut peer) = ([9, 1, 2, 4].into_iter(), [9, 2, 4, 8].into_iter());
        let time = |n: Option<u64>| Ok(Duration::from_secs(n.unwrap()));
        let compared = compare(3, 1, || time(ours.next()), || time(peer.next())).unwrap();
        assert_eq!(compared, Compared { ours: 2.0, peer: 4.0, ratio: 2.0 });
    }
}
