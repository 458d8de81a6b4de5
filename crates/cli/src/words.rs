//! Numbers in sentences.
//!
//! Owns singular and plural. No IO.

use std::fmt::Display;

/// `1 receipt`, `2 receipts`; for nouns whose plural ends in a plain s.
pub fn count<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let s = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let all: Vec<String> = (0_u32..3).map(|n| count(n, "fault")).collect();
        assert_eq!(all, ["0 faults", "1 fault", "2 faults"]);
    }
}
