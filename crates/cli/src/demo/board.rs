//! Whose lines are told now, and whose wait.
//!
//! Owns the order of sections. Must never lose a line, whoever ends first. No IO.

use super::drill::Drill;

/// One drill's place in the telling.
#[derive(Debug)]
struct Section {
    drill: Drill,
    waiting: Vec<String>,
    ended: bool,
}

/// The sections that are not told yet, in the order they will be.
#[derive(Debug)]
pub(super) struct Board {
    sections: Vec<Section>,
}

impl Board {
    /// A board for these drills.
    pub(super) fn new(drills: &[Drill]) -> Self {
        let section = |drill: &Drill| Section { drill: *drill, waiting: Vec::new(), ended: false };
        Self { sections: drills.iter().map(section).collect() }
    }

    /// Takes a line in; hands it back if it is told at once.
    pub(super) fn put(&mut self, drill: Option<Drill>, line: String) -> Option<String> {
        let behind = self.sections.iter_mut().skip(1).find(|s| Some(s.drill) == drill);
        match behind {
            Some(section) => {
                section.waiting.push(line);
                None
            }
            None => Some(line),
        }
    }

    /// Notes an end; hands back the lines that are told now.
    pub(super) fn ended(&mut self, drill: Drill) -> Vec<String> {
        for section in self.sections.iter_mut().filter(|s| s.drill == drill) {
            section.ended = true;
        }
        let mut lines = Vec::new();
        while self.sections.first().is_some_and(|s| s.ended) {
            self.sections.remove(0);
            if let Some(next) = self.sections.first_mut() {
                lines.append(&mut next.waiting);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_drill_is_told_after_the_earlier_one() {
        let mut board = Board::new(&[Drill::Authority, Drill::Quota, Drill::Memory]);
        let put = |board: &mut Board, drill, text: &str| board.put(Some(drill), text.to_owned());
        assert_eq!(put(&mut board, Drill::Authority, "a1").as_deref(), Some("a1"));
        assert_eq!(put(&mut board, Drill::Memory, "m1"), None);
        assert_eq!(put(&mut board, Drill::Quota, "q1"), None);
        assert_eq!(board.ended(Drill::Memory), Vec::<String>::new());
        assert_eq!(board.ended(Drill::Authority), ["q1"]);
        assert_eq!(put(&mut board, Drill::Quota, "q2").as_deref(), Some("q2"));
        assert_eq!(board.put(None, "x".to_owned()).as_deref(), Some("x"));
        assert_eq!(board.ended(Drill::Quota), ["m1"]);
        assert_eq!(put(&mut board, Drill::Memory, "late").as_deref(), Some("late"));
    }
}
