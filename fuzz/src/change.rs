//! Changes as anybody may store them.
//!
//! Owns what must hold of every Change that parses: it comes back as it went out, its proposal is
//! beside its target, and what a person is shown of it is one page of plain text. No IO.

use crate::{comes_back, is_safe, look};
use bailiwick_api::Change;
use bailiwick_api::parse::parse_proposal;
use bailiwick_cli::render::change::{Told, page};
use bailiwick_cli::render::{action, plan};
use bailiwick_core::canonical::to_bytes;
use serde_json::Value;

/// JSON of a Change.
pub(crate) fn run(data: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        canonical(&value);
    }
    let Ok(change) = serde_json::from_slice::<Change>(data) else { return };
    comes_back(&change);
    if let Ok(proposal) = parse_proposal(&change) {
        let there = proposal.target.namespace.as_ref().map_or("bailiwick-system", |n| n.as_str());
        assert_eq!(proposal.namespace.as_str(), there);
        assert_eq!(proposal.action.change_type(), change.spec.change_type);
    }
    let _sentence = action::sentence(&change.spec.action);
    is_safe(&page(&Told { change: &change, incident: None, called: "bailiwick" }, &look()));
    if let Some(found) = change.status.as_ref().and_then(|record| record.plan.as_ref()) {
        is_safe(&plan::page(found, &look()));
    }
}

/// The canonical form is a fixed point, and the same value. Of fractions it is not claimed: no object
/// that is changed holds one, and serde_json reads some of many digits to the number beside.
fn canonical(value: &Value) {
    if has_fraction(value) {
        return;
    }
    let bytes = to_bytes(value);
    let again: Value = serde_json::from_slice(&bytes).expect("the canonical form is JSON");
    assert_eq!(to_bytes(&again), bytes);
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(all) => all.iter().any(has_fraction),
        Value::Object(all) => all.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
