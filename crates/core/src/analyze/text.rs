//! Untrusted text made fit for a person's eyes.
//!
//! Owns the escaping and capping of what came from objects, logs and events. Must never let a
//! control, bidirectional or invisible character through. No IO.

/// The most characters of a summary.
pub const SUMMARY_CAP: usize = 300;
/// The most characters of a piece of evidence.
pub const EVIDENCE_CAP: usize = 480;

/// Escapes what does not show as itself and caps the length.
pub fn plain(text: &str, cap: usize) -> String {
    let mut out = String::with_capacity(text.len().min(cap * 2));
    let mut length = 0;
    for ch in text.chars() {
        let escaped = hidden(ch).then(|| ch.escape_default().to_string());
        let width = escaped.as_ref().map_or(1, String::len);
        if length + width > cap.saturating_sub(1) {
            out.push('\u{2026}');
            return out;
        }
        length += width;
        match escaped {
            Some(escaped) => out.push_str(&escaped),
            None => out.push(ch),
        }
    }
    out
}

/// The same between quotation marks.
pub fn quote(text: &str, cap: usize) -> String {
    let inner = plain(text.trim(), cap.saturating_sub(2));
    format!("\"{}\"", inner.replace('"', "'"))
}

/// Characters that act on the terminal or the reading order, or cannot be seen.
fn hidden(ch: char) -> bool {
    ch.is_control()
        || matches!(ch,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The first text between quotation marks behind `before`.
pub fn quoted_after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let rest = text.get(text.find(before)? + before.len()..)?;
    let rest = rest.trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(inner, _)| inner).filter(|inner| !inner.is_empty())
}

/// The part behind the last `: `, which in chains of wrapped Go errors is the root.
pub fn root(message: &str) -> &str {
    message.rsplit_once(": ").map_or(message, |(_, root)| root).trim()
}

/// `, restarted twice`; nothing for a container that never was.
pub fn restarts(count: u32) -> String {
    match count {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        2 => ", restarted twice".to_owned(),
        more => format!(", restarted {more} times"),
    }
}

/// True where any of the texts is in `text`, without regard to case of ASCII letters.
pub fn has_any(text: &str, parts: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    parts.iter().any(|part| lower.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_gets_through() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d\u{200b}e", 80), "a\\u{1b}[31mb\\nc\\u{202e}d\\u{200b}e");
        assert_eq!(quote(" say \"no\" ", 80), "\"say 'no'\"");
        assert_eq!(plain("Grüße 漢字", 80), "Grüße 漢字");
    }

    #[test]
    fn texts_are_capped_by_what_is_shown() {
        assert_eq!(plain(&"x".repeat(400), 300).chars().count(), 300);
        assert!(plain(&"\u{202e}".repeat(400), 300).chars().count() <= 300);
        assert_eq!(quote(&"y".repeat(99), 20).chars().count(), 20);
    }

    #[test]
    fn names_are_read_out_of_messages() {
        assert_eq!(quoted_after("x: configmap \"app\" not found", "configmap "), Some("app"));
        assert_eq!(quoted_after("configmap \"\" not found", "configmap "), None);
        assert_eq!(root("failed: resolve: not found"), "not found");
    }
}
