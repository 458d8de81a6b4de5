//! What comes in a storm, and what comes back again and again.

use super::*;

fn storm() -> Option<Hold> {
    Some((Reason::plain(Code::Storm), SignedDuration::from_secs(40)))
}

fn stormy(actions: &[Action]) -> Scene {
    Scene { storm: storm(), ..Scene::new(actions) }
}

#[test]
fn in_a_storm_nothing_is_proposed_escalated_or_told_one_by_one() {
    for actions in [&[undo(1)][..], &[]] {
        for now in [11, 30, 900] {
            let decision = stormy(actions).decide(&opened(), now);
            assert_eq!((decision.record.phase, decision.effect.as_ref()), (Phase::Open, None));
            assert_eq!(code(&decision), Some(Code::Storm));
            assert_eq!(decision.recheck, Some(SignedDuration::from_secs(40)));
            assert!(story(None, &decision.record).is_empty());
        }
    }
    let tried = stormy(&[undo(1), undo(2)]).tried(1, undo(1), Life::RolledBack, Code::GotWorse);
    let decision = tried.decide(&changing(1), 120);
    assert_eq!((decision.record.phase, decision.effect), (Phase::Open, None));
    let lifted = ended(Phase::Escalated, Code::NoCandidate, 0);
    assert_eq!(stormy(&[undo(1)]).decide(&lifted, 900).effect, None);
}

#[test]
fn after_the_storm_each_is_looked_after_again() {
    let held = stormy(&[undo(1)]).decide(&opened(), 30).record;
    let decision = Scene::new(&[undo(1)]).decide(&held, 70);
    assert_eq!(proposed(&decision), Some((format!("{NAME}-1"), undo(1))));
    assert_eq!(code(&decision), None);
    let told: Vec<&str> = story(Some(&held), &decision.record).iter().map(|s| s.reason).collect();
    assert_eq!(told, ["Proposed"]);
    let resolved = Scene::new(&[]).gone().decide(&held, 40).record;
    assert_eq!(Scene::new(&[]).gone().decide(&resolved, 70).record.phase, Phase::Resolved);
}

/// There for `on` seconds and gone for `off`, until it is left to people or the time is over: when
/// that was, and how often something was proposed.
fn flap(scene: &Scene, (on, off): (i64, i64), change: Option<Attempt>) -> (Option<i64>, usize) {
    let there = Scene { attempts: scene.attempts.clone(), limits: scene.limits.clone(), ..Scene::new(&[undo(1)]) };
    let mut gone = Scene { limits: scene.limits.clone(), ..Scene::new(&[]).gone() };
    let mut there = there;
    let (mut record, mut proposals) = (opened(), 0);
    for second in 10..3600 {
        let holds = (second - 10) % (on + off) < on;
        let decision = if holds { there.decide(&record, second) } else { gone.decide(&record, second) };
        if proposed(&decision).is_some() {
            proposals += usize::from(there.attempts.is_empty());
            there.attempts.extend(change.clone());
            gone.attempts.extend(change.clone());
        }
        record = decision.record;
        if record.phase == Phase::Escalated {
            assert_eq!(record.reason.as_ref().map(|r| r.code), Some(Code::Flapping));
            return (Some(second), proposals);
        }
    }
    (None, proposals)
}

#[test]
fn what_flaps_is_changed_once_at_most_and_then_left_to_people() {
    // Every 20 s: the delay of 20 s is never over, and no proposal is made.
    let calm = Scene::new(&[undo(1)]);
    assert_eq!(flap(&calm, (20, 20), None), (Some(10 + 5 * 40), 0));
    // A little slower: one, which waits for a guard or for people.
    let waiting = attempt(1, undo(1), Life::PreApproved, Code::CoolingDown);
    assert_eq!(flap(&calm, (25, 20), Some(waiting)), (Some(10 + 5 * 45), 1));
    // The thresholds are the mandate's.
    let mut strict = Scene::new(&[undo(1)]);
    strict.limits = Limits { flap_recurrences: 2, ..strict.limits };
    assert_eq!(flap(&strict, (20, 20), None), (Some(10 + 2 * 40), 0));
    strict.limits = Limits { flap_recurrences: 2, flap_window_seconds: 39, ..strict.limits };
    assert_eq!(flap(&strict, (15, 25), None), (None, 0), "only one return within the window");
}

