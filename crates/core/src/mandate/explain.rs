//! The verdict, step by step.
//!
//! Owns the order of questions that every proposal must pass. Must never pass a question that
//! could not be answered: what is unknown narrows or refuses. No IO.

use super::{ApprovalMode, Approvers, Bounds, Limits, Mandate, Outcome, Rule, Verdict, strictest};
use crate::action::{ChangeType, Origin};
use crate::catalogue;
use crate::index::names::explains;
use crate::object::ObjectRef;
use crate::plan::Proposal;
use crate::plan::bounds::{self, Facts};
use crate::reason::{Code, Reason};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who proposes.
    pub proposer: &'a str,
    /// User name of the operator itself.
    pub operator: &'a str,
    /// What type of change.
    pub change_type: ChangeType,
    /// To which object.
    pub target: &'a ObjectRef,
    /// The live object, if it exists.
    pub object: Option<&'a Value>,
    /// Labels of the target's namespace, of a node those of its own; `None` if that namespace does not exist or is
    /// terminating.
    pub namespace: Option<&'a BTreeMap<String, String>>,
    /// Key and value of the territory label.
    pub territory: (&'a str, &'a str),
    /// The mandates.
    pub mandates: &'a [Mandate],
    /// Names of mandates that could not be read.
    pub unreadable: &'a [String],
    /// The whole proposal with what the cluster says, where there is one; without it values are not checked.
    pub proposal: Option<(&'a Proposal, &'a Facts)>,
    /// The time.
    pub now: Timestamp,
}

/// How one step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StepResult {
    /// Nothing against it.
    Pass,
    /// Only a human may decide.
    Human,
    /// No.
    Refuse,
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What was asked.
    pub question: String,
    /// How it went.
    pub result: StepResult,
    /// The answer's particulars.
    pub reason: Reason,
}

/// All steps and the verdict they lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Answers a question. The strictest step decides; every step is kept.
pub fn explain(question: &Question<'_>) -> Explanation {
    let mut steps = vec![territory(question), protection(question), keeper(question)];
    let matched = matching(question);
    steps.push(readable(question));
    steps.extend(matched.iter().map(|(mandate, rule)| rule_step(question, mandate, rule)));
    if matched.is_empty() {
        steps.push(step("rule", StepResult::Human, Reason::plain(Code::NoRule)));
    }
    steps.push(tier(question, &matched));
    steps.extend(meant(question));
    let bounds = narrowest(&matched);
    if let Some((proposal, facts)) = question.proposal {
        steps.push(values(proposal, facts, &bounds));
        steps.push(origins(proposal));
    } else {
        steps.push(kind(question));
    }
    if !matched.is_empty() {
        steps.push(proposer(question, &matched));
        steps.push(window(question, &matched));
    }
    let asked = |rule: &Rule| asks(question, rule);
    let deciding = strictest::deciding(&matched, asked);
    let approvers = strictest::approvers(&deciding);
    // Where no rule asks for people it does not matter whom they name.
    if approvers.is_none() && deciding.iter().any(|(_, rule)| asked(rule)) {
        steps.push(nobody(&deciding));
    }
    let verdict = Verdict {
        mandate: deciding.iter().max_by_key(|(_, rule)| rule.quorum).map(|(mandate, _)| mandate.name.clone()),
        approvers: approvers.unwrap_or_default(),
        quorum: deciding.iter().map(|(_, rule)| rule.quorum).max().unwrap_or(1).max(1),
        limits: strictest::limits(&matched),
        ..verdict(&steps)
    };
    Explanation { steps, verdict }
}

fn step(question: &str, result: StepResult, reason: Reason) -> Step {
    Step { question: question.to_owned(), result, reason }
}

fn pass(question: &str, detail: impl Into<String>) -> Step {
    step(question, StepResult::Pass, Reason::new(Code::MandateAllows, detail))
}

fn territory(q: &Question<'_>) -> Step {
    let (key, value) = q.territory;
    let name = q.target.namespace_str();
    let (place, many) = match &q.target.namespace {
        Some(namespace) => (format!("namespace {namespace}"), "namespaces"),
        None => (q.target.to_string(), q.target.kind.served().resource),
    };
    let Some(labels) = q.namespace else {
        return step(
            "territory",
            StepResult::Refuse,
            Reason::new(Code::NamespaceGone, format!("namespace {name} does not exist or is terminating")),
        );
    };
    if labels.get(key).is_some_and(|v| v == value) {
        return pass("territory", format!("{place} carries {key}={value}"));
    }
    let why = format!("{place} does not carry the label {key}={value}; whoever may label {many} can add it");
    step("territory", StepResult::Refuse, Reason::new(Code::OutsideTerritory, why))
}

