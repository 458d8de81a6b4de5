//! Tables: a record and a case in, a phase, a reason and an effect out.

mod again;
mod guarded;

use super::*;
use crate::action::{Action, Origin, Param};
use crate::finding::{Candidate, Cause, Evidence, Severity};
use crate::life::Phase as Life;
use crate::mandate::Outcome;
use crate::names::{Namespace, Uid};
use crate::object::Kind;
use crate::reason::Code;

const NAME: &str = "web-imagenotfound-0a1b2c3d";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn subject() -> ObjectRef {
    let (ns, name) = (Namespace::parse("shop").unwrap(), ObjectName::parse("web").unwrap());
    ObjectRef::namespaced(Kind::Deployment, ns, name, Some(Uid::parse("u-1").unwrap()))
}

fn undo(revision: i64) -> Action {
    let source = ObjectName::parse("web-1").unwrap();
    Action::RolloutUndo { revision: Param::new(revision, Origin::RevisionHistory { source, revision }) }
}

fn candidate(action: Action) -> Candidate {
    Candidate { action, target: subject(), why: "it was well before".into() }
}

fn finding(actions: &[Action]) -> Finding {
    Finding {
        cause: Cause::ImageNotFound,
        severity: Severity::Critical,
        subject: subject(),
        container: None,
        summary: "the tag is absent".into(),
        since: at(5),
        evidence: vec![Evidence { id: "object:u@1#/status".into(), object: subject(), value: "token=abc".into() }],
        candidates: actions.iter().cloned().map(candidate).collect(),
    }
}

fn limits(healthy_delay_seconds: u32, hold_seconds: u32) -> Limits {
    Limits { healthy_delay_seconds, hold_seconds, ..Limits::default() }
}

/// A case that the tests alter.
struct Scene {
    finding: Option<Finding>,
    outcome: Outcome,
    attempts: Vec<Attempt>,
    subject_exists: bool,
    busy: bool,
    neighbours: bool,
    ripens: Option<SignedDuration>,
    storm: Option<Hold>,
    limits: Limits,
}

impl Scene {
    fn new(actions: &[Action]) -> Self {
        Self {
            finding: Some(finding(actions)),
            outcome: Outcome::PreApproved,
            attempts: Vec::new(),
            subject_exists: true,
            busy: false,
            neighbours: false,
            ripens: None,
            storm: None,
            limits: limits(20, 30),
        }
    }

    fn gone(mut self) -> Self {
        self.finding = None;
        self
    }

    fn refused(mut self) -> Self {
        self.outcome = Outcome::Refused;
        self
    }

    fn tried(mut self, number: u32, action: Action, phase: Life, code: Code) -> Self {
        self.attempts.push(attempt(number, action, phase, code));
        self
    }

    fn decide(&self, record: &Record, now: i64) -> Decision {
        let outcome = self.outcome;
        let weighed = |c: &Candidate| Choice { candidate: c.clone(), outcome };
        let candidates = self.finding.iter().flat_map(|f| &f.candidates);
        let choices: Vec<Choice> = candidates.map(weighed).collect();
        decide(
            record,
            &Case {
                name: NAME,
                finding: self.finding.as_ref(),
                subject_exists: self.subject_exists,
                choices: &choices,
                attempts: &self.attempts,
                taken: &[],
                busy: self.busy,
                neighbours: self.neighbours,
                ripens: self.ripens,
                storm: self.storm.clone(),
                limits: &self.limits,
                now: at(now),
            },
        )
    }
}

fn attempt(number: u32, action: Action, phase: Life, code: Code) -> Attempt {
    Attempt {
        name: ObjectName::parse(format!("{NAME}-{number}")).unwrap(),
        created: at(40),
        action,
        target: subject(),
        phase,
        reason: Some(Reason::plain(code)),
        asked: false,
        ended: phase.is_terminal().then(|| at(60)),
        diff: "# not dry-run\n- a\n+ b".into(),
    }
}

fn opened() -> Record {
    Record::open(&finding(&[undo(1)]), false, at(10))
}

/// A record whose last Change is number `n`.
fn changing(n: u32) -> Record {
    let mut record = opened();
    record.phase = Phase::Changing;
    let name = |i: u32| ObjectName::parse(format!("{NAME}-{i}")).unwrap();
    record.changes = (1..=n).map(name).collect();
    record
}

fn ended(phase: Phase, code: Code, n: u32) -> Record {
    let mut record = changing(n);
    record.phase = phase;
    record.reason = Some(Reason::plain(code));
    record.ended_at = Some(at(60));
    record
}

fn proposed(decision: &Decision) -> Option<(String, Action)> {
    match decision.effect.clone() {
        Some(Effect::Propose { name, candidate }) => Some((name.to_string(), candidate.action)),
        Some(Effect::Forget) | None => None,
    }
}

