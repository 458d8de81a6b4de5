//! The checker: reads the history of a run afterwards and names the first promise that was broken.
//!
//! Owns the promises, written from the design and not from the code under test. It believes the
//! model of the API server and nothing that the driver says.

use crate::cluster::Cluster;
use crate::history::{Event, Key, Seen};
use crate::permit::permit;
use bailiwick_core::life::{Execution, Phase, Purpose, Record};
use std::rc::Rc;

/// What a run that kept every promise went through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    pub(crate) ended: Vec<Phase>,
    pub(crate) writes: usize,
    /// Writes that arrived and were refused.
    pub(crate) turned_away: usize,
    /// Intents that a second look at the world had to resolve.
    pub(crate) found: usize,
}

/// What the checker knows at one point of the history.
struct Walk {
    records: Vec<Rc<Record>>,
    receipts: Vec<(usize, String)>,
    proved: Vec<Key>,
    begun: Vec<(Key, usize)>,
    sent: Vec<Key>,
    /// Admitted writes with their place in the history.
    admitted: Vec<(usize, Key, Purpose)>,
    /// Places at which others changed the target.
    touched: Vec<usize>,
    turned_away: usize,
}

type Broken = Result<(), String>;

fn demand(kept: bool, promise: impl FnOnce() -> String) -> Broken {
    if kept { Ok(()) } else { Err(promise()) }
}

/// Checks a history; the promise that was broken, if one was.
pub(crate) fn check(cluster: &Cluster, quiet: bool) -> Result<Verdict, String> {
    let mut walk = Walk {
        records: cluster.changes.iter().map(|_| Rc::new(Record::default())).collect(),
        receipts: Vec::new(),
        proved: Vec::new(),
        begun: Vec::new(),
        sent: Vec::new(),
        admitted: Vec::new(),
        touched: Vec::new(),
        turned_away: 0,
    };
    for (at, event) in cluster.history.iter().enumerate() {
        walk.take(at, event, cluster)?;
    }
    demand(quiet, || "the run never comes to rest".into())?;
    at_rest(cluster)?;
    for change in 0..cluster.changes.len() {
        walk.truthful(change, &cluster.changes[change].record)?;
    }
    let found = |e: &&Execution| e.outcome.as_ref().is_some_and(|o| o.code.as_str().starts_with("Found"));
    Ok(Verdict {
        ended: cluster.changes.iter().map(|c| c.record.phase).collect(),
        writes: walk.admitted.len(),
        turned_away: walk.turned_away,
        found: cluster.changes.iter().map(|c| c.record.executions.iter().filter(found).count()).sum(),
    })
}

/// After everything is quiet nothing is left over and nothing is open.
fn at_rest(cluster: &Cluster) -> Broken {
    demand(cluster.accounts.is_empty(), || format!("accounts are left: {:?}", cluster.accounts.keys()))?;
    demand(cluster.fence.is_empty(), || format!("fence entries are left: {:?}", cluster.fence.keys()))?;
    for change in &cluster.changes {
        let record = &change.record;
        demand(record.phase.is_terminal(), || format!("all is quiet, but a Change is {}", record.phase))?;
        let grants = record.executions.iter().map(|e| &e.grant).chain(&record.planning);
        let open = grants.filter(|g| g.revoked_at.is_none()).count();
        demand(open == 0, || format!("{open} grants of an ended Change were never seen revoked"))?;
    }
    Ok(())
}

impl Walk {
    fn take(&mut self, at: usize, event: &Event, cluster: &Cluster) -> Broken {
        match event {
            Event::Persisted { process, change, record, seen } => {
                self.steps(*change, record)?;
                self.begins((*process, *change), record, seen.as_ref(), cluster)?;
                self.records[*change] = Rc::clone(record);
            }
            Event::Proved(key) => self.proved.push(*key),
            Event::Sent { process, key } => {
                demand(self.begun.contains(&(*key, *process)), || format!("{key:?} was sent without an intent"))?;
                demand(!self.sent.contains(key), || format!("{key:?} was sent twice"))?;
                self.sent.push(*key);
            }
            Event::Arrived { key, purpose, digest, admitted: true, suspended } => {
                demand(!suspended, || format!("{key:?} was admitted while suspended"))?;
                self.admit(at, *key, *purpose, digest)?;
            }
            Event::Arrived { admitted: false, .. } => self.turned_away += 1,
            Event::Touched => self.touched.push(at),
            Event::Receipted { change, about } => {
                let entry = (*change, about.clone());
                demand(!self.receipts.contains(&entry), || format!("two receipts about {about}"))?;
                self.receipts.push(entry);
            }
        }
        Ok(())
    }

