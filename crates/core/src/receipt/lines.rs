//! Lines of bounded length from a reader.
//!
//! Owns the bound: memory stays small whatever the file holds. Must never take a torn line for a
//! whole one. Reads only from the reader it is given.

use super::chain::MAX_LINE;
use std::io::{BufRead, Read as _, Result};

/// What the reader gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line; the buffer holds it without its line end.
    Whole,
    /// The last bytes, without a line end.
    Torn,
    /// A line longer than [`MAX_LINE`]; it was skipped.
    TooLong,
    /// Nothing is left.
    End,
}

/// Reads the next line into `buffer`.
///
/// # Errors
/// The reader's own.
pub(super) fn next(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> Result<Line> {
    buffer.clear();
    let limit = MAX_LINE as u64 + 1;
    let read = reader.by_ref().take(limit).read_until(b'\n', buffer)?;
    if buffer.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Line::Whole);
    }
    if read == 0 {
        return Ok(Line::End);
    }
    if read <= MAX_LINE {
        return Ok(Line::Torn);
    }
    buffer.clear();
    skip_line(reader)?;
    Ok(Line::TooLong)
}

fn skip_line(reader: &mut impl BufRead) -> Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        let end = chunk.iter().position(|b| *b == b'\n');
        let (used, done) = end.map_or((chunk.len(), chunk.is_empty()), |at| (at + 1, true));
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}
