//! Several mandates: of everything the strictest, and nobody's say set aside by another's.

use super::stage::{Stage, mandate, people, rule, stage};
use crate::action::ChangeType;
use crate::mandate::{ApprovalMode, Approvers, Limits, Mandate, Outcome, Rule, Window};
use crate::reason::Code;
use proptest::prelude::*;

const SET_IMAGE: ChangeType = ChangeType::SetImage;

fn with(rules: Vec<Rule>) -> Stage {
    let mut stage = stage(SET_IMAGE);
    stage.mandates = rules.into_iter().enumerate().map(|(n, r)| mandate(&format!("m{n}"), vec![r])).collect();
    stage
}

fn of(approval: ApprovalMode, approvers: Approvers, quorum: u32) -> Rule {
    Rule { approvers, quorum, ..rule(approval, SET_IMAGE) }
}

fn closed() -> Vec<Window> {
    vec![Window { days: Vec::new(), from: "01:00".into(), to: "02:00".into(), time_zone: "UTC".into() }]
}

#[test]
fn the_strictest_mode_of_all_mandates_holds() {
    use ApprovalMode::{Human, PreApproved, Refused};
    for (modes, outcome) in [
        ([PreApproved, PreApproved], Outcome::PreApproved),
        ([PreApproved, Human], Outcome::NeedsApproval),
        ([Human, PreApproved], Outcome::NeedsApproval),
        ([Refused, Human], Outcome::Refused),
        ([PreApproved, Refused], Outcome::Refused),
    ] {
        let stage = with(modes.map(|mode| rule(mode, SET_IMAGE)).to_vec());
        assert_eq!(stage.explain().verdict.outcome, outcome, "{modes:?}");
    }
}

#[test]
fn approvers_are_those_whom_every_asking_mandate_names() {
    let asked = |lists: Vec<Approvers>| {
        with(lists.into_iter().map(|list| of(ApprovalMode::Human, list, 1)).collect()).explain().verdict
    };
    let open = people(&[], &[]);
    assert_eq!(asked(vec![open.clone(), people(&["ann"], &["sre"])]).approvers, people(&["ann"], &["sre"]));
    let both = asked(vec![people(&["ann", "bob"], &["sre", "dev"]), people(&["bob", "cat"], &["dev"])]);
    assert_eq!((both.outcome, both.approvers), (Outcome::NeedsApproval, people(&["bob"], &["dev"])));
    let nobody = asked(vec![people(&["ann"], &["sre"]), people(&["bob"], &["dev"]), open]);
    assert_eq!((nobody.outcome, nobody.reasons[0].code), (Outcome::Refused, Code::RefusedByMandate));
}

#[test]
fn an_empty_intersection_is_not_taken_for_an_open_list() {
    let lists = [people(&["ann"], &[]), people(&["bob"], &[]), people(&["ann"], &[])];
    let stage = with(lists.into_iter().map(|list| of(ApprovalMode::Human, list, 1)).collect());
    assert_eq!(stage.explain().verdict.outcome, Outcome::Refused);
}

#[test]
fn a_pre_approval_that_does_not_hold_here_keeps_its_own_approvers_and_quorum() {
    let guarded = || of(ApprovalMode::PreApproved, people(&["ann"], &[]), 2);
    let lenient = of(ApprovalMode::Human, people(&[], &[]), 1);
    let mut stage = with(vec![Rule { windows: closed(), ..guarded() }, lenient.clone()]);
    let verdict = stage.explain().verdict;
    assert_eq!(
        (verdict.outcome, verdict.quorum, verdict.approvers),
        (Outcome::NeedsApproval, 2, people(&["ann"], &[]))
    );
    assert_eq!(verdict.mandate.as_deref(), Some("m0"));
    // Where it holds it asks nobody, and the other mandate's people decide.
    stage.mandates[0].rules[0].windows.clear();
    let verdict = stage.explain().verdict;
    assert_eq!((verdict.outcome, verdict.quorum, verdict.approvers), (Outcome::NeedsApproval, 1, people(&[], &[])));
    // A proposer whom only the other mandate trusts.
    stage.proposer = "agent".into();
    stage.mandates[1].rules[0].proposers = vec!["agent".into()];
    assert_eq!(stage.explain().verdict.quorum, 2);
    stage.mandates[0].rules[0].proposers = vec!["agent".into()];
    assert_eq!(stage.explain().verdict.quorum, 1);
}

#[test]
fn people_whom_nobody_asks_do_not_stand_in_the_way() {
    let rules = [people(&["ann"], &[]), people(&["bob"], &[])].map(|p| of(ApprovalMode::PreApproved, p, 1));
    assert_eq!(with(rules.to_vec()).explain().verdict.outcome, Outcome::PreApproved);
    let closed = with(rules.into_iter().map(|r| Rule { windows: closed(), ..r }).collect());
    assert_eq!(closed.explain().verdict.outcome, Outcome::Refused);
}

