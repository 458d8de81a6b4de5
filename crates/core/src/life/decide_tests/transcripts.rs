//! Golden transcripts: the phases and effects of whole lives, in order.

use super::scene::*;
use crate::life::{Effect, Phase};
use crate::oracle::Health;
use crate::reason::Code;

fn told_of(mut scene: Scene) -> String {
    scene.play();
    scene.story.join("\n")
}

fn recovering(mut scene: Scene) -> Scene {
    scene.health = Some(Health::Healthy("all".into()));
    scene.play();
    scene.pass(30);
    scene
}

#[test]
fn a_standard_change() {
    insta::assert_snapshot!(told_of(recovering(standard())), @r"
      plan as bwk-c0ffee00-p0
    PreApproved
    Granting
      arm 0
    Executing
      write 0
    Verifying
      revoke bwk-c0ffee00-p0
      receipt Recovered
    Recovered
    ");
}

#[test]
fn a_normal_change() {
    let mut scene = normal();
    scene.play();
    scene.approve("alice");
    insta::assert_snapshot!(told_of(recovering(scene)), @r"
      plan as bwk-c0ffee00-p0
    AwaitingApproval
      revoke bwk-c0ffee00-p0
      receipt Approval/alice-0
    Approved
    Granting
      arm 0
    Executing
      write 0
    Verifying
      revoke bwk-c0ffee00-a0
      receipt Recovered
    Recovered
    ");
}

#[test]
fn a_lost_reply_to_a_write_that_did_not_arrive() {
    let mut scene = standard().until(Phase::Executing);
    scene.report(not_applied(0, Code::WriteUnclear));
    insta::assert_snapshot!(told_of(recovering(scene)), @r"
      plan as bwk-c0ffee00-p0
    PreApproved
    Granting
      arm 0
    Executing
      write 0
      revoke bwk-c0ffee00-p0
      read back 0
    PreApproved
    Granting
      arm 1
    Executing
      write 1
    Verifying
      revoke bwk-c0ffee00-a1
      receipt Recovered
    Recovered
    ");
}

#[test]
fn a_crash_after_a_write_that_arrived() {
    let mut scene = standard().until(Phase::Executing);
    while !scene.record.executions[0].is_applied() {
        match scene.next() {
            Some(Effect::ReadBack { execution }) => scene.report(applied(execution, Code::FoundWritten)),
            Some(effect) => scene.answer(&effect),
            None => panic!(),
        }
    }
    insta::assert_snapshot!(told_of(recovering(scene)), @r"
      plan as bwk-c0ffee00-p0
    PreApproved
    Granting
      arm 0
    Executing
      write 0
      revoke bwk-c0ffee00-p0
      read back 0
    Verifying
      receipt Recovered
    Recovered
    ");
}

#[test]
fn a_rollback() {
    let mut scene = standard();
    scene.health = Some(Health::Worse("down".into()));
    insta::assert_snapshot!(told_of(scene), @r"
      plan as bwk-c0ffee00-p0
    PreApproved
    Granting
      arm 0
    Executing
      write 0
    Verifying
      revoke bwk-c0ffee00-p0
    RollingBack
      plan the way back as bwk-c0ffee00-r1
      arm 1
      write 1
      revoke bwk-c0ffee00-r1
      receipt RollBack
      receipt RolledBack
    RolledBack
    ");
}

#[test]
fn a_change_outside_the_territory() {
    let mut scene = standard();
    scene.territory = false;
    scene.verdict = verdict(crate::mandate::Outcome::Refused);
    insta::assert_snapshot!(told_of(scene), @r"
      plan for show
      receipt Refused
    Refused
    ");
}
