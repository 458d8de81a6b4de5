//! Events, as far as they are read.
//!
//! Owns their fields. Must never trust their text: it is evidence, never a value. No IO.

use super::lenient::{message, or_default, time};
use super::meta::Meta;
use super::pod::shape;
use jiff::Timestamp;
use serde::Deserialize;

shape! {
    /// An Event of the core group.
    EventShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] involved_object: InvolvedShape,
        #[serde(rename = "type", deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "or_default")] reason: String,
        #[serde(deserialize_with = "message")] message: String,
        #[serde(deserialize_with = "time")] first_timestamp: Option<Timestamp>,
        #[serde(deserialize_with = "time")] last_timestamp: Option<Timestamp>,
        #[serde(deserialize_with = "time")] event_time: Option<Timestamp>,
        #[serde(deserialize_with = "or_default")] count: u32,
        #[serde(deserialize_with = "or_default")] series: SeriesShape,
    }
}

shape! {
    /// What an Event is about.
    InvolvedShape {
        #[serde(deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "or_default")] namespace: String,
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] uid: String,
        #[serde(deserialize_with = "or_default")] field_path: String,
    }
}

shape! {
    /// How often an Event was repeated.
    SeriesShape {
        #[serde(deserialize_with = "or_default")] count: u32,
        #[serde(deserialize_with = "time")] last_observed_time: Option<Timestamp>,
    }
}

impl EventShape {
    /// When it was seen last; `eventTime` where the older fields are empty.
    pub fn last_seen(&self) -> Option<Timestamp> {
        let known = [self.series.last_observed_time, self.last_timestamp, self.event_time, self.first_timestamp];
        known.into_iter().flatten().max().or(self.metadata.creation_timestamp)
    }
    /// When it was seen first.
    pub fn first_seen(&self) -> Option<Timestamp> {
        let known = [self.first_timestamp, self.event_time, self.last_timestamp];
        known.into_iter().flatten().min().or(self.metadata.creation_timestamp)
    }
    /// How often it was seen; at least once.
    pub fn times(&self) -> u32 {
        self.count.max(self.series.count).max(1)
    }
}
