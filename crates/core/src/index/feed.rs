//! Taking observations in: rows are put, replaced and removed, and their relations kept.
//!
//! Owns every change of the index. Must never leave a relation to a row that is gone. No IO.

use super::intern::Text;
use super::names::Marks;
use super::pods::{Cohort, Phase, PodRow, Tail};
use super::read::Reader;
use super::rows::{Body, Head, Thing};
use super::shape::{EventShape, Meta, PodShape, WorkloadShape};
use super::state::Odd;
use super::template::Template;
use super::{Index, SERVED_FOR, Touched, UidKey, relate};
use crate::object::Kind;
use jiff::Timestamp;

impl Index {
    fn reader(&mut self) -> Reader<'_> {
        Reader { intern: &mut self.intern, uids: &mut self.uids }
    }

    pub(super) fn put_pod(&mut self, shape: &PodShape) -> Touched {
        let meta = &shape.metadata;
        let uid = self.uids.key(&meta.uid);
        let (head, tail) = Tail::split(&meta.name);
        let cohort = self.known_cohort(uid, shape, head).unwrap_or_else(|| self.put_cohort(shape, head));
        let reader = self.reader();
        let ready = shape.status.conditions.iter().find(|c| c.kind == "Ready");
        let row = PodRow {
            uid,
            rv: meta.resource_version.parse().unwrap_or(0),
            node: reader.intern.some_text(&shape.spec.node_name),
            odd: Odd::read(reader.intern, shape),
            cohort,
            created: seconds(meta.creation_timestamp),
            ready_since: seconds(ready.and_then(|c| c.last_transition_time)),
            tail,
            phase: Phase::parse(&shape.status.phase),
            ready: ready.is_some_and(|c| c.status == "True"),
        };
        let new = row.clone();
        let old = self.pods.put(row);
        if let Some(old) = &old {
            self.note_service(old, &new, meta);
        }
        let waited = old.as_ref().is_some_and(waits_for_cordoned);
        let cordons_matter = self.note_waiting(waited, waits_for_cordoned(&new));
        let moved = old.as_ref().is_none_or(|old| old.cohort != new.cohort);
        if old.is_some_and(|old| (PodRow { rv: new.rv, ..old }) == new) {
            return Touched::default();
        }
        let mut touched = self.touched_by_pod(new.cohort, uid, moved);
        if cordons_matter {
            self.touch_cordoned(&mut touched);
        }
        touched
    }

    /// Counts a pod that waits for cordoned nodes; true where the first came or the last went.
    fn note_waiting(&mut self, before: bool, now: bool) -> bool {
        let had = self.waiting;
        self.waiting = (had + usize::from(now)).saturating_sub(usize::from(before));
        (had == 0) != (self.waiting == 0)
    }

    fn put_cohort(&mut self, shape: &PodShape, head: &str) -> u32 {
        let meta = &shape.metadata;
        let mut reader = self.reader();
        let (owner, labels) = (reader.owner(meta), reader.labels(&meta.labels));
        let template = Template::read(reader.intern, &shape.spec, &meta.name);
        let cohort = Cohort {
            namespace: reader.intern.text(&meta.namespace),
            owner,
            labels,
            template: reader.intern.template(template),
            head: reader.intern.text(head),
            marks: Marks::read(meta).lasting(),
        };
        self.pods.enroll(cohort)
    }

    /// A pod that is taken down while it serves proves that its revision works.
    fn note_service(&mut self, old: &PodRow, new: &PodRow, meta: &Meta) {
        let was_up =
            old.ready && old.odd.as_ref().is_none_or(|odd| odd.deleting.is_none() && odd.containers.is_empty());
        let Some(end) = meta.deletion_timestamp.filter(|_| was_up && old.ready_since > 0) else {
            return;
        };
        let asked = end.as_second() - meta.deletion_grace_period_seconds;
        if asked - i64::from(old.ready_since) < SERVED_FOR.as_secs() {
            return;
        }
        let Some(holder) = self.view().revision_of_cohort(new.cohort) else {
            return;
        };
        let uid = holder.head.uid;
        let Some(body) = self.things.get_mut(&uid).map(|t| &mut t.body) else { return };
        if let Body::Workload(w) = body {
            w.was_available = true;
        } else if let Body::Revision(r) = body {
            r.was_available = true;
        }
    }

    pub(super) fn put_event(&mut self, shape: &EventShape) -> Touched {
        match self.events.put(&mut self.intern, &mut self.uids, shape) {
            Some(object) => Touched::one(self.subject_of(object)),
            None => Touched::default(),
        }
    }

    pub(super) fn put_workload(&mut self, kind: Kind, shape: &WorkloadShape) -> Touched {
        self.put(kind, &shape.metadata, |r| Body::Workload(Box::new(r.workload(kind, shape))))
    }

    pub(super) fn put(&mut self, kind: Kind, meta: &Meta, body: impl FnOnce(&mut Reader<'_>) -> Body) -> Touched {
        let mut reader = self.reader();
        let head = reader.head(kind, meta);
        let mut thing = Thing { body: body(&mut reader), head };
        let uid = thing.head.uid;
        if let Some(old) = self.things.get(&uid) {
            relate::keep_memory(old, &mut thing);
            if (Head { rv: thing.head.rv, ..old.head.clone() }) == thing.head && old.body == thing.body {
                if let Some(row) = self.things.get_mut(&uid) {
                    row.head.rv = thing.head.rv;
                }
                return Touched::default();
            }
        }
        self.insert(thing);
        self.touched_by(uid, kind)
    }

    fn insert(&mut self, thing: Thing) {
        let uid = thing.head.uid;
        let key = (thing.head.kind, thing.head.namespace.clone(), thing.head.name.clone());
        let owner = thing.head.owner.as_ref().map(|o| o.uid);
        let former = self.things.insert(uid, thing).and_then(|old| old.head.owner.as_ref().map(|o| o.uid));
        if former != owner {
            self.disown(former, uid);
            if let Some(owner) = owner {
                self.children.entry(owner).or_default().push(uid);
            }
        }
        if key.0 == Kind::ConfigMap {
            self.lost.remove(&(key.1.clone(), key.2.clone()));
        }
        // An object of the same name may have been replaced in a gap of the watch.
        if let Some(replaced) = self.by_name.insert(key, uid).filter(|old| *old != uid) {
            self.drop_thing(replaced);
        }
    }

    fn disown(&mut self, owner: Option<UidKey>, child: UidKey) {
        let Some(owner) = owner else { return };
        if let Some(list) = self.children.get_mut(&owner) {
            list.retain(|uid| *uid != child);
            if list.is_empty() {
                self.children.remove(&owner);
            }
        }
    }

    fn drop_thing(&mut self, uid: UidKey) -> Option<Thing> {
        let thing = self.things.remove(&uid)?;
        self.disown(thing.head.owner.as_ref().map(|o| o.uid), uid);
        self.events.forget(uid);
        Some(thing)
    }

    pub(super) fn remove(&mut self, kind: Kind, uid: UidKey, at: Option<Timestamp>) -> Touched {
        if kind == Kind::Event {
            return Touched::one(self.events.remove(uid).and_then(|object| self.subject_of(object)));
        }
        if kind == Kind::Pod {
            let Some((cohort, waited)) = self.pods.find(uid).map(|row| (row.cohort, waits_for_cordoned(row))) else {
                return Touched::default();
            };
            let mut touched = self.touched_by_pod(cohort, uid, true);
            if self.note_waiting(waited, false) {
                self.touch_cordoned(&mut touched);
            }
            self.pods.remove(uid);
            self.events.forget(uid);
            return touched;
        }
        let touched = self.touched_by(uid, kind);
        if let Some(thing) = self.drop_thing(uid) {
            let key = (thing.head.kind, thing.head.namespace, thing.head.name);
            if self.by_name.get(&key) == Some(&uid) {
                self.by_name.remove(&key);
                self.note_lost(key, at);
            }
        }
        touched
    }

    /// Keeps when a ConfigMap went while pods are made with it, and no longer than they are.
    fn note_lost(&mut self, (kind, namespace, name): (Kind, Text, Text), at: Option<Timestamp>) {
        let Some(at) = at.filter(|_| kind == Kind::ConfigMap) else { return };
        let pods = &self.pods;
        self.lost.insert((namespace, name), at);
        self.lost.retain(|(namespace, name), _| pods.users_of(namespace, name).next().is_some());
    }
}

fn waits_for_cordoned(row: &PodRow) -> bool {
    row.node.is_none() && row.odd.as_ref().is_some_and(|odd| odd.waits_for_cordoned())
}

fn seconds(time: Option<Timestamp>) -> u32 {
    time.and_then(|t| u32::try_from(t.as_second()).ok()).unwrap_or(0)
}
