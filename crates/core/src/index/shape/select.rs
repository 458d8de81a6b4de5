//! Label selectors, as they are written.
//!
//! Owns their fields. Must never decide what they match. No IO.

use super::lenient::{or_default, pairs};
use super::pod::shape;
use serde::Deserialize;

shape! {
    /// A label selector.
    SelectorShape {
        #[serde(deserialize_with = "pairs")] match_labels: Vec<(String, String)>,
        #[serde(deserialize_with = "or_default")] match_expressions: Vec<ExpressionShape>,
    }
}

shape! {
    /// One requirement of a selector.
    ExpressionShape {
        #[serde(deserialize_with = "or_default")] key: String,
        #[serde(deserialize_with = "or_default")] operator: String,
        #[serde(deserialize_with = "or_default")] values: Vec<String>,
    }
}

shape! {
    /// One term of a node selector: all of its requirements hold.
    NodeTermShape { #[serde(deserialize_with = "or_default")] match_expressions: Vec<ExpressionShape>, }
}
