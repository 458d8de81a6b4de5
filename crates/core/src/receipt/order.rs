//! Where a receipt stands among those read so far.
//!
//! Owns the telling apart of missing, reordered and duplicated receipts in one pass and little
//! memory. No IO.

use super::fault::{Fault, What};

/// How a receipt fits the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Directly after the last one.
    Next,
    /// Further on; the ones skipped may be missing, damaged, or follow.
    Ahead,
    /// One of those that were skipped.
    Late,
    /// One that was there already.
    Again,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    line: u64,
    from: u64,
    /// The sequence that stood where `from` should.
    found: u64,
    /// How many of the skipped ones followed.
    filled: u64,
}

/// The receipts read so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    expected: u64,
    /// Damaged lines since the last good receipt, each of which may have been a receipt.
    slack: u64,
    gaps: Vec<Gap>,
}

impl Order {
    pub(super) fn starting_at(expected: u64) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The sequence after the highest one read.
    pub(super) const fn expected(&self) -> u64 {
        self.expected
    }

    /// How many receipts may have stood on damaged lines since.
    pub(super) const fn slack(&self) -> u64 {
        self.slack
    }

    pub(super) fn is_sound(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Takes note of a damaged line and returns the sequence it most likely had.
    pub(super) fn damaged(&mut self) -> u64 {
        self.slack += 1;
        self.expected + self.slack - 1
    }

    /// Places a receipt that stands on this line.
    pub(super) fn place(&mut self, line: u64, sequence: u64) -> Place {
        if sequence < self.expected {
            let gap = self.gaps.iter_mut().find(|gap| (gap.from..gap.found).contains(&sequence));
            return gap.map_or(Place::Again, |gap| {
                gap.filled += 1;
                Place::Late
            });
        }
        let place = if sequence == self.expected { Place::Next } else { Place::Ahead };
        let from = self.expected + self.slack;
        if sequence > from {
            self.gaps.push(Gap { line, from, found: sequence, filled: 0 });
        }
        self.expected = sequence + 1;
        self.slack = 0;
        place
    }

    /// The faults that the gaps amount to, once everything was read.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Fault> + '_ {
        self.gaps.iter().map(|gap| {
            let absent = (gap.found - gap.from).saturating_sub(gap.filled);
            let what = if gap.filled == 0 {
                What::Missing { from: gap.from, to: gap.found - 1 }
            } else {
                What::OutOfOrder { expected: gap.from, found: gap.found, absent }
            };
            Fault { line: gap.line, sequence: Some(gap.from), what }
        })
    }
}
