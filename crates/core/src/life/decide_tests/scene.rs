//! A stage for `decide`: a record, a world to change, and an executor that answers well.
//!
//! Owns the stage. A test names what differs; everything else is as it should be.

pub(super) use super::cast::*;
use crate::life::world::{Ballot, TargetNow};
use crate::life::{Decision, DecisionKind, Effect, Phase, Purpose, ReceiptRef, Record, Report, World, decide, fold};
use crate::mandate::{Outcome, Verdict};
use crate::oracle::Health;
use crate::plan::{DryRun, Plan, Proposal};
use crate::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};

/// The stage.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) record: Record,
    pub(super) proposal: Result<Proposal, Reason>,
    pub(super) now: Timestamp,
    pub(super) verdict: Verdict,
    pub(super) namespace: bool,
    pub(super) territory: bool,
    pub(super) target: TargetNow,
    pub(super) ballots: Vec<Ballot>,
    pub(super) suspended: bool,
    pub(super) fence: Result<(), Reason>,
    pub(super) key: bool,
    pub(super) guards: Result<(), (Reason, SignedDuration)>,
    pub(super) health: Option<Health>,
    /// What happened: phases entered and effects asked for.
    pub(super) story: Vec<String>,
}

/// A Change that the mandate pre-approves, not yet decided upon.
pub(super) fn standard() -> Scene {
    Scene {
        record: Record::default(),
        proposal: Ok(proposal()),
        now: "2026-01-02T03:04:06Z".parse().unwrap(),
        verdict: verdict(Outcome::PreApproved),
        namespace: true,
        territory: true,
        target: TargetNow::Present("f0".into()),
        ballots: Vec::new(),
        suspended: false,
        fence: Ok(()),
        key: true,
        guards: Ok(()),
        health: None,
        story: Vec::new(),
    }
}

/// A Change that needs a human.
pub(super) fn normal() -> Scene {
    Scene { verdict: verdict(Outcome::NeedsApproval), ..standard() }
}

impl Scene {
    pub(super) fn world(&self) -> World<'_> {
        World {
            now: self.now,
            generation: 1,
            proposal: self.proposal.as_ref().map_err(Clone::clone),
            verdict: self.verdict.clone(),
            namespace_alive: self.namespace,
            in_territory: self.territory && self.namespace,
            target: self.target.clone(),
            ballots: &self.ballots,
            suspended: self.suspended,
            fence: self.fence.clone(),
            can_sign: self.key,
            guards: self.guards.clone(),
            health: self.health.clone(),
        }
    }

    /// One decision, persisted; its effect is not run.
    pub(super) fn decide(&mut self) -> Decision {
        let decision = decide(&self.record, &self.world());
        if decision.record.phase != self.record.phase {
            self.story.push(decision.record.phase.to_string());
        }
        self.story.extend(decision.effect.as_ref().map(|e| format!("  {}", told(e))));
        self.record = decision.record.clone();
        decision
    }

    /// Decides until there is an effect or nothing to do at once.
    pub(super) fn next(&mut self) -> Option<Effect> {
        for _ in 0..50 {
            let decision = self.decide();
            if decision.effect.is_some() || decision.recheck != Some(SignedDuration::ZERO) {
                return decision.effect;
            }
        }
        panic!("decides for ever: {:#?}", self.record);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.record = fold(&self.record, report, self.now);
    }

    /// Time passes.
    pub(super) fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// Answers an effect as a working cluster would.
    pub(super) fn answer(&mut self, effect: &Effect) {
        let report = match effect {
            Effect::Plan { .. } => Report::Planned(Box::new(plan(&self.seen()))),
            Effect::PlanUnconfirmed => {
                let shown = Plan { dry_run: DryRun::NotDryRun, ..plan(&self.seen()) };
                Report::Planned(Box::new(shown.sealed()))
            }
            Effect::PlanUndo { .. } => Report::Planned(Box::new(plan("back"))),
            Effect::Arm { execution } => {
                Report::Proved { execution: *execution, refusal: "denied by the fence".into() }
            }
            Effect::Write { execution } => applied(*execution, Code::Written),
            Effect::ReadBack { execution } => not_applied(*execution, Code::WriteUnclear),
            Effect::Revoke { account } => Report::Revoked { account: account.clone() },
            Effect::Receipt { about } => Report::Receipted(ReceiptRef {
                name: format!("{:05}", self.record.receipts.len()),
                about: about.clone(),
                hash: "00".into(),
            }),
        };
        self.report(report);
    }

    fn seen(&self) -> String {
        match &self.target {
            TargetNow::Present(fingerprint) => fingerprint.clone(),
            TargetNow::Unknown | TargetNow::Absent => String::new(),
        }
    }

    /// Plays on, every effect answered well, until this phase is entered; its first effect waits.
    pub(super) fn until(mut self, phase: Phase) -> Self {
        for _ in 0..100 {
            let effect = self.decide().effect;
            if self.record.phase == phase {
                return self;
            }
            if let Some(effect) = effect {
                self.answer(&effect);
            }
            if self.record.phase == phase {
                return self;
            }
        }
        panic!("never {phase}: {:#?}", self.record);
    }

    /// Plays on until nothing is asked for any more.
    pub(super) fn play(&mut self) -> &mut Self {
        for _ in 0..100 {
            match self.next() {
                Some(effect) => self.answer(&effect),
                None => return self,
            }
        }
        panic!("plays for ever: {:#?}", self.record);
    }

    pub(super) fn vote(&mut self, who: &str, decision: DecisionKind) -> &mut Ballot {
        let digest = self.record.plan.as_ref().map(|p| p.digest.clone());
        self.ballots.push(Ballot {
            name: format!("{who}-{}", self.ballots.len()),
            approver: who.into(),
            groups: Vec::new(),
            decision,
            at: self.now,
            digest: digest.unwrap_or_default(),
            reason: String::new(),
        });
        self.ballots.last_mut().unwrap()
    }

    pub(super) fn approve(&mut self, who: &str) -> &mut Ballot {
        self.vote(who, DecisionKind::Approve)
    }

    pub(super) fn reject(&mut self, who: &str) -> &mut Ballot {
        self.vote(who, DecisionKind::Reject)
    }

    pub(super) fn phase(&self) -> Phase {
        self.record.phase
    }

    /// The code of the reason for which the Change stands where it stands.
    pub(super) fn code(&self) -> Option<Code> {
        self.record.reason.as_ref().map(|r| r.code)
    }

    /// Accounts that were asked for in this Change and not seen revoked.
    pub(super) fn live_accounts(&self) -> Vec<&str> {
        let record = &self.record;
        let grants = record.executions.iter().map(|e| &e.grant);
        let live = grants.chain(&record.planning).filter(|g| g.revoked_at.is_none());
        live.map(|g| g.account.as_str()).collect()
    }

    pub(super) fn writes(&self) -> usize {
        let story = self.story.iter();
        story.filter(|line| line.contains("write")).count()
    }
}

/// The purpose of the newest execution.
pub(super) fn purpose(scene: &Scene) -> Option<Purpose> {
    scene.record.executions.last().map(|e| e.purpose)
}
