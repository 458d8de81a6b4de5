//! What is written, told, kept, and done again.

use super::*;

#[test]
fn what_failed_is_never_repeated_on_the_same_cause() {
    let scene = Scene::new(&[undo(1)]).tried(1, undo(1), Life::RolledBack, Code::GotWorse);
    let mut record = ended(Phase::Resolved, Code::FindingGone, 1);
    record.presence = Presence { holds: false, since: at(60) };
    let back = scene.decide(&record, 200);
    assert_eq!((back.record.phase, back.record.count), (Phase::Open, 2));
    let later = scene.decide(&back.record, 230);
    assert_eq!(later.record.phase, Phase::Escalated);
    assert_eq!(later.effect, None);
}

#[test]
fn what_recovered_may_be_done_again_when_it_comes_back() {
    let scene = Scene::new(&[undo(1)]).tried(1, undo(1), Life::Recovered, Code::Held);
    let mut record = ended(Phase::Resolved, Code::Held, 1);
    record.presence = Presence { holds: false, since: at(60) };
    let back = scene.decide(&record, 200).record;
    assert_eq!((back.phase, back.count, back.began), (Phase::Open, 2, at(200)));
    assert_eq!(proposed(&scene.decide(&back, 220)), Some((format!("{NAME}-2"), undo(1))));
    let much_later = scene.decide(&record, 60 + 3601).record;
    assert_eq!(much_later.count, 1);
}

#[test]
fn a_lifted_refusal_is_proposed_anew_after_a_pause() {
    let record = ended(Phase::Escalated, Code::OutsideTerritory, 1);
    let outside = Scene::new(&[undo(1)]).tried(1, undo(1), Life::Refused, Code::OutsideTerritory);
    assert_eq!(outside.refused().decide(&record, 900).effect, None);
    let inside = Scene::new(&[undo(1)]).tried(1, undo(1), Life::Refused, Code::OutsideTerritory);
    assert_eq!(inside.decide(&record, 60).effect, None);
    let decision = inside.decide(&record, 62);
    assert_eq!(proposed(&decision), Some((format!("{NAME}-2"), undo(1))));
    assert_eq!(decision.record.phase, Phase::Changing);
    assert_eq!(decision.record.ended_at, None);
    for lasting in [Code::RejectedByHuman, Code::GotWorse, Code::Flapping, Code::ChangeGone] {
        let record = ended(Phase::Escalated, lasting, 1);
        assert_eq!(Scene::new(&[undo(2)]).decide(&record, 900).effect, None, "{lasting}");
    }
}

#[test]
fn refusals_in_a_row_lengthen_the_pause() {
    let record = ended(Phase::Escalated, Code::OutsideTerritory, 5);
    let mut scene = Scene::new(&[undo(1)]);
    for number in 1..=5 {
        scene = scene.tried(number, undo(1), Life::Refused, Code::OutsideTerritory);
    }
    assert_eq!(scene.decide(&record, 67).effect, None);
    assert!(proposed(&scene.decide(&record, 68)).is_some());
}

#[test]
fn ended_incidents_are_forgotten_after_a_day() {
    let mut record = ended(Phase::Resolved, Code::Held, 1);
    record.presence.holds = false;
    let scene = Scene::new(&[]).gone();
    assert_eq!(scene.decide(&record, 60 + 86_399).effect, None);
    assert_eq!(scene.decide(&record, 60 + 86_400).effect, Some(Effect::Forget));
}

#[test]
fn evidence_is_redacted_and_capped() {
    let mut many = finding(&[]);
    many.evidence = vec![many.evidence[0].clone(); 40];
    let record = Record::open(&many, false, at(1));
    assert_eq!(record.evidence.len(), MOST_EVIDENCE);
    assert_eq!(record.evidence[0].value, "token=[redacted]");
}

#[test]
fn only_what_matters_is_written_at_once() {
    let old = opened();
    let mut new = old.clone();
    assert_eq!(new.writing(&old, at(20)), Writing::Later(SignedDuration::from_secs(290)));
    new.summary = "restarted 3 times".into();
    assert_eq!(new.writing(&old, at(20)), Writing::Later(SignedDuration::from_secs(5)));
    assert_eq!(new.writing(&old, at(25)), Writing::Now);
    new.phase = Phase::Changing;
    assert_eq!(new.writing(&old, at(11)), Writing::Now);
}

fn told(old: Option<&Record>, new: &Record) -> Vec<&'static str> {
    story(old, new).into_iter().map(|s| s.reason).collect()
}

#[test]
fn each_step_is_told_once() {
    let open = opened();
    assert_eq!(told(None, &open), ["Opened"]);
    let primed = Record::open(&finding(&[]), true, at(1));
    assert!(told(None, &primed).is_empty());
    let decision = Scene::new(&[undo(1)]).decide(&open, 30);
    assert_eq!(told(Some(&open), &decision.record), ["Proposed"]);
    assert!(told(Some(&decision.record), &decision.record).is_empty());
    let escalated = ended(Phase::Escalated, Code::OutsideTerritory, 1);
    let steps = story(Some(&changing(1)), &escalated);
    assert!(steps[0].warning && steps[0].note.starts_with("OutsideTerritory"));
    assert_eq!(steps.len(), 1);
}

#[test]
fn what_is_proposed_at_once_is_told_as_well() {
    let proposed = Scene::new(&[undo(1)]).decide(&opened(), 30).record;
    assert_eq!(told(None, &proposed), ["Opened", "Proposed"]);
    let primed = Record { primed: true, ..proposed.clone() };
    assert_eq!(told(None, &primed), ["Proposed"]);
    let resolved = Record { began: at(2), ..ended(Phase::Resolved, Code::Held, 1) };
    assert_eq!(told(Some(&resolved), &proposed), ["Reopened", "Proposed"]);
    assert_eq!(told(Some(&resolved), &opened()), ["Reopened"]);
}
