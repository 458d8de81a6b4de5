//! What the product reads from others, fed with anything.
//!
//! Owns the targets: each takes any bytes, and panics where a promise of the product does not hold.
//! Plain functions, for the kept corpus is replayed in every test run; `fuzz/driver` drives them by
//! coverage. Must never do IO.

mod arguments;
mod change;
mod mandate;
mod objects;
mod quantity;
mod receipts;
mod text;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "arguments", run: arguments::run },
    Target { name: "change", run: change::run },
    Target { name: "mandate", run: mandate::run },
    Target { name: "objects", run: objects::run },
    Target { name: "quantity", run: quantity::run },
    Target { name: "receipts", run: receipts::run },
    Target { name: "text", run: text::run },
];

/// The target of that name.
pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}

/// The log of receipts that a forger has in hand: the receipts' corpus begins with it.
pub fn genuine_log() -> &'static [u8] {
    receipts::genuine()
}

/// A value, written and read again, is the same.
fn comes_back<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = serde_json::to_string(value).expect("what was read can be written");
    let again: T = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(&again, value);
}

/// Nothing that steers a terminal is in a page for people.
fn is_safe(page: &str) {
    let risky = page.chars().find(|c| *c != '\n' && bailiwick_cli::safe::is_risky(*c));
    assert_eq!(risky, None, "{page:?}");
}

/// How pages are rendered here: no colour, for colour is an escape sequence of our own.
fn look() -> bailiwick_cli::style::Look {
    bailiwick_cli::style::Look { colour: false, width: Some(80), now: NOW }
}

/// The time, wherever one is asked for: 2026-01-05T12:00:00Z, a Monday.
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_767_614_400, 0);
