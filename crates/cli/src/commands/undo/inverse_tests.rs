//! Tests of what undoes a Change. No IO.

use super::*;
use crate::render::fixtures;
use bailiwick_core::names::ContainerName;
use serde_json::json;

fn revision(number: i64, source: &str, image: &str, memory: Option<&str>) -> Revision {
    let mut object = json!({
        "kind": "ReplicaSet",
        "metadata": {"name": source, "annotations": {"deployment.kubernetes.io/revision": number.to_string()}},
        "spec": {"template": fixtures::template(image)}
    });
    if let Some(memory) = memory {
        object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"limits": {"memory": memory}});
    }
    Revision::read(&object).unwrap()
}

fn name() -> (ObjectName, Uid) {
    (ObjectName::parse("web-1").unwrap(), Uid::parse("c-1").unwrap())
}

fn back(
    action: &Action,
    plan: &Plan,
    live: Option<&Value>,
    revisions: &[Revision],
) -> Result<(Action, ObjectRef), Failure> {
    let (name, uid) = name();
    inverse(&Given { change: (&name, &uid), action, plan, live, revisions })
}

/// The target after the write: the sealed result bears no uid, the live object does.
fn live_after(plan: &Plan) -> Value {
    let mut live = plan.result_object().unwrap();
    live["metadata"]["uid"] = json!("d-web");
    live
}

fn set_image() -> Action {
    let origin = Origin::RevisionHistory { source: ObjectName::parse("web-old").unwrap(), revision: 1 };
    Action::SetImage {
        container: ContainerName::parse("app").unwrap(),
        image: Param::new("registry.example/web:1.4.1".into(), origin),
    }
}

#[test]
fn an_image_goes_back_to_the_revision_that_had_it() {
    let plan = fixtures::image_plan(bailiwick_core::plan::DryRun::Server);
    let live = live_after(&plan);
    let revisions = [revision(2, "web-bad", "registry.example/web:9.9.9", None)];
    let (action, target) = back(&set_image(), &plan, Some(&live), &revisions).unwrap();
    let Action::SetImage { image, .. } = action else { panic!("{action:?}") };
    assert_eq!(image.value, "registry.example/web:9.9.9");
    assert_eq!(image.origin, revisions[0].origin());
    assert_eq!(target, plan.target);
}

#[test]
fn what_was_changed_again_since_is_not_put_back_silently() {
    let plan = fixtures::image_plan(bailiwick_core::plan::DryRun::Server);
    let mut live = live_after(&plan);
    live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example/web:2.0.0");
    let revisions = [revision(2, "web-bad", "registry.example/web:9.9.9", None)];
    let failure = back(&set_image(), &plan, Some(&live), &revisions).unwrap_err();
    assert!(failure.what.contains("changed again since"), "{failure}");
    let gone = back(&set_image(), &plan, Some(&live_after(&plan)), &[]).unwrap_err();
    assert!(gone.what.contains("no revision"), "{gone}");
}

#[test]
fn a_deleted_quota_comes_back_from_its_kept_copy() {
    let plan = fixtures::quota_plan();
    let (action, target) = back(&Action::DeleteResourceQuota {}, &plan, None, &[]).unwrap();
    let Action::RestoreObject { copy } = action else { panic!("{action:?}") };
    assert_eq!(copy.value.as_str(), "web-1");
    assert!(matches!(copy.origin, Origin::KeptCopy { .. }));
    assert_eq!(target.uid, None);
    let there = json!({"metadata": {"uid": "x"}});
    assert!(back(&Action::DeleteResourceQuota {}, &plan, Some(&there), &[]).is_err());
}

#[test]
fn resources_that_were_unset_before_go_back_with_the_whole_template() {
    let plan = fixtures::image_plan(bailiwick_core::plan::DryRun::Server);
    let set = Resources { limits: [(ResourceName::Memory, "128Mi".to_owned())].into(), ..Resources::default() };
    let action = Action::SetResources {
        container: ContainerName::parse("app").unwrap(),
        resources: Param::new(set, Origin::CurrentValue {}),
    };
    let live = live_after(&plan);
    let unset = [revision(2, "web-bad", "registry.example/web:9.9.9", None)];
    let (rolled, _) = back(&action, &plan, Some(&live), &unset).unwrap();
    assert!(matches!(rolled, Action::RolloutUndo { .. }), "{rolled:?}");
}

#[test]
fn some_types_leave_nothing_and_some_changes_wrote_nothing() {
    let plan = fixtures::image_plan(bailiwick_core::plan::DryRun::Server);
    assert!(back(&Action::RolloutRestart {}, &plan, None, &[]).is_err());
    assert!(applied(None).is_err_and(|f| f.what.contains("nothing was written")));
    let refused = fixtures::refused().typed.unwrap();
    assert!(applied(refused.status.as_ref()).is_err());
    let recovered = fixtures::recovered().typed.unwrap();
    assert!(applied(recovered.status.as_ref()).is_ok());
    let mut altered = recovered.status.clone().unwrap();
    if let Some(plan) = altered.plan.as_mut() {
        plan.before = "{}".into();
    }
    assert_eq!(applied(Some(&altered)).unwrap_err().exit, crate::exit::Exit::Refused);
}
