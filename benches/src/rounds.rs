//! Interleaved rounds of fixed work.
//!
//! Owns how two costs are compared: ours and the peer's alternate, and only costs of the same
//! round are divided. Where the rounds disagree, more are run. Must never compare across runs. No IO.

use anyhow::{Context as _, Result};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::Duration;

/// Rounds that differ by more than this share of their median are not trusted yet.
const CALM: f64 = 0.3;
/// How many times the wanted rounds are run at most.
const PATIENCE: usize = 3;

/// Medians over the rounds, in seconds per operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Our cost.
    pub ours: f64,
    /// The peer's cost.
    pub peer: f64,
    /// Median of the peer's cost over ours within each round.
    pub ratio: f64,
    /// How far the middle half of the ratios lies apart, as a share of the median.
    pub spread: f64,
}

/// Runs both `rounds` times after one round to warm up, and more where the ratios lie far apart;
/// each call does `operations` operations and returns the CPU time they took.
///
/// # Errors
/// The first error of either.
pub fn compare(
    rounds: usize,
    operations: u32,
    ours: impl FnMut() -> Result<Duration> + Send,
    peer: impl FnMut() -> Result<Duration> + Send,
) -> Result<Compared> {
    let per = |time: Duration| time.as_secs_f64() / f64::from(operations);
    std::thread::scope(|scope| {
        let (ours, peer) = (Side::start(scope, ours), Side::start(scope, peer));
        alternate(rounds, || Ok(per(ours.once()?)), || Ok(per(peer.once()?)))
    })
}

/// One of the two, on a thread of its own: the allocator keeps a heap for each thread, so that
/// neither is charged for tidying up what the other has left.
struct Side {
    ask: Sender<()>,
    told: Receiver<Result<Duration>>,
}

impl Side {
    fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        mut work: impl FnMut() -> Result<Duration> + Send + 'scope,
    ) -> Self {
        let ((ask, asked), (tell, told)) = (channel(), channel());
        scope.spawn(move || {
            // Either channel ends when the comparison does.
            while asked.recv().is_ok() && tell.send(work()).is_ok() {}
        });
        Self { ask, told }
    }

    fn once(&self) -> Result<Duration> {
        self.ask.send(()).context("a side of the comparison ended early")?;
        self.told.recv().context("a side of the comparison ended early")?
    }
}

fn alternate(rounds: usize, ours: impl Fn() -> Result<f64>, peer: impl Fn() -> Result<f64>) -> Result<Compared> {
    ours()?;
    peer()?;
    let mut costs: Vec<(f64, f64)> = Vec::with_capacity(rounds);
    loop {
        for _ in 0..rounds {
            costs.push((ours()?, peer()?));
        }
        let ratios: Vec<f64> = costs.iter().map(|c| c.1 / c.0).collect();
        let spread = spread(ratios.clone());
        if spread > CALM && costs.len() < rounds * PATIENCE {
            continue;
        }
        return Ok(Compared {
            ours: median(costs.iter().map(|c| c.0).collect()),
            peer: median(costs.iter().map(|c| c.1).collect()),
            ratio: median(ratios),
            spread,
        });
    }
}

/// The middle value; zero where there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// How far the middle half of the values lies apart, as a share of the median.
pub fn spread(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |i: usize| values.get(i.min(values.len().saturating_sub(1))).copied().unwrap_or_default();
    let (low, middle, high) = (at(values.len() / 4), at(values.len() / 2), at(values.len() * 3 / 4));
    if middle > 0.0 { (high - low) / middle } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_taken_within_rounds() {
        let (mut ours, mut peer) = ([9, 1, 2, 4].into_iter(), [9, 2, 4, 8].into_iter());
        let time = |n: Option<u64>| Ok(Duration::from_secs(n.unwrap()));
        let compared = compare(3, 1, || time(ours.next()), || time(peer.next())).unwrap();
        assert_eq!(compared, Compared { ours: 2.0, peer: 4.0, ratio: 2.0, spread: 0.0 });
    }

    #[test]
    fn rounds_that_disagree_are_run_again_but_not_for_ever() {
        let mut runs = 0;
        let ours = || {
            runs += 1;
            Ok(Duration::from_secs(if runs % 2 == 0 { 1 } else { 3 }))
        };
        let compared = compare(4, 1, ours, || Ok(Duration::from_secs(1))).unwrap();
        assert!(compared.spread > CALM, "{compared:?}");
        assert_eq!(runs, 1 + 4 * PATIENCE);
    }
}
