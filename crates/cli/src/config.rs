//! What the environment says: colour, width, the name we were called by.
//!
//! Owns every read of the environment and of the terminal's nature. Must never be asked twice in
//! a run. Reads environment variables and terminal attributes.

use crate::style::Look;
use crate::when;
use clap::ValueEnum;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::Path;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Colour {
    /// Where output goes to a terminal and NO_COLOR is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What was found in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Environment {
    /// Standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
    /// Columns, by `COLUMNS` or the terminal itself.
    pub columns: Option<usize>,
}

impl Environment {
    /// Reads it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn read() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let size = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            no_color: set("NO_COLOR").is_some(),
            dumb: set("TERM").is_some_and(|t| t == "dumb"),
            columns: set("COLUMNS").and_then(|c| c.parse().ok()).or(size),
        }
    }

    /// Whether standard error is coloured where standard output is, or would be.
    pub const fn colour_beside(&self, stdout: bool) -> bool {
        if self.stdout_is_terminal == self.stderr_is_terminal { stdout } else { stdout && self.stderr_is_terminal }
    }

    /// How to render under this environment.
    pub fn look(&self, colour: Colour) -> Look {
        Look {
            colour: match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => self.stdout_is_terminal && !self.no_color && !self.dumb,
            },
            width: self.columns.filter(|c| self.stdout_is_terminal && *c >= 20),
            now: when::now(),
        }
    }
}

/// How the program was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// As `bailiwick`.
    Plain,
    /// By kubectl, as the file `kubectl-bailiwick`.
    Plugin,
    /// By kubectl's completion, as the file `kubectl_complete-bailiwick`.
    Completion,
}

impl Called {
    /// Reads it off the name of the executable as it was called.
    pub fn by(argv0: Option<&OsString>) -> Self {
        let stem = argv0.and_then(|name| Path::new(name).file_stem()).and_then(|name| name.to_str());
        match stem {
            Some(name) if name.starts_with("kubectl_complete-") => Called::Completion,
            Some(name) if name.starts_with("kubectl-") => Called::Plugin,
            Some(_) | None => Called::Plain,
        }
    }

    /// The command as the user types it.
    pub const fn name(self) -> &'static str {
        match self {
            Called::Plain => "bailiwick",
            Called::Plugin | Called::Completion => "kubectl bailiwick",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_flag_then_no_color_then_terminal() {
        let tty = Environment { stdout_is_terminal: true, columns: Some(80), ..Environment::default() };
        assert!(tty.look(Colour::Auto).colour);
        assert_eq!(tty.look(Colour::Auto).width, Some(80));
        let plain = Environment { no_color: true, ..tty };
        assert!(!plain.look(Colour::Auto).colour);
        assert!(plain.look(Colour::Always).colour);
        let pipe = Environment { stdout_is_terminal: false, ..tty };
        assert!(!pipe.look(Colour::Auto).colour);
        assert_eq!(pipe.look(Colour::Auto).width, None);
    }

    #[test]
    fn the_file_name_decides_how_we_were_called() {
        let by = |name: &str| Called::by(Some(&OsString::from(name)));
        assert_eq!(by("/usr/bin/bailiwick"), Called::Plain);
        assert_eq!(by("/opt/kubectl-bailiwick"), Called::Plugin);
        assert_eq!(by("kubectl_complete-bailiwick"), Called::Completion);
        assert_eq!(Called::by(None), Called::Plain);
    }
}