#[test]
fn what_is_under_way_is_not_given_up_for_flapping() {
    let mut record = changing(1);
    record.returns = (0..5).map(|i| at(100 + i * 20)).collect();
    for phase in [Life::Granting, Life::Executing, Life::Verifying, Life::RollingBack] {
        let scene = Scene::new(&[undo(1)]).tried(1, undo(1), phase, Code::Written);
        assert_eq!(scene.decide(&record, 200).record.phase, Phase::Changing, "{phase}");
    }
    let scene = Scene::new(&[undo(1), undo(2)]).tried(1, undo(1), Life::RolledBack, Code::GotWorse);
    let decision = scene.decide(&record, 200);
    assert_eq!((decision.record.phase, code(&decision)), (Phase::Escalated, Some(Code::Flapping)));
    let away = Scene::new(&[undo(1), undo(2)]).tried(1, undo(1), Life::RolledBack, Code::GotWorse).gone();
    assert_eq!(code(&away.decide(&record, 200)), Some(Code::Flapping), "also where it is away just then");
    record.returns.clear();
    assert_eq!(code(&away.decide(&record, 200)), Some(Code::GotWorse));
}

#[test]
fn a_blink_is_no_return() {
    let gone = Scene::new(&[]).gone().decide(&opened(), 25).record;
    assert_eq!(Scene::new(&[]).decide(&gone, 32).record.returns, []);
    assert_eq!(Scene::new(&[]).decide(&gone, 33).record.returns, [at(33)]);
}

fn members(many: i64) -> Vec<Member> {
    let member = |i: i64| Member {
        name: format!("web-{i}"),
        subject: subject(),
        severity: Severity::Critical,
        began: at(i),
        summary: "token=abc".into(),
    };
    (0..many).map(member).collect()
}

fn group(members: &[Member], storm: Option<Hold>, now: i64) -> Group<'_> {
    Group { cause: Cause::ImageNotFound, members, storm, now: at(now) }
}

#[test]
fn a_storm_has_one_incident_that_ends_when_it_calms() {
    let members = members(20);
    assert_eq!(gather(None, &group(&members, None, 20)), None);
    let begun = gather(None, &group(&members, storm(), 20)).unwrap();
    assert_eq!((begun.record.phase, code(&begun)), (Phase::Open, Some(Code::Storm)));
    assert_eq!(
        begun.record.summary.split(';').next(),
        Some("20 incidents of ImageNotFound began lately, in 1 namespaces")
    );
    assert_eq!((begun.record.evidence.len(), begun.record.first_seen), (MOST_EVIDENCE, at(0)));
    assert_eq!(begun.record.evidence[0].value, "token=[redacted]");
    assert_eq!(begun.recheck, Some(SignedDuration::from_secs(40)));
    let told =
        |old: Option<&Record>, new: &Record| -> Vec<&str> { storm_story(old, new).iter().map(|s| s.reason).collect() };
    assert_eq!(told(None, &begun.record), ["Storm"]);
    let later = gather(Some(&begun.record), &group(&members, storm(), 30)).unwrap();
    assert!(told(Some(&begun.record), &later.record).is_empty());
    let calm = gather(Some(&later.record), &group(&[], None, 90)).unwrap();
    assert_eq!((calm.record.phase, code(&calm)), (Phase::Resolved, Some(Code::Calmed)));
    assert_eq!(told(Some(&later.record), &calm.record), ["Resolved"]);
    let again = gather(Some(&calm.record), &group(&members, storm(), 100)).unwrap();
    assert_eq!((again.record.phase, again.record.count), (Phase::Open, 2));
    assert_eq!(told(Some(&calm.record), &again.record), ["Storm"]);
    let gone = gather(Some(&calm.record), &group(&[], None, 90 + 86_400)).unwrap();
    assert_eq!(gone.effect, Some(Effect::Forget));
}