    /// From one record to the next.
    fn steps(&self, change: usize, next: &Record) -> Broken {
        let last = &self.records[change];
        if last.phase.is_terminal() && next.phase != last.phase {
            let late = (last.phase, next.phase) == (Phase::Failed, Phase::Recovered);
            demand(late, || format!("{} became {}", last.phase, next.phase))?;
        }
        if next.phase.is_terminal() {
            let receipted = |about: &str| self.receipts.contains(&(change, about.to_owned()));
            demand(receipted(next.phase.as_str()), || format!("{} is shown without its receipt", next.phase))?;
            let back = next.phase != Phase::RolledBack || receipted("RollBack");
            demand(back, || "rolled back without a receipt of it".into())?;
        }
        let kept = next.executions.len() >= last.executions.len();
        demand(kept, || "an execution was forgotten".into())?;
        for (old, new) in last.executions.iter().zip(&next.executions) {
            demand(old.key == new.key, || format!("execution {} became {}", old.key, new.key))?;
            demand(!old.is_applied() || new.is_applied(), || format!("{} was applied and is not any more", old.key))?;
        }
        for purpose in [Purpose::Apply, Purpose::RollBack] {
            let acknowledged = next.executions.iter().filter(|e| e.purpose == purpose && e.is_applied()).count();
            demand(acknowledged <= 1, || format!("{acknowledged} executions are acknowledged as {purpose:?}"))?;
        }
        Ok(())
    }

    /// Intents that are new in this record: each needs a permit.
    fn begins(&mut self, by: (usize, usize), next: &Record, seen: Option<&Seen>, cluster: &Cluster) -> Broken {
        let (process, change) = by;
        for (execution, run) in next.executions.iter().enumerate().filter(|(_, run)| run.started_at.is_some()) {
            let key = Key { change, execution };
            if self.begun.iter().any(|(begun, _)| *begun == key) {
                continue;
            }
            let seen = seen.ok_or_else(|| format!("{key:?} was begun by a report"))?;
            demand(self.proved.contains(&key), || format!("{key:?} was begun although the fence was not asked"))?;
            permit(run, next, seen, &cluster.changes[change].proposal.proposer, change)
                .map_err(|why| format!("{key:?} was begun without a permit: {why}"))?;
            self.begun.push((key, process));
        }
        Ok(())
    }

    /// A write that took effect.
    fn admit(&mut self, at: usize, key: Key, purpose: Purpose, digest: &str) -> Broken {
        let record = &self.records[key.change];
        let run = record.executions.get(key.execution);
        let run = run.ok_or_else(|| format!("{key:?} took effect and is in no record"))?;
        demand(run.digest == digest, || format!("{key:?} wrote another plan than the recorded one"))?;
        demand(run.grant.revoked_at.is_none(), || {
            format!("{key:?} took effect after its account was recorded revoked")
        })?;
        let before = self.admitted.iter().rev().find(|(_, k, p)| k.change == key.change && *p == purpose);
        let again = before.is_some_and(|(since, ..)| !self.others_since(*since, key.change));
        demand(!again, || format!("{key:?} took effect although an earlier write of its purpose stands"))?;
        self.admitted.push((at, key, purpose));
        Ok(())
    }

    /// True if anybody but this Change changed the target after that place.
    fn others_since(&self, since: usize, change: usize) -> bool {
        let other = |(at, key, _): &(usize, Key, Purpose)| *at > since && key.change != change;
        self.touched.iter().any(|at| *at > since) || self.admitted.iter().any(other)
    }

    /// What an ended record says of its writes is what happened, as far as anybody could know.
    fn truthful(&self, change: usize, record: &Record) -> Broken {
        for (execution, run) in record.executions.iter().enumerate() {
            let key = Key { change, execution };
            let took_effect = self.admitted.iter().find(|(_, k, _)| *k == key);
            match (took_effect, run.is_applied()) {
                (Some((at, ..)), false) => demand(self.others_since(*at, change), || {
                    format!("{key:?} took effect, and the record says {:?}", run.outcome.as_ref().map(|o| o.code))
                })?,
                (None, true) => demand(self.others_since(0, change), || {
                    format!("{key:?} is recorded as applied and never took effect")
                })?,
                (Some(_), true) | (None, false) => {}
            }
        }
        let applied = |purpose: Purpose| record.executions.iter().any(|e| e.purpose == purpose && e.is_applied());
        let holds = match record.phase {
            Phase::Recovered => applied(Purpose::Apply),
            Phase::RolledBack => applied(Purpose::RollBack),
            Phase::Refused | Phase::Rejected | Phase::Expired => !applied(Purpose::Apply),
            _ => true,
        };
        demand(holds, || format!("{} does not fit its executions", record.phase))
    }
}
