//! JSON Patch with `test` operations, and the diff that people read.
//!
//! Owns how a change of content is written down. Must never produce a patch that applies to an
//! object with other old values. No IO.

use crate::canonical;
use serde_json::{Map, Value, json};

/// The operations that turn `before` into `after`, preceded by a `test` of every old value that
/// they touch, and the pointers that change.
///
/// JSON Patch cannot test that a key is absent and shifts the items behind one that is removed. So
/// where a key is added the whole old object is tested, a list of another length is tested and
/// replaced as a whole, and an item with a name is changed only under that name.
pub(super) fn guarded_patch(before: &Value, after: &Value) -> (Vec<Value>, Vec<String>) {
    let mut patch = Guarded::default();
    patch.compare(before, after, "", false);
    patch.tests.extend(patch.operations);
    (patch.tests, patch.changed)
}

#[derive(Default)]
struct Guarded {
    tests: Vec<Value>,
    operations: Vec<Value>,
    changed: Vec<String>,
}

impl Guarded {
    /// `tested` is true where the old value is part of one that is tested already.
    fn compare(&mut self, before: &Value, after: &Value, at: &str, tested: bool) {
        match (before, after) {
            _ if before == after => {}
            (Value::Object(old), Value::Object(new)) => self.compare_maps((old, new), before, at, tested),
            (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new) {
                    let at = format!("{at}/{index}");
                    if let Some(name) = old.get("name").filter(|name| !tested && new.get("name") == Some(*name)) {
                        self.test(&format!("{at}/name"), name);
                    }
                    self.compare(old, new, &at, tested);
                }
            }
            _ => {
                if !tested {
                    self.test(at, before);
                }
                self.change("replace", at, Some(after));
            }
        }
    }

    fn compare_maps(
        &mut self,
        maps: (&Map<String, Value>, &Map<String, Value>),
        before: &Value,
        at: &str,
        tested: bool,
    ) {
        let (old, new) = maps;
        let adds = new.keys().any(|key| !old.contains_key(key));
        // The root moves with every status write; what is added there is guarded by the fence alone.
        if adds && !tested && !at.is_empty() {
            self.test(at, before);
        }
        let tested = tested || (adds && !at.is_empty());
        for (key, value) in new {
            let at = format!("{at}/{}", token(key));
            match old.get(key) {
                Some(old) => self.compare(old, value, &at, tested),
                None => self.change("add", &at, Some(value)),
            }
        }
        for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
            let at = format!("{at}/{}", token(key));
            if !tested {
                self.test(&at, value);
            }
            self.change("remove", &at, None);
        }
    }

    fn test(&mut self, at: &str, value: &Value) {
        self.tests.push(json!({"op": "test", "path": at, "value": value}));
    }

    fn change(&mut self, op: &str, at: &str, value: Option<&Value>) {
        let mut operation = json!({"op": op, "path": at});
        if let (Value::Object(map), Some(value)) = (&mut operation, value) {
            map.insert("value".to_owned(), value.clone());
        }
        self.operations.push(operation);
        self.changed.push(at.to_owned());
    }
}

