//! Why tests failed, read from a runner's output. Pure.
//!
//! The standard runner tells the reasons only when all its tests have ended, under "failures:", each with whatever the test printed before. A runner that died told none: then its last words are the reason.

/// Lines that are kept of one reason.
const MOST: usize = 40;
/// Lines that are kept of a runner that gave no reason.
const LAST_WORDS: usize = 20;

/// What one failed test said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason {
    /// The test's name; empty where the runner as a whole failed.
    pub(super) test: String,
    pub(super) text: Vec<String>,
}

/// Collects reasons line by line.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    /// The runner is telling them now.
    telling: bool,
    told: Vec<Reason>,
    last: std::collections::VecDeque<String>,
}

impl Reasons {
    pub(super) fn line(&mut self, line: &str) {
        if self.last.len() == LAST_WORDS {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
        if line == "failures:" {
            // It comes again before the bare list of names, which ends them.
            self.telling = !self.telling;
        } else if !self.telling {
        } else if let Some(test) = line.strip_prefix("---- ").and_then(|l| l.strip_suffix(" stdout ----")) {
            self.told.push(Reason { test: test.to_owned(), text: Vec::new() });
        } else if let Some(reason) = self.told.last_mut() {
            reason.text.push(line.to_owned());
        }
    }

    /// The reasons of a runner that failed.
    pub(super) fn end(self) -> Vec<Reason> {
        if self.told.is_empty() {
            return vec![Reason { test: String::new(), text: self.last.into() }];
        }
        self.told.into_iter().map(|reason| Reason { text: essence(&reason.text), ..reason }).collect()
    }
}

/// From the error or the panic on, without a trace; all that was printed before it only tells how the test went.
fn essence(text: &[String]) -> Vec<String> {
    let says_why = |line: &String| line.starts_with("Error: ") || line.starts_with("thread '");
    let from = text.iter().position(says_why).unwrap_or(text.len().saturating_sub(MOST));
    let to = text.iter().position(|line| line == "stack backtrace:").unwrap_or(text.len()).max(from);
    let tail = &text[from..to];
    let filled = tail.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |at| at + 1);
    let mut kept: Vec<String> = tail[..filled.min(MOST)].to_vec();
    if filled > MOST {
        kept[MOST - 1] = format!("… and {} lines more", filled - MOST + 1);
    }
    kept
}
