//! The cast of `scene`: plans, the proposal, verdicts, and reports in few words.
//!
//! Owns the builders of values that hold still.

use crate::action::{Action, ChangeType, Origin, Param};
use crate::life::{Effect, Report};
use crate::mandate::{Approvers, Limits, Outcome, Verdict};
use crate::names::{ContainerName, Namespace, ObjectName, Uid};
use crate::object::{Kind, ObjectRef};
use crate::plan::{Baseline, DryRun, Operation, Plan, Proposal};
use crate::reason::{Code, Reason};

pub(super) const OPERATOR: &str = "operator";

/// A plan whose fingerprint is `seen`; another `seen` gives another digest.
pub(super) fn plan(seen: &str) -> Plan {
    Plan {
        change_type: ChangeType::SetImage,
        operation: Operation::Update,
        target: target(),
        dry_run: DryRun::Server,
        patch: "[]".into(),
        changed: Vec::new(),
        before: "{}".into(),
        result: "{}".into(),
        free: Vec::new(),
        live: Default::default(),
        fingerprint: seen.into(),
        baseline: Baseline::default(),
        undoable: true,
        digest: String::new(),
    }
    .sealed()
}

fn target() -> ObjectRef {
    let uid = Uid::parse("target-1").unwrap();
    let namespace = Namespace::parse("shop").unwrap();
    let name = ObjectName::parse("web").unwrap();
    ObjectRef::namespaced(Kind::Deployment, namespace, name, Some(uid))
}

pub(super) fn proposal() -> Proposal {
    Proposal {
        namespace: Namespace::parse("shop").unwrap(),
        name: ObjectName::parse("fix-web").unwrap(),
        uid: Uid::parse("c0ffee00-1").unwrap(),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        proposer: OPERATOR.into(),
        action: Action::SetImage {
            container: ContainerName::parse("app").unwrap(),
            image: Param::new("r/web:good".into(), Origin::Human {}),
        },
        target: target(),
    }
}

pub(super) fn verdict(outcome: Outcome) -> Verdict {
    let code = match outcome {
        Outcome::PreApproved => Code::MandateAllows,
        Outcome::NeedsApproval => Code::MandateAsks,
        Outcome::Refused => Code::RefusedByMandate,
    };
    Verdict {
        outcome,
        reasons: vec![Reason::plain(code)],
        mandate: Some("default".into()),
        approvers: Approvers { users: vec!["alice".into(), "bob".into()], groups: vec!["sre".into()] },
        quorum: 1,
        limits: Limits::default(),
    }
}

pub(super) fn applied(execution: usize, code: Code) -> Report {
    Report::Applied { execution, code, resource_version: Some("9".into()), generation: Some(2) }
}

pub(super) fn not_applied(execution: usize, code: Code) -> Report {
    Report::NotApplied { execution, reason: Reason::plain(code) }
}

pub(super) fn not_proved(execution: usize, code: Code) -> Report {
    Report::NotProved { execution, reason: Reason::plain(code) }
}

/// An effect in a word or two.
pub(super) fn told(effect: &Effect) -> String {
    match effect {
        Effect::Plan { account } => format!("plan as {account}"),
        Effect::PlanUnconfirmed => "plan for show".into(),
        Effect::PlanUndo { account } => format!("plan the way back as {account}"),
        Effect::Arm { execution } => format!("arm {execution}"),
        Effect::Write { execution } => format!("write {execution}"),
        Effect::ReadBack { execution } => format!("read back {execution}"),
        Effect::Revoke { account } => format!("revoke {account}"),
        Effect::Receipt { about } => format!("receipt {about}"),
    }
}
