//! People's decisions: who counts, for what and how long.

use super::scene::*;
use crate::life::{DecisionKind, Effect, Phase};
use crate::mandate::{Approvers, Outcome};
use crate::reason::Code;

/// A Change at the point where it waits for people.
fn waiting() -> Scene {
    let mut scene = normal().until(Phase::AwaitingApproval);
    scene.play();
    scene
}

fn ignored(scene: &Scene) -> Option<Code> {
    let last = scene.record.approvals.last()?;
    last.ignored.as_ref().map(|r| r.code)
}

#[test]
fn a_listed_persons_yes_on_the_digest_approves() {
    let mut scene = waiting();
    scene.approve("alice");
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
    assert_eq!(scene.writes(), 1);
    assert!(scene.record.receipts.iter().any(|r| r.about == "Approval/alice-0"));
}

#[test]
fn a_yes_counts_through_a_group() {
    let mut scene = waiting();
    scene.approve("carol").groups = vec!["sre".into()];
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn what_does_not_count_is_kept_with_its_reason() {
    type Cast = fn(&mut Scene);
    let cases: [(&str, Cast, Code); 5] = [
        ("another digest", |s| s.approve("alice").digest = "other".into(), Code::OtherDigest),
        ("no digest", |s| s.approve("alice").digest = String::new(), Code::OtherDigest),
        (
            "own proposal",
            |s| {
                s.approve(OPERATOR);
            },
            Code::OwnProposal,
        ),
        (
            "not listed",
            |s| {
                s.approve("mallory");
            },
            Code::NotAnApprover,
        ),
        ("other group", |s| s.approve("mallory").groups = vec!["dev".into()], Code::NotAnApprover),
    ];
    for (name, cast, code) in cases {
        let mut scene = waiting();
        cast(&mut scene);
        assert_eq!(scene.next(), None, "{name}");
        assert_eq!(scene.phase(), Phase::AwaitingApproval, "{name}");
        assert_eq!(ignored(&scene), Some(code), "{name}");
    }
}

#[test]
fn the_own_proposal_does_not_count_even_if_listed() {
    let mut scene = waiting();
    scene.verdict.approvers.users.push(OPERATOR.into());
    scene.record.verdict = Some(scene.verdict.clone());
    scene.approve(OPERATOR);
    scene.next();
    assert_eq!((scene.phase(), ignored(&scene)), (Phase::AwaitingApproval, Some(Code::OwnProposal)));
}

#[test]
fn without_a_list_whoever_admission_let_in_counts_but_never_the_proposer() {
    let mut scene = normal();
    scene.verdict.approvers = Approvers::default();
    scene = scene.until(Phase::AwaitingApproval);
    scene.play();
    scene.approve(OPERATOR);
    scene.next();
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
    scene.approve("anyone");
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn a_quorum_is_of_different_people() {
    let mut scene = normal();
    scene.verdict.quorum = 2;
    scene = scene.until(Phase::AwaitingApproval);
    scene.play();
    scene.approve("alice");
    scene.approve("alice");
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::AwaitingApproval, Some(Code::AwaitingQuorum)));
    scene.approve("bob");
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn a_quorum_of_nobody_is_one_person() {
    let mut scene = waiting();
    scene.verdict.quorum = 0;
    scene.record.verdict.as_mut().unwrap().quorum = 0;
    assert_eq!(scene.next(), None);
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
}

#[test]
fn waiting_ends_by_the_servers_time() {
    let mut scene = waiting();
    scene.pass(3599);
    scene.play();
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
    scene.pass(1);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Expired, Some(Code::ApprovalExpired)));
}

#[test]
fn an_approval_expires_although_the_change_still_waits() {
    let mut scene = normal();
    scene.verdict.quorum = 2;
    scene.verdict.limits.approval_ttl_seconds = 100;
    scene = scene.until(Phase::AwaitingApproval);
    scene.play();
    scene.approve("alice").at -= jiff::SignedDuration::from_secs(50);
    scene.pass(60);
    scene.approve("bob");
    scene.play();
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
    let first = scene.record.approvals.first().unwrap();
    assert_eq!(first.ignored.as_ref().unwrap().code, Code::ApprovalExpired);
}

#[test]
fn after_drift_the_old_approval_no_longer_counts() {
    let mut scene = waiting();
    scene.approve("alice");
    scene = scene.until(Phase::Approved);
    scene.target = crate::life::world::TargetNow::Present("f1".into());
    scene.play();
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
    assert_eq!(ignored(&scene), Some(Code::OtherDigest));
    scene.approve("alice");
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn every_counted_approval_is_receipted_before_it_takes_effect() {
    let mut scene = waiting();
    scene.key = false;
    scene.approve("alice");
    assert_eq!(scene.next(), None);
    assert_eq!((scene.phase(), scene.code()), (Phase::AwaitingApproval, Some(Code::NoSigningKey)));
    scene.key = true;
    let receipt = Effect::Receipt { about: "Approval/alice-0".into() };
    assert_eq!(scene.next(), Some(receipt));
}

#[test]
fn a_mandate_that_refuses_meanwhile_ends_the_waiting() {
    let mut scene = waiting();
    scene.verdict = verdict(Outcome::Refused);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Refused, Some(Code::RefusedByMandate)));
}

#[test]
fn a_mandate_that_allows_meanwhile_does_not_replace_the_person() {
    let mut scene = waiting();
    scene.verdict = verdict(Outcome::PreApproved);
    assert_eq!(scene.next(), None);
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
}

#[test]
fn ballots_are_recorded_in_the_order_of_the_servers_time() {
    let mut scene = waiting();
    scene.approve("mallory");
    scene.vote("eve", DecisionKind::Approve).at -= jiff::SignedDuration::from_secs(5);
    scene.next();
    let order: Vec<_> = scene.record.approvals.iter().map(|c| c.approver.as_str()).collect();
    assert_eq!(order, ["eve", "mallory"]);
}
