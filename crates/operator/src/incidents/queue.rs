//! Which subject to look at next, and when.
//!
//! Owns the delays between looks. Must never hold a subject twice. No IO.

use bailiwick_core::object::ObjectRef;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// Subjects, each with the time it is due.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    due: BTreeSet<(Instant, ObjectRef)>,
    when: HashMap<ObjectRef, Instant>,
}

impl Queue {
    /// Looks at a subject after a delay, or earlier if that was asked for.
    pub(crate) fn push(&mut self, subject: ObjectRef, now: Instant, delay: Duration) {
        let at = now + delay;
        match self.when.get(&subject) {
            Some(known) if *known <= at => return,
            Some(known) => {
                let old = (*known, subject.clone());
                self.due.remove(&old);
            }
            None => {}
        }
        self.when.insert(subject.clone(), at);
        self.due.insert((at, subject));
    }

    /// When the first subject is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the first subject that is due and not being worked on.
    pub(crate) fn pop(&mut self, now: Instant, working: impl Fn(&ObjectRef) -> bool) -> Option<ObjectRef> {
        let ready = self.due.iter().take_while(|(at, _)| *at <= now);
        let found = ready.map(|(at, s)| (*at, s)).find(|(_, s)| !working(s));
        let (at, subject) = found.map(|(at, s)| (at, s.clone()))?;
        self.when.remove(&subject);
        self.due.remove(&(at, subject.clone()));
        Some(subject)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::names::ObjectName;
    use bailiwick_core::object::Kind;

    fn subject(name: &str) -> ObjectRef {
        ObjectRef::cluster(Kind::Node, ObjectName::parse(name).unwrap(), None)
    }

    #[test]
    fn the_earlier_time_wins_and_a_subject_waits_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.push(subject("a"), now, Duration::from_secs(5));
        queue.push(subject("a"), now, Duration::from_secs(1));
        queue.push(subject("a"), now, Duration::from_secs(9));
        queue.push(subject("b"), now, Duration::from_secs(2));
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.next(), Some(now + Duration::from_secs(1)));
        let later = now + Duration::from_secs(3);
        assert_eq!(queue.pop(now, |_| false), None);
        let skip = |s: &ObjectRef| s.name.as_str() == "a";
        assert_eq!(queue.pop(later, skip), Some(subject("b")));
        assert_eq!(queue.pop(later, |_| false), Some(subject("a")));
        assert_eq!(queue.len(), 0);
    }
}
