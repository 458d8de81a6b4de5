//! CPU time of this process.
//!
//! Owns the one clock figures are taken with. On a shared machine wall time says more about the
//! neighbours than about the code. Reads the kernel's clock; no other IO.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

fn now() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The CPU time, user and system on all threads, that the work takes, with its result.
pub fn cpu<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = now();
    let result = work();
    (now().saturating_sub(start), result)
}
