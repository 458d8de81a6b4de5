//! What this process costs: processor time and memory, under the names that Prometheus gives them.
//!
//! Owns these two measures. Must never guess: what the system does not tell has no sample. Reads a
//! clock and `/proc/self` when asked.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::time::{ClockId, clock_gettime};
use std::fmt::Error;
use std::time::Duration;

/// Asked at every scrape.
#[derive(Debug)]
pub(crate) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let about = "User and system time of this process";
        let metric = encoder.encode_descriptor("process_cpu", about, Some(&Unit::Seconds), MetricType::Counter)?;
        ConstCounter::new(cpu().as_secs_f64()).encode(metric)?;
        let Some(bytes) = resident() else { return Ok(()) };
        let about = "Memory of this process that is not swapped out";
        let metric =
            encoder.encode_descriptor("process_resident_memory", about, Some(&Unit::Bytes), MetricType::Gauge)?;
        ConstGauge::new(bytes).encode(metric)
    }
}

fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// The second field of `statm` counts pages.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
}
