//! One question at a time: each refuses, asks for people, or lets pass.

use super::stage::{mandate, rule, spoiled, stage};
use crate::action::{Action, ChangeType, Origin, Param};
use crate::mandate::{
    ApprovalMode, LabelSelector, Outcome, Protect, Requirement, SelectorOperator, StepResult, Window,
};
use crate::names::Namespace;
use crate::object::Kind;
use crate::plan::fixture::app;
use crate::reason::Code;
use serde_json::json;
use std::collections::BTreeMap;

const YES: (Outcome, Code) = (Outcome::PreApproved, Code::MandateAllows);
const SET_IMAGE: ChangeType = ChangeType::SetImage;

const fn no(code: Code) -> (Outcome, Code) {
    (Outcome::Refused, code)
}

const fn ask(code: Code) -> (Outcome, Code) {
    (Outcome::NeedsApproval, code)
}

#[test]
fn a_named_type_is_pre_approved_unless_it_is_of_tier_three_or_a_person_gave_its_value() {
    for change_type in ChangeType::ALL {
        let case = stage(*change_type).case;
        let human = case.proposal.action.origins().iter().any(|(_, origin)| matches!(origin, Origin::Human {}));
        let expected = match human {
            _ if change_type.tier() == 3 => ask(Code::TierNeedsHuman),
            true => ask(Code::HumanValue),
            false => YES,
        };
        assert_eq!(spoiled(*change_type, |_| {}), expected, "{change_type}");
    }
}

