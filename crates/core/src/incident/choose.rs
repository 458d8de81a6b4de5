//! Which candidate to propose next.
//!
//! Owns the order of candidates and what counts as having been tried. Must never choose what
//! failed before on the same cause. No IO.

use super::{Attempt, Case, MOST_ATTEMPTS, Record};
use crate::action::Action;
use crate::finding::{Candidate, Finding};
use crate::life::Phase;
use crate::mandate::{Outcome, Question, explain};
use crate::reason::Code;

/// A candidate with what the mandates say of its type, as far as can be told without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The candidate.
    pub candidate: Candidate,
    /// What the mandates say now.
    pub outcome: Outcome,
}

/// Puts each candidate of a finding before the mandates. `question` gives everything but type
/// and target.
pub fn weigh(finding: &Finding, question: &Question<'_>) -> Vec<Choice> {
    let weighed = |candidate: &Candidate| Choice {
        outcome: explain(&Question {
            change_type: candidate.action.change_type(),
            target: &candidate.target,
            ..*question
        })
        .verdict
        .outcome,
        candidate: candidate.clone(),
    };
    finding.candidates.iter().map(weighed).collect()
}

/// True where doing `b` would be doing `a` again: same values, whatever their origin. Computed
/// values (resources, replicas) count as the same wherever they lead.
pub fn same_action(a: &Action, b: &Action) -> bool {
    match (a, b) {
        (Action::RolloutUndo { revision: a }, Action::RolloutUndo { revision: b }) => a.value == b.value,
        (Action::SetImage { container: c, image: a }, Action::SetImage { container: d, image: b }) => {
            c == d && a.value == b.value
        }
        (Action::SetResources { container: c, .. }, Action::SetResources { container: d, .. }) => c == d,
        (Action::RestoreObject { copy: a }, Action::RestoreObject { copy: b }) => a.value == b.value,
        (Action::PatchService { settings: a }, Action::PatchService { settings: b }) => a.value == b.value,
        (Action::PatchIngress { settings: a }, Action::PatchIngress { settings: b }) => a.value == b.value,
        (Action::PatchHPA { settings: a }, Action::PatchHPA { settings: b }) => a.value.target == b.value.target,
        (Action::SetStrategy { strategy: a }, Action::SetStrategy { strategy: b }) => a.value == b.value,
        (
            Action::SetProbe { container: c, probe: p, settings: a },
            Action::SetProbe { container: d, probe: q, settings: b },
        ) => (c, p) == (d, q) && a.value == b.value,
        (
            Action::SetEnv { container: c, variable: v, revision: a },
            Action::SetEnv { container: d, variable: w, revision: b },
        ) => (c, v) == (d, w) && a.value == b.value,
        (Action::SetScheduling { part: p, revision: a }, Action::SetScheduling { part: q, revision: b }) => {
            p == q && a.value == b.value
        }
        (Action::SetVolumeRef { volume: v, revision: a }, Action::SetVolumeRef { volume: w, revision: b }) => {
            v == w && a.value == b.value
        }
        (
            Action::RolloutUndo { .. }
            | Action::SetImage { .. }
            | Action::RolloutRestart {}
            | Action::DeletePod {}
            | Action::Scale { .. }
            | Action::SetResources { .. }
            | Action::DeleteResourceQuota {}
            | Action::RestoreObject { .. }
            | Action::PatchService { .. }
            | Action::SetProbe { .. }
            | Action::SetEnv { .. }
            | Action::SetScheduling { .. }
            | Action::SetVolumeRef { .. }
            | Action::SetStrategy { .. }
            | Action::SuspendCronJob {}
            | Action::ResumeCronJob {}
            | Action::PatchIngress { .. }
            | Action::PatchHPA { .. }
            | Action::Cordon {}
            | Action::Uncordon {},
            _,
        ) => a.change_type() == b.change_type(),
    }
}

/// True where only the label or a mandate stood in the way, both of which people change.
pub(super) fn may_be_lifted(code: Code) -> bool {
    matches!(code, Code::OutsideTerritory | Code::TerritoryWithdrawn | Code::RefusedByMandate)
}

pub(super) fn lifted(attempt: &Attempt) -> bool {
    let code = attempt.reason.as_ref().map(|r| r.code);
    matches!(attempt.phase, Phase::Refused | Phase::Cancelled) && code.is_some_and(may_be_lifted)
}

/// True where the attempt rules its action out.
fn rules_out(attempt: &Attempt, outcome: Outcome, record: &Record) -> bool {
    let this_time = attempt.created >= record.began;
    match attempt.phase {
        Phase::Failed | Phase::RolledBack => true,
        Phase::Refused | Phase::Cancelled => this_time && !lifted(attempt),
        Phase::Expired => this_time && !(attempt.asked && outcome == Outcome::PreApproved),
        Phase::Rejected | Phase::Recovered => this_time,
        Phase::Proposed
        | Phase::Planned
        | Phase::PreApproved
        | Phase::AwaitingApproval
        | Phase::Approved
        | Phase::Granting
        | Phase::Executing
        | Phase::Verifying
        | Phase::RollingBack => false,
    }
}

fn spent(choice: &Choice, case: &Case<'_>, record: &Record) -> bool {
    let same = |a: &&Attempt| a.target == choice.candidate.target && same_action(&a.action, &choice.candidate.action);
    let mut tried = case.attempts.iter().filter(same);
    tried.any(|a| rules_out(a, choice.outcome, record))
}

/// The next candidate: the best that is neither spent nor refused. Where nothing was proposed in
/// this occurrence yet, a refused one will do: the refusal is then stated, shown and receipted.
pub(super) fn choose<'a>(record: &Record, case: &Case<'a>) -> Option<&'a Choice> {
    let now = |a: &&Attempt| a.created >= record.began;
    let turned_down = case.attempts.iter().filter(now).filter(|a| !lifted(a));
    if turned_down.count() >= MOST_ATTEMPTS {
        return None;
    }
    let mut left = case.choices.iter().filter(|c| !spent(c, case, record));
    let allowed = left.clone().find(|c| c.outcome != Outcome::Refused);
    if allowed.is_some() || case.attempts.iter().any(|a| now(&a)) {
        return allowed;
    }
    left.next()
}
