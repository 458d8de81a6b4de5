//! What is measured, with bounded labels.
//!
//! Owns the registry and every label's closed set of values. Must never carry an object's name or
//! any other text from the cluster in a label. No IO but what `process` reads of itself.

use crate::process::Process;
use bailiwick_core::action::ChangeType;
use bailiwick_core::finding::Cause;
use bailiwick_core::incident::Phase as Incident;
use bailiwick_core::life::Phase;
use bailiwick_core::object::Kind;
use bailiwick_core::reason::Code;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

type One = [(&'static str, &'static str); 1];
type Two = [(&'static str, &'static str); 2];
type Times<L> = Family<L, Histogram, Buckets>;

/// Our own kinds whose watches count what they cannot read.
const OWN: [&str; 3] = ["Incident", "Change", "Mandate"];

/// Why an API request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Watching and keeping Incidents.
    Detect,
    /// Reading and dry-running for a plan.
    Plan,
    /// Making a one-shot account and its fence entry.
    Grant,
    /// Proving the fence.
    Prove,
    /// The one write.
    Write,
    /// Asking whether the write happened.
    ReadBack,
    /// Taking authority away.
    Revoke,
    /// Watching the workload after the write.
    Verify,
    /// Receipts.
    Receipt,
    /// Status of our own kinds.
    Status,
}

impl Call {
    /// The label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Call::Detect => "detect",
            Call::Plan => "plan",
            Call::Grant => "grant",
            Call::Prove => "prove",
            Call::Write => "write",
            Call::ReadBack => "readback",
            Call::Revoke => "revoke",
            Call::Verify => "verify",
            Call::Receipt => "receipt",
            Call::Status => "status",
        }
    }
}

/// Buckets from 50 ms to about half an hour.
#[derive(Debug, Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(exponential_buckets(0.05, 2.0, 16))
    }
}