#[test]
fn outside_the_territory_nothing_is_done() {
    let relabelled = |labels: Option<&[(&str, &str)]>| {
        let labels = labels.map(|l| l.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        spoiled(SET_IMAGE, |s| s.namespace = labels)
    };
    assert_eq!(relabelled(None), no(Code::NamespaceGone));
    assert_eq!(relabelled(Some(&[])), no(Code::OutsideTerritory));
    assert_eq!(relabelled(Some(&[("autofix", "false")])), no(Code::OutsideTerritory));
    assert_eq!(relabelled(Some(&[("autofix", "True")])), no(Code::OutsideTerritory));
    assert_eq!(relabelled(Some(&[("autofix", "true")])), YES);
}

#[test]
fn what_is_protected_is_refused_by_name_by_label_and_by_any_mandate() {
    let system = spoiled(SET_IMAGE, |s| {
        let namespace = Namespace::parse("kube-system").unwrap();
        s.case.proposal.namespace = namespace.clone();
        s.case.proposal.target.namespace = Some(namespace);
    });
    assert_eq!(system, no(Code::Protected));
    let marked = |s: &mut super::stage::Stage| {
        s.namespace.as_mut().unwrap().insert("bailiwick.dev/protected".into(), "true".into());
    };
    assert_eq!(spoiled(SET_IMAGE, marked), no(Code::Protected));
    let by_mandate = |protect: Protect| {
        spoiled(SET_IMAGE, |s| {
            // A mandate protects even where none of its rules applies.
            let mut other = mandate("walls", Vec::new());
            other.protect = vec![protect];
            s.mandates.push(other);
        })
    };
    let protect = |kind: Option<Kind>, namespace: Option<&str>, name: Option<&str>| Protect {
        kind,
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    for covers in [
        protect(None, None, None),
        protect(Some(Kind::Deployment), None, None),
        protect(None, Some("shop"), None),
        protect(None, None, Some("web")),
        protect(Some(Kind::Deployment), Some("shop"), Some("web")),
    ] {
        assert_eq!(by_mandate(covers.clone()), no(Code::Protected), "{covers:?}");
    }
    for beside in [
        protect(Some(Kind::StatefulSet), None, None),
        protect(Some(Kind::Deployment), Some("other"), Some("web")),
        protect(None, Some("shop"), Some("db")),
    ] {
        assert_eq!(by_mandate(beside.clone()), YES, "{beside:?}");
    }
}

#[test]
fn what_others_keep_is_refused_with_their_name() {
    let mut stage = stage(SET_IMAGE);
    let target = stage.case.facts.sources.target.as_mut().unwrap();
    target["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
    assert_eq!(stage.verdict(), no(Code::ManagedElsewhere));
    assert!(stage.explain().verdict.reasons[0].message.contains("kustomize.toolkit.fluxcd.io/name"));
}

#[test]
fn an_unreadable_mandate_pre_approves_nothing() {
    assert_eq!(spoiled(SET_IMAGE, |s| s.unreadable = vec!["broken".into()]), ask(Code::MandateUnreadable));
}

#[test]
fn the_first_matching_rule_of_a_mandate_decides_by_its_mode() {
    let modes = [
        (ApprovalMode::PreApproved, YES),
        (ApprovalMode::Human, ask(Code::MandateAsks)),
        (ApprovalMode::Refused, no(Code::RefusedByMandate)),
    ];
    for (mode, expected) in modes {
        assert_eq!(spoiled(SET_IMAGE, |s| s.rule().approval = mode), expected, "{mode:?}");
        let first = spoiled(SET_IMAGE, |s| s.mandates[0].rules.insert(0, rule(mode, SET_IMAGE)));
        assert_eq!(first, expected, "{mode:?} before a yes");
    }
    let second = spoiled(SET_IMAGE, |s| s.mandates[0].rules.push(rule(ApprovalMode::Refused, SET_IMAGE)));
    assert_eq!(second, YES, "a later rule does not decide");
    let other = spoiled(SET_IMAGE, |s| s.rule().types = vec![ChangeType::Scale]);
    assert_eq!(other, ask(Code::NoRule));
    assert_eq!(spoiled(SET_IMAGE, |s| s.mandates.clear()), ask(Code::NoRule));
}

#[test]
fn a_rule_selects_its_namespaces_by_label() {
    let selecting = |labels: &[(&str, &str)], expressions: Vec<Requirement>| {
        let match_labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let selector = LabelSelector { match_labels, match_expressions: expressions };
        spoiled(SET_IMAGE, |s| s.rule().namespace_selector = Some(selector))
    };
    let team = |operator, values: &[&str]| {
        vec![Requirement { key: "team".into(), operator, values: values.iter().map(|v| (*v).to_owned()).collect() }]
    };
    assert_eq!(selecting(&[], Vec::new()), YES, "an empty selector selects everything");
    assert_eq!(selecting(&[("team", "web")], Vec::new()), YES);
    assert_eq!(selecting(&[("team", "db")], Vec::new()), ask(Code::NoRule));
    assert_eq!(selecting(&[], team(SelectorOperator::In, &["web", "db"])), YES);
    assert_eq!(selecting(&[], team(SelectorOperator::In, &[])), ask(Code::NoRule));
    assert_eq!(selecting(&[], team(SelectorOperator::NotIn, &["web"])), ask(Code::NoRule));
    assert_eq!(selecting(&[], team(SelectorOperator::Exists, &[])), YES);
    assert_eq!(selecting(&[], team(SelectorOperator::DoesNotExist, &[])), ask(Code::NoRule));
}

#[test]
fn a_rule_without_types_pre_approves_tier_one_alone() {
    for change_type in ChangeType::ALL {
        let open = spoiled(*change_type, |s| s.rule().types.clear());
        let expected = match (change_type.tier(), change_type) {
            (1, ChangeType::Scale) => ask(Code::HumanValue),
            (1, _) => YES,
            (2, _) => ask(Code::TypeNotNamed),
            (_, _) => ask(Code::TierNeedsHuman),
        };
        assert_eq!(open, expected, "{change_type}");
    }
    let local = |named: bool| {
        spoiled(ChangeType::DeletePod, |s| {
            let pod = s.case.facts.sources.target.as_mut().unwrap();
            pod["metadata"]["ownerReferences"][0]["kind"] = json!("StatefulSet");
            pod["spec"]["volumes"] = json!([{"name": "d", "hostPath": {"path": "/d"}}]);
            if !named {
                s.rule().types.clear();
            }
        })
    };
    assert_eq!((local(false), local(true)), (ask(Code::TypeNotNamed), YES), "local data raises the tier");
}

#[test]
fn values_beyond_the_rules_bounds_are_refused_whoever_gave_them() {
    let scale = |s: &mut super::stage::Stage| s.rule().bounds.max_replicas = 2;
    assert_eq!(spoiled(ChangeType::Scale, scale), no(Code::OutOfBounds));
    let image = |patterns: &[&str]| {
        let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
        spoiled(SET_IMAGE, |s| {
            let image = Param::new("r/web:new".into(), Origin::Human {});
            s.case.proposal.action = Action::SetImage { container: app(), image };
            s.rule().bounds.images = patterns;
        })
    };
    assert_eq!(image(&["r/*"]), ask(Code::HumanValue));
    assert_eq!(image(&["elsewhere/*"]), no(Code::ImageNotAllowed));
    let telemetry = spoiled(SET_IMAGE, |s| {
        let image = Param::new("r/web:good".into(), Origin::Telemetry {});
        s.case.proposal.action = Action::SetImage { container: app(), image };
    });
    assert_eq!(telemetry, no(Code::UntrustedOrigin));
}

#[test]
fn only_the_operator_and_named_proposers_are_pre_approved() {
    let by = |who: &str, named: &[&str]| {
        let named = named.iter().map(|n| (*n).to_owned()).collect();
        spoiled(SET_IMAGE, |s| {
            s.proposer = who.into();
            s.rule().proposers = named;
        })
    };
    assert_eq!(by("agent", &[]), ask(Code::ProposerNotTrusted));
    assert_eq!(by("agent", &["agen", "agent2"]), ask(Code::ProposerNotTrusted));
    assert_eq!(by("agent", &["other", "agent"]), YES);
}

#[test]
fn what_an_annotation_explains_is_resumed_by_people_alone() {
    let noted = |change_type: ChangeType, key: &str, value: &str| {
        let annotations = json!({ key: value });
        spoiled(change_type, |s| s.case.facts.sources.target.as_mut().unwrap()["metadata"]["annotations"] = annotations)
    };
    let resumed = |key: &str, value: &str| noted(ChangeType::ResumeCronJob, key, value);
    assert_eq!(resumed("shop.example/suspended-by", "anna, until the audit is over"), ask(Code::Explained));
    assert_eq!(resumed("example.com/maintenance", "false"), YES);
    assert_eq!(resumed("kubectl.kubernetes.io/restartedAt", "2026-01-02"), YES);
    assert_eq!(noted(ChangeType::SuspendCronJob, "maintenance", "true"), YES, "to stand still needs no explanation");
}

#[test]
fn a_closed_window_asks_for_people() {
    let daily =
        |from: &str, to: &str| Window { days: Vec::new(), from: from.into(), to: to.into(), time_zone: "UTC".into() };
    let within = |windows: Vec<Window>| spoiled(SET_IMAGE, |s| s.rule().windows = windows);
    assert_eq!(within(vec![daily("11:00", "12:00"), daily("12:00", "12:01")]), YES, "one open window is enough");
    assert_eq!(within(vec![daily("11:00", "12:00")]), ask(Code::OutsideWindow), "the end is not included");
    assert_eq!(within(vec![daily("12:00", "12:00")]), ask(Code::OutsideWindow), "an empty window never opens");
    assert_eq!(within(vec![daily("noon", "13:00")]), ask(Code::OutsideWindow));
}

#[test]
fn without_a_proposal_the_kind_is_still_asked_and_an_unseen_pod_counts_as_keeping_data() {
    let wrong = spoiled(SET_IMAGE, |s| {
        s.whole = false;
        s.case.proposal.target.kind = Kind::Pod;
    });
    assert_eq!(wrong, no(Code::WrongKind));
    assert_eq!(spoiled(ChangeType::Scale, |s| s.whole = false), YES, "no value was named, so none is judged");
    let unseen = spoiled(ChangeType::DeletePod, |s| {
        s.whole = false;
        s.case.facts.sources.target = None;
        s.rule().types.clear();
    });
    assert_eq!(unseen, ask(Code::TypeNotNamed));
}

#[test]
fn every_step_is_kept_and_a_refusal_outweighs_every_question() {
    let mut stage = stage(SET_IMAGE);
    stage.namespace = Some(BTreeMap::new());
    stage.proposer = "agent".into();
    stage.rule().approval = ApprovalMode::Human;
    let explanation = stage.explain();
    let asked: Vec<&str> = explanation.steps.iter().map(|s| s.question.as_str()).collect();
    let expected =
        ["territory", "protection", "keeper", "mandates", "rule", "tier", "values", "origins", "proposer", "window"];
    assert_eq!(asked, expected);
    let verdict = explanation.verdict;
    assert_eq!(verdict.outcome, Outcome::Refused);
    assert_eq!(verdict.reasons.iter().map(|r| r.code).collect::<Vec<_>>(), [Code::OutsideTerritory]);
    assert_eq!(explanation.steps.iter().filter(|s| s.result == StepResult::Human).count(), 2);
}
