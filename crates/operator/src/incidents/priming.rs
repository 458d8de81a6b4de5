//! What was wrong already when the operator first looked: told once, as one summary.
//!
//! Owns the count. Must never tell twice. No IO.

use bailiwick_core::finding::Cause;
use bailiwick_core::incident::Story;
use bailiwick_core::object::ObjectRef;
use std::collections::{BTreeMap, HashSet};

/// The first look at everything.
#[derive(Debug, Default)]
pub(crate) struct Priming {
    left: HashSet<ObjectRef>,
    wrong: BTreeMap<Cause, u32>,
    told: bool,
}

impl Priming {
    /// The subjects of the first look.
    pub(crate) fn expect(&mut self, all: &[ObjectRef]) {
        self.left = all.iter().cloned().collect();
    }

    /// True while a subject was not looked at yet.
    pub(crate) fn covers(&self, subject: &ObjectRef) -> bool {
        self.left.contains(subject)
    }

    /// Counts something that was wrong at start.
    pub(crate) fn count(&mut self, cause: Cause) {
        *self.wrong.entry(cause).or_default() += 1;
    }

    /// A subject was looked at. The summary, once all were.
    pub(crate) fn finish(&mut self, subject: &ObjectRef) -> Option<Story> {
        if !self.left.remove(subject) || !self.left.is_empty() || std::mem::replace(&mut self.told, true) {
            return None;
        }
        if self.wrong.is_empty() {
            return None;
        }
        let total: u32 = self.wrong.values().sum();
        let parts: Vec<String> = self.wrong.iter().map(|(cause, n)| format!("{n} × {cause}")).collect();
        Some(Story {
            reason: "WrongAtStart",
            warning: true,
            note: format!("{total} incidents were open when the operator first looked: {}", parts.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::names::ObjectName;
    use bailiwick_core::object::Kind;

    #[test]
    fn the_summary_is_told_once_and_last() {
        let subject = |name: &str| ObjectRef::cluster(Kind::Node, ObjectName::parse(name).unwrap(), None);
        let mut priming = Priming::default();
        priming.expect(&[subject("a"), subject("b")]);
        priming.count(Cause::CrashLoop);
        assert_eq!(priming.finish(&subject("a")), None);
        assert!(priming.covers(&subject("b")));
        let story = priming.finish(&subject("b")).unwrap();
        assert!(story.note.starts_with("1 incidents"), "{}", story.note);
        assert_eq!(priming.finish(&subject("b")), None);
    }
}
