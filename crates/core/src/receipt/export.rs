//! The exported log: one envelope per line, a signed checkpoint last.
//!
//! Owns the order of lines. Writes only to the writer it is given.

use super::dsse::Envelope;
use std::io::{Result, Write};

/// Writes an export: the retention checkpoint where earlier receipts were removed, the receipts in
/// order, the checkpoint that ends the log. Returns the number of receipts written.
///
/// # Errors
/// The writer's own.
pub fn write_export<'a>(
    mut out: impl Write,
    retained_from: Option<&Envelope>,
    receipts: impl IntoIterator<Item = &'a Envelope>,
    checkpoint: &Envelope,
) -> Result<u64> {
    let mut put = |envelope: &Envelope| {
        let mut line = envelope.to_line()?;
        line.push(b'\n');
        out.write_all(&line)
    };
    retained_from.map(&mut put).transpose()?;
    let mut count = 0;
    for receipt in receipts {
        put(receipt)?;
        count += 1;
    }
    put(checkpoint)?;
    out.flush()?;
    Ok(count)
}
