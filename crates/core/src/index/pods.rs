//! Pods: a row of fixed size each, everything that pods of one revision share kept once, and
//! what is unusual about a pod boxed beside it.
//!
//! Owns the rows and their indexes by uid, owner and namespace. Must never grow a healthy pod's
//! row by a heap block. No IO.

use super::hash::Map;
use super::intern::{Labels, Text};
use super::names::Marks;
use super::rows::Owner;
use super::state::Odd;
use super::template::Template;
use super::uid::UidKey;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A pod's phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not all containers have started.
    Pending,
    /// Bound to a node, at least one container runs or restarts.
    Running,
    /// Every container ended well and none will restart.
    Succeeded,
    /// Every container ended, at least one badly.
    Failed,
    /// The node does not answer.
    Unknown,
}

impl Phase {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "Running" => Phase::Running,
            "Succeeded" => Phase::Succeeded,
            "Failed" => Phase::Failed,
            "Unknown" => Phase::Unknown,
            _ => Phase::Pending,
        }
    }
}

const TAIL: usize = 11;

/// The part of a pod's name that its siblings do not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    len: u8,
    bytes: [u8; TAIL],
}

impl Tail {
    /// Splits a pod's name behind its last dash; a long tail stays with the head.
    pub(crate) fn split(name: &str) -> (&str, Self) {
        let at = name.rfind('-').map_or(0, |dash| dash + 1);
        let (head, tail) = name.split_at(at);
        let fits = tail.len() <= TAIL;
        let mut bytes = [0; TAIL];
        if fits {
            bytes.iter_mut().zip(tail.bytes()).for_each(|(to, from)| *to = from);
        }
        let len = if fits { u8::try_from(tail.len()).unwrap_or(0) } else { 0 };
        (if fits { head } else { name }, Self { len, bytes })
    }

    pub(crate) fn as_str(&self) -> &str {
        let used = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(used).unwrap_or("")
    }
}

/// One pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PodRow {
    pub(crate) uid: UidKey,
    pub(crate) rv: u64,
    pub(crate) node: Option<Text>,
    pub(crate) odd: Option<Box<Odd>>,
    pub(crate) cohort: u32,
    /// Seconds since 1970; 0 for unknown.
    pub(crate) created: u32,
    /// Since when `ready` is as it is; 0 for unknown.
    pub(crate) ready_since: u32,
    pub(crate) tail: Tail,
    pub(crate) phase: Phase,
    pub(crate) ready: bool,
}

/// What pods of one revision share. Every part comes from the pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cohort {
    pub(crate) namespace: Text,
    pub(crate) owner: Option<Arc<Owner>>,
    pub(crate) labels: Labels,
    pub(crate) template: Arc<Template>,
    pub(crate) head: Text,
    pub(crate) marks: Marks,
}

impl Hash for Cohort {
    /// Equal templates are one in the pool while a cohort holds it: its address says as much as its content.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { namespace, owner, labels, template, head, marks } = self;
        (namespace, owner, labels, Arc::as_ptr(template), head, marks).hash(state);
    }
}

#[derive(Debug)]
struct Group {
    cohort: Arc<Cohort>,
    members: Vec<u32>,
}

/// Every pod.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    rows: Vec<Option<PodRow>>,
    free: Vec<u32>,
    by_uid: Map<UidKey, u32>,
    groups: Vec<Option<Group>>,
    free_groups: Vec<u32>,
    by_cohort: Map<Arc<Cohort>, u32>,
    by_owner: Map<UidKey, Vec<u32>>,
    by_namespace: BTreeMap<Text, Vec<u32>>,
}

/// Takes one number out of a short list.
fn take(list: &mut Vec<u32>, number: u32) {
    if let Some(at) = list.iter().position(|&n| n == number) {
        list.swap_remove(at);
    }
}