/// A key as a segment of a JSON pointer.
fn token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A line diff of two objects as YAML-like text: unchanged lines are kept within `context` lines
/// of a change. Lines start with `-`, `+` or a blank.
pub fn rendered(before: &Value, after: &Value, context: usize) -> String {
    let (old, new) = (lines(before), lines(after));
    let marks = marked(&old, &new);
    let near = |at: usize| {
        let from = at.saturating_sub(context);
        marks.iter().skip(from).take(at + context + 1 - from).any(|(mark, _)| *mark != ' ')
    };
    let mut out = String::new();
    let mut skipped = false;
    for (at, (mark, line)) in marks.iter().enumerate() {
        if *mark == ' ' && !near(at) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            out.push_str("  …\n");
        }
        out.push(*mark);
        out.push(' ');
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// One line per scalar, indented by depth, keys sorted; text is JSON-quoted, so control
/// characters never reach a terminal.
fn lines(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    write_lines(value, 0, "", &mut out);
    out
}

fn write_lines(value: &Value, depth: usize, head: &str, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            if !head.is_empty() {
                out.push(format!("{indent}{head}"));
            }
            let depth = if head.is_empty() { depth } else { depth + 1 };
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            for key in keys {
                if let Some(item) = map.get(key) {
                    write_lines(item, depth, &format!("{}:", quoted_key(key)), out);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            out.push(format!("{indent}{head}"));
            for item in items {
                let name = item.get("name").and_then(Value::as_str).map(|n| format!("- # {}", escaped(n)));
                write_lines(item, depth + 1, name.as_deref().unwrap_or("-"), out);
            }
        }
        scalar => {
            out.push(format!("{indent}{head} {}", escaped(&String::from_utf8_lossy(&canonical::to_bytes(scalar)))))
        }
    }
}

fn quoted_key(key: &str) -> String {
    if key.chars().all(|c| c.is_ascii_graphic() && c != ':') {
        key.to_owned()
    } else {
        escaped(&json!(key).to_string())
    }
}

/// Text in which every character that could move a cursor or turn the reading direction is escaped.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let risky = c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
            let mut out = String::new();
            if risky { out.extend(c.escape_unicode()) } else { out.push(c) }
            out.chars().collect::<Vec<_>>()
        })
        .collect()
}

/// Longest-common-subsequence marks; objects are at most 128 KiB, so the common head and tail are
/// cut first and the middle is small.
fn marked(old: &[String], new: &[String]) -> Vec<(char, String)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut out: Vec<(char, String)> = old[..head].iter().map(|l| (' ', l.clone())).collect();
    out.extend(middle(a, b));
    out.extend(old[old.len() - tail..].iter().map(|l| (' ', l.clone())));
    out
}

fn middle(a: &[String], b: &[String]) -> Vec<(char, String)> {
    const LARGEST: usize = 4_000_000;
    let mut out = Vec::new();
    if a.len().saturating_mul(b.len()) > LARGEST {
        out.extend(a.iter().map(|l| ('-', l.clone())));
        out.extend(b.iter().map(|l| ('+', l.clone())));
        return out;
    }
    let mut longest = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] =
                if a[i] == b[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            out.push((' ', a[i].clone()));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || longest[i + 1][j] >= longest[i][j + 1]) {
            out.push(('-', a[i].clone()));
            i += 1;
        } else {
            out.push(('+', b[j].clone()));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_tests_every_old_value_it_touches() {
        let before = json!({"spec": {"image": "a", "replicas": 1, "old": true}});
        let after = json!({"spec": {"image": "b", "replicas": 1}});
        let (patch, changed) = guarded_patch(&before, &after);
        let tests: Vec<&str> = patch.iter().filter(|o| o["op"] == "test").filter_map(|o| o["path"].as_str()).collect();
        assert_eq!(tests, ["/spec/image", "/spec/old"]);
        assert_eq!(changed, ["/spec/image", "/spec/old"]);
        let patch: json_patch::Patch = serde_json::from_value(json!(patch)).unwrap();
        let mut good = before.clone();
        json_patch::patch(&mut good, &patch).unwrap();
        assert_eq!(good, after);
        let mut drifted = before;
        drifted["spec"]["image"] = json!("c");
        assert!(json_patch::patch(&mut drifted, &patch).is_err());
    }

    #[test]
    fn the_rendered_diff_shows_only_what_changes_and_escapes_it() {
        let before = json!({"spec": {"a": 1, "image": "x:1", "z": [1, 2, 3]}});
        let after = json!({"spec": {"a": 1, "image": "x:\u{202e}2\u{1b}[2J", "z": [1, 2, 3]}});
        let text = rendered(&before, &after, 1);
        assert!(text.contains("-   image: \"x:1\""), "{text}");
        assert!(text.contains("\\u{202e}2\\u001b[2J"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}