/// Every measure of the operator.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    detection: Times<One>,
    incidents: Family<One, Counter>,
    decisions: Family<One, Counter>,
    grants_live: Gauge,
    grant_lifetime: Times<One>,
    changes: Family<Two, Counter>,
    verification: Times<One>,
    receipts: Family<One, Counter>,
    queue: Family<One, Gauge>,
    staleness: Family<One, Gauge<f64, AtomicU64>>,
    malformed: Family<One, Counter>,
    watch_failures: Family<One, Counter>,
    requests: Family<Two, Counter>,
    leader: Gauge,
    storms: Gauge,
    suspended: Gauge,
    fence: Gauge,
    open: Family<One, Gauge>,
    seen: Mutex<BTreeMap<&'static str, Instant>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All measures at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let r = registry.sub_registry_with_prefix("bailiwick");
        let version: Family<One, Gauge> = family(r, "build_info", "1, with the version of this build");
        version.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        Self {
            detection: times(r, "detection_seconds", "From a fault's own time to its Incident, by cause"),
            incidents: family(r, "incidents", "Incidents that entered a phase"),
            decisions: family(r, "decisions", "Decisions by reason code"),
            grants_live: family(r, "grants_live", "Grants in the newest fence revision, those for dry runs included"),
            grant_lifetime: times(r, "grant_lifetime_seconds", "From a grant's making to its revocation"),
            changes: family(r, "changes", "Changes that ended, by type and outcome"),
            verification: times(r, "verification_seconds", "From the write to the end of its verification, by outcome"),
            receipts: family(r, "receipts", "Receipts created, by what they are about"),
            queue: family(r, "queue_depth", "Work that waits, by queue"),
            staleness: family(r, "watch_staleness_seconds", "Since a watch last said anything, by kind"),
            malformed: family(r, "objects_malformed", "Objects skipped because they cannot be read, by kind"),
            watch_failures: family(r, "watch_failures", "Watches that failed and were taken up again, by kind"),
            requests: family(r, "api_requests", "Requests to the API server, by purpose and verb"),
            leader: family(r, "leader", "1 while this replica leads"),
            storms: family(r, "storms", "Causes whose incidents come in a storm"),
            suspended: family(r, "suspended", "1 while the switch is thrown, as this replica sees it"),
            fence: family(r, "fence_intact", "1 while policies and bindings are as compiled in, at the leader"),
            open: family(r, "changes_open", "Changes that have not ended, by phase"),
            seen: Mutex::new(BTreeMap::new()),
            registry,
        }
        .begun()
    }

    /// With the counters of events that people wait for at zero: the first one counts.
    fn begun(self) -> Self {
        for code in Code::ALL {
            drop(self.decisions.get_or_create(&[("reason", code.as_str())]));
        }
        for phase in [Incident::Open, Incident::Changing, Incident::Resolved, Incident::Escalated, Incident::Dismissed]
        {
            drop(self.incidents.get_or_create(&[("phase", phase.as_str())]));
        }
        for phase in Phase::ALL.iter().filter(|phase| phase.is_terminal()) {
            for change in ChangeType::ALL {
                drop(self.changes.get_or_create(&[("type", change.as_str()), ("outcome", phase.as_str())]));
            }
        }
        for kind in Kind::ALL {
            drop(self.malformed.get_or_create(&[("kind", kind.as_str())]));
            drop(self.watch_failures.get_or_create(&[("kind", kind.as_str())]));
        }
        for kind in OWN {
            drop(self.malformed.get_or_create(&[("kind", kind)]));
        }
        self
    }

    /// Everything as OpenMetrics text.
    pub fn encode(&self) -> String {
        for (kind, at) in self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.staleness.get_or_create(&[("kind", kind)]).set(at.elapsed().as_secs_f64());
        }
        let mut text = String::new();
        // Writing to a String cannot fail; a half text would be worse than none.
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }

    /// A finding became an Incident so long after it began.
    pub fn detected(&self, cause: Cause, latency: Duration) {
        self.detection.get_or_create(&[("cause", cause.as_str())]).observe(latency.as_secs_f64());
    }

    /// An Incident entered a phase.
    pub fn incident(&self, phase: &'static str) {
        self.incidents.get_or_create(&[("phase", phase)]).inc();
    }

    /// Something was decided for that reason.
    pub fn decision(&self, code: Code) {
        self.decisions.get_or_create(&[("reason", code.as_str())]).inc();
    }

    /// A one-shot account's authority ended after that time.
    pub fn grant_closed(&self, purpose: &'static str, lifetime: Duration) {
        self.grant_lifetime.get_or_create(&[("purpose", purpose)]).observe(lifetime.as_secs_f64());
    }

    /// How many grants the fence's newest revision holds, as just read or written.
    pub fn grants_counted(&self, live: usize) {
        self.grants_live.set(i64::try_from(live).unwrap_or(i64::MAX));
    }

    /// A Change ended.
    pub fn change_ended(&self, change: ChangeType, phase: Phase) {
        self.changes.get_or_create(&[("type", change.as_str()), ("outcome", phase.as_str())]).inc();
    }

    /// A verification took that long and ended so.
    pub fn verified(&self, outcome: Code, took: Duration) {
        self.verification.get_or_create(&[("outcome", outcome.as_str())]).observe(took.as_secs_f64());
    }

    /// A receipt was created; `about` is a phase's name, `RollBack` or `Approval`.
    pub fn receipt(&self, about: &'static str) {
        self.receipts.get_or_create(&[("about", about)]).inc();
    }

    /// So much work waits in a queue.
    pub fn queue_depth(&self, queue: &'static str, depth: usize) {
        self.queue.get_or_create(&[("queue", queue)]).set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    /// A watch said something just now.
    pub fn watch_seen(&self, kind: &'static str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, Instant::now());
    }

    /// An object of a watched kind could not be read.
    pub fn malformed(&self, kind: &'static str) {
        self.malformed.get_or_create(&[("kind", kind)]).inc();
    }

    /// An object of a watched Kubernetes kind could not be read.
    pub fn malformed_kind(&self, kind: Kind) {
        self.malformed(kind.as_str());
    }

    /// A watch of a Kubernetes kind failed and is taken up again.
    pub fn watch_failed(&self, kind: Kind) {
        self.watch_failures.get_or_create(&[("kind", kind.as_str())]).inc();
    }

    /// A request is sent to the API server.
    pub fn api(&self, call: Call, verb: &'static str) {
        self.requests.get_or_create(&[("purpose", call.as_str()), ("verb", verb)]).inc();
    }

    /// Whether the switch is thrown.
    pub fn suspended(&self, thrown: bool) {
        self.suspended.set(i64::from(thrown));
    }

    /// Whether policies and bindings are as compiled in.
    pub fn fence_intact(&self, intact: bool) {
        self.fence.set(i64::from(intact));
    }

    /// So many Changes have not ended, by phase; phases that are not named have none.
    pub fn changes_open(&self, open: &BTreeMap<Phase, i64>) {
        for phase in Phase::ALL.iter().filter(|phase| !phase.is_terminal()) {
            self.open.get_or_create(&[("phase", phase.as_str())]).set(open.get(phase).copied().unwrap_or(0));
        }
    }

    /// Incidents of so many causes come in a storm.
    pub fn storms(&self, causes: usize) {
        self.storms.set(i64::try_from(causes).unwrap_or(i64::MAX));
    }

    /// Whether this replica leads.
    pub fn leading(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }
}

fn family<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn times(registry: &mut Registry, name: &str, help: &str) -> Times<One> {
    let metric = Times::new_with_constructor(Buckets);
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_openmetrics_and_names_what_was_measured() {
        let metrics = Metrics::new();
        metrics.decision(Code::OutsideTerritory);
        metrics.api(Call::Plan, "patch");
        metrics.grants_counted(2);
        metrics.grant_closed("Apply", Duration::from_millis(80));
        metrics.watch_seen("Pod");
        let text = metrics.encode();
        assert!(text.contains(r#"bailiwick_decisions_total{reason="OutsideTerritory"} 1"#), "{text}");
        assert!(text.contains(r#"bailiwick_api_requests_total{purpose="plan",verb="patch"} 1"#));
        assert!(text.contains(r#"bailiwick_watch_staleness_seconds{kind="Pod"}"#));
        assert!(text.contains("bailiwick_grants_live 2"));
        assert!(text.contains("# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total "), "{text}");
        assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    /// What has no sample before the first event does not increase by it.
    #[test]
    fn what_cannot_be_read_is_counted_from_zero_whatever_its_kind() {
        let kinds = Kind::ALL.iter().map(|kind| kind.as_str()).chain(["Incident", "Change", "Mandate"]);
        let text = Metrics::new().encode();
        for kind in kinds {
            assert!(text.contains(&format!("bailiwick_objects_malformed_total{{kind=\"{kind}\"}} 0\n")), "{kind}");
        }
    }
}
