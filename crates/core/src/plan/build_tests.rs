//! Tests of drafts, sealed plans and the way back.

use super::*;
use crate::action::{ChangeType, Origin, Param, ResourceName};
use crate::names::{ContainerName, Namespace, ObjectName, Uid};

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "generation": 2, "resourceVersion": "77"},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "app", "image": "r/web:bad", "resources": {"limits": {"memory": "64Mi", "cpu": "1"}}}]}}},
        "status": {"replicas": 2}
    })
}

fn proposal(action: Action) -> Proposal {
    let namespace = Namespace::parse("shop").unwrap();
    let name = ObjectName::parse("web").unwrap();
    Proposal {
        namespace: namespace.clone(),
        name: ObjectName::parse("fix-web").unwrap(),
        uid: Uid::parse("c-1").unwrap(),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        proposer: "operator".into(),
        action,
        target: ObjectRef::namespaced(Kind::Deployment, namespace, name, Some(Uid::parse("u-1").unwrap())),
    }
}

fn set_image(image: &str) -> Action {
    Action::SetImage {
        container: ContainerName::parse("app").unwrap(),
        image: Param::new(image.into(), Origin::Human {}),
    }
}

fn sources() -> Sources {
    Sources { target: Some(deployment()), ..Sources::default() }
}

fn applied(draft: &Draft) -> Value {
    let mut object = draft.before.clone().unwrap();
    json_patch::patch(&mut object, &serde_json::from_value::<json_patch::Patch>(json!(draft.patch)).unwrap()).unwrap();
    object
}

fn outcome<'a>(draft: &'a Draft, first: Option<&'a Value>, second: Option<&'a Value>) -> Outcome<'a> {
    Outcome { draft, first, second, live: BTreeMap::new(), baseline: Baseline::default() }
}

#[test]
fn set_image_tests_uid_generation_the_container_and_its_old_image() {
    let draft = draft(&proposal(set_image("r/web:good")), &sources()).unwrap();
    let tests: Vec<&str> =
        draft.patch.iter().filter(|o| o["op"] == "test").filter_map(|o| o["path"].as_str()).collect();
    let container = "/spec/template/spec/containers/0";
    let (name, image) = (format!("{container}/name"), format!("{container}/image"));
    assert_eq!(tests, ["/metadata/uid", "/metadata/generation", name.as_str(), image.as_str()]);
    assert_eq!(applied(&draft)["spec"]["template"]["spec"]["containers"][0]["image"], "r/web:good");
}

#[test]
fn a_change_that_changes_nothing_is_refused() {
    assert_eq!(draft(&proposal(set_image("r/web:bad")), &sources()).unwrap_err().code, Code::NothingToChange);
}

#[test]
fn an_unknown_container_and_a_missing_target_are_refused() {
    let action = Action::SetImage {
        container: ContainerName::parse("nope").unwrap(),
        image: Param::new("x".into(), Origin::Human {}),
    };
    assert_eq!(draft(&proposal(action), &sources()).unwrap_err().code, Code::TargetMissing);
    assert_eq!(draft(&proposal(set_image("x")), &Sources::default()).unwrap_err().code, Code::TargetMissing);
}

#[test]
fn with_an_autoscaler_the_replicas_are_free_and_generation_is_not_tested() {
    let sources = Sources { autoscaled: true, ..sources() };
    let draft = draft(&proposal(set_image("r/web:good")), &sources).unwrap();
    assert_eq!(draft.free, ["replicas"]);
    assert!(!draft.patch.iter().any(|o| o["path"] == "/metadata/generation"));
}

#[test]
fn a_controllers_own_annotation_between_read_and_dry_run_is_no_change_of_ours() {
    let sources = Sources { autoscaled: true, ..sources() };
    let draft = draft(&proposal(set_image("r/web:good")), &sources).unwrap();
    let mut result = applied(&draft);
    result["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    let plan = seal(&outcome(&draft, Some(&result), Some(&result))).unwrap();
    assert_eq!(plan.changed, ["/spec/template/spec/containers/0/image"]);
    result["metadata"]["annotations"]["team.example/owner"] = json!("mallory");
    let refused = seal(&outcome(&draft, Some(&result), Some(&result))).unwrap_err();
    assert_eq!(refused.code, Code::OutOfBounds);
}

#[test]
fn a_taint_that_the_cluster_writes_between_two_looks_is_no_change_of_ours() {
    let case = crate::plan::fixture::case(ChangeType::Uncordon);
    let draft = draft(&case.proposal, &case.facts.sources).unwrap();
    let first = applied(&draft);
    let mut second = first.clone();
    second["spec"]["taints"] = json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]);
    let plan = seal(&outcome(&draft, Some(&second), Some(&first))).unwrap();
    assert_eq!((plan.changed, plan.free), (vec!["/spec/unschedulable".to_owned()], vec!["taints".to_owned()]));
    second["spec"]["podCIDR"] = json!("10.0.0.0/24");
    let other = seal(&outcome(&draft, Some(&second), Some(&first)));
    assert_eq!(other.unwrap_err().code, Code::PlanNotReproducible);
}

