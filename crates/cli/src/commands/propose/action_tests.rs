//! Tests of actions built from arguments. No IO.

use super::*;
use serde_json::json;

fn values(words: &[&str]) -> Values {
    let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    Values::parse(&words).unwrap()
}

fn built(change_type: ChangeType, words: &[&str]) -> Result<Action, Failure> {
    let live = json!({"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "b", "resources": {"limits": {"memory": "64Mi"}}}]}}}});
    let object = |number: i64, image: &str| {
        json!({"kind": "ReplicaSet", "metadata": {"name": format!("web-{number}"), "annotations": {"deployment.kubernetes.io/revision": number.to_string()}},
            "spec": {"template": {"spec": {"containers": [{"name": "app", "image": image, "resources": {"limits": {"memory": "64Mi"}}}]}}}})
    };
    let revisions: Vec<Revision> = [object(1, "a"), object(2, "b")].iter().filter_map(Revision::read).collect();
    let known = Known { live: Some(&live), revisions: &revisions, copy: None };
    build(change_type, &values(words), &known)
}

#[test]
fn what_a_person_gives_is_said_to_come_from_a_person() {
    let action = built(ChangeType::SetImage, &["image=c"]).unwrap();
    assert_eq!(action.origins(), [("image", &Origin::Human {})]);
    let scaled = built(ChangeType::Scale, &["replicas=3"]).unwrap();
    assert_eq!(scaled.origins(), [("replicas", &Origin::Human {})]);
}

#[test]
fn what_comes_from_history_names_its_revision() {
    let action = built(ChangeType::SetImage, &["revision=1"]).unwrap();
    let Action::SetImage { image, .. } = &action else { panic!("{action:?}") };
    assert_eq!(image.value, "a");
    assert!(matches!(&image.origin, Origin::RevisionHistory { revision: 1, .. }));
    let undo = built(ChangeType::RolloutUndo, &[]).unwrap();
    let Action::RolloutUndo { revision } = &undo else { panic!("{undo:?}") };
    assert_eq!(revision.value, 1);
    let resources = built(ChangeType::SetResources, &["revision=1"]).unwrap();
    assert!(matches!(resources.origins()[0].1, Origin::RevisionHistory { .. }));
}

#[test]
fn wrong_values_are_named_with_what_to_do() {
    let next = |change_type, words: &[&str]| built(change_type, words).unwrap_err().to_string();
    assert!(next(ChangeType::Scale, &[]).contains("add --set replicas="));
    assert!(next(ChangeType::Scale, &["replica=3"]).contains("did you mean replicas?"));
    assert!(next(ChangeType::Scale, &["replicas=x"]).contains("whole number"));
    assert!(next(ChangeType::DeletePod, &["x=1"]).contains("takes no values"));
    assert!(next(ChangeType::RolloutUndo, &["revision=9"]).contains("kept are: 1, 2"));
    assert!(next(ChangeType::SetResources, &["limits.memory=lots"]).contains("limits.memory"));
    assert!(Values::parse(&["a".to_owned()]).is_err());
    assert!(Values::parse(&["a=1".to_owned(), "a=2".to_owned()]).is_err());
}

#[test]
fn ingresses_and_autoscalers_take_what_they_are_to_have() {
    let value = |change_type, words: &[&str]| {
        let action = serde_json::to_value(built(change_type, words).unwrap()).unwrap();
        let settings = action.as_object().and_then(|all| all.values().next()).map(|v| v["settings"].clone());
        settings.unwrap()
    };
    let human = json!({"human": {}});
    let class = value(ChangeType::PatchIngress, &["class=nginx"]);
    assert_eq!(class, json!({"value": {"class": "nginx"}, "origin": human}));
    let all = ["host=a.example", "path=/cart", "service=cart", "port=http"];
    let backend = json!({"host": "a.example", "path": "/cart", "service": "cart", "port": "http"});
    assert_eq!(value(ChangeType::PatchIngress, &all), json!({"value": {"backend": backend}, "origin": human}));
    let scaled = value(ChangeType::PatchHPA, &["minReplicas=2", "maxReplicas=4", "target=web"]);
    assert_eq!(scaled, json!({"value": {"minReplicas": 2, "maxReplicas": 4, "target": "web"}, "origin": human}));
    let failed = |change_type, words: &[&str]| built(change_type, words).unwrap_err().to_string();
    assert!(failed(ChangeType::PatchIngress, &[]).contains("needs a value"));
    assert!(failed(ChangeType::PatchIngress, &["path=/cart", "service=cart"]).contains("name both"));
    assert!(failed(ChangeType::PatchIngress, &["host=a.example", "class=nginx"]).contains("name both"));
    assert!(failed(ChangeType::PatchIngress, &["class=No_Name"]).contains("No_Name"));
    assert!(failed(ChangeType::PatchHPA, &[]).contains("needs a value"));
    assert!(failed(ChangeType::PatchHPA, &["maxReplicas=lots"]).contains("whole number"));
}
