//! The diff that people read.
//!
//! Owns how a change of content is shown. Must never let a character through that moves a cursor
//! or turns the reading direction. No IO.

use crate::canonical;
use serde_json::{Value, json};

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
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            let text = canonical::to_bytes(value);
            out.push(format!("{indent}{head} {}", escaped(&String::from_utf8_lossy(&text))));
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
    fn the_rendered_diff_shows_only_what_changes_and_escapes_it() {
        let before = json!({"spec": {"a": 1, "image": "x:1", "z": [1, 2, 3]}});
        let after = json!({"spec": {"a": 1, "image": "x:\u{202e}2\u{1b}[2J", "z": [1, 2, 3]}});
        let text = rendered(&before, &after, 1);
        assert!(text.contains("-   image: \"x:1\""), "{text}");
        assert!(text.contains("\\u{202e}2\\u001b[2J"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}
