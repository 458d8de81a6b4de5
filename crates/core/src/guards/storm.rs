//! Storms: many Incidents of one cause within a short time have a cause of their own, and changing
//! every workload by itself would not mend that.
//!
//! Owns when there is one, and when it calms. Must never look at anything but beginnings: a storm
//! must calm by itself. No IO.

use super::{Hold, count, more_than};
use crate::finding::Cause;
use crate::mandate::{Limits, seconds};
use crate::reason::{Code, Reason};
use jiff::Timestamp;

/// The storm of a cause whose Incidents began at these times, and how long until it calms if
/// nothing more begins. Its words are the same for all of its Incidents and as long as it lasts.
pub fn storm(cause: Cause, began: &[Timestamp], limits: &Limits, now: Timestamp) -> Option<Hold> {
    let (most, window) = (limits.storm_incidents, seconds(limits.storm_window_seconds));
    let (_, calm_in) = more_than(began.iter().copied(), count(most), window, now)?;
    let why = format!("more than {most} incidents of {cause} began within {} s", window.as_secs());
    Some((Reason::new(Code::Storm, why), calm_in))
}