fn protection(q: &Question<'_>) -> Step {
    let empty = BTreeMap::new();
    if let Some(reason) = bounds::protected(q.target, q.object, q.namespace.unwrap_or(&empty)) {
        return step("protection", StepResult::Refuse, reason);
    }
    for mandate in q.mandates {
        if mandate.protect.iter().any(|p| p.covers(q.target)) {
            let why = format!("mandate {} protects {}", mandate.name, q.target);
            return step("protection", StepResult::Refuse, Reason::new(Code::Protected, why));
        }
    }
    pass("protection", "nothing protects the target")
}

fn keeper(q: &Question<'_>) -> Step {
    match q.object.and_then(bounds::managed_elsewhere) {
        Some(by) => step(
            "keeper",
            StepResult::Refuse,
            Reason::new(Code::ManagedElsewhere, format!("{} is kept by {by}", q.target)),
        ),
        None => pass("keeper", "no GitOps tool or other operator keeps the target"),
    }
}

fn readable(q: &Question<'_>) -> Step {
    if q.unreadable.is_empty() {
        return pass("mandates", format!("{} read", q.mandates.len()));
    }
    let why = format!("cannot read: {}", q.unreadable.join(", "));
    step("mandates", StepResult::Human, Reason::new(Code::MandateUnreadable, why))
}

/// In each mandate the first rule that matches namespace and type. One for some namespaces says nothing of what
/// lives in none.
fn matching<'a>(q: &Question<'a>) -> Vec<(&'a Mandate, &'a Rule)> {
    let empty = BTreeMap::new();
    let labels = q.namespace.unwrap_or(&empty);
    let applies = |rule: &Rule| {
        rule.namespace_selector.as_ref().is_none_or(|s| q.target.namespace.is_some() && s.matches(labels))
            && (rule.types.is_empty() || rule.types.contains(&q.change_type))
    };
    q.mandates.iter().filter_map(|m| m.rules.iter().find(|r| applies(r)).map(|r| (m, r))).collect()
}

fn rule_step(q: &Question<'_>, mandate: &Mandate, rule: &Rule) -> Step {
    let about = format!("mandate {} on {} in {}", mandate.name, q.change_type, q.target.namespace_str());
    let (result, code) = match rule.approval {
        ApprovalMode::PreApproved => (StepResult::Pass, Code::MandateAllows),
        ApprovalMode::Human => (StepResult::Human, Code::MandateAsks),
        ApprovalMode::Refused => (StepResult::Refuse, Code::RefusedByMandate),
    };
    step("rule", result, Reason::new(code, format!("{about}: {}", code.meaning())))
}

/// The strictest bounds of all matching rules.
fn narrowest(matched: &[(&Mandate, &Rule)]) -> Bounds {
    let mut rules = matched.iter().map(|(_, rule)| &rule.bounds);
    let mut bounds = rules.next().cloned().unwrap_or_default();
    for other in rules {
        bounds = bounds.and(other);
    }
    bounds
}

fn tier(q: &Question<'_>, matched: &[(&Mandate, &Rule)]) -> Step {
    let tier = bounds::effective_tier(q.change_type, q.target, q.object);
    let named = matched.iter().all(|(_, rule)| rule.types.contains(&q.change_type)) && !matched.is_empty();
    let detail = format!("{} is of tier {tier}", q.change_type);
    match tier {
        0 | 1 => pass("tier", detail),
        2 if named => pass("tier", format!("{detail} and is named by the rule")),
        2 => step("tier", StepResult::Human, Reason::new(Code::TypeNotNamed, detail)),
        _ => step("tier", StepResult::Human, Reason::new(Code::TierNeedsHuman, detail)),
    }
}

/// Told where the change would have run again what stands still on purpose.
fn meant(q: &Question<'_>) -> Option<Step> {
    let resumes = q.change_type == ChangeType::ResumeCronJob;
    let annotations = q.object.filter(|_| resumes)?.pointer("/metadata/annotations")?.as_object()?;
    let (key, _) = annotations.iter().find(|(key, value)| explains(key, value.as_str().unwrap_or_default()))?;
    Some(step("purpose", StepResult::Human, Reason::new(Code::Explained, format!("the annotation {key:?} is set"))))
}

