//! Objects of a cluster, as an API server may send them.
//!
//! Owns what must hold of the index and the analyzers whatever they are fed: they end, they say the
//! same when asked again, and what they say is bounded. No IO.

use crate::{NOW, is_safe, look};
use bailiwick_cli::render::findings;
use bailiwick_core::analyze::{analyze_all, json};
use bailiwick_core::index::{Index, Observed};
use bailiwick_core::object::Kind;
use serde_json::Value;

/// The longest list of objects that is taken in: more of the same finds nothing new.
const MOST: usize = 64;
/// What one finding may hold, in bytes of JSON.
const BOUND: usize = 256 * 1024;

/// JSON of one object, or of a list of them.
pub(crate) fn run(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let objects = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    let mut index = Index::new();
    for object in objects.into_iter().take(MOST) {
        let kind = object.get("kind").and_then(Value::as_str).and_then(Kind::parse);
        if let Some(kind) = kind
            && let Ok(Some(observed)) = Observed::from_json(kind, object)
        {
            index.apply(observed);
        }
    }
    let found = analyze_all(&index.view(), NOW);
    assert_eq!(found, analyze_all(&index.view(), NOW), "the same cluster, asked twice");
    for finding in &found {
        let text = serde_json::to_string(&json::findings(std::slice::from_ref(finding))).expect("findings are JSON");
        assert!(text.len() < BOUND, "{} bytes", text.len());
    }
    is_safe(&findings::pages(&found, &look()));
}
