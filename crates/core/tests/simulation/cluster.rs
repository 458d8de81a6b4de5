//! A small model of the API server: objects with resourceVersions, admission by the fence,
//! one-shot accounts, receipts, and what people decide.
//!
//! Owns the objects and the history. It does what Kubernetes does and no more: it neither knows
//! the phases of a Change nor helps its driver.

use crate::bug::Bug;
use crate::history::{Event, Key};
use bailiwick_core::life::world::Ballot;
use bailiwick_core::life::{Purpose, Record};
use bailiwick_core::mandate::Outcome;
use bailiwick_core::plan::{Operation, Plan, Proposal};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The one object that all Changes of a run are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) uid: u32,
    pub(crate) generation: i64,
    pub(crate) value: u32,
}

/// What watches tell an operator; it may be told a little late.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) outcome: Outcome,
    pub(crate) quorum: u32,
    pub(crate) suspended: bool,
    pub(crate) key: bool,
    pub(crate) fence: bool,
    pub(crate) territory: bool,
    pub(crate) namespace: bool,
    pub(crate) ballots: Vec<(usize, Ballot)>,
}

/// How the workload does, where it does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Well,
    NotYet,
    Worse,
    Unseen,
}

/// A Change as stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) proposal: Proposal,
    pub(crate) operation: Operation,
    /// The content that is wanted; none where the target is to be deleted.
    pub(crate) wanted: Option<u32>,
    pub(crate) undoable: bool,
    pub(crate) rv: u64,
    pub(crate) record: Rc<Record>,
}

/// A one-shot account. A new one of the same name does not take old tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) instance: u64,
    pub(crate) bound: bool,
}

/// A write on its way.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) key: Key,
    pub(crate) purpose: Purpose,
    pub(crate) account: String,
    pub(crate) instance: u64,
    pub(crate) plan: Rc<Plan>,
}

/// The API server's answer to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Written,
    /// The fence or RBAC refuses.
    Forbidden,
    /// The patch's tests or the preconditions fail.
    Conflict,
}

/// Everything that is stored.
pub(crate) struct Cluster {
    pub(crate) now: Timestamp,
    pub(crate) bug: Option<Bug>,
    pub(crate) target: Option<Target>,
    /// True for an object whose generation the plan does not test.
    pub(crate) free: bool,
    pub(crate) doing: Doing,
    pub(crate) changes: Vec<Stored>,
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Digest of the plan that an account may execute; none for dry runs alone.
    pub(crate) fence: BTreeMap<String, Option<String>>,
    pub(crate) receipts: Vec<(usize, String)>,
    pub(crate) under_way: Vec<Request>,
    /// What watches told, oldest first.
    pub(crate) told: Vec<Rc<Snapshot>>,
    pub(crate) history: Vec<Event>,
    made: u64,
}

