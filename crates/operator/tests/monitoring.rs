//! The alert rules and the dashboard under deploy/monitoring, and the table in docs/OPERATIONS.md, against what the operator measures.
//!
//! That each alert fires is shown by `promtool`: `cargo xtask alerts`.

use bailiwick_core::action::ChangeType;
use bailiwick_core::finding::Cause;
use bailiwick_core::life::Phase;
use bailiwick_core::object::Kind;
use bailiwick_core::reason::Code;
use bailiwick_operator::metrics::{Call, Metrics};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ALERTS: &str = include_str!("../../../deploy/monitoring/alerts.yml");
const ALERT_TESTS: &str = include_str!("../../../deploy/monitoring/alerts_test.yml");
const DASHBOARD: &str = include_str!("../../../deploy/monitoring/dashboard.json");
const OPERATIONS: &str = include_str!("../../../docs/OPERATIONS.md");

/// The text that an operator serves which has measured everything once.
fn served() -> String {
    let metrics = Metrics::new();
    let second = Duration::from_secs(1);
    metrics.detected(Cause::CrashLoop, second);
    metrics.incident("Open");
    metrics.decision(Code::Held);
    metrics.grants_counted(1);
    metrics.grant_closed("apply", second);
    metrics.change_ended(ChangeType::Scale, Phase::Recovered);
    metrics.verified(Code::Held, second);
    metrics.receipt("Recovered");
    metrics.queue_depth("changes", 1);
    metrics.queue_depth("incidents", 1);
    metrics.watch_seen("Node");
    metrics.malformed("Pod");
    metrics.watch_failed(Kind::Pod);
    metrics.api(Call::Plan, "get");
    metrics.leading(true);
    metrics.storms(1);
    metrics.suspended(true);
    metrics.fence_intact(true);
    metrics.changes_open(&BTreeMap::new());
    metrics.encode()
}

/// Every name in a text that begins like ours, histograms and counters by the name of their family.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|w| w.starts_with("bailiwick_") || w.starts_with("process_"));
    let family = |word: &str| {
        let suffixes = ["_total", "_bucket", "_sum", "_count"];
        suffixes.iter().find_map(|s| word.strip_suffix(s)).unwrap_or(word).to_owned()
    };
    words.map(family).collect()
}

/// The samples of a text: name and labels.
fn samples() -> BTreeSet<String> {
    served()
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.rsplit_once(' '))
        .map(|(s, _)| s.to_owned())
        .collect()
}

fn families() -> BTreeSet<String> {
    let served = served();
    let declared = served.lines().filter_map(|l| l.strip_prefix("# TYPE "));
    declared.filter_map(|l| l.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn everything_measured_is_on_the_dashboard_and_in_the_documents_and_nothing_else_is() {
    let exposed = families();
    assert_eq!(names(DASHBOARD), exposed, "left: the dashboard");
    let rows = OPERATIONS.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next());
    let told: BTreeSet<String> = rows.flat_map(names).collect();
    assert_eq!(told, exposed, "left: docs/OPERATIONS.md");
}

#[test]
fn alerts_ask_for_series_that_there_are() {
    let samples = samples();
    let expressions = ALERTS.lines().filter_map(|l| l.trim().strip_prefix("expr: "));
    for expression in expressions {
        let unknown: Vec<String> = names(expression).difference(&families()).cloned().collect();
        assert!(unknown.is_empty(), "{expression} asks for {unknown:?}");
        for (metric, label, value) in selectors(expression) {
            let wanted = |value: &str| format!("{label}=\"{value}\"");
            for value in value.split('|') {
                let known = samples.iter().any(|s| s.starts_with(&metric) && s.contains(&wanted(value)));
                assert!(known, "{expression}: there is no {metric} with {}", wanted(value));
            }
        }
    }
}

/// Metric, label and value of each selector of one label.
fn selectors(expression: &str) -> Vec<(String, String, String)> {
    let one = |part: &str| {
        let (before, inside) = part.split_once('{')?;
        let (inside, _) = inside.split_once('}')?;
        let metric = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
        let (label, value) = inside.split_once('=')?;
        Some((metric.to_owned(), label.to_owned(), value.trim_start_matches('~').trim_matches('"').to_owned()))
    };
    let starts = expression.match_indices('{').map(|(at, _)| at);
    let cut = |at: usize| {
        let head = expression[..at].rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |i| i + 1);
        &expression[head..]
    };
    starts.filter_map(|at| one(cut(at))).collect()
}

#[test]
fn each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_silent() {
    let alerts: BTreeSet<&str> = ALERTS.lines().filter_map(|l| l.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 19, "{alerts:?}");
    for alert in alerts {
        for what in ["fires", "is silent"] {
            assert!(ALERT_TESTS.contains(&format!("- name: {alert} {what}\n")), "no test in which {alert} {what}");
        }
    }
}

#[test]
fn what_alerts_count_is_there_before_it_happens_for_the_first_time() {
    let fresh = Metrics::new().encode();
    for series in [
        "bailiwick_decisions_total{reason=\"GrantForged\"} 0",
        "bailiwick_incidents_total{phase=\"Escalated\"} 0",
        "bailiwick_changes_total{type=\"Scale\",outcome=\"Failed\"} 0",
        "bailiwick_objects_malformed_total{kind=\"Pod\"} 0",
    ] {
        assert!(fresh.contains(series), "{series}");
    }
}
