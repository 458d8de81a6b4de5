//! The promises that a history must keep, written from the design and not from the code under test. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::fence::{Entry, parse_revision, username};
use bailiwick_core::life::{Execution, Grant, Phase, Purpose, Record};
use serde_json::Value;

use super::{History, Stored};

type Broken<T = ()> = Result<T, String>;

fn demand(kept: bool, promise: impl FnOnce() -> String) -> Broken {
    if kept { Ok(()) } else { Err(promise()) }
}

/// What is known at one point of the history.
struct Walk {
    name: String,
    uid: String,
    /// Prefix of the names of its one-shot accounts.
    prefix: String,
    target: (String, String),
    record: Record,
    generation: Option<i64>,
    accounts: BTreeSet<String>,
    bindings: BTreeSet<String>,
    fence: BTreeMap<u64, BTreeMap<String, Entry>>,
    revisions: BTreeMap<String, u64>,
    approvals: Vec<(String, bool, String)>,
    receipts: BTreeSet<String>,
    /// Executions that have written.
    written: Vec<(String, Purpose)>,
}

/// Checks a history; the promise that was broken, if one was.
pub(super) fn check(history: &History, name: &str) -> Broken {
    let first = history.stored.iter().find(|s| s.kind == "Change" && s.name == name);
    let mut walk = Walk::of(first.ok_or("the Change is not in it")?)?;
    for stored in &history.stored {
        walk.take(stored).map_err(|broken| format!("at version {}: {broken}", stored.version))?;
    }
    walk.at_rest()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

impl Walk {
    fn of(first: &Stored) -> Broken<Self> {
        let uid = text(&first.object, "/metadata/uid").to_owned();
        let short = uid.get(..8).ok_or("a Change without uid")?;
        let target = ["/spec/target/kind", "/spec/target/name"].map(|p| text(&first.object, p).to_owned());
        Ok(Self {
            name: first.name.clone(),
            prefix: format!("bwk-{short}"),
            uid,
            target: target.into(),
            record: Record::default(),
            generation: None,
            accounts: BTreeSet::new(),
            bindings: BTreeSet::new(),
            fence: BTreeMap::new(),
            revisions: BTreeMap::new(),
            approvals: Vec::new(),
            receipts: BTreeSet::new(),
            written: Vec::new(),
        })
    }

    fn take(&mut self, stored: &Stored) -> Broken {
        match stored.kind.as_str() {
            "Change" if stored.name == self.name && !stored.removed => self.recorded(stored),
            "Approval" if text(&stored.object, "/spec/changeRef/uid") == self.uid => self.decided(stored),
            "Receipt" if self.is_mine(stored) && !stored.removed => {
                demand(self.receipts.insert(stored.name.clone()), || format!("{} was receipted twice", stored.name))
            }
            "ServiceAccount" if stored.name.starts_with(&self.prefix) => {
                self.authority(stored, |walk| &mut walk.accounts)
            }
            "RoleBinding" if stored.name.starts_with(&self.prefix) => self.authority(stored, |walk| &mut walk.bindings),
            "ControllerRevision" => self.fenced(stored),
            _ if (&stored.kind, &stored.name) == (&self.target.0, &self.target.1) => self.touched(stored),
            _ => Ok(()),
        }
    }

    fn is_mine(&self, receipt: &Stored) -> bool {
        let label = receipt.object.pointer("/metadata/labels/bailiwick.dev~1change-uid");
        label.and_then(Value::as_str) == Some(&self.uid)
    }

    fn decided(&mut self, stored: &Stored) -> Broken {
        if !stored.removed {
            let spec = |key: &str| text(&stored.object, &format!("/spec/{key}")).to_owned();
            self.approvals.push((spec("approver"), spec("decision") == "Approve", spec("digest")));
        }
        Ok(())
    }

    fn grants(record: &Record) -> impl Iterator<Item = &Grant> {
        record.planning.iter().chain(record.executions.iter().map(|e| &e.grant))
    }

    /// An account or binding is made only after its name was recorded, and lives only while it is not recorded revoked.
    fn authority(&mut self, stored: &Stored, of: impl Fn(&mut Self) -> &mut BTreeSet<String>) -> Broken {
        if stored.removed {
            of(self).remove(&stored.name);
            return Ok(());
        }
        let known = Self::grants(&self.record).any(|g| g.account == stored.name && g.revoked_at.is_none());
        demand(known, || format!("{} {} exists, and no record says for what", stored.kind, stored.name))?;
        of(self).insert(stored.name.clone());
        Ok(())
    }

    fn fenced(&mut self, stored: &Stored) -> Broken {
        if stored.removed {
            if let Some(version) = self.revisions.remove(&stored.name) {
                self.fence.remove(&version);
            }
            return Ok(());
        }
        let grants = stored.object.get("data").map(parse_revision);
        let grants = grants.ok_or("a fence revision without data")?.map_err(|e| format!("the fence: {e}"))?;
        self.revisions.insert(stored.name.clone(), stored.version);
        self.fence.insert(stored.version, grants);
        Ok(())
    }

    /// What every live revision of the fence says of an account.
    fn entries(&self, account: &str) -> Vec<Option<&Entry>> {
        let user = username(account);
        self.fence.values().map(|grants| grants.get(&user)).collect()
    }

    /// The target changed: that is a write, and it needs everything.
    fn touched(&mut self, stored: &Stored) -> Broken {
        let generation = stored.object.pointer("/metadata/generation").and_then(Value::as_i64);
        let before = std::mem::replace(&mut self.generation, generation);
        let is_new = before.is_none() && !stored.removed;
        if is_new || (generation == before && !stored.removed) {
            return Ok(());
        }
        let run = self.record.executions.iter().rev().find(|e| e.started_at.is_some() && e.outcome.is_none());
        let run = run.ok_or("the target was written, and no record says that it was to be")?.clone();
        demand(!self.written.iter().any(|(key, _)| *key == run.key), || format!("{} wrote twice", run.key))?;
        demand(!self.written.iter().any(|(_, p)| *p == run.purpose), || {
            format!("{:?} was written twice", run.purpose)
        })?;
        self.permitted(&run)?;
        self.written.push((run.key, run.purpose));
        Ok(())
    }

    /// Whether that execution might write at this moment.
    fn permitted(&self, run: &Execution) -> Broken {
        let account = &run.grant.account;
        let record = &self.record;
        let plan = if run.purpose == Purpose::RollBack { &record.undo_plan } else { &record.plan };
        demand(plan.as_ref().is_some_and(|p| p.digest == run.digest), || "it wrote another plan".to_owned())?;
        demand(run.grant.revoked_at.is_none(), || format!("{account} wrote after it was recorded revoked"))?;
        demand(run.grant.proved_at.is_some(), || format!("{account} wrote before its fence was proved"))?;
        demand(self.bindings.contains(account), || format!("{account} wrote without a binding"))?;
        let fenced = self.entries(account);
        let live = !fenced.is_empty() && fenced.iter().all(|e| e.is_some_and(|e| !e.dry_run));
        demand(live, || format!("{account} wrote without a live grant in the fence"))?;
        let asks = record.verdict.as_ref().is_none_or(|v| v.outcome != bailiwick_core::mandate::Outcome::PreApproved);
        if run.purpose == Purpose::Apply && asks {
            let quorum = record.verdict.as_ref().map_or(1, |v| v.quorum as usize);
            let yes: BTreeSet<&str> =
                self.approvals.iter().filter(|a| a.1 && a.2 == run.digest).map(|a| a.0.as_str()).collect();
            demand(yes.len() >= quorum, || format!("{} of {quorum} people had approved", yes.len()))?;
        }
        Ok(())
    }

    /// From one record to the next.
    fn recorded(&mut self, stored: &Stored) -> Broken {
        let Some(status) = stored.object.get("status") else { return Ok(()) };
        let next: Record = serde_json::from_value(status.clone()).map_err(|e| format!("a record: {e}"))?;
        let last = std::mem::replace(&mut self.record, next);
        let next = &self.record;
        if last.phase.is_terminal() {
            let late = (last.phase, next.phase) == (Phase::Failed, Phase::Recovered);
            demand(late || next.phase == last.phase, || format!("{} became {}", last.phase, next.phase))?;
        }
        demand(next.executions.len() >= last.executions.len(), || "an execution was forgotten".to_owned())?;
        for (old, new) in last.executions.iter().zip(&next.executions) {
            demand(old.key == new.key, || format!("{} became {}", old.key, new.key))?;
            demand(!old.is_applied() || new.is_applied(), || format!("{} is not applied any more", old.key))?;
        }
        self.truthful()?;
        self.receipted()
    }

    /// A record says what happened: writes that were made, authority that is gone.
    fn truthful(&self) -> Broken {
        for run in self.record.executions.iter().filter(|run| run.is_applied()) {
            demand(self.written.iter().any(|(key, _)| *key == run.key), || format!("{} did not write", run.key))?;
        }
        for grant in Self::grants(&self.record).filter(|g| g.revoked_at.is_some()) {
            let account = &grant.account;
            demand(!self.bindings.contains(account), || format!("{account} is recorded revoked and bound"))?;
            let fenced = self.entries(account).iter().any(Option::is_some);
            demand(!fenced, || format!("{account} is recorded revoked and has a grant"))?;
        }
        Ok(())
    }

    /// A terminal phase is shown after exactly one receipt of it, and after a verification that is newer than the write.
    fn receipted(&self) -> Broken {
        let record = &self.record;
        if !record.phase.is_terminal() || record.ending.is_some() {
            return Ok(());
        }
        let of = record.receipts.iter().filter(|r| r.about == record.phase.as_str());
        let names: Vec<&str> = of.map(|r| r.name.as_str()).collect();
        let [name] = names.as_slice() else { return Err(format!("{} has {} receipts", record.phase, names.len())) };
        demand(self.receipts.contains(*name), || format!("{} is shown before its receipt {name}", record.phase))?;
        let wrote = |purpose| self.written.iter().any(|(_, p)| *p == purpose);
        let holds = match record.phase {
            Phase::Recovered => wrote(Purpose::Apply),
            Phase::RolledBack => wrote(Purpose::RollBack),
            Phase::Refused | Phase::Rejected | Phase::Expired => self.written.is_empty(),
            _ => true,
        };
        demand(holds, || format!("it ended {} after {:?}", record.phase, self.written))
    }

    /// At the end all has ended, and nothing is left.
    fn at_rest(&self) -> Broken {
        let record = &self.record;
        demand(record.phase.is_terminal() && record.ending.is_none(), || format!("it never ended: {}", record.phase))?;
        demand(self.bindings.is_empty(), || format!("bindings are left: {:?}", self.bindings))?;
        demand(self.accounts.is_empty(), || format!("accounts are left: {:?}", self.accounts))?;
        let users = self.fence.values().flat_map(BTreeMap::keys);
        let left: Vec<&String> = users.filter(|user| user.contains(&self.prefix)).collect();
        demand(left.is_empty(), || format!("grants are left: {left:?}"))
    }
}
