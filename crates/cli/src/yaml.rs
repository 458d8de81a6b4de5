//! YAML in which no character steers a terminal.
//!
//! Owns the escaping of risky strings as double-quoted scalars: the same value, safe to look at. No IO.

use crate::safe::is_risky;
use serde_json::{Map, Value};

/// Text of a value as YAML.
///
/// # Errors
/// Where the value cannot be written as YAML.
pub(super) fn text(value: &Value) -> Result<String, String> {
    let mut stand_ins = StandIns { prefix: prefix(value), quoted: Vec::new() };
    let tame = stand_ins.tame(value);
    let mut text = serde_saphyr::to_string(&tame).map_err(|e| e.to_string())?;
    for (at, quoted) in stand_ins.quoted.iter().enumerate() {
        text = text.replace(&stand_ins.name(at), quoted);
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Words that the writer leaves plain, each standing for one risky string until the text is there.
struct StandIns {
    prefix: String,
    quoted: Vec<String>,
}

impl StandIns {
    fn name(&self, at: usize) -> String {
        format!("{}{at:06}", self.prefix)
    }

    fn tame(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.tame_text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.tame(item)).collect()),
            Value::Object(map) => {
                let tamed: Map<String, Value> = map.iter().map(|(k, v)| (self.tame_text(k), self.tame(v))).collect();
                Value::Object(tamed)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn tame_text(&mut self, text: &str) -> String {
        if !text.chars().any(|c| c != '\n' && is_risky(c)) {
            return text.to_owned();
        }
        self.quoted.push(quoted(text));
        self.name(self.quoted.len() - 1)
    }
}

/// A word that occurs nowhere in the value.
fn prefix(value: &Value) -> String {
    let all = value.to_string();
    let mut word = "escaped".to_owned();
    while all.contains(&word) {
        word.push('x');
    }
    word
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if is_risky(c) && u32::from(c) > 0xffff => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c if is_risky(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn risky_strings_keep_their_value_and_lose_their_effect() {
        let value = json!({
            "a\u{202e}": "x\u{202e}\u{1b}[2J\"\\y", "b": ["\u{e0041}", "two\nlines", "tab\there"], "escaped000000": "plain",
            "c": {"d": "\u{9b}31m", "e": "", "n": 1, "t": "true"},
        });
        let text = text(&value).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && is_risky(c)), "{text:?}");
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back, value, "{text}");
    }
}
