//! A stage for `explain`: a question to which the answer is yes, for a test to spoil.
//!
//! Owns the builders.

use crate::action::ChangeType;
use crate::mandate::{ApprovalMode, Approvers, Explanation, Limits, Mandate, Outcome, Question, Rule, explain};
use crate::plan::fixture::{Case, OPERATOR, case};
use crate::reason::Code;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Everything a question is asked about.
pub(super) struct Stage {
    pub(super) case: Case,
    pub(super) proposer: String,
    pub(super) namespace: Option<BTreeMap<String, String>>,
    pub(super) mandates: Vec<Mandate>,
    pub(super) unreadable: Vec<String>,
    pub(super) now: Timestamp,
    /// False where only the type is asked about and not a whole proposal.
    pub(super) whole: bool,
}

/// A rule of one mode for one type.
pub(super) fn rule(approval: ApprovalMode, change_type: ChangeType) -> Rule {
    Rule { approval, types: vec![change_type], quorum: 1, ..Rule::default() }
}

pub(super) fn mandate(name: &str, rules: Vec<Rule>) -> Mandate {
    Mandate { name: name.into(), rules, limits: Limits::default(), protect: Vec::new(), keep_copies: None }
}

pub(super) fn people(users: &[&str], groups: &[&str]) -> Approvers {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    Approvers { users: owned(users), groups: owned(groups) }
}

/// The operator proposes the type's good case in the territory; one mandate pre-approves it by name.
pub(super) fn stage(change_type: ChangeType) -> Stage {
    Stage {
        case: case(change_type),
        proposer: OPERATOR.into(),
        namespace: Some(BTreeMap::from([("autofix".into(), "true".into()), ("team".into(), "web".into())])),
        mandates: vec![mandate("default", vec![rule(ApprovalMode::PreApproved, change_type)])],
        unreadable: Vec::new(),
        now: "2026-11-20T12:00:00Z".parse().unwrap(),
        whole: true,
    }
}

impl Stage {
    pub(super) fn explain(&self) -> Explanation {
        explain(&Question {
            proposer: &self.proposer,
            operator: OPERATOR,
            change_type: self.case.proposal.action.change_type(),
            target: &self.case.proposal.target,
            object: self.case.facts.sources.target.as_ref(),
            namespace: self.namespace.as_ref(),
            territory: ("autofix", "true"),
            mandates: &self.mandates,
            unreadable: &self.unreadable,
            proposal: self.whole.then_some((&self.case.proposal, &self.case.facts)),
            now: self.now,
        })
    }

    pub(super) fn rule(&mut self) -> &mut Rule {
        &mut self.mandates[0].rules[0]
    }

    /// The outcome with the code of the first reason.
    pub(super) fn verdict(&self) -> (Outcome, Code) {
        let verdict = self.explain().verdict;
        (verdict.outcome, verdict.reasons[0].code)
    }
}

/// The verdict on a good question after one thing was changed.
pub(super) fn spoiled(change_type: ChangeType, spoil: impl FnOnce(&mut Stage)) -> (Outcome, Code) {
    let mut stage = stage(change_type);
    spoil(&mut stage);
    stage.verdict()
}
