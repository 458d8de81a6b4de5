//! One figure and its bounds.
//!
//! Owns the shape that `-o json` prints, the same for every bench. No IO.

use crate::rounds::Compared;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// One figure. Costs only: less is better, and `ratio` is the peer's cost over ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The bench it belongs to.
    pub bench: &'static str,
    /// What was measured.
    pub metric: Cow<'static, str>,
    /// The unit of `ours` and `peer`.
    pub unit: &'static str,
    /// Our cost.
    pub ours: f64,
    /// The peer's cost in the same run; absent where there is no peer.
    pub peer: Option<f64>,
    /// Who the peer is.
    pub peer_name: Option<&'static str>,
    /// The peer's cost over ours: above one, we are cheaper. Median over the rounds.
    pub ratio: Option<f64>,
    /// With a peer, the least `ratio` that is accepted; without one, the greatest `ours`.
    pub must: Option<f64>,
    /// The same for what is aimed at.
    pub aim: Option<f64>,
    /// How far the rounds lay apart, as a share of the median; for people, so not in the JSON.
    #[serde(skip)]
    pub spread: Option<f64>,
}

/// What a figure must keep and what it aims at: least ratios with a peer, greatest costs without.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Missed: the run fails.
    pub must: f64,
    /// Where we want to be.
    pub aim: f64,
}

impl Record {
    /// A cost by itself.
    pub fn alone(bench: &'static str, metric: &'static str, unit: &'static str, ours: f64) -> Self {
        Self {
            bench,
            metric: metric.into(),
            unit,
            ours,
            peer: None,
            peer_name: None,
            ratio: None,
            must: None,
            aim: None,
            spread: None,
        }
    }

    /// The same beside a peer's, both in the unit that `scale` leads to from seconds.
    #[must_use]
    pub fn beside(self, peer: &'static str, costs: Compared, scale: f64) -> Self {
        Self {
            ours: costs.ours * scale,
            peer: Some(costs.peer * scale),
            peer_name: Some(peer),
            ratio: Some(costs.ratio),
            spread: Some(costs.spread),
            ..self
        }
    }

    /// The same with bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { must: Some(bounds.must), aim: Some(bounds.aim), ..self }
    }

    /// True where the figure keeps what it must.
    pub fn holds(&self) -> bool {
        self.keeps(self.must)
    }

    fn keeps(&self, bound: Option<f64>) -> bool {
        let Some(bound) = bound else { return true };
        self.ratio.map_or(self.ours <= bound, |ratio| ratio >= bound)
    }

    fn verdict(&self) -> &'static str {
        match (self.must.or(self.aim).is_some(), self.holds(), self.keeps(self.aim)) {
            (false, _, _) => "-",
            (true, false, _) => "MISSED",
            (true, true, false) => "ok",
            (true, true, true) => "aim",
        }
    }
}

const HEADS: [&str; 11] =
    ["BENCH", "METRIC", "UNIT", "OURS", "PEER", "RATIO", "SPREAD", "MUST", "AIM", "VERDICT", "PEER NAME"];

/// The figures as a table for people.
pub fn table(records: &[Record]) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let mut rows = vec![HEADS.map(str::to_owned)];
    rows.extend(records.iter().map(|r| {
        [
            r.bench.to_owned(),
            r.metric.to_string(),
            r.unit.to_owned(),
            number(Some(r.ours)),
            number(r.peer),
            number(r.ratio),
            r.spread.map_or_else(|| "-".to_owned(), |s| format!("{:.0} %", s * 100.0)),
            number(r.must),
            number(r.aim),
            r.verdict().to_owned(),
            r.peer_name.unwrap_or("-").to_owned(),
        ]
    }));
    let widths: Vec<usize> =
        (0..HEADS.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    rows.iter().fold(String::new(), |mut text, row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _infallible = writeln!(text, "{}", line.trim_end());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ratio: Option<f64>, must: Option<f64>) -> Record {
        Record { ratio, must, aim: must, ..Record::alone("b", "m", "µs", 2.0) }
    }

    #[test]
    fn a_bound_is_on_the_ratio_where_there_is_a_peer_and_on_the_cost_where_not() {
        assert!(record(Some(0.9), Some(0.85)).holds());
        assert!(!record(Some(0.8), Some(0.85)).holds());
        assert!(record(None, Some(2.0)).holds());
        assert!(!record(None, Some(1.9)).holds());
        assert!(record(None, None).holds());
    }

    #[test]
    fn every_record_has_the_same_keys() {
        let value = serde_json::to_value(record(None, None)).unwrap();
        let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let wanted = ["aim", "bench", "metric", "must", "ours", "peer", "peerName", "ratio", "unit"];
        assert_eq!(keys, wanted);
    }
}