/// Asked where there is no proposal whose values could be checked.
fn kind(q: &Question<'_>) -> Step {
    if catalogue::entry(q.change_type).targets.contains(&q.target.kind) {
        return pass("kind", format!("{} applies to {}", q.change_type, q.target.kind));
    }
    let why = format!("{} does not apply to {}", q.change_type, q.target.kind);
    step("kind", StepResult::Refuse, Reason::new(Code::WrongKind, why))
}

/// True if this rule, taken alone, would have people decide: it says so, or it pre-approves and
/// something here keeps that from holding.
fn asks(q: &Question<'_>, rule: &Rule) -> bool {
    let tier = bounds::effective_tier(q.change_type, q.target, q.object);
    let named = rule.types.contains(&q.change_type);
    let pre_approves = match rule.approval {
        ApprovalMode::PreApproved => tier < 2 || (tier == 2 && named),
        ApprovalMode::Human | ApprovalMode::Refused => false,
    };
    let human = q.proposal.is_some_and(|(proposal, _)| human_value(proposal).is_some());
    let withheld = human || meant(q).is_some() || !q.unreadable.is_empty();
    !pre_approves || withheld || !is_trusted(q, rule) || !is_open(q, rule)
}

/// No person could satisfy every mandate.
fn nobody(deciding: &[(&Mandate, &Rule)]) -> Step {
    let names: Vec<&str> = deciding.iter().map(|(mandate, _)| mandate.name.as_str()).collect();
    let why = format!("mandates {} name no approver in common", names.join(", "));
    step("approvers", StepResult::Refuse, Reason::new(Code::RefusedByMandate, why))
}

fn values(proposal: &Proposal, facts: &Facts, bounds: &Bounds) -> Step {
    match bounds::check(proposal, facts, bounds) {
        Ok(()) => pass("values", "kind, origins and bounds hold"),
        Err(reason) => step("values", StepResult::Refuse, reason),
    }
}

fn origins(proposal: &Proposal) -> Step {
    match human_value(proposal) {
        Some(why) => step("origins", StepResult::Human, Reason::new(Code::HumanValue, why)),
        None => pass("origins", "no value was given by a person"),
    }
}

/// What is said of the first parameter that a person gave, or that undoes what a person did.
fn human_value(proposal: &Proposal) -> Option<String> {
    proposal.action.origins().into_iter().find_map(|(parameter, origin)| match origin {
        Origin::Human {} => Some(format!("{parameter} was given by a person")),
        Origin::Earlier {} => Some(format!("{parameter} takes back what somebody did")),
        Origin::RevisionHistory { .. }
        | Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::CurrentValue {}
        | Origin::Telemetry {} => None,
    })
}

fn is_trusted(q: &Question<'_>, rule: &Rule) -> bool {
    q.proposer == q.operator || rule.proposers.iter().any(|p| p == q.proposer)
}

fn is_open(q: &Question<'_>, rule: &Rule) -> bool {
    rule.windows.is_empty() || rule.windows.iter().any(|w| w.contains(q.now))
}

fn proposer(q: &Question<'_>, matched: &[(&Mandate, &Rule)]) -> Step {
    if matched.iter().all(|(_, rule)| is_trusted(q, rule)) {
        return pass("proposer", format!("{} may have its proposals pre-approved", q.proposer));
    }
    let why = format!("{} is neither the operator nor among the rule's proposers", q.proposer);
    step("proposer", StepResult::Human, Reason::new(Code::ProposerNotTrusted, why))
}

fn window(q: &Question<'_>, matched: &[(&Mandate, &Rule)]) -> Step {
    if matched.iter().all(|(_, rule)| is_open(q, rule)) {
        return pass("window", "inside the rule's time windows");
    }
    step("window", StepResult::Human, Reason::plain(Code::OutsideWindow))
}

/// The outcome with its reasons; approvers, quorum and limits are the rules' own.
fn verdict(steps: &[Step]) -> Verdict {
    let of = |result: StepResult| steps.iter().filter(move |s| s.result == result).map(|s| s.reason.clone());
    let refused: Vec<Reason> = of(StepResult::Refuse).collect();
    let human: Vec<Reason> = of(StepResult::Human).collect();
    let (outcome, reasons) = if !refused.is_empty() {
        (Outcome::Refused, refused)
    } else if !human.is_empty() {
        (Outcome::NeedsApproval, human)
    } else {
        let allowed = steps.iter().filter(|s| s.question == "rule").map(|s| s.reason.clone()).collect();
        (Outcome::PreApproved, allowed)
    };
    Verdict { outcome, reasons, mandate: None, approvers: Approvers::default(), quorum: 1, limits: Limits::default() }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
