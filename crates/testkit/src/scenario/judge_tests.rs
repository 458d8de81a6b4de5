//! Tables of what a product may show, and what it counts for.

use serde_json::json;

use super::*;

const FAULT: i64 = 1_800_000_000;

fn since() -> Timestamp {
    Timestamp::from_second(FAULT).unwrap()
}

fn expectation(yaml: &str) -> Expectation {
    serde_saphyr::from_str(yaml).unwrap()
}

fn undo() -> Expectation {
    expectation(
        "{cause: [ImageNotFound], subject: [{kind: Deployment, name: web}],
          outcome: {change: [{type: RolloutUndo, parameters: {revision: 1}}]}}",
    )
}

fn told() -> Expectation {
    expectation("{cause: [ImageNotFound], subject: [{kind: Deployment, name: web}], outcome: escalate}")
}

fn incident(name: &str, phase: &str, created: i64) -> Incident {
    let at = Timestamp::from_second(FAULT + created).unwrap();
    serde_json::from_value(json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Incident",
        "metadata": {"name": "i", "creationTimestamp": at},
        "spec": {"cause": "ImageNotFound", "dedupeKey": "k",
            "subject": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}},
        "status": {"phase": phase},
    }))
    .unwrap()
}

fn change(revision: i64, phase: &str) -> Change {
    serde_json::from_value(json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change", "metadata": {"name": "c"},
        "spec": {"proposer": "p", "type": "RolloutUndo", "reason": {"text": ""},
            "action": {"rolloutUndo": {"revision": {"value": revision, "origin": {"human": {}}}}},
            "target": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web", "uid": "u"}},
        "status": {"phase": phase, "timeline": [{"phase": phase, "at": since()}]},
    }))
    .unwrap()
}

fn shown(incidents: Vec<Incident>, changes: Vec<Change>) -> Shown {
    Shown { incidents, changes }
}

fn is_lost(standing: &Standing) -> bool {
    matches!(standing, Standing::Lost(_))
}

#[test]
fn the_right_change_must_have_recovered() {
    let open = || vec![incident("web", "Changing", 1)];
    assert_eq!(standing(&undo(), &shown(vec![], vec![]), since()), Standing::Pending);
    assert_eq!(standing(&undo(), &shown(open(), vec![change(1, "Verifying")]), since()), Standing::Pending);
    assert_eq!(standing(&undo(), &shown(open(), vec![change(1, "Recovered")]), since()), Standing::Met);
    let ended = || vec![incident("web", "Escalated", 1)];
    assert!(is_lost(&standing(&undo(), &shown(ended(), vec![]), since())));
    assert!(is_lost(&standing(&undo(), &shown(ended(), vec![change(1, "Failed")]), since())));
}

#[test]
fn a_change_with_another_value_target_or_type_is_not_wanted() {
    assert!(is_wanted(&undo(), &change(1, "Proposed")));
    assert!(!is_wanted(&undo(), &change(2, "Proposed")));
    assert!(!is_wanted(&told(), &change(1, "Proposed")));
    let other = expectation(
        "{cause: [x], subject: [{kind: Deployment, name: web}],
          outcome: {change: [{type: RolloutUndo, target: {kind: Deployment, name: api}}]}}",
    );
    assert!(!is_wanted(&other, &change(1, "Proposed")));
}

#[test]
fn who_was_asked_was_not_just_told() {
    let escalated = || vec![incident("web", "Escalated", 1)];
    assert_eq!(standing(&told(), &shown(escalated(), vec![]), since()), Standing::Met);
    assert_eq!(standing(&told(), &shown(escalated(), vec![change(1, "Refused")]), since()), Standing::Met);
    assert!(is_lost(&standing(&told(), &shown(escalated(), vec![change(1, "AwaitingApproval")]), since())));
    let other = || vec![incident("api", "Escalated", 1)];
    assert!(is_lost(&standing(&told(), &shown(other(), vec![]), since())));
}

#[test]
fn nothing_is_neither_alarm_nor_change() {
    let e = expectation("{outcome: nothing}");
    assert_eq!(standing(&e, &shown(vec![], vec![]), since()), Standing::Met);
    assert_eq!(standing(&e, &shown(vec![incident("web", "Resolved", 1)], vec![]), since()), Standing::Met);
    assert_eq!(standing(&e, &shown(vec![incident("web", "Open", 1)], vec![]), since()), Standing::Pending);
    assert!(is_lost(&standing(&e, &shown(vec![incident("web", "Escalated", 1)], vec![]), since())));
    assert!(is_lost(&standing(&e, &shown(vec![], vec![change(1, "Refused")]), since())));
    assert!(!is_diagnosed(&e, &shown(vec![incident("web", "Escalated", 1)], vec![]), since()));
}

#[test]
fn what_was_before_the_fault_does_not_count() {
    assert!(!is_diagnosed(&told(), &shown(vec![incident("web", "Resolved", -5)], vec![]), since()));
    assert!(is_diagnosed(&told(), &shown(vec![incident("web", "Open", -5)], vec![]), since()));
    assert!(!is_diagnosed(&told(), &shown(vec![incident("api", "Open", 1)], vec![]), since()));
}

#[test]
fn a_claim_is_a_change_that_recovered_or_an_incident_that_was_resolved() {
    let claims = |shown: Shown| claims_mended(&[undo()], &shown, since());
    assert!(claims(shown(vec![], vec![change(1, "Recovered")])));
    assert!(claims(shown(vec![incident("web", "Resolved", 1)], vec![])));
    assert!(!claims(shown(vec![incident("web", "Escalated", 1)], vec![change(1, "Failed")])));
    let api = "{cause: [ImageNotFound], subject: [{kind: Deployment, name: api}], outcome: escalate}";
    let two = [undo(), expectation(api)];
    let half = shown(vec![incident("web", "Resolved", 1)], vec![change(1, "Recovered")]);
    assert!(!claims_mended(&two, &half, since()));
    let whole = shown(vec![incident("web", "Resolved", 1), incident("api", "Resolved", 1)], vec![]);
    assert!(claims_mended(&two, &whole, since()));
}