#[test]
fn bounds_narrow_and_never_widen() {
    let mut stage = stage(ChangeType::Scale);
    stage.mandates.push(mandate("more", vec![rule(ApprovalMode::Human, ChangeType::Scale)]));
    stage.mandates[1].rules[0].bounds.max_replicas = 100;
    assert_eq!(stage.explain().verdict.outcome, Outcome::NeedsApproval);
    stage.mandates[1].rules[0].bounds.max_replicas = 2;
    assert_eq!(stage.verdict(), (Outcome::Refused, Code::OutOfBounds));
    stage.mandates[1].rules[0].bounds.max_replicas = 100;
    stage.mandates[1].rules[0].bounds.min_replicas = 4;
    assert_eq!(stage.verdict(), (Outcome::Refused, Code::OutOfBounds));
}

#[test]
fn of_every_limit_the_stricter_one_holds() {
    let base = Limits::default();
    let (strict, lax) = (
        Limits {
            concurrent: 1,
            per_hour: 2,
            cool_down_seconds: 9000,
            healthy_delay_seconds: 90,
            hold_seconds: 300,
            recovery_window_seconds: 60,
            late_recovery_seconds: 10,
            approval_ttl_seconds: 20,
            breaker_failures: 1,
            breaker_window_seconds: 9000,
            storm_incidents: 2,
            storm_window_seconds: 3000,
            cascade_window_seconds: 9000,
            flap_recurrences: 1,
            flap_window_seconds: 9000,
        },
        Limits {
            concurrent: 9,
            per_hour: 99,
            cool_down_seconds: 1,
            healthy_delay_seconds: 1,
            hold_seconds: 1,
            recovery_window_seconds: 7000,
            late_recovery_seconds: 9000,
            approval_ttl_seconds: 9000,
            breaker_failures: 9,
            breaker_window_seconds: 10,
            storm_incidents: 99,
            storm_window_seconds: 10,
            cascade_window_seconds: 0,
            flap_recurrences: 9,
            flap_window_seconds: 10,
        },
    );
    let both = |limits: [&Limits; 2]| {
        let mut stage =
            with(vec![rule(ApprovalMode::PreApproved, SET_IMAGE), rule(ApprovalMode::PreApproved, SET_IMAGE)]);
        for (mandate, limits) in stage.mandates.iter_mut().zip(limits) {
            mandate.limits = limits.clone();
        }
        stage.explain().verdict.limits
    };
    assert_eq!(both([&strict, &base]), strict);
    assert_eq!(both([&lax, &strict]), strict);
    assert_eq!(both([&base, &lax]), base);
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let mode = prop_oneof![Just(ApprovalMode::PreApproved), Just(ApprovalMode::Human), Just(ApprovalMode::Refused)];
    let lists = (prop::collection::vec("[ab]", 0..2), prop::collection::vec("[gh]", 0..2));
    (mode, lists, 1..4u32, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(approval, (users, groups), quorum, named, shut, trusts)| Rule {
            approvers: Approvers { users, groups },
            quorum,
            types: if named { vec![SET_IMAGE] } else { Vec::new() },
            windows: if shut { closed() } else { Vec::new() },
            proposers: if trusts { vec!["agent".into()] } else { Vec::new() },
            ..rule(approval, SET_IMAGE)
        },
    )
}

/// True if whoever satisfies `strict` satisfies `lax` too.
fn as_strict(strict: &crate::mandate::Verdict, lax: &crate::mandate::Verdict) -> bool {
    let open = |a: &Approvers| a.users.is_empty() && a.groups.is_empty();
    let (ours, theirs) = (&strict.approvers, &lax.approvers);
    let people = open(theirs)
        || (!open(ours)
            && ours.users.iter().all(|u| theirs.users.contains(u))
            && ours.groups.iter().all(|g| theirs.groups.contains(g)));
    match (strict.outcome, lax.outcome) {
        (Outcome::Refused, _) => true,
        (Outcome::NeedsApproval, Outcome::NeedsApproval) => people && strict.quorum >= lax.quorum,
        (Outcome::NeedsApproval, Outcome::PreApproved) => true,
        (Outcome::PreApproved, lax) => lax == Outcome::PreApproved,
        (Outcome::NeedsApproval, Outcome::Refused) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_further_mandate_never_widens_what_the_others_allow(
        rules in prop::collection::vec(any_rule(), 1..4), more in any_rule(), by_agent in any::<bool>()
    ) {
        let mut stage = with(rules);
        if by_agent {
            stage.proposer = "agent".into();
        }
        let before = stage.explain().verdict;
        let further: Mandate = mandate("further", vec![more]);
        stage.mandates.push(further);
        let after = stage.explain().verdict;
        prop_assert!(as_strict(&after, &before), "{before:?} became {after:?}");
    }
}
