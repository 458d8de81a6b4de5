//! Receipts, and what verifying them found.
//!
//! Owns those words. Must never call a log sound that was not verified. No IO.

use crate::sheet::Sheet;
use crate::style::{Look, Role};
use crate::table::{Cell, Table, cut, whole};
use crate::when;
use crate::words::count;
use bailiwick_core::receipt::{Fault, Predicate, Report};

/// What `receipts list` shows of one receipt.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What it states, or why it cannot be read.
    pub said: Result<Box<Predicate>, String>,
    /// Its hash.
    pub hash: String,
    /// The key that signed.
    pub key: String,
}

/// The table of receipts; unverified, for the list is for finding one's way.
pub fn table(rows: &[Row], wide: bool, look: &Look) -> Table {
    let mut columns =
        vec![whole("RECEIPT"), whole("KIND"), cut("CHANGE"), cut("TARGET"), whole("OUTCOME"), whole("AGE")];
    if wide {
        columns.extend([cut("APPROVERS"), whole("KEY"), cut("HASH")]);
    }
    let mut table = Table::new(columns);
    for row in rows {
        let mut cells = vec![Cell::new(&row.name)];
        match &row.said {
            Ok(said) => cells.extend(said_cells(said, look)),
            Err(why) => {
                cells.push(Cell::new("<unreadable>").role(Role::Bad));
                cells.push(Cell::new(why));
                cells.extend([Cell::new("-"), Cell::new("-"), Cell::new("-")]);
            }
        }
        if wide {
            let people: Vec<&str> = row.said.iter().flat_map(|s| s.approvers.iter().map(|a| a.user.as_str())).collect();
            cells.extend([Cell::new(people.join(",")), Cell::new(&row.key), Cell::new(&row.hash)]);
        }
        table.push(cells);
    }
    table
}

fn said_cells(said: &Predicate, look: &Look) -> Vec<Cell> {
    let change = said.change.as_ref().map(|c| format!("{}/{}", c.namespace, c.name));
    vec![
        Cell::new(said.kind.as_str()),
        Cell::new(change.unwrap_or_default()),
        Cell::new(said.target.as_ref().map(ToString::to_string).unwrap_or_default()),
        Cell::new(said.outcome.as_deref().unwrap_or_default()),
        Cell::new(when::age(Some(said.at), look.now)),
    ]
}

/// What a sound log holds.
pub fn sound(report: &Report, pinned: bool, look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    sheet.pieces(0, &[(Role::Good, "✔ "), (Role::Head, &format!("{} verified", count(report.receipts, "receipt")))]);
    if report.retired > 0 {
        sheet.field("Retired", &format!("{} before them, under a signed checkpoint", report.retired));
    }
    sheet.field("Head", &report.head.to_string());
    sheet.field("Root", &report.root.to_string());
    sheet.field("Checkpoint", &when::stamp(report.at));
    for used in &report.keys {
        sheet.field("Key", &format!("{} from receipt {}", used.key, used.from));
    }
    if !pinned {
        let pin = format!("{}:{}", report.receipts + report.retired, report.head);
        sheet.say(2, Role::Dim, "that nothing was cut off together with a later checkpoint is proved only against a head kept elsewhere; keep this one:");
        sheet.line(2, Role::Key, &format!("--expect-head {pin}"));
    }
    sheet.finish()
}

/// Every fault with its position.
pub fn faulty(faults: &[Fault], look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    sheet.pieces(
        0,
        &[
            (Role::Bad, "✗ "),
            (Role::Head, &format!("{} found; this log proves nothing from there on", count(faults.len(), "fault"))),
        ],
    );
    for fault in faults {
        sheet.line(2, Role::Plain, &fault.to_string());
    }
    sheet.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;
    use bailiwick_core::receipt::{PublicKey, verify_export};

    #[test]
    fn a_sound_log_says_what_to_keep_and_a_broken_one_says_where() {
        let (log, key) = fixtures::log();
        let keys: Vec<PublicKey> = vec![key];
        let look = fixtures::look(None);
        let report = verify_export(&log[..], &keys, None).unwrap();
        insta::assert_snapshot!("receipts_sound", sound(&report, false, &look));
        let mut flipped = log.clone();
        let second = log.iter().position(|b| *b == b'\n').unwrap() + 40;
        flipped[second] ^= 1;
        let faults = verify_export(&flipped[..], &keys, None).unwrap_err();
        let text = faulty(&faults, &look);
        assert!(text.contains("line 2 (receipt 1)"), "{text}");
    }
}
