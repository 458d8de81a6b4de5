//! Which objects may be changed at all: kind, identity, protection, other keepers, owners.

use super::*;
use crate::names::Namespace;
use crate::plan::fixture::{deployment, name, pod, uid};
use serde_json::json;

#[test]
fn every_type_is_refused_on_every_kind_that_the_catalogue_does_not_name() {
    for change_type in ChangeType::ALL {
        for kind in Kind::ALL.iter().filter(|kind| !catalogue::entry(*change_type).targets.contains(kind)) {
            let code = changed(*change_type, |case| case.proposal.target.kind = *kind);
            assert_eq!(code, Err(Code::WrongKind), "{change_type} on {kind}");
        }
    }
}

#[test]
fn the_target_is_the_one_that_the_change_names_or_the_change_is_refused() {
    for change_type in ChangeType::ALL {
        let creates = *change_type == ChangeType::RestoreObject;
        let elsewhere = changed(*change_type, |case| case.proposal.namespace = Namespace::parse("other").unwrap());
        assert_eq!(elsewhere, Err(Code::InvalidSpec), "{change_type}");
        if creates {
            let exists = changed(*change_type, |case| case.facts.sources.target = Some(deployment()));
            assert_eq!(exists, Err(Code::TargetExists));
            continue;
        }
        assert_eq!(changed(*change_type, |case| case.facts.sources.target = None), Err(Code::TargetMissing));
        let replaced = changed(*change_type, |case| case.target()["metadata"]["uid"] = json!("u-2"));
        assert_eq!(replaced, Err(Code::TargetReplaced), "{change_type}");
        let unnamed = changed(*change_type, |case| case.proposal.target.uid = None);
        assert_eq!(unnamed, Err(Code::TargetReplaced), "{change_type}");
        let neither = changed(*change_type, |case| {
            case.proposal.target.uid = None;
            case.target()["metadata"].as_object_mut().unwrap().remove("uid");
        });
        assert_eq!(neither, Err(Code::TargetReplaced), "{change_type}");
    }
}

fn target(namespace: &str) -> ObjectRef {
    let namespace = Namespace::parse(namespace).unwrap();
    ObjectRef::namespaced(Kind::Deployment, namespace, name("web"), Some(uid("u-1")))
}

fn labelled(value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("bailiwick.dev/protected".to_owned(), value.to_owned())])
}

#[test]
fn protection_is_by_namespace_name_by_namespace_label_and_by_label() {
    let plain = BTreeMap::new();
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "bailiwick-system", "bailiwick-grants"] {
        assert_eq!(protected(&target(namespace), None, &plain).unwrap().code, Code::Protected, "{namespace}");
    }
    for namespace in ["shop", "kubernetes", "my-kube-system", "bailiwicks"] {
        assert_eq!(protected(&target(namespace), Some(&deployment()), &plain), None, "{namespace}");
    }
    assert_eq!(protected(&target("shop"), None, &labelled("true")).unwrap().code, Code::Protected);
    assert_eq!(protected(&target("shop"), None, &labelled("false")), None);
    let mut object = deployment();
    object["metadata"]["labels"] = json!({"bailiwick.dev/protected": "true"});
    assert_eq!(protected(&target("shop"), Some(&object), &plain).unwrap().code, Code::Protected);
    object["metadata"]["labels"] = json!({"bailiwick.dev/protected": "false"});
    assert_eq!(protected(&target("shop"), Some(&object), &plain), None);
}

