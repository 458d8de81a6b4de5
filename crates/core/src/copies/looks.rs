//! What was looked at, so that it is not read again as it is.
//!
//! Owns when an object's turn comes again. Must never put off an object that has changed. No IO.

use crate::object::ObjectRef;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// When an object is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Now.
    Now,
    /// At that time, if it does not change before.
    At(Timestamp),
    /// When it changes.
    Changed,
}

/// The objects that were looked at: in which version, and until when that is enough.
#[derive(Default)]
pub struct Looks(BTreeMap<ObjectRef, (u64, Option<Timestamp>)>);

impl Looks {
    /// When to look at an object of this version.
    pub fn turn(&self, of: &ObjectRef, version: u64, now: Timestamp) -> Turn {
        match self.0.get(of) {
            Some((seen, None)) if *seen == version => Turn::Changed,
            Some((seen, Some(at))) if *seen == version && *at > now => Turn::At(*at),
            _ => Turn::Now,
        }
    }

    /// It was looked at, and only a change asks for more.
    pub fn done(&mut self, of: ObjectRef, version: u64) {
        self.0.insert(of, (version, None));
    }

    /// Nothing more can be told of it before that time, unless it changes.
    pub fn hold(&mut self, of: ObjectRef, version: u64, until: Timestamp) {
        self.0.insert(of, (version, Some(until)));
    }

    /// It was never looked at.
    pub fn forget(&mut self, of: &ObjectRef) {
        self.0.remove(of);
    }

    /// Forgets all but these.
    pub fn retain(&mut self, there: impl Fn(&ObjectRef) -> bool) {
        self.0.retain(|of, _| there(of));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Namespace, ObjectName};
    use crate::object::Kind;

    #[test]
    fn an_object_has_its_turn_when_it_changes_or_when_its_time_has_come() {
        let of = |name: &str| {
            let name = ObjectName::parse(name).unwrap();
            ObjectRef::namespaced(Kind::ConfigMap, Namespace::parse("shop").unwrap(), name, None)
        };
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut looks = Looks::default();
        looks.done(of("kept"), 7);
        looks.hold(of("young"), 7, at(20));
        for (what, name, version, now, turn) in [
            ("never seen", "new", 7, 10, Turn::Now),
            ("kept as it is", "kept", 7, 99, Turn::Changed),
            ("changed since", "kept", 8, 10, Turn::Now),
            ("too young", "young", 7, 19, Turn::At(at(20))),
            ("its time has come", "young", 7, 20, Turn::Now),
            ("too young, but another by now", "young", 8, 19, Turn::Now),
        ] {
            assert_eq!(looks.turn(&of(name), version, at(now)), turn, "{what}");
        }
        looks.forget(&of("kept"));
        looks.retain(|other| *other != of("young"));
        assert_eq!(looks.turn(&of("kept"), 7, at(10)), Turn::Now);
        assert_eq!(looks.turn(&of("young"), 7, at(10)), Turn::Now);
    }
}