#[test]
fn resources_merge_and_keep_what_is_not_named() {
    let mut wanted = Resources::default();
    wanted.limits.insert(ResourceName::Memory, "128Mi".into());
    let action = Action::SetResources {
        container: ContainerName::parse("app").unwrap(),
        resources: Param::new(wanted, Origin::CurrentValue {}),
    };
    let draft = draft(&proposal(action), &sources()).unwrap();
    let limits = &applied(&draft)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
    assert_eq!(limits, &json!({"memory": "128Mi", "cpu": "1"}));
}

#[test]
fn undo_takes_the_template_without_its_hash() {
    let revision = json!({"kind": "ReplicaSet", "spec": {"template": {
        "metadata": {"labels": {"app": "web", "pod-template-hash": "abc"}}, "spec": {"containers": [{"name": "app", "image": "r/web:1"}]}}}});
    let sources = Sources { revision: Some(revision), ..sources() };
    let source = ObjectName::parse("web-abc").unwrap();
    let action = Action::RolloutUndo { revision: Param::new(1, Origin::RevisionHistory { source, revision: 1 }) };
    let template = &applied(&draft(&proposal(action), &sources).unwrap())["spec"]["template"];
    assert_eq!(template["metadata"]["labels"], json!({"app": "web"}));
}

#[test]
fn two_different_dry_runs_make_no_plan() {
    let draft = draft(&proposal(set_image("r/web:good")), &sources()).unwrap();
    let first = applied(&draft);
    let mut second = first.clone();
    second["spec"]["template"]["metadata"]["labels"]["nonce"] = json!("1");
    assert_eq!(seal(&outcome(&draft, Some(&first), Some(&second))).unwrap_err().code, Code::PlanNotReproducible);
}

#[test]
fn a_webhook_that_touches_other_fields_makes_no_plan() {
    let draft = draft(&proposal(set_image("r/web:good")), &sources()).unwrap();
    let mut mutated = applied(&draft);
    mutated["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    assert_eq!(seal(&outcome(&draft, Some(&mutated), Some(&mutated))).unwrap_err().code, Code::OutOfBounds);
}

#[test]
fn too_large_a_result_makes_no_plan() {
    let mut sources = sources();
    sources.target.as_mut().unwrap()["spec"]["template"]["metadata"]["labels"]["blob"] =
        json!("x".repeat(LARGEST_RESULT));
    let draft = draft(&proposal(set_image("r/web:good")), &sources).unwrap();
    let result = applied(&draft);
    assert_eq!(seal(&outcome(&draft, Some(&result), Some(&result))).unwrap_err().code, Code::PlanTooLarge);
}

#[test]
fn too_large_an_object_is_not_deleted() {
    let mut sources = sources();
    sources.target.as_mut().unwrap()["metadata"]["annotations"]["blob"] = json!("x".repeat(LARGEST_RESULT));
    let draft = draft(&proposal(Action::DeletePod {}), &sources).unwrap();
    assert_eq!(seal(&outcome(&draft, None, None)).unwrap_err().code, Code::PlanTooLarge);
}

#[test]
fn the_digest_covers_every_field_and_unconfirmed_plans_are_not_executable() {
    let draft = draft(&proposal(set_image("r/web:good")), &sources()).unwrap();
    let result = applied(&draft);
    let plan = seal(&outcome(&draft, Some(&result), Some(&result))).unwrap();
    assert!(plan.is_executable());
    let mut altered = plan.clone();
    altered.patch = altered.patch.replace("good", "evil");
    assert!(!altered.is_intact());
    let shown = seal_unconfirmed(&outcome(&draft, None, None)).unwrap();
    assert!(shown.is_intact() && !shown.is_executable());
    assert_eq!(shown.result, plan.result);
}

#[test]
fn the_way_back_restores_the_old_content_or_refuses_after_drift() {
    let draft = draft(&proposal(set_image("r/web:good")), &sources()).unwrap();
    let result = applied(&draft);
    let plan = seal(&outcome(&draft, Some(&result), Some(&result))).unwrap();
    let mut written = result.clone();
    written["metadata"]["generation"] = json!(3);
    let back = undo_draft(&plan, &Sources { target: Some(written.clone()), ..Sources::default() }).unwrap();
    assert_eq!(applied(&back)["spec"], deployment()["spec"]);
    written["spec"]["template"]["spec"]["containers"][0]["image"] = json!("r/web:human");
    assert_eq!(
        undo_draft(&plan, &Sources { target: Some(written), ..Sources::default() }).unwrap_err().code,
        Code::NoUndo
    );
    let mut adopted = result.clone();
    adopted["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"});
    assert_eq!(
        undo_draft(&plan, &Sources { target: Some(adopted), ..Sources::default() }).unwrap_err().code,
        Code::ManagedElsewhere
    );
}