fn slot(at: usize) -> u32 {
    // Four billion pods is beyond any cluster; the last slot would be overwritten, never another.
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Pods {
    pub(crate) fn len(&self) -> usize {
        self.by_uid.len()
    }

    pub(crate) fn row(&self, at: u32) -> Option<&PodRow> {
        self.rows.get(at as usize)?.as_ref()
    }

    pub(crate) fn find(&self, uid: UidKey) -> Option<&PodRow> {
        self.row(*self.by_uid.get(&uid)?)
    }

    pub(crate) fn cohort(&self, at: u32) -> Option<&Arc<Cohort>> {
        Some(&self.groups.get(at as usize)?.as_ref()?.cohort)
    }

    /// The number of an equal cohort, made if there is none.
    pub(crate) fn enroll(&mut self, cohort: Cohort) -> u32 {
        if let Some(&at) = self.by_cohort.get(&cohort) {
            return at;
        }
        let cohort = Arc::new(cohort);
        let group = Some(Group { cohort: Arc::clone(&cohort), members: Vec::new() });
        let at = match self.free_groups.pop() {
            Some(at) => at,
            None => {
                self.groups.push(None);
                slot(self.groups.len() - 1)
            }
        };
        if let Some(place) = self.groups.get_mut(at as usize) {
            *place = group;
        }
        if let Some(owner) = &cohort.owner {
            self.by_owner.entry(owner.uid).or_default().push(at);
        }
        self.by_namespace.entry(Arc::clone(&cohort.namespace)).or_default().push(at);
        self.by_cohort.insert(cohort, at);
        at
    }

    /// Puts a pod in; gives back what was known of it before.
    pub(crate) fn put(&mut self, row: PodRow) -> Option<PodRow> {
        let (uid, cohort) = (row.uid, row.cohort);
        if let Some(&at) = self.by_uid.get(&uid) {
            let place = self.rows.get_mut(at as usize)?;
            let old = place.replace(row)?;
            if old.cohort != cohort {
                self.join(cohort, at);
                self.leave(old.cohort, at);
            }
            return Some(old);
        }
        let at = self.free.pop().unwrap_or_else(|| {
            // Doubling would leave up to half of the rows unused.
            if self.rows.len() == self.rows.capacity() {
                self.rows.reserve_exact((self.rows.len() / 8).max(64));
            }
            self.rows.push(None);
            slot(self.rows.len() - 1)
        });
        if let Some(place) = self.rows.get_mut(at as usize) {
            *place = Some(row);
        }
        self.by_uid.insert(uid, at);
        self.join(cohort, at);
        None
    }

    /// Takes a pod out. Its cohort's number may be used again afterwards.
    pub(crate) fn remove(&mut self, uid: UidKey) -> Option<(PodRow, Arc<Cohort>)> {
        let at = self.by_uid.remove(&uid)?;
        let row = self.rows.get_mut(at as usize)?.take()?;
        let cohort = self.cohort(row.cohort).map(Arc::clone);
        self.leave(row.cohort, at);
        self.free.push(at);
        Some((row, cohort?))
    }

    fn join(&mut self, cohort: u32, at: u32) {
        if let Some(Some(group)) = self.groups.get_mut(cohort as usize) {
            group.members.push(at);
        }
    }

    fn leave(&mut self, cohort: u32, at: u32) {
        let Some(Some(group)) = self.groups.get_mut(cohort as usize) else {
            return;
        };
        take(&mut group.members, at);
        if group.members.is_empty() {
            self.disband(cohort);
        }
    }

    /// Forgets a cohort that was made but got no member.
    pub(crate) fn disband(&mut self, at: u32) {
        let Some(group) = self.groups.get_mut(at as usize).and_then(Option::take) else {
            return;
        };
        self.by_cohort.remove(&group.cohort);
        if let Some(owner) = &group.cohort.owner
            && let Some(list) = self.by_owner.get_mut(&owner.uid)
        {
            take(list, at);
            if list.is_empty() {
                self.by_owner.remove(&owner.uid);
            }
        }
        if let Some(list) = self.by_namespace.get_mut(&group.cohort.namespace) {
            take(list, at);
            if list.is_empty() {
                self.by_namespace.remove(&group.cohort.namespace);
            }
        }
        self.free_groups.push(at);
    }

    pub(crate) fn cohorts_of(&self, owner: UidKey) -> &[u32] {
        self.by_owner.get(&owner).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn cohorts_in(&self, namespace: &str) -> &[u32] {
        self.by_namespace.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The cohorts of a namespace whose templates refer to a ConfigMap or Secret of that name.
    pub(crate) fn users_of(&self, namespace: &str, name: &str) -> impl Iterator<Item = (u32, &Arc<Cohort>)> {
        let all = self.cohorts_in(namespace).iter().filter_map(|&at| Some((at, self.cohort(at)?)));
        all.filter(move |(_, cohort)| cohort.template.config_refs().any(|(_, r)| &*r.name == name))
    }

    pub(crate) fn members(&self, cohort: u32) -> impl Iterator<Item = &PodRow> {
        let group = self.groups.get(cohort as usize).and_then(Option::as_ref);
        group.into_iter().flat_map(|g| &g.members).filter_map(|&at| self.row(at))
    }

    pub(crate) fn cohorts(&self) -> impl Iterator<Item = (u32, &Arc<Cohort>)> {
        let numbered = self.groups.iter().enumerate();
        numbered.filter_map(|(at, group)| group.as_ref().map(|g| (slot(at), &g.cohort)))
    }

    pub(crate) fn uids(&self) -> impl Iterator<Item = UidKey> {
        self.by_uid.keys().copied()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let map = |capacity: usize, entry: usize| capacity * (entry + 1) * 8 / 7;
        let rows = self.rows.capacity() * size_of::<Option<PodRow>>() + self.free.capacity() * 4;
        let odd = self.rows.iter().flatten().filter_map(|r| r.odd.as_ref()).map(|o| o.heap_bytes()).sum::<usize>();
        let groups = self.groups.capacity() * size_of::<Option<Group>>()
            + self.groups.iter().flatten().map(|g| 16 + size_of::<Cohort>() + g.members.capacity() * 4).sum::<usize>();
        let lists = self.by_owner.values().chain(self.by_namespace.values()).map(|l| 64 + l.capacity() * 4);
        rows + odd
            + groups
            + map(self.by_uid.capacity(), size_of::<(UidKey, u32)>())
            + map(self.by_cohort.capacity(), size_of::<(Arc<Cohort>, u32)>())
            + lists.sum::<usize>()
    }
}
