//! The effects, cut into the API calls they are made of.
//!
//! Owns their order, which is the operator's. Any call may fail without effect, or succeed with
//! its reply lost.

use crate::bug::Bug;
use crate::cluster::{Answer, Request};
use crate::history::{Event, Key};
use crate::plans::{backwards, conclude, forwards};
use crate::process::Stage;
use crate::run::Sim;
use bailiwick_core::life::{Effect, Purpose, ReceiptRef, Record, Report, fold};
use bailiwick_core::plan::{DryRun, Plan};
use bailiwick_core::reason::{Code, Reason};
use std::rc::Rc;

/// An effect that is being run.
pub(crate) struct Act {
    change: usize,
    rv: u64,
    record: Record,
    effect: Effect,
    /// How many calls were made.
    calls: u8,
    /// The account's instance, once the process holds a token of it.
    instance: u64,
}

/// What one call led to.
enum Then {
    /// The next call.
    Next,
    /// The effect is done.
    Done(Report),
    /// An error: the pass ends and is repeated.
    Error,
}

impl Act {
    pub(crate) fn new(change: usize, rv: u64, record: Record, effect: Effect) -> Self {
        Self { change, rv, record, effect, calls: 0, instance: 0 }
    }

    fn request(&self, execution: usize) -> Option<Request> {
        let run = self.record.executions.get(execution)?;
        let plan = match run.purpose {
            Purpose::RollBack => self.record.undo_plan.as_ref()?,
            Purpose::Apply | Purpose::Plan => self.record.plan.as_ref()?,
        };
        Some(Request {
            key: Key { change: self.change, execution },
            purpose: run.purpose,
            account: run.grant.account.clone(),
            instance: self.instance,
            plan: Rc::new(plan.clone()),
        })
    }
}

impl Sim {
    /// Makes one call of an effect.
    pub(crate) fn act(&mut self, p: usize, mut act: Act) -> Stage {
        if !self.calm && self.rng.chance(self.faults) {
            return self.failed(act.change);
        }
        let then = self.call(p, &mut act);
        let lost = !self.calm && self.rng.chance(self.faults);
        match then {
            _ if lost && !matches!(act.effect, Effect::Write { .. }) => self.failed(act.change),
            Then::Next => {
                act.calls += 1;
                Stage::Act(Box::new(act))
            }
            Then::Done(report) => {
                let record = fold(&act.record, report, self.cluster.now);
                Stage::Report { change: act.change, rv: act.rv, record: Box::new(record) }
            }
            Then::Error => self.failed(act.change),
        }
    }

    fn failed(&mut self, change: usize) -> Stage {
        self.dirty[change] = true;
        Stage::Idle
    }

    fn call(&mut self, p: usize, act: &mut Act) -> Then {
        match act.effect.clone() {
            Effect::Plan { account } => {
                self.plan(act, &account, |sim, act| forwards(&sim.cluster, &sim.cluster.changes[act.change]))
            }
            Effect::PlanUnconfirmed => {
                let plan = forwards(&self.cluster, &self.cluster.changes[act.change]);
                Then::Done(planned(plan.map(|p| Plan { dry_run: DryRun::NotDryRun, ..p }.sealed())))
            }
            Effect::PlanUndo { account } => self.plan(act, &account, |sim, act| {
                let plan = act.record.plan.as_ref().ok_or_else(|| Reason::plain(Code::NoUndo))?;
                backwards(&sim.cluster, plan)
            }),
            Effect::Arm { execution } => self.arm(act, execution),
            Effect::Write { execution } => self.write(p, act, execution),
            Effect::ReadBack { execution } => self.read_back(act, execution),
            Effect::Revoke { account } => self.revoke(act, account),
            Effect::Receipt { about } => self.receipt(p, act, about),
        }
    }

    fn plan(&mut self, act: &Act, account: &str, plan: impl FnOnce(&Sim, &Act) -> Result<Plan, Reason>) -> Then {
        match act.calls {
            0 => {
                self.cluster.ensure(account);
                Then::Next
            }
            1 => {
                self.cluster.fence.insert(account.to_owned(), None);
                Then::Next
            }
            _ => {
                let bound = self.cluster.accounts.get(account).is_some_and(|a| a.bound);
                let granted = self.cluster.fence.contains_key(account);
                let no = |code| Then::Done(Report::PlanRefused(Reason::plain(code)));
                match (self.cluster.truth().suspended, bound && granted) {
                    (true, _) => no(Code::Suspended),
                    (false, false) => no(Code::FenceUnproved),
                    (false, true) => Then::Done(planned(plan(self, act))),
                }
            }
        }
    }