/// The content of a plan's object, as its text says.
pub(crate) fn content(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn number(uid: Option<&bailiwick_core::names::Uid>) -> Option<u32> {
    uid.and_then(|u| u.as_str().strip_prefix("t-")).and_then(|n| n.parse().ok())
}

impl Cluster {
    pub(crate) fn new(now: Timestamp, first: Snapshot, bug: Option<Bug>) -> Self {
        Self {
            now,
            bug,
            target: None,
            free: false,
            doing: Doing::Well,
            changes: Vec::new(),
            accounts: BTreeMap::new(),
            fence: BTreeMap::new(),
            receipts: Vec::new(),
            under_way: Vec::new(),
            told: vec![Rc::new(first)],
            history: Vec::new(),
            made: 0,
        }
    }

    /// The truth as it is now.
    pub(crate) fn truth(&self) -> &Rc<Snapshot> {
        &self.told[self.told.len() - 1]
    }

    /// Changes what watches tell.
    pub(crate) fn tell(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(self.truth());
        change(&mut next);
        self.told.push(Rc::new(next));
    }

    pub(crate) fn pass_time(&mut self, time: SignedDuration) {
        self.now += time.max(SignedDuration::ZERO);
    }

    /// Compare-and-swap of a Change's status; the new resourceVersion, or nothing on a conflict.
    pub(crate) fn persist(&mut self, change: usize, rv: u64, record: &Record) -> Option<u64> {
        let stored = &mut self.changes[change];
        let forced = self.bug == Some(Bug::IgnoreLeaseLoss);
        if stored.rv != rv && !forced {
            return None;
        }
        if *stored.record != *record {
            stored.rv += 1;
            stored.record = Rc::new(record.clone());
        }
        Some(stored.rv)
    }

    /// Creates the account and its binding where they are absent; the instance.
    pub(crate) fn ensure(&mut self, account: &str) -> u64 {
        self.made += 1;
        let fresh = Account { instance: self.made, bound: true };
        let entry = self.accounts.entry(account.to_owned()).or_insert(fresh);
        entry.bound = true;
        entry.instance
    }

    pub(crate) fn unbind(&mut self, account: &str) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.bound = false;
        }
    }

    /// True if the account may send requests that the fence and RBAC let through.
    fn may(&self, request: &Request) -> bool {
        let account = self.accounts.get(&request.account);
        let known = account.is_some_and(|a| a.bound && a.instance == request.instance);
        let entry = self.fence.get(&request.account).is_some_and(|e| e.as_deref() == Some(&request.plan.digest));
        let stopped = self.truth().suspended && self.bug != Some(Bug::DeafFence);
        known && entry && !stopped && self.truth().namespace
    }

    /// True if the patch's tests and the preconditions hold.
    fn fits(&self, plan: &Plan) -> bool {
        let Some(target) = &self.target else { return plan.operation == Operation::Create };
        let same = number(plan.target.uid.as_ref()) == Some(target.uid);
        match plan.operation {
            Operation::Create => false,
            Operation::Delete => same,
            Operation::Update => same && fingerprint(Some(target), self.free) == plan.fingerprint,
        }
    }

    /// What a dry run of this plan as that account answers.
    pub(crate) fn dry_run(&self, request: &Request) -> Answer {
        match (self.may(request), self.fits(&request.plan)) {
            (false, _) => Answer::Forbidden,
            (true, false) => Answer::Conflict,
            (true, true) => Answer::Written,
        }
    }

    /// The write arrives.
    pub(crate) fn arrive(&mut self, request: &Request) -> Answer {
        let answer = self.dry_run(request);
        if answer == Answer::Written {
            self.target = match (content(&request.plan.result), self.target.take()) {
                (None, _) => None,
                (Some(value), Some(old)) => Some(Target { value, generation: old.generation + 1, ..old }),
                (Some(value), None) => Some(self.fresh(value)),
            };
        }
        self.history.push(Event::Arrived {
            key: request.key,
            purpose: request.purpose,
            digest: request.plan.digest.clone(),
            admitted: answer == Answer::Written,
            suspended: self.truth().suspended,
        });
        answer
    }

    /// An object with a uid that none had before.
    pub(crate) fn fresh(&mut self, value: u32) -> Target {
        self.made += 1;
        Target { uid: u32::try_from(self.made).unwrap_or(u32::MAX), generation: 1, value }
    }

    /// Somebody else changes the target.
    pub(crate) fn touch(&mut self, target: Option<Target>) {
        self.target = target;
        self.history.push(Event::Touched);
    }

    /// Creates a receipt, unless there is one.
    pub(crate) fn receipt(&mut self, change: usize, about: &str) {
        let exists = self.receipts.iter().any(|(c, a)| *c == change && a == about);
        if !exists || self.bug == Some(Bug::SecondReceipt) {
            self.receipts.push((change, about.to_owned()));
            self.history.push(Event::Receipted { change, about: about.to_owned() });
        }
    }
}

/// What of a target must not move between plan and write.
pub(crate) fn fingerprint(target: Option<&Target>, free: bool) -> String {
    match target {
        None => String::new(),
        Some(t) if free => format!("{}/{}", t.uid, t.value),
        Some(t) => format!("{}/{}/{}", t.uid, t.generation, t.value),
    }
}
