//! The checklist of a Change type, walked for every type on every kind that it may target: bounds,
//! preview, fence, right, undo, oracle.
//!
//! The catalogue and the fixtures are matched without a wildcard, so a new type does not compile
//! before it has an entry and a case; here the case must then hold from end to end.

use super::build::{Outcome, Sources, draft, seal, undo_draft};
use super::fixture::{Case, case_on};
use super::{Baseline, Draft, Operation, Plan, bounds, rendered};
use crate::action::ChangeType;
use crate::catalogue::{self, Undo};
use crate::fence::{Entry, parse_revision, revision_data};
use crate::life::{Execution, Grant, Purpose};
use crate::object::Kind;
use crate::oracle::{Health, Observation, judge};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Every type on every kind that it may target.
fn all() -> impl Iterator<Item = (ChangeType, Kind, Case)> {
    let of = |t: ChangeType| catalogue::entry(t).targets.iter().map(move |kind| (t, *kind, case_on(t, *kind)));
    ChangeType::ALL.iter().copied().flat_map(of)
}

/// What the API server would answer to the draft's dry run.
fn dry_run(draft: &Draft) -> Option<Value> {
    match draft.operation {
        Operation::Delete => None,
        Operation::Create => draft.body.clone(),
        Operation::Update => {
            let mut object = draft.before.clone().unwrap();
            let patch: json_patch::Patch = serde_json::from_value(json!(draft.patch)).unwrap();
            json_patch::patch(&mut object, &patch).unwrap();
            Some(object)
        }
    }
}

fn sealed(draft: &Draft) -> Plan {
    let answer = dry_run(draft);
    let (live, baseline) = (BTreeMap::new(), Baseline::default());
    seal(&Outcome { draft, first: answer.as_ref(), second: answer.as_ref(), live, baseline }).unwrap()
}

fn planned(case: &Case) -> (Draft, Plan) {
    let draft = draft(&case.proposal, &case.facts.sources).unwrap();
    let plan = sealed(&draft);
    (draft, plan)
}

/// True if the catalogue's roles hold the right that this draft takes.
fn has_right(draft: &Draft) -> bool {
    let needed = |r: &catalogue::Right| r.operation == draft.operation && r.kind == draft.target.kind;
    catalogue::rights().iter().any(needed)
}

#[test]
fn the_case_of_a_type_is_of_that_type_and_within_bounds() {
    for (change_type, kind, case) in all() {
        assert_eq!(case.proposal.action.change_type(), change_type);
        assert_eq!(bounds::check(&case.proposal, &case.facts, &case.bounds), Ok(()), "{change_type} on {kind}");
    }
}

#[test]
fn the_plan_changes_something_and_only_what_the_type_may_touch() {
    for (change_type, kind, case) in all() {
        let (draft, plan) = planned(&case);
        let entry = catalogue::entry(change_type);
        assert!(plan.is_executable(), "{change_type} on {kind}");
        assert_eq!(draft.operation, entry.operation, "{change_type} on {kind}");
        assert_eq!(plan.changed.is_empty(), entry.fields.is_empty(), "{change_type} on {kind}");
        assert!(plan.changed.iter().all(|p| catalogue::field_allowed(p, entry.fields)), "{:?}", plan.changed);
        let side = |object: Option<Value>| object.unwrap_or(Value::Null);
        let preview = rendered(&side(plan.before_object()), &side(plan.result_object()), 0);
        assert!(preview.lines().any(|l| l.starts_with(['-', '+'])), "{change_type} on {kind}: {preview:?}");
    }
}

#[test]
fn one_field_beside_those_of_the_type_makes_no_plan() {
    for (change_type, kind, case) in all().filter(|(t, ..)| catalogue::entry(*t).operation == Operation::Update) {
        let draft = draft(&case.proposal, &case.facts.sources).unwrap();
        let mut answer = dry_run(&draft).unwrap();
        answer["spec"]["paused"] = json!(true);
        let (live, baseline) = (BTreeMap::new(), Baseline::default());
        let first = Some(&answer);
        let refused = seal(&Outcome { draft: &draft, first, second: first, live, baseline });
        assert_eq!(refused.unwrap_err().code, crate::reason::Code::OutOfBounds, "{change_type} on {kind}");
    }
}

#[test]
fn the_fence_admits_the_planned_object_under_the_one_right_of_the_type() {
    for (change_type, kind, case) in all() {
        let (draft, plan) = planned(&case);
        assert!(has_right(&draft), "{change_type} on {kind}");
        let entry = Entry::executing(&plan).unwrap();
        assert_eq!(
            (entry.operation.as_str(), entry.resource.as_str()),
            (draft.operation.admission(), kind.served().resource)
        );
        assert_eq!(entry.uid.is_empty(), draft.operation == Operation::Create, "{change_type} on {kind}");
        let seen = if draft.operation == Operation::Delete { plan.before_object() } else { plan.result_object() };
        assert_eq!(Some(&entry.result), seen.as_ref(), "{change_type} on {kind}");
        assert!(!entry.dry_run && Entry::planning(draft.operation, &draft.target, BTreeMap::new()).dry_run);
        let grants = BTreeMap::from([("user".to_owned(), entry)]);
        assert_eq!(parse_revision(&revision_data(&grants).unwrap()).unwrap(), grants);
        let altered = Plan { result: "{}".into(), ..plan };
        assert_eq!(Entry::executing(&altered), None, "{change_type} on {kind}: a plan that is not intact");
    }
}

#[test]
fn what_a_type_calls_undoable_is_put_back_to_the_content_of_before() {
    for (change_type, kind, case) in all() {
        let (draft, plan) = planned(&case);
        let mut written = dry_run(&draft);
        if let Some(object) = &mut written {
            object["metadata"]["uid"] = json!("u-1");
        }
        let sources = Sources { target: written, ..Sources::default() };
        let back = undo_draft(&plan, &sources);
        let undo = catalogue::entry(change_type).undo;
        assert_eq!(plan.undoable, undo != Undo::Nothing, "{change_type} on {kind}");
        assert_eq!(back.is_ok(), plan.undoable, "{change_type} on {kind}: {back:?}");
        let Ok(back) = back else { continue };
        assert!(has_right(&back), "{change_type} on {kind}: no right to go back");
        let spec = |object: Option<Value>| object.and_then(|o| o.get("spec").cloned());
        assert_eq!(spec(dry_run(&back)), spec(plan.before_object()), "{change_type} on {kind}");
    }
}

#[test]
fn no_oracle_calls_anything_healthy_before_the_write_or_without_a_look() {
    for (change_type, kind, case) in all() {
        let (_, plan) = planned(&case);
        let at = case.proposal.created;
        let grant = Grant {
            account: "bwk-1".into(),
            purpose: Purpose::Apply,
            granted_at: at,
            proved_at: Some(at),
            proof: None,
            revoked_at: None,
        };
        let mut execution = Execution {
            key: "c-1/0".into(),
            purpose: Purpose::Apply,
            digest: plan.digest.clone(),
            grant,
            started_at: Some(at),
            applied_at: None,
            attempts: 1,
            resource_version: None,
            generation: None,
            outcome: None,
        };
        let seen = Observation { target: case.facts.sources.target.clone(), namespace: true, ..Observation::default() };
        let early = judge(&plan, &execution, &seen);
        assert!(matches!(early, Health::NotYet(_)), "{change_type} on {kind}: {early:?}");
        execution.applied_at = Some(at);
        let unchanged = judge(&plan, &execution, &seen);
        assert!(!matches!(unchanged, Health::Healthy(_)), "{change_type} on {kind}: {unchanged:?}");
    }
}
