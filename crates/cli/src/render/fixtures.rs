//! Objects for tests of what people see: one shop, one day, nothing random.
//!
//! Owns fixtures. Must never be compiled into the product. No IO.

mod changes;
mod receipts;

pub(crate) use changes::{approval, awaiting, broken, recovered, refused, rolled_back};
pub(crate) use receipts::{log, receipts};

use crate::objects::Loaded;
use crate::style::Look;
use bailiwick_api::Incident;
use bailiwick_api::manifests::OPERATOR_USER;
use bailiwick_core::action::{Action, ChangeType, Origin, Param};
use bailiwick_core::finding::{Candidate, Cause, Evidence, Finding, Severity};
use bailiwick_core::mandate::{ApprovalMode, Approvers, Explanation, Limits, Mandate, Question, Rule, explain};
use bailiwick_core::names::{ContainerName, Namespace, ObjectName, Uid};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::plan::build::{Outcome, Sources, draft, seal, seal_unconfirmed};
use bailiwick_core::plan::{Baseline, DryRun, Plan, Proposal};
use jiff::Timestamp;
use kube::api::DynamicObject;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The image whose tag does not exist.
pub(crate) const BAD: &str = "registry.example/web:9.9.9";
/// The image that served before.
pub(crate) const GOOD: &str = "registry.example/web:1.4.1";

/// A moment of the day: `12:00:00` and so on.
pub(crate) fn at(clock: &str) -> Timestamp {
    format!("2026-01-15T{clock}Z").parse().unwrap()
}

/// Rendering without colour, at a fixed time.
pub(crate) fn look(width: Option<usize>) -> Look {
    Look { colour: false, width, now: at("12:05:00") }
}

pub(super) fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

pub(super) fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

pub(super) fn shop(kind: Kind, object: &str, id: &str) -> ObjectRef {
    ObjectRef::namespaced(kind, Namespace::parse("shop").unwrap(), name(object), Some(uid(id)))
}

/// An object as the API server would have sent it.
pub(super) fn loaded<K: DeserializeOwned>(raw: Value) -> Loaded<K> {
    Loaded::new(&serde_json::from_value::<DynamicObject>(raw).unwrap())
}

/// A pod template with one container.
pub(crate) fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image, "ports": [{"containerPort": 8080}]}]}})
}

fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "d-web", "generation": 4, "resourceVersion": "812"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template(image)},
    })
}

pub(super) fn set_image() -> Action {
    let origin = Origin::RevisionHistory { source: name("web-5c9f"), revision: 1 };
    Action::SetImage { container: ContainerName::parse("app").unwrap(), image: Param::new(GOOD.to_owned(), origin) }
}

fn planned(action: Action, target: &ObjectRef, (before, after): (&Value, Option<&Value>), dry_run: DryRun) -> Plan {
    let proposal = Proposal {
        namespace: target.namespace.clone().unwrap(),
        name: name("web-1"),
        uid: uid("c-1"),
        created: at("12:00:00"),
        proposer: OPERATOR_USER.to_owned(),
        action,
        target: target.clone(),
    };
    let sources = Sources { target: Some(before.clone()), ..Sources::default() };
    let draft = draft(&proposal, &sources).unwrap();
    let live = BTreeMap::from([("autofix".to_owned(), "true".to_owned())]);
    let baseline = Baseline { available: 1, desired: 2 };
    let outcome = Outcome { draft: &draft, first: after, second: after, live, baseline };
    match dry_run {
        DryRun::Server => seal(&outcome).unwrap(),
        DryRun::NotDryRun => seal_unconfirmed(&outcome).unwrap(),
    }
}

/// The plan that puts the good image back.
pub(crate) fn image_plan(dry_run: DryRun) -> Plan {
    let target = shop(Kind::Deployment, "web", "d-web");
    planned(set_image(), &target, (&deployment(BAD), Some(&deployment(GOOD))), dry_run)
}

