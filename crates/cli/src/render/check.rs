//! What a check found, part by part.
//!
//! Owns the form of an item and its exit code. Must never count what was not proved as good. No IO.

use crate::exit::Exit;
use crate::sheet::Sheet;
use crate::style::{Look, Role};
use serde::Serialize;

/// How a part was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// As it must be.
    Good,
    /// To be known; neither good nor bad.
    Note,
    /// It could not be proved from here.
    Unproved,
    /// Not as it must be.
    Bad,
}

/// One part that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The part.
    pub part: &'static str,
    /// How it was found.
    pub state: State,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Item {
    /// An item without advice.
    pub fn new(part: &'static str, state: State, seen: impl Into<String>) -> Self {
        Self { part, state, seen: seen.into(), next: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Parts without which nothing can be installed at all.
pub const FOUNDATION: &[&str] = &["server", "apis"];

/// Parts that must at least have been read before anything is called sound.
const READ: &[&str] = &["namespaces", "kinds", "policies", "roles", "operator"];

/// The exit code: an error where the cluster itself will not do, a finding where a part is bad, an
/// error again where too little could be read to tell.
pub fn exit(items: &[Item]) -> Exit {
    let bad = |item: &&Item| item.state == State::Bad;
    if items.iter().filter(bad).any(|i| FOUNDATION.contains(&i.part)) {
        Exit::Error
    } else if items.iter().any(|i| i.state == State::Bad) {
        Exit::Finding
    } else if items.iter().any(|i| i.state == State::Unproved && READ.contains(&i.part)) {
        Exit::Error
    } else {
        Exit::Ok
    }
}

/// The sign of a state.
pub const fn sign(state: State) -> (&'static str, Role) {
    match state {
        State::Good => ("✔", Role::Good),
        State::Note => ("•", Role::Key),
        State::Unproved => ("?", Role::Warn),
        State::Bad => ("✗", Role::Bad),
    }
}

/// The page.
pub fn page(items: &[Item], look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    let widest = items.iter().map(|i| i.part.len()).max().unwrap_or_default();
    for item in items {
        let (mark, role) = sign(item.state);
        let head = format!(" {:widest$}  ", item.part);
        let indent = widest + 4;
        let lines = crate::sheet::wrapped(&crate::safe::line(&item.seen), look.wrap().saturating_sub(indent));
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                sheet.pieces(0, &[(role, mark), (Role::Plain, &head), (Role::Plain, line)]);
            } else {
                sheet.line(indent, Role::Plain, line);
            }
        }
        if let Some(next) = &item.next {
            // Never wrapped: most of it is a command to copy.
            sheet.line(indent, Role::Key, &format!("→ {next}"));
        }
    }
    sheet.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    #[test]
    fn a_check_reads_part_by_part() {
        let items = [
            Item::new("server", State::Good, "v1.36.3 at https://10.0.0.1:6443 (context dev)"),
            Item::new(
                "policies",
                State::Bad,
                "ValidatingAdmissionPolicy bailiwick-executor-fence is altered at spec.failurePolicy",
            )
            .next("bailiwick install puts it back"),
            Item::new("fence", State::Unproved, "bailiwick-executor-fence speaks only to one-shot accounts"),
            Item::new("approvers", State::Note, "Group sre"),
        ];
        insta::assert_snapshot!("check", page(&items, &fixtures::look(None)));
        assert_eq!(exit(&items), Exit::Finding);
        assert_eq!(exit(&items[2..]), Exit::Ok);
        assert_eq!(exit(&[Item::new("kinds", State::Unproved, "forbidden")]), Exit::Error);
        assert_eq!(exit(&[Item::new("server", State::Bad, "v1.29")]), Exit::Error);
    }
}
