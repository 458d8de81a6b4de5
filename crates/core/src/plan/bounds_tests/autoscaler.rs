//! Autoscalers: how many replicas they may be given, and which workload, and by whom.

use super::*;
use crate::action::HpaSettings;
use crate::plan::fixture::name;
use serde_json::json;

fn human() -> Origin {
    Origin::Human {}
}

fn told() -> Origin {
    Origin::CurrentValue {}
}

fn replicas(least: Option<i32>, most: Option<i32>) -> HpaSettings {
    HpaSettings { min_replicas: least, max_replicas: most, target: None }
}

fn target(of: &str) -> HpaSettings {
    HpaSettings { target: Some(name(of)), ..HpaSettings::default() }
}

/// Of the good case: two to four replicas, at its limit; its target `ordrs` is not there, `web` and `orders` are.
fn verdict(settings: HpaSettings, origin: Origin, change: impl FnOnce(&mut Case)) -> Result<(), Code> {
    changed(ChangeType::PatchHPA, |case| {
        case.proposal.action = Action::PatchHPA { settings: Param::new(settings, origin) };
        change(case);
    })
}

#[test]
fn replicas_lie_within_the_mandate_and_the_least_is_not_above_the_most() {
    for (what, settings, expected) in [
        ("more", replicas(None, Some(10)), Ok(())),
        ("less", replicas(None, Some(2)), Ok(())),
        ("both", replicas(Some(5), Some(5)), Ok(())),
        ("more than the mandate has", replicas(None, Some(11)), Err(Code::OutOfBounds)),
        ("less than the mandate has", replicas(Some(0), None), Err(Code::OutOfBounds)),
        ("the least above the present most", replicas(Some(5), None), Err(Code::OutOfBounds)),
        ("the most below the present least", replicas(None, Some(1)), Err(Code::OutOfBounds)),
        ("nothing", HpaSettings::default(), Err(Code::OutOfBounds)),
    ] {
        assert_eq!(verdict(settings, human(), |_| {}), expected, "{what}");
    }
    let narrow = |case: &mut Case| case.bounds.max_replicas = 6;
    assert_eq!(verdict(replicas(None, Some(8)), human(), narrow), Err(Code::OutOfBounds), "the mandate's own bounds");
    assert_eq!(verdict(replicas(None, Some(8)), told(), narrow), Err(Code::OutOfBounds), "whoever asks");
}

#[test]
fn without_a_person_only_a_limit_that_is_in_the_way_is_raised_to_twice_at_most() {
    assert_eq!(verdict(replicas(None, Some(8)), told(), |_| {}), Ok(()));
    assert_eq!(verdict(replicas(None, Some(5)), told(), |_| {}), Ok(()));
    assert_eq!(verdict(replicas(None, Some(9)), told(), |_| {}), Err(Code::OutOfBounds));
    type Turn = fn(&mut Value);
    let conditions: [(&str, Turn); 3] = [
        ("not limited", |c| c["status"] = json!("False")),
        ("limited from below", |c| c["reason"] = json!("TooFewReplicas")),
        ("another condition", |c| c["type"] = json!("ScalingActive")),
    ];
    for (what, change) in conditions {
        let free = |case: &mut Case| change(&mut case.target()["status"]["conditions"][1]);
        assert_eq!(verdict(replicas(None, Some(8)), told(), free), Err(Code::OriginUnproven), "{what}");
        assert_eq!(verdict(replicas(None, Some(8)), human(), free), Ok(()), "{what}, says a person");
    }
    for (what, settings) in [
        ("the least", replicas(Some(1), None)),
        ("the same", replicas(None, Some(4))),
        ("less", replicas(None, Some(3))),
        ("the least beside", replicas(Some(3), Some(8))),
    ] {
        assert_eq!(verdict(settings.clone(), told(), |_| {}), Err(Code::OriginUnproven), "{what}");
        assert_eq!(verdict(settings, human(), |_| {}), Ok(()), "{what}, says a person");
    }
}

#[test]
fn a_target_is_a_workload_of_the_same_kind_that_exists_whoever_names_it() {
    assert_eq!(verdict(target("orders"), human(), |_| {}), Ok(()));
    assert_eq!(verdict(target("web"), human(), |_| {}), Ok(()));
    assert_eq!(verdict(target("data"), human(), |_| {}), Err(Code::OutOfBounds), "of another kind");
    assert_eq!(verdict(target("payments"), human(), |_| {}), Err(Code::OutOfBounds));
    let leaving = |case: &mut Case| {
        let all = case.facts.around.get_mut(&Kind::Deployment).unwrap();
        all[1]["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
    };
    assert_eq!(verdict(target("orders"), human(), leaving), Err(Code::OutOfBounds));
    for (kind, version) in [("ReplicaSet", "apps/v1"), ("Shop", "acme.dev/v1"), ("Deployment", "acme.dev/v1")] {
        let other = |case: &mut Case| {
            case.target()["spec"]["scaleTargetRef"]["kind"] = json!(kind);
            case.target()["spec"]["scaleTargetRef"]["apiVersion"] = json!(version);
        };
        assert_eq!(verdict(target("orders"), human(), other), Err(Code::OutOfBounds), "{version} {kind}");
    }
}

#[test]
fn without_a_person_a_target_replaces_a_missing_one_of_nearly_its_name_that_nobody_scales() {
    assert_eq!(verdict(target("orders"), told(), |_| {}), Ok(()));
    let add = |case: &mut Case, kind: Kind, object: Value| case.facts.around.get_mut(&kind).unwrap().push(object);
    let named = |name: &str| json!({"metadata": {"name": name}});
    type Turn<'a> = &'a dyn Fn(&mut Case);
    let cases: [(&str, HpaSettings, Turn<'_>); 4] = [
        ("a name that is far", target("web"), &|_| {}),
        ("two names as near", target("orders"), &|case| add(case, Kind::Deployment, named("ordr"))),
        ("the present one exists", target("orders"), &|case| add(case, Kind::Deployment, named("ordrs"))),
        ("another scales it", target("orders"), &|case| {
            let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"});
            add(
                case,
                Kind::HorizontalPodAutoscaler,
                json!({"metadata": {"name": "b"}, "spec": {"scaleTargetRef": target}}),
            );
        }),
    ];
    for (what, settings, change) in cases {
        let by = |origin| verdict(settings.clone(), origin, |case| change(case));
        assert_eq!(by(told()), Err(Code::OriginUnproven), "{what}");
        assert_eq!(by(human()), Ok(()), "{what}, says a person");
    }
}

#[test]
fn an_autoscaler_that_another_operator_makes_is_that_ones() {
    let mut case = case(ChangeType::PatchHPA);
    case.target()["metadata"]["ownerReferences"] = json!([{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "queue", "uid": "q", "controller": true}]);
    assert_eq!(managed_elsewhere(case.target()), Some("owner ScaledObject/queue".to_owned()));
}