/// The plan of an action on `web`, which is of that kind and looks so.
pub(crate) fn plan_of(action: Action, kind: Kind, before: &Value) -> Plan {
    planned(action, &shop(kind, "web", "d-web"), (before, None), DryRun::NotDryRun)
}

/// The plan that deletes a quota.
pub(crate) fn quota_plan() -> Plan {
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "shop", "uid": "q-team", "resourceVersion": "640"},
        "spec": {"hard": {"pods": "1", "requests.memory": "64Mi"}},
    });
    let target = shop(Kind::ResourceQuota, "team", "q-team");
    planned(Action::DeleteResourceQuota {}, &target, (&quota, None), DryRun::Server)
}

fn evidence() -> Evidence {
    Evidence {
        id: "object:p-1@810#status.containerStatuses[app].state.waiting".into(),
        object: shop(Kind::Pod, "web-7b6d44d5f5-tr6tw", "p-1"),
        value: format!("ErrImagePull: {BAD}: not found"),
    }
}

/// What `diagnose` finds.
pub(crate) fn finding() -> Finding {
    Finding {
        cause: Cause::ImageNotFound,
        severity: Severity::Warning,
        subject: shop(Kind::Deployment, "web", "d-web"),
        container: Some(ContainerName::parse("app").unwrap()),
        summary: format!("container app image \"{BAD}\" does not exist: \"not found\"; 1 of 2 pods"),
        since: at("11:59:30"),
        evidence: vec![evidence()],
        candidates: vec![Candidate {
            action: set_image(),
            target: shop(Kind::Deployment, "web", "d-web"),
            why: "revision 1 of web served with another image".into(),
        }],
    }
}

/// The incident that the finding became, repaired.
pub(crate) fn incident() -> Loaded<Incident> {
    let found = finding();
    loaded(json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Incident",
        "metadata": {"name": "web-imagenotfound-1a2b3c4d", "namespace": "shop", "uid": "i-1", "resourceVersion": "900", "creationTimestamp": "2026-01-15T11:59:55Z"},
        "spec": {"cause": found.cause, "subject": found.subject, "container": "app", "dedupeKey": "ImageNotFound|d-web|app"},
        "status": {
            "phase": "Resolved", "severity": "Warning", "count": 1,
            "firstSeen": "2026-01-15T11:59:30Z", "lastSeen": "2026-01-15T12:00:20Z", "endedAt": "2026-01-15T12:00:51Z",
            "evidence": found.evidence, "candidates": found.candidates, "changes": ["web-1", "web-0"],
            "diagnosis": {"text": found.summary, "source": "rules"},
            "reason": {"code": "Held", "message": "change web-1 recovered"},
        },
    }))
}

/// An answer of `mandate explain`: inside the territory or not, pre-approved or asked.
pub(crate) fn explanation(inside: bool, allowed: bool) -> Explanation {
    let labels = BTreeMap::from([("autofix".to_owned(), if inside { "true" } else { "no" }.to_owned())]);
    let target = shop(Kind::Deployment, "web", "d-web");
    let rule = Rule {
        types: vec![ChangeType::SetImage],
        approval: if allowed { ApprovalMode::PreApproved } else { ApprovalMode::Human },
        approvers: Approvers { users: vec!["ann@example.com".into()], groups: vec!["sre".into()] },
        quorum: 2,
        ..Rule::default()
    };
    let mandates = [Mandate {
        name: "shop".into(),
        rules: vec![rule],
        limits: Limits::default(),
        protect: Vec::new(),
        keep_copies: None,
    }];
    let live = deployment(BAD);
    explain(&Question {
        proposer: OPERATOR_USER,
        operator: OPERATOR_USER,
        change_type: ChangeType::SetImage,
        target: &target,
        object: Some(&live),
        namespace: Some(&labels),
        territory: ("autofix", "true"),
        mandates: &mandates,
        unreadable: &[],
        proposal: None,
        now: at("12:00:00"),
    })
}
