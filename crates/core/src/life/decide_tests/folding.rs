//! Folding of reports: late, repeated and misdirected ones change nothing that is known.

use super::scene::*;
use crate::life::{Effect, Execution, Phase, ReceiptRef, Report};
use crate::oracle::Health;
use crate::reason::{Code, Reason};

/// Records of every phase, each reached as a Change reaches it.
fn records() -> Vec<Scene> {
    let mut waiting = normal().until(Phase::AwaitingApproval);
    waiting.play();
    let mut approved = waiting.clone();
    approved.approve("alice");
    let mut back = standard().until(Phase::Verifying);
    back.health = Some(Health::Worse("down".into()));
    let mut done = standard().until(Phase::Verifying);
    done.health = Some(Health::Vanished);
    done.play();
    vec![
        standard(),
        standard().until(Phase::PreApproved),
        waiting,
        approved.until(Phase::Approved),
        standard().until(Phase::Granting),
        standard().until(Phase::Executing),
        standard().until(Phase::Verifying),
        back.until(Phase::RollingBack),
        done,
    ]
}

#[test]
fn a_plan_that_comes_late_replaces_nothing() {
    for mut scene in records() {
        if scene.phase() == Phase::Proposed || scene.phase() == Phase::RollingBack {
            continue;
        }
        let before = scene.record.clone();
        scene.report(Report::Planned(Box::new(plan("late"))));
        scene.report(Report::PlanRefused(Reason::plain(Code::DryRunRefused)));
        assert_eq!(scene.record, before, "{}", before.phase);
    }
}

#[test]
fn a_plan_of_the_way_back_that_comes_twice_is_taken_once() {
    let mut scene = records().into_iter().find(|s| s.phase() == Phase::RollingBack).unwrap();
    scene.next();
    scene.report(Report::Planned(Box::new(plan("back"))));
    let before = scene.record.clone();
    scene.report(Report::Planned(Box::new(plan("late"))));
    scene.report(Report::PlanRefused(Reason::plain(Code::NoUndo)));
    assert_eq!(scene.record, before);
}

#[test]
fn a_report_about_a_write_that_was_not_begun_means_nothing() {
    for report in [applied(0, Code::Written), not_applied(0, Code::WriteRefused)] {
        let mut scene = standard().until(Phase::Granting);
        let before = scene.record.clone();
        scene.report(report);
        assert_eq!(scene.record, before);
    }
}

#[test]
fn a_report_about_the_proof_means_nothing_once_the_write_was_begun() {
    let proved = Report::Proved { execution: 0, refusal: "late".into() };
    for report in [proved, not_proved(0, Code::FenceUnproved)] {
        let mut scene = standard().until(Phase::Executing);
        let before = scene.record.clone();
        scene.report(report);
        assert_eq!(scene.record, before);
    }
}

#[test]
fn an_acknowledged_write_is_never_taken_back() {
    let mut scene = standard().until(Phase::Executing);
    scene.report(applied(0, Code::Written));
    let known = scene.record.executions[0].clone();
    scene.pass(5);
    for report in [not_applied(0, Code::WriteUnclear), not_proved(0, Code::Drifted), applied(0, Code::FoundWritten)] {
        scene.report(report);
        assert_eq!(scene.record.executions[0], known);
    }
}

#[test]
fn an_acknowledgement_ends_a_doubt() {
    let mut scene = standard().until(Phase::Executing);
    scene.report(not_applied(0, Code::WriteUnclear));
    scene.report(applied(0, Code::Written));
    assert!(scene.record.executions[0].is_applied());
}

#[test]
fn reports_about_executions_that_do_not_exist_change_nothing() {
    let mut scene = standard().until(Phase::Executing);
    let before = scene.record.clone();
    scene.report(applied(7, Code::Written));
    scene.report(not_applied(7, Code::WriteRefused));
    assert_eq!(scene.record, before);
}

#[test]
fn a_revocation_is_noted_once_for_every_use_of_the_account() {
    let mut scene = standard().until(Phase::Verifying);
    let effect = Effect::Revoke { account: "bwk-c0ffee00-p0".into() };
    scene.answer(&effect);
    let first = scene.now;
    scene.pass(5);
    scene.answer(&effect);
    let planning = scene.record.planning.as_ref().unwrap();
    assert_eq!(planning.revoked_at, Some(first));
    assert_eq!(scene.record.executions[0].grant.revoked_at, Some(first));
}

#[test]
fn a_receipt_is_noted_once_per_matter() {
    let mut scene = standard();
    for name in ["1", "2"] {
        scene.report(Report::Receipted(ReceiptRef { name: name.into(), about: "Failed".into(), hash: "00".into() }));
    }
    let names: Vec<_> = scene.record.receipts.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["1"]);
}

#[test]
fn no_report_leads_out_of_a_terminal_phase() {
    for scene in records() {
        if !scene.phase().is_terminal() {
            continue;
        }
        for report in [
            Report::Planned(Box::new(plan("late"))),
            Report::PlanRefused(Reason::plain(Code::DryRunRefused)),
            not_applied(0, Code::Drifted),
            not_proved(0, Code::Suspended),
        ] {
            let mut scene = scene.clone();
            scene.report(report);
            assert!(scene.record.ending.is_none());
            scene.health = None;
            scene.play();
            assert_eq!(scene.phase(), Phase::Failed);
        }
    }
}

#[test]
fn the_words_of_a_refusal_are_cut() {
    let mut scene = standard().until(Phase::Granting);
    scene.report(Report::Proved { execution: 0, refusal: "ü".repeat(5000) });
    let proof = |e: &Execution| e.grant.proof.as_ref().map(|p| p.chars().count());
    assert_eq!(scene.record.executions.first().and_then(proof), Some(1000));
}