#[test]
fn gitops_tools_are_known_by_label_annotation_and_field_manager() {
    assert_eq!(managed_elsewhere(&deployment()), None);
    let mark = |part: &str, value: Value| {
        let mut object = deployment();
        object["metadata"][part] = value;
        managed_elsewhere(&object)
    };
    for key in ["argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"] {
        assert_eq!(mark("labels", json!({key: "x"})), Some(format!("label {key}")));
    }
    let tracking = "argocd.argoproj.io/tracking-id";
    assert_eq!(mark("annotations", json!({tracking: "x"})), Some(format!("annotation {tracking}")));
    for manager in ["argocd-controller", "argocd-application-controller", "kustomize-controller", "helm-controller"] {
        let fields = json!([{"manager": "kubectl"}, {"manager": manager}]);
        assert_eq!(mark("managedFields", fields), Some(format!("field manager {manager}")));
    }
    for manager in ["kubectl", "kube-controller-manager", "helm", "bailiwick-operator"] {
        assert_eq!(mark("managedFields", json!([{"manager": manager}])), None, "{manager}");
    }
}

#[test]
fn other_operators_are_known_by_their_owner_reference_and_built_in_controllers_are_not_others() {
    let owned = |version: &str, kind: &str, controls: bool| {
        let mut object = deployment();
        object["metadata"]["ownerReferences"] =
            json!([{"apiVersion": version, "kind": kind, "name": "o", "uid": "o-1", "controller": controls}]);
        managed_elsewhere(&object)
    };
    for (version, kind) in [
        ("acme.dev/v1", "Shop"),
        ("apps.kruise.io/v1", "StatefulSet"),
        ("batch.volcano.sh/v1", "Job"),
        ("v1", "Service"),
        ("apps/v1", "Rollout"),
    ] {
        assert_eq!(owned(version, kind, true), Some(format!("owner {kind}/o")), "{version} {kind}");
    }
    for (version, kind) in [("apps/v1", "ReplicaSet"), ("batch/v1", "Job"), ("v1", "ReplicationController")] {
        assert_eq!(owned(version, kind, true), None, "{version} {kind}");
    }
    assert_eq!(owned("acme.dev/v1", "Shop", false), None, "it does not control the object");
}

#[test]
fn a_pod_is_deleted_only_where_a_living_controller_replaces_it() {
    let bare = changed(ChangeType::DeletePod, |case| {
        case.target()["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    });
    assert_eq!(bare, Err(Code::BarePod));
    assert_eq!(changed(ChangeType::DeletePod, |case| case.facts.owner_alive = false), Err(Code::BarePod));
    let mirror = changed(ChangeType::DeletePod, |case| {
        case.target()["metadata"]["ownerReferences"][0]["kind"] = json!("Node");
    });
    assert_eq!(mirror, Err(Code::BarePod));
}

#[test]
fn a_pod_with_local_data_is_of_tier_two_and_so_is_one_that_was_not_seen() {
    let mut reference = target("shop");
    reference.kind = Kind::Pod;
    let tier = |pod: Option<&Value>| effective_tier(ChangeType::DeletePod, &reference, pod);
    let with = |owner: &str, volume: Value| {
        let mut pod = pod();
        pod["metadata"]["ownerReferences"][0]["kind"] = json!(owner);
        pod["spec"]["volumes"] = json!([{"name": "cfg", "configMap": {"name": "c"}}, volume]);
        pod
    };
    let host = json!({"name": "d", "hostPath": {"path": "/d"}});
    assert_eq!(tier(Some(&pod())), 1);
    assert_eq!(tier(Some(&with("StatefulSet", host.clone()))), 2);
    assert_eq!(tier(Some(&with("StatefulSet", json!({"name": "d", "emptyDir": {}})))), 2);
    let claim = json!({"name": "d", "persistentVolumeClaim": {"claimName": "d"}});
    assert_eq!(tier(Some(&with("StatefulSet", claim))), 1);
    assert_eq!(tier(Some(&with("ReplicaSet", host))), 1);
    assert_eq!(tier(None), 2);
    assert_eq!(effective_tier(ChangeType::SetImage, &target("shop"), None), 1);
}

#[test]
fn a_quota_that_others_manage_is_not_deleted() {
    let managed = changed(ChangeType::DeleteResourceQuota, |case| {
        case.target()["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    });
    assert_eq!(managed, Err(Code::ManagedElsewhere));
}