fn code(decision: &Decision) -> Option<Code> {
    decision.record.reason.as_ref().map(|r| r.code)
}

#[test]
fn nothing_is_proposed_before_the_delay() {
    let decision = Scene::new(&[undo(1)]).decide(&opened(), 20);
    assert_eq!(decision.record.phase, Phase::Open);
    assert_eq!(decision.effect, None);
    assert_eq!(decision.recheck, Some(SignedDuration::from_secs(10)));
}

#[test]
fn the_intent_is_recorded_with_the_proposal() {
    let decision = Scene::new(&[undo(1), undo(2)]).decide(&opened(), 30);
    assert_eq!(proposed(&decision), Some((format!("{NAME}-1"), undo(1))));
    assert_eq!(decision.record.phase, Phase::Changing);
    assert!(decision.record.proposing);
    assert_eq!(decision.record.changes.len(), 1);
}

#[test]
fn after_a_crash_the_same_change_is_made_again_under_the_same_name() {
    let scene = Scene::new(&[undo(1)]);
    let first = scene.decide(&opened(), 30);
    let second = scene.decide(&first.record, 90);
    assert_eq!(proposed(&second), proposed(&first));
    let seen = scene.tried(1, undo(1), Life::Planned, Code::MandateAllows);
    let third = seen.decide(&second.record, 91);
    assert_eq!(third.effect, None);
    assert!(!third.record.proposing);
}

#[test]
fn a_name_that_another_took_is_passed_over() {
    let scene = Scene::new(&[undo(1)]);
    let mut record = scene.decide(&opened(), 30).record;
    let taken = record.changes.clone();
    let choices = [Choice { candidate: candidate(undo(1)), outcome: Outcome::PreApproved }];
    let case = Case {
        name: NAME,
        finding: scene.finding.as_ref(),
        subject_exists: true,
        choices: &choices,
        attempts: &[],
        taken: &taken,
        busy: false,
        neighbours: false,
        ripens: None,
        storm: None,
        limits: &limits(0, 0),
        now: at(31),
    };
    record = decide(&record, &case).record;
    assert_eq!(record.changes.last().unwrap().as_str(), format!("{NAME}-2"));
}

#[test]
fn a_break_in_the_finding_starts_the_delay_anew() {
    let gone = Scene::new(&[]).gone().decide(&opened(), 25);
    assert_eq!(gone.record.phase, Phase::Open);
    let back = Scene::new(&[undo(1)]).decide(&gone.record, 40);
    assert_eq!(back.effect, None);
    let later = Scene::new(&[undo(1)]).decide(&back.record, 60);
    assert!(proposed(&later).is_some());
}

#[test]
fn one_thing_at_a_time() {
    let mut scene = Scene::new(&[undo(1)]);
    scene.busy = true;
    assert_eq!(scene.decide(&opened(), 30).effect, None);
    let under_way = Scene::new(&[undo(1), undo(2)]).tried(1, undo(1), Life::Verifying, Code::Written);
    let decision = under_way.decide(&changing(1), 500);
    assert_eq!((decision.effect, decision.record.phase), (None, Phase::Changing));
}

#[test]
fn a_change_that_ended_decides_what_comes_next() {
    use Code::{ApprovalExpired, GotWorse, Held, OutOfBounds, OutsideTerritory, RejectedByHuman};
    use Code::{TerritoryWithdrawn, WriteRefused};
    use Phase::{Changing, Escalated, Resolved};
    let two = || Scene::new(&[undo(1), undo(2)]);
    let one = || Scene::new(&[undo(1)]);
    // How the change ended and why, and what the Incident then is; Changing with a new proposal.
    let table = [
        (two().gone(), Life::Recovered, Held, Resolved),
        (two(), Life::RolledBack, GotWorse, Changing),
        (one(), Life::RolledBack, GotWorse, Escalated),
        (one().gone(), Life::Failed, WriteRefused, Escalated),
        (two(), Life::Refused, OutOfBounds, Changing),
        (one(), Life::Refused, OutOfBounds, Escalated),
        (two().refused(), Life::Refused, OutsideTerritory, Escalated),
        (two(), Life::Rejected, RejectedByHuman, Escalated),
        (one(), Life::Expired, ApprovalExpired, Escalated),
        (two().refused(), Life::Cancelled, TerritoryWithdrawn, Escalated),
    ];
    for (scene, life, why, phase) in table {
        let decision = scene.tried(1, undo(1), life, why).decide(&changing(1), 120);
        assert_eq!(decision.record.phase, phase, "{life} {why}");
        let proposes = phase == Changing;
        assert_eq!(code(&decision), (!proposes).then_some(why), "{life} {why}");
        assert_eq!(proposed(&decision), proposes.then(|| (format!("{NAME}-2"), undo(2))));
    }
    let mut gone = one().gone().tried(1, undo(1), Life::Cancelled, Code::NamespaceGone);
    gone.subject_exists = false;
    assert_eq!(gone.decide(&changing(1), 120).record.phase, Phase::Dismissed);
}

