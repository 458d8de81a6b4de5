//! The table in `docs/RELIABILITY.md`. What has not been run says so.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::rows::{ROWS, Row};
use super::state::{Ran, State};

const DOCUMENT: &str = "docs/RELIABILITY.md";
const BEGIN: &str = "<!-- written by `cargo xtask torture` -->\n";
const END: &str = "<!-- end -->";

/// Puts the results into the document.
pub(super) fn merge(root: &Path, state: &State) -> Result<()> {
    let path = root.join(DOCUMENT);
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let new = merged(&text, &table(state)).with_context(|| format!("{DOCUMENT} has no place for the table"))?;
    std::fs::write(&path, new).with_context(|| format!("write {}", path.display()))
}

pub(super) fn merged(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n\n{END}{after}"))
}

/// One line for each row.
pub(super) fn table(state: &State) -> String {
    let head = "| row | what | aim | held | not held | measured, in seconds | seeds | commit | day |\n\
                |---|---|---|---|---|---|---|---|---|";
    let lines = ROWS.iter().map(|row| line(row, state.of(row.name)));
    std::iter::once(head.to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

fn line(row: &Row, ran: Option<&Ran>) -> String {
    let Some(ran) = ran.filter(|ran| ran.held > 0 || !ran.failed.is_empty()) else {
        return format!("| {} | {} | {} | not run | | | | | |", row.name, row.what, row.figure);
    };
    let seeds: Vec<String> = ran.next.iter().filter(|next| **next > 0).map(|next| format!("0–{}", next - 1)).collect();
    let texts = |all: &std::collections::BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(", ");
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        row.name,
        row.what,
        row.figure,
        ran.held,
        ran.failed.len(),
        measured(row, ran),
        seeds.join("; "),
        texts(&ran.commits),
        texts(&ran.days),
    )
}

/// Half were done within the first figure, all within the last.
fn measured(row: &Row, ran: &Ran) -> String {
    let mut all = ran.seconds.clone();
    all.sort_by(f64::total_cmp);
    let at = |share: usize| all.get((all.len().saturating_sub(1)) * share / 100);
    match (row.measured, at(50), at(95), at(100)) {
        ("", ..) | (_, None, ..) => String::new(),
        (what, Some(half), Some(most), Some(all)) => {
            format!("{what}: half ≤ {half:.1}, 95 % ≤ {most:.1}, all ≤ {all:.1}")
        }
        (_, Some(_), ..) => String::new(),
    }
}
