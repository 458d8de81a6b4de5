//! Tests of who is let through to decide. No IO.

use super::*;
use crate::render::fixtures;

fn me(user: &str, groups: &[&str]) -> Me {
    Me { user: user.into(), groups: groups.iter().map(|g| (*g).to_owned()).collect() }
}

#[test]
fn only_an_intact_confirmed_plan_that_waits_can_be_approved() {
    let waiting = fixtures::awaiting().typed.unwrap();
    assert!(decidable(&waiting, DecisionKind::Approve).is_ok());
    let ended = fixtures::recovered().typed.unwrap();
    assert!(decidable(&ended, DecisionKind::Approve).is_err_and(|f| f.what.contains("has ended")));
    let mut altered = waiting.clone();
    if let Some(plan) = altered.status.as_mut().and_then(|r| r.plan.as_mut()) {
        plan.before = "{}".into();
    }
    assert_eq!(decidable(&altered, DecisionKind::Approve).unwrap_err().exit, Exit::Refused);
    let mut unplanned = waiting;
    if let Some(record) = unplanned.status.as_mut() {
        record.plan = None;
        record.phase = Phase::Proposed;
    }
    assert_eq!(decidable(&unplanned, DecisionKind::Approve).unwrap_err().exit, Exit::Pending);
}

#[test]
fn a_named_digest_must_be_the_plans() {
    let plan = fixtures::quota_plan();
    assert!(named_digest(&plan, None).is_ok());
    assert!(named_digest(&plan, Some(&plan.digest)).is_ok());
    assert!(named_digest(&plan, Some(&format!("{}…", &plan.digest[..12]))).is_ok());
    assert_eq!(named_digest(&plan, Some(&"0".repeat(64))).unwrap_err().exit, Exit::Refused);
    assert!(named_digest(&plan, Some("ab")).is_err_and(|f| f.what.contains("12 digits")));
}

#[test]
fn an_approval_that_would_not_count_is_not_created() {
    let change = fixtures::awaiting().typed.unwrap();
    assert!(would_count(&change, &me("ann@example.com", &["sre"])).is_ok());
    let own = me(&change.spec.proposer, &["sre"]);
    assert!(would_count(&change, &own).is_err_and(|f| f.exit == Exit::Refused && f.what.contains("your own")));
    let stranger = would_count(&change, &me("eve@example.com", &["dev"])).unwrap_err();
    assert!(stranger.what.contains("not among") && stranger.next.is_some_and(|n| n.contains("sre")));
}

#[test]
fn the_approval_is_of_this_person_on_this_digest_under_one_name() {
    let change = fixtures::awaiting().typed.unwrap();
    let plan = decidable(&change, DecisionKind::Approve).unwrap();
    let many: Vec<String> = (0..100).map(|n| format!("g{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["sre"]).collect();
    let spec = specification(&change, plan, &me("ann@example.com", &many), DecisionKind::Approve, "ok").unwrap();
    assert_eq!((spec.digest.as_str(), spec.groups.len()), (plan.digest.as_str(), 64));
    assert_eq!(spec.groups[0], "sre");
    assert_eq!(name_of(&spec), name_of(&spec.clone()));
    let other = ApprovalSpec { approver: "bob".into(), ..spec.clone() };
    assert_ne!(name_of(&spec), name_of(&other));
    assert!(ObjectName::parse(name_of(&spec)).is_ok());
    assert!(specification(&change, plan, &me("a", &[]), DecisionKind::Approve, &"x".repeat(2000)).is_err());
}
