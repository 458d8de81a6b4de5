//! A page of text: headings, labelled values, wrapped sentences, tables, diffs.
//!
//! Owns layout. Every text that enters is made safe here, so that no caller can forget to. No IO.

use crate::safe;
use crate::style::{Look, Role};
use crate::table::Table;
use unicode_width::UnicodeWidthStr as _;

const LABEL: usize = 14;

/// A page under construction.
#[derive(Debug, Clone)]
pub struct Sheet {
    look: Look,
    text: String,
}

impl Sheet {
    /// An empty page.
    pub fn new(look: Look) -> Self {
        Self { look, text: String::new() }
    }

    /// How the page is rendered.
    pub const fn look(&self) -> &Look {
        &self.look
    }

    /// A heading, with a blank line before it unless it is the first.
    pub fn heading(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let painted = self.look.paint(Role::Head, &safe::line(title));
        self.put(&painted);
    }

    /// A label with its value; a value that is too long goes on under itself.
    pub fn field(&mut self, label: &str, value: &str) {
        self.field_as(Role::Plain, label, value);
    }

    /// As [`Sheet::field`], the value in a role.
    pub fn field_as(&mut self, role: Role, label: &str, value: &str) {
        let head = format!("  {label}:");
        let pad = " ".repeat((LABEL + 2).saturating_sub(head.width()).max(1));
        let lines = wrapped(&safe::line(value), self.look.wrap().saturating_sub(LABEL + 2));
        for (at, line) in lines.iter().enumerate() {
            let painted = self.look.paint(role, line);
            if at == 0 {
                self.put(&format!("{head}{pad}{painted}"));
            } else {
                self.put(&format!("{}{painted}", " ".repeat(LABEL + 2)));
            }
        }
    }

    /// One line in a role, indented by so many blanks, never wrapped.
    pub fn line(&mut self, indent: usize, role: Role, text: &str) {
        let painted = self.look.paint(role, &safe::line(text));
        self.put(&format!("{}{painted}", " ".repeat(indent)));
    }

    /// One line made of pieces, each in its role.
    pub fn pieces(&mut self, indent: usize, pieces: &[(Role, &str)]) {
        let painted: String = pieces.iter().map(|(role, text)| self.look.paint(*role, &safe::line(text))).collect();
        self.put(&format!("{}{}", " ".repeat(indent), painted.trim_end()));
    }

    /// Running text, wrapped and indented.
    pub fn say(&mut self, indent: usize, role: Role, text: &str) {
        for line in wrapped(&safe::line(text), self.look.wrap().saturating_sub(indent)) {
            self.line(indent, role, &line);
        }
    }

    /// A table, with its headings.
    pub fn table(&mut self, table: &Table) {
        let text = table.render(&self.look, true);
        self.text.push_str(&text);
    }

    /// A line diff: `-` and `+` at the start of a line decide its role. Line ends are kept.
    pub fn diff(&mut self, indent: usize, diff: &str) {
        for line in diff.lines() {
            let role = match line.as_bytes().first() {
                Some(b'+') => Role::Good,
                Some(b'-') => Role::Bad,
                Some(_) | None => Role::Dim,
            };
            self.line(indent, role, line);
        }
    }

    /// The finished page.
    pub fn finish(self) -> String {
        self.text
    }

    fn put(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// Text broken at blanks; a word longer than the width stands alone. Never empty.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { continue };
        if last.is_empty() {
            last.push_str(word);
        } else if last.width() + 1 + word.width() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn values_wrap_under_themselves_and_are_escaped() {
        let look = Look { colour: false, width: Some(44), now: Timestamp::UNIX_EPOCH };
        let mut sheet = Sheet::new(look);
        sheet.heading("Change a");
        sheet.field("Why", "the image tag does not exist\u{1b}[2J in the registry");
        sheet.heading("Diff");
        sheet.diff(2, "  a: 1\n- b: 2\n+ b: 3\n");
        let want = "Change a\n  Why:          the image tag does not\n                exist\\u{1b}[2J in the\n                registry\n\nDiff\n    a: 1\n  - b: 2\n  + b: 3\n";
        assert_eq!(sheet.finish(), want);
    }
}