#[test]
fn a_refused_place_still_gets_one_change_with_its_reason() {
    let decision = Scene::new(&[undo(1), undo(2)]).refused().decide(&opened(), 30);
    assert_eq!(proposed(&decision), Some((format!("{NAME}-1"), undo(1))));
}

#[test]
fn without_a_candidate_people_are_asked_unless_a_neighbour_is_being_mended() {
    let mut scene = Scene::new(&[]);
    scene.neighbours = true;
    assert_eq!(scene.decide(&opened(), 30).record.phase, Phase::Open);
    scene.neighbours = false;
    let decision = scene.decide(&opened(), 30);
    assert_eq!((decision.record.phase, code(&decision)), (Phase::Escalated, Some(Code::NoCandidate)));
    let found = Scene::new(&[undo(1)]).decide(&decision.record, 40);
    assert!(proposed(&found).is_some());
}

#[test]
fn what_is_refused_for_its_target_is_not_tried_by_other_means() {
    let actions = [undo(1), Action::RolloutRestart {}];
    for (why, next) in [(Code::Protected, None), (Code::OriginUnproven, Some(Action::RolloutRestart {}))] {
        let decision = Scene::new(&actions).tried(1, undo(1), Life::Refused, why).decide(&changing(1), 50);
        assert_eq!(proposed(&decision).map(|(_, action)| action), next, "{why}");
    }
}

#[test]
fn people_are_not_called_while_a_candidate_may_ripen_within_seconds() {
    let mut scene = Scene::new(&[]);
    scene.ripens = Some(SignedDuration::from_secs(2));
    let waiting = scene.decide(&opened(), 30);
    assert_eq!((waiting.record.phase, waiting.recheck), (Phase::Open, scene.ripens));
    scene.ripens = Some(SignedDuration::from_mins(5));
    let far = scene.decide(&opened(), 30).recheck;
    assert_eq!(far, Some(SignedDuration::from_secs(10)), "no longer than what people are kept waiting for it");
    assert_eq!(scene.decide(&waiting.record, 60).record.phase, Phase::Escalated);
}

#[test]
fn what_mends_itself_is_resolved_once_that_lasts() {
    let scene = Scene::new(&[]).gone();
    let first = scene.decide(&opened(), 40);
    assert_eq!(first.record.phase, Phase::Open);
    let last = scene.decide(&first.record, 70);
    assert_eq!((last.record.phase, code(&last)), (Phase::Resolved, Some(Code::FindingGone)));
    let awaiting = Scene::new(&[]).gone().tried(1, undo(1), Life::AwaitingApproval, Code::MandateAsks);
    let waiting = awaiting.decide(&changing(1), 40);
    assert_eq!(waiting.record.phase, Phase::Changing);
    assert_eq!(awaiting.decide(&waiting.record, 70).record.phase, Phase::Resolved);
}

#[test]
fn a_deleted_subject_dismisses_and_a_deleted_change_escalates() {
    let mut scene = Scene::new(&[]).gone();
    scene.subject_exists = false;
    let decision = scene.decide(&opened(), 11);
    assert_eq!((decision.record.phase, code(&decision)), (Phase::Dismissed, Some(Code::SubjectGone)));
    let decision = Scene::new(&[undo(1)]).decide(&changing(1), 500);
    assert_eq!((decision.record.phase, code(&decision)), (Phase::Escalated, Some(Code::ChangeGone)));
}

#[test]
fn what_comes_back_too_often_is_left_to_people() {
    let mut record = opened();
    record.count = 5;
    assert!(proposed(&Scene::new(&[undo(1)]).decide(&record, 30)).is_some());
    record.count = 6;
    let decision = Scene::new(&[undo(1)]).decide(&record, 30);
    assert_eq!((decision.record.phase, code(&decision)), (Phase::Escalated, Some(Code::Flapping)));
}

#[test]
fn a_satisfied_change_whose_finding_holds_is_not_believed_for_ever() {
    let scene = Scene::new(&[undo(1)]).tried(1, undo(1), Life::Recovered, Code::Held);
    assert_eq!(scene.decide(&changing(1), 70).record.phase, Phase::Changing);
    assert_eq!(scene.decide(&changing(1), 90).record.phase, Phase::Escalated);
    let mut again = Scene::new(&[undo(1)]).tried(1, undo(1), Life::Recovered, Code::Held);
    again.finding.as_mut().unwrap().since = at(65);
    let decision = again.decide(&changing(1), 70);
    assert_eq!((decision.record.phase, decision.record.count), (Phase::Open, 2));
}
