//! Words of a command line.
//!
//! Owns that any words are either understood or refused in words. No IO: nothing is carried out.

use bailiwick_cli::args::{Cli, command, parse_target};
use bailiwick_cli::commands::receipts::parse_key;
use bailiwick_cli::config::Called;
use bailiwick_cli::when;
use clap::FromArgMatches as _;

/// Words, each on a line of its own; the first says how the program was called.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let words: Vec<&str> = text.split('\n').collect();
    let called = if words.first() == Some(&"kubectl-bailiwick") { Called::Plugin } else { Called::Plain };
    let parsed = command(called).try_get_matches_from(&words).and_then(|m| Cli::from_arg_matches(&m));
    if let Err(error) = parsed {
        assert!(!error.render().to_string().trim().is_empty(), "{words:?}");
    }
    for word in words {
        let _values = (parse_target(word).is_ok(), when::parse(word).is_ok(), parse_key(word).is_some());
    }
}
