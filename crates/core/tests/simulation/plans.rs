//! Plans of the model's object, and the conclusion from reading it back.
//!
//! Owns both; they mirror what the operator does with real objects.

use crate::cluster::{Cluster, Stored, Target, content, fingerprint};
use bailiwick_core::action::{Action, ChangeType, Origin, Param};
use bailiwick_core::life::Report;
use bailiwick_core::names::{ContainerName, Namespace, ObjectName, Uid};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::plan::{Baseline, DryRun, Operation, Plan, Proposal};
use bailiwick_core::reason::{Code, Reason};
use jiff::Timestamp;

fn target_of(target: Option<&Target>) -> ObjectRef {
    ObjectRef::namespaced(
        Kind::Deployment,
        Namespace::parse("shop").unwrap(),
        ObjectName::parse("web").unwrap(),
        target.map(|t| Uid::parse(format!("t-{}", t.uid)).unwrap()),
    )
}

/// The proposal of Change number `n`.
pub(crate) fn proposal(n: usize, created: Timestamp, proposer: &str) -> Proposal {
    Proposal {
        namespace: Namespace::parse("shop").unwrap(),
        name: ObjectName::parse(format!("change-{n}")).unwrap(),
        uid: Uid::parse(format!("c{n}000000-0")).unwrap(),
        created,
        proposer: proposer.to_owned(),
        action: Action::SetImage {
            container: ContainerName::parse("app").unwrap(),
            image: Param::new("r/web:good".into(), Origin::Human {}),
        },
        target: target_of(None),
    }
}

fn made(cluster: &Cluster, operation: Operation, wanted: Option<u32>, undoable: bool) -> Plan {
    let now = cluster.target.as_ref();
    let text = |value: Option<u32>| value.map(|v| v.to_string()).unwrap_or_default();
    Plan {
        change_type: ChangeType::SetImage,
        operation,
        target: target_of(now),
        dry_run: DryRun::Server,
        patch: "[]".into(),
        changed: Vec::new(),
        before: text(now.map(|t| t.value)),
        result: text(wanted),
        free: Vec::new(),
        live: Default::default(),
        fingerprint: fingerprint(now, cluster.free),
        baseline: Baseline::default(),
        undoable,
        digest: String::new(),
    }
    .sealed()
}

/// The plan of a Change, from the target as it is.
pub(crate) fn forwards(cluster: &Cluster, change: &Stored) -> Result<Plan, Reason> {
    let no = |code: Code| Err(Reason::plain(code));
    match (change.operation, &cluster.target) {
        (Operation::Create, Some(_)) => return no(Code::TargetExists),
        (Operation::Update | Operation::Delete, None) => return no(Code::TargetMissing),
        (Operation::Update, Some(t)) if Some(t.value) == change.wanted => return no(Code::NothingToChange),
        (Operation::Create, None) | (Operation::Update | Operation::Delete, Some(_)) => {}
    }
    Ok(made(cluster, change.operation, change.wanted, change.undoable))
}

/// The plan of the way back.
pub(crate) fn backwards(cluster: &Cluster, plan: &Plan) -> Result<Plan, Reason> {
    let no = |code: Code| Err(Reason::plain(code));
    let (before, after) = (content(&plan.before), content(&plan.result));
    let operation = match (plan.operation, &cluster.target) {
        (Operation::Delete, Some(_)) => return no(Code::TargetExists),
        (Operation::Delete, None) => Operation::Create,
        (Operation::Update | Operation::Create, None) => return no(Code::TargetMissing),
        (Operation::Update | Operation::Create, Some(t)) if Some(t.value) != after => return no(Code::NoUndo),
        (Operation::Update, Some(t)) if target_of(Some(t)).uid != plan.target.uid => return no(Code::TargetReplaced),
        (Operation::Update, Some(_)) => Operation::Update,
        (Operation::Create, Some(_)) => Operation::Delete,
    };
    Ok(made(cluster, operation, before.filter(|_| operation != Operation::Delete), false))
}

/// What the target as it is now says about whether the plan was written.
pub(crate) fn conclude(plan: &Plan, execution: usize, cluster: &Cluster) -> Report {
    let now = cluster.target.as_ref();
    let done = |code| Report::Applied { execution, code, resource_version: None, generation: None };
    let not = |code| Report::NotApplied { execution, reason: Reason::plain(code) };
    let same = |t: &Target| target_of(Some(t)).uid == plan.target.uid;
    let shows = |t: &Target| Some(t.value) == content(&plan.result);
    match (plan.operation, now) {
        (Operation::Delete, None) => done(Code::FoundGone),
        (Operation::Delete, Some(t)) if same(t) => not(Code::WriteUnclear),
        (Operation::Delete, Some(_)) => done(Code::FoundGone),
        (Operation::Create, None) => not(Code::WriteUnclear),
        (Operation::Create, Some(t)) if shows(t) => done(Code::FoundWritten),
        (Operation::Create, Some(_)) => not(Code::TargetExists),
        (Operation::Update, None) => not(Code::TargetMissing),
        (Operation::Update, Some(t)) if fingerprint(Some(t), cluster.free) == plan.fingerprint => {
            not(Code::WriteUnclear)
        }
        (Operation::Update, Some(t)) if same(t) && shows(t) => done(Code::FoundWritten),
        (Operation::Update, Some(_)) => not(Code::Drifted),
    }
}
