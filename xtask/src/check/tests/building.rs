//! What is read from Cargo's messages.

use serde_json::json;

use crate::check::build::diagnostics;

fn message(level: &str, primary: bool) -> serde_json::Value {
    json!({
        "reason": "compiler-message",
        "package_id": "path+file:///x/crates/core#bailiwick-core@0.1.0",
        "message": {
            "level": level, "message": "used `unwrap()`\nmore", "code": { "code": "clippy::unwrap_used" },
            "spans": [{ "is_primary": primary, "file_name": "crates/core/src/a.rs", "line_start": 7 }],
        },
    })
}

#[test]
fn a_lint_is_told_once_with_its_place() {
    // The library and its tests are compiled from the same file.
    let found = diagnostics(&[message("error", true), message("error", true)]);
    let (package, line) = found.first().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(package, "bailiwick-core");
    assert_eq!(line, "crates/core/src/a.rs:7: clippy::unwrap_used: used `unwrap()`");
}

#[test]
fn closing_words_without_a_place_are_no_finding() {
    assert!(diagnostics(&[message("error", false), json!({ "reason": "build-finished" })]).is_empty());
}
