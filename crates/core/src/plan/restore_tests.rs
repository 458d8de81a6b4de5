//! Tests of what is put back, and of every copy that is not.

use super::*;
use crate::action::{Action, ChangeType};
use crate::plan::bounds;
use crate::plan::build::{Sources, draft, seal, undo_draft};
use crate::plan::fixture::{Case, case_on, name, uid};
use crate::plan::{Baseline, Draft, Plan};
use serde_json::json;
use std::collections::BTreeMap;

fn recorded() -> Origin {
    Origin::LastKnownGood { digest: "0".repeat(64) }
}

/// A ConfigMap that lost a key, of which a copy is kept.
fn drifted() -> Case {
    let mut case = case_on(ChangeType::RestoreObject, Kind::ConfigMap);
    case.proposal.action = Action::RestoreObject { copy: Param::new(name("copy-1-2"), recorded()) };
    case.proposal.target.uid = Some(uid("u-1"));
    let mut live = case.facts.sources.kept.clone().unwrap();
    live["data"] = json!({"moode": "fast", "level": "info"});
    live["metadata"]["labels"] = json!({"team": "a"});
    case.facts.sources.target = Some(live);
    case
}

fn check_of(case: &Case) -> Result<(), Code> {
    bounds::check(&case.proposal, &case.facts, &case.bounds).map_err(|reason| reason.code)
}

fn patched(object: &mut Value, operations: &[Value]) {
    let patch: json_patch::Patch = serde_json::from_value(json!(operations)).unwrap();
    json_patch::patch(object, &patch).unwrap();
}

fn planned(draft: &Draft) -> Plan {
    let mut after = draft.before.clone().unwrap();
    patched(&mut after, &draft.patch);
    let (live, baseline) = (BTreeMap::new(), Baseline::default());
    seal(&crate::plan::build::Outcome { draft, first: Some(&after), second: Some(&after), live, baseline }).unwrap()
}

#[test]
fn a_config_map_that_is_there_gets_its_content_back_and_nothing_else() {
    let case = drifted();
    assert_eq!(check_of(&case), Ok(()));
    let draft = draft(&case.proposal, &case.facts.sources).unwrap();
    assert_eq!(draft.operation, Operation::Update);
    assert!(draft.patch.contains(&json!({"op": "test", "path": "/metadata/uid", "value": "u-1"})), "{:?}", draft.patch);
    let plan = planned(&draft);
    let result = plan.result_object().unwrap();
    assert_eq!(result["data"], json!({"mode": "fast"}));
    assert_eq!(result["metadata"]["labels"], json!({"team": "a"}), "labels are not content");
    assert!(plan.changed.iter().all(|p| p.starts_with("/data")), "{:?}", plan.changed);
}

#[test]
fn the_way_back_gives_the_content_before() {
    let case = drifted();
    let draft = draft(&case.proposal, &case.facts.sources).unwrap();
    let plan = planned(&draft);
    let mut written = plan.result_object().unwrap();
    written["metadata"]["uid"] = json!("u-1");
    let back = undo_draft(&plan, &Sources { target: Some(written.clone()), ..Sources::default() }).unwrap();
    assert_eq!(back.operation, Operation::Update);
    patched(&mut written, &back.patch);
    assert_eq!(written["data"], json!({"moode": "fast", "level": "info"}));
}

#[test]
fn a_field_beside_the_content_makes_no_plan() {
    let case = drifted();
    let draft = draft(&case.proposal, &case.facts.sources).unwrap();
    let mut after = case.facts.sources.kept.clone().unwrap();
    after["immutable"] = json!(true);
    let (live, baseline) = (BTreeMap::new(), Baseline::default());
    let sealed =
        seal(&crate::plan::build::Outcome { draft: &draft, first: Some(&after), second: Some(&after), live, baseline });
    assert_eq!(sealed.unwrap_err().code, Code::OutOfBounds);
}

#[test]
fn what_is_still_there_is_put_back_from_the_operators_own_copy_alone() {
    let mut by_change = drifted();
    let origin = Origin::KeptCopy { change: name("drop"), uid: uid("c-0") };
    by_change.proposal.action = Action::RestoreObject { copy: Param::new(name("drop"), origin) };
    assert_eq!(check_of(&by_change), Err(Code::TargetExists));
    let mut service = case_on(ChangeType::RestoreObject, Kind::Service);
    service.proposal.action = Action::RestoreObject { copy: Param::new(name("copy-1-2"), recorded()) };
    assert_eq!(check_of(&service), Ok(()), "it is gone");
    service.proposal.target.uid = Some(uid("u-1"));
    service.facts.sources.target = service.facts.sources.kept.clone();
    assert_eq!(
        draft(&service.proposal, &service.facts.sources).map(|_| ()).unwrap_err().code,
        Code::TargetExists,
        "a Service that is there"
    );
    let mut gone = drifted();
    gone.facts.sources.target = None;
    assert_eq!(check_of(&gone), Err(Code::TargetMissing), "whoever names a uid means the object that is there");
}

#[test]
fn a_copy_of_another_object_or_of_none_is_no_proof() {
    type Lie = fn(&mut Case);
    let lies: [(&str, Code, Lie); 6] = [
        ("none", Code::OriginUnproven, |case| case.facts.sources.kept = None),
        ("another name", Code::OriginUnproven, |case| {
            case.facts.sources.kept.as_mut().unwrap()["metadata"]["name"] = json!("other");
        }),
        ("another kind", Code::OriginUnproven, |case| {
            case.facts.sources.kept.as_mut().unwrap()["kind"] = json!("Secret");
        }),
        ("another namespace", Code::OriginUnproven, |case| {
            case.facts.sources.kept.as_mut().unwrap()["metadata"]["namespace"] = json!("bank");
        }),
        ("one that GitOps keeps", Code::ManagedElsewhere, |case| {
            case.facts.sources.kept.as_mut().unwrap()["metadata"]["labels"] =
                json!({"argocd.argoproj.io/instance": "shop"});
        }),
        ("a person's word", Code::OriginUnproven, |case| {
            case.proposal.action = Action::RestoreObject { copy: Param::new(name("copy-1-2"), Origin::Human {}) };
        }),
    ];
    for (what, code, lie) in lies {
        let mut case = drifted();
        lie(&mut case);
        assert_eq!(check_of(&case), Err(code), "{what}");
    }
}

#[test]
fn a_service_comes_back_with_its_own_address_and_never_leads_outside() {
    let mut case = case_on(ChangeType::RestoreObject, Kind::Service);
    case.proposal.action = Action::RestoreObject { copy: Param::new(name("copy-1-2"), recorded()) };
    let body = draft(&case.proposal, &case.facts.sources).unwrap().body.unwrap();
    assert_eq!(body["spec"]["clusterIP"], "10.0.0.7");
    assert_eq!(body["spec"]["ports"][0]["nodePort"], 30007);
    for (pointer, value) in [("/spec/externalIPs", json!(["192.0.2.1"])), ("/spec/type", json!("ExternalName"))] {
        let mut outside = case.clone();
        *outside.facts.sources.kept.as_mut().unwrap().pointer_mut(pointer).unwrap() = value;
        assert_eq!(check_of(&outside), Err(Code::OutOfBounds), "{pointer}");
    }
}
