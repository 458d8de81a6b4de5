//! Untrusted text made safe for a terminal.
//!
//! Owns the one escaping that everything read from a cluster passes. Must never let a control
//! character, an escape sequence or a character that changes the reading direction through. No IO.

/// True for what could move a cursor, hide text, or turn the reading direction.
pub fn is_risky(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// One line of text: every risky character, line ends included, is written as an escape.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_risky(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// JSON text in which risky characters stand as `\u` escapes: the same value, safe to look at.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_risky(c) {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        let nasty = "a\u{1b}[2J\u{202e}b\u{7}\u{9b}31m\u{200b}\r\n\t\u{2066}\u{e0041}";
        let safe = line(nasty);
        assert!(!safe.chars().any(is_risky), "{safe:?}");
        assert_eq!(safe, "a\\u{1b}[2J\\u{202e}b\\u{7}\\u{9b}31m\\u{200b}\\r\\n\\t\\u{2066}\\u{e0041}");
        assert_eq!(line("gr\u{fc}n \u{2713} \u{65e5}"), "gr\u{fc}n \u{2713} \u{65e5}");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"a": "x\u{202e}y\u{e0041}\u{1b}"});
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.chars().any(|c| c != '\n' && is_risky(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