    fn arm(&mut self, act: &mut Act, execution: usize) -> Then {
        let Some(request) = act.request(execution) else { return Then::Error };
        match act.calls {
            0 => {
                act.instance = self.cluster.ensure(&request.account);
                Then::Next
            }
            1 => {
                self.cluster.fence.insert(request.account.clone(), Some(request.plan.digest.clone()));
                Then::Next
            }
            _ if self.cluster.bug == Some(Bug::ProofUnasked) => {
                Then::Done(Report::Proved { execution, refusal: "surely".into() })
            }
            _ => {
                let no = |code| Then::Done(Report::NotProved { execution, reason: Reason::plain(code) });
                match self.cluster.dry_run(&request) {
                    Answer::Written => {
                        self.cluster.history.push(Event::Proved(request.key));
                        Then::Done(Report::Proved { execution, refusal: "denied by the fence".into() })
                    }
                    Answer::Conflict => no(Code::Drifted),
                    Answer::Forbidden if self.cluster.truth().suspended => no(Code::Suspended),
                    Answer::Forbidden => no(Code::FenceUnproved),
                }
            }
        }
    }

    fn write(&mut self, p: usize, act: &mut Act, execution: usize) -> Then {
        let Some(mut request) = act.request(execution) else { return Then::Error };
        match act.calls {
            0 => {
                let account = self.cluster.accounts.get(&request.account);
                let Some(account) = account else { return Then::Error };
                act.instance = account.instance;
                Then::Next
            }
            1 => {
                request.instance = act.instance;
                self.cluster.history.push(Event::Sent { process: p, key: request.key });
                self.send(act, request, execution)
            }
            _ => self.read_back(act, execution),
        }
    }

    /// The request goes out; in one of four ways.
    fn send(&mut self, act: &Act, request: Request, execution: usize) -> Then {
        let fate = if self.calm { 0 } else { self.rng.below(100) };
        match fate {
            0..70 => {}
            70..80 => {
                self.cluster.arrive(&request);
                return Then::Next;
            }
            80..90 => {
                self.cluster.under_way.push(request);
                return Then::Next;
            }
            _ => return Then::Next,
        }
        let drifted = self.cluster.dry_run(&request) == Answer::Conflict;
        let not = |code| Then::Done(Report::NotApplied { execution, reason: Reason::plain(code) });
        match self.cluster.arrive(&request) {
            Answer::Written => {
                Then::Done(Report::Applied { execution, code: Code::Written, resource_version: None, generation: None })
            }
            // The patch's tests fail also where an earlier, lost attempt has written.
            Answer::Conflict => self.read_back(act, execution),
            Answer::Forbidden if drifted => self.read_back(act, execution),
            Answer::Forbidden if self.cluster.truth().suspended => not(Code::Suspended),
            Answer::Forbidden => not(Code::WriteRefused),
        }
    }

    fn read_back(&mut self, act: &Act, execution: usize) -> Then {
        let Some(request) = act.request(execution) else { return Then::Error };
        Then::Done(match self.cluster.bug {
            Some(Bug::SkipReadBack) => Report::NotApplied { execution, reason: Reason::plain(Code::WriteUnclear) },
            Some(Bug::AssumeWritten) => {
                Report::Applied { execution, code: Code::FoundWritten, resource_version: None, generation: None }
            }
            _ => conclude(&request.plan, execution, &self.cluster),
        })
    }

    fn revoke(&mut self, act: &Act, account: String) -> Then {
        if self.cluster.bug == Some(Bug::NoRevoke) {
            return Then::Done(Report::Revoked { account });
        }
        match act.calls {
            0 => {
                self.cluster.fence.remove(&account);
                Then::Next
            }
            1 => {
                self.cluster.unbind(&account);
                Then::Next
            }
            _ => {
                self.cluster.accounts.remove(&account);
                Then::Done(Report::Revoked { account })
            }
        }
    }

    fn receipt(&mut self, p: usize, act: &Act, about: String) -> Then {
        if !self.cluster.truth().key {
            return Then::Error;
        }
        if self.cluster.bug == Some(Bug::ReceiptAfterTerminal) {
            self.processes[p].owed.push((act.change, about.clone()));
        } else {
            self.cluster.receipt(act.change, &about);
        }
        Then::Done(Report::Receipted(ReceiptRef { name: about.clone(), about, hash: String::new() }))
    }
}

fn planned(plan: Result<Plan, Reason>) -> Report {
    match plan {
        Ok(plan) => Report::Planned(Box::new(plan)),
        Err(reason) => Report::PlanRefused(reason),
    }
}
