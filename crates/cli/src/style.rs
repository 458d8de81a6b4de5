//! How text is painted: roles, not colours, decided once per run.
//!
//! Owns the palette. Must never paint where colour is off, and never take text that was not made
//! safe before. No IO.

use anstyle::{AnsiColor, Style as Ansi};
use jiff::Timestamp;

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// A heading.
    Head,
    /// Beside the point.
    Dim,
    /// Good, or added.
    Good,
    /// Needs attention.
    Warn,
    /// Bad, or removed.
    Bad,
    /// A name or a value to act on.
    Key,
}

/// How to render: all that output depends on beside the objects themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// True where colour is wanted.
    pub colour: bool,
    /// Columns of the terminal; `None` where output goes elsewhere and nothing is cut.
    pub width: Option<usize>,
    /// The time against which ages are told.
    pub now: Timestamp,
}

impl Look {
    /// Paints text that is safe already.
    pub fn paint(&self, role: Role, safe: &str) -> String {
        let style = match role {
            Role::Plain => return safe.to_owned(),
            Role::Head => Ansi::new().bold(),
            Role::Dim => Ansi::new().dimmed(),
            Role::Good => AnsiColor::Green.on_default(),
            Role::Warn => AnsiColor::Yellow.on_default(),
            Role::Bad => AnsiColor::Red.on_default(),
            Role::Key => AnsiColor::Cyan.on_default(),
        };
        if self.colour && !safe.is_empty() { format!("{style}{safe}{style:#}") } else { safe.to_owned() }
    }

    /// The width to wrap running text at.
    pub fn wrap(&self) -> usize {
        self.width.unwrap_or(100).clamp(40, 120)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        let look = |colour| Look { colour, width: None, now: Timestamp::UNIX_EPOCH };
        assert_eq!(look(false).paint(Role::Bad, "x"), "x");
        assert_eq!(look(true).paint(Role::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(look(true).paint(Role::Plain, "x"), "x");
    }
}
