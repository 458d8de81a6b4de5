//! The cap alone: the operator's name with every right of RBAC, as if its token and a careless ClusterRoleBinding had met.

use bailiwick_core::catalogue::rights;
use bailiwick_core::copies::{COPY_LABEL, COPY_VALUE};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION, SYSTEM_NAMESPACE};
use bailiwick_core::object::Kind;
use bailiwick_testkit::{JSON_PATCH, Result, TestCluster, path_of, token_request};
use http::Method;
use serde_json::{Value, json};

use crate::scene::{BETTER, CAP, Shot, assert_done, assert_refused, cluster, extend, idle};

/// Where bindings are that hold everywhere.
pub(crate) const EVERYWHERE: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
const NEVER: &str = "the operator never writes this";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const OURS: &str = "/apis/bailiwick.dev/v1alpha1";

fn bindings(place: &str) -> String {
    format!("{RBAC}/namespaces/{place}/rolebindings")
}

pub(crate) fn binding(name: &str, role: &str, subjects: Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    })
}

pub(crate) fn account(name: &str, place: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": place})
}

/// What the operator never writes, whatever RBAC says.
fn forbidden(place: &str) -> Vec<(&'static str, Shot)> {
    let web = path_of(Kind::Deployment, place, "web");
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": BETTER}]);
    let role =
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "evil"}});
    let mandate =
        json!({"apiVersion": "bailiwick.dev/v1alpha1", "kind": "Mandate", "metadata": {"name": "evil"}, "spec": {}});
    let relabel = json!({"metadata": {"labels": {"autofix": "true"}}});
    vec![
        ("a workload's image", Shot::new(Method::PATCH, &web, Some((JSON_PATCH, image)))),
        ("a workload's scale", Shot::merge(format!("{web}/scale"), json!({"spec": {"replicas": 3}}))),
        ("a workload's deletion", Shot::delete(&web)),
        ("a pod", Shot::post(path_of(Kind::Pod, place, ""), idle("evil").bare_pod())),
        ("a ClusterRole", Shot::post(format!("{RBAC}/clusterroles"), role)),
        ("the territory", Shot::merge("/api/v1/namespaces/default", relabel)),
        ("a mandate", Shot::post(format!("{OURS}/namespaces/{SYSTEM_NAMESPACE}/mandates"), mandate)),
        (
            "a custom kind's definition",
            Shot::delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/receipts.bailiwick.dev"),
        ),
    ]
}

#[tokio::test]
async fn the_operator_writes_nothing_beyond_its_list() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("cap-list").in_territory().create().await?;
    namespace.apply(&idle("web").deployment()).await?;
    let (operator, admin) = (cluster.operator_unbounded()?, cluster.admin());
    for (what, shot) in forbidden(namespace.name()) {
        assert_refused(what, &shot.sent(&operator).await?, CAP, NEVER);
    }
    let image = &forbidden(namespace.name())[0].1;
    assert_refused("an image", &image.sent(&operator).await?, CAP, NEVER);
    assert_done("an image by the administrator", &image.sent(&admin).await?);
    Ok(())
}

#[tokio::test]
async fn bindings_give_one_catalogue_role_to_the_account_of_the_same_name_in_the_territory() -> Result<()> {
    let cluster = cluster().await?;
    let inside = cluster.namespace("cap-bind").in_territory().create().await?;
    let outside = cluster.namespace("cap-outside").create().await?;
    let role = rights()[0].role();
    let (name, one) = ("bwk-00c0ffee", json!([account("bwk-00c0ffee", GRANTS_NAMESPACE)]));
    let named = "named like one-shot accounts";
    let roles = "binds one role of the catalogue to the one-shot account of the same name";
    let place = "binds in the territory only";
    let user = json!([{"kind": "User", "name": "evil", "apiGroup": "rbac.authorization.k8s.io"}]);
    let two = json!([account(name, GRANTS_NAMESPACE), account("evil", inside.name())]);
    let cases = [
        ("another name", inside.name(), binding("evil", &role, one.clone()), named),
        ("cluster-admin", inside.name(), binding(name, "cluster-admin", one.clone()), roles),
        ("edit", inside.name(), binding(name, "edit", one.clone()), roles),
        ("the operator's own role", inside.name(), binding(name, "bailiwick:operator", one.clone()), roles),
        ("a person", inside.name(), binding(name, &role, user), roles),
        (
            "an account of the namespace",
            inside.name(),
            binding(name, &role, json!([account(name, inside.name())])),
            roles,
        ),
        (
            "another one-shot account",
            inside.name(),
            binding(name, &role, json!([account("bwk-x", GRANTS_NAMESPACE)])),
            roles,
        ),
        (
            "the operator",
            inside.name(),
            binding(name, &role, json!([account("bailiwick-operator", SYSTEM_NAMESPACE)])),
            roles,
        ),
        ("two at once", inside.name(), binding(name, &role, two), roles),
        ("nobody", inside.name(), binding(name, &role, json!([])), roles),
        ("outside", outside.name(), binding(name, &role, one.clone()), place),
        ("kube-system", "kube-system", binding(name, &role, one.clone()), place),
        ("its own namespace", SYSTEM_NAMESPACE, binding(name, &role, one.clone()), place),
    ];
    let operator = cluster.operator_unbounded()?;
    for (what, namespace, object, words) in cases {
        let shot = Shot::post(bindings(namespace), object).dry();
        assert_refused(what, &shot.sent(&operator).await?, CAP, words);
        assert_done(what, &shot.sent(&cluster.admin()).await?);
    }
    for right in rights().into_iter().filter(|right| right.is_namespaced()) {
        let shot = Shot::post(bindings(inside.name()), binding(name, &right.role(), one.clone()));
        assert_done(&right.role(), &shot.dry().sent(&cluster.operator_account().await?).await?);
    }
    Ok(())
}

/// RBAC alone stops the operator's real account from binding any other role: it holds `bind` by name.
#[tokio::test]
async fn rbac_lets_the_operator_bind_the_catalogue_only() -> Result<()> {
    let cluster = cluster().await?;
    let inside = cluster.namespace("cap-rbac").in_territory().create().await?;
    let one = json!([account("bwk-00c0ffee", GRANTS_NAMESPACE)]);
    let operator = cluster.operator_account().await?;
    for role in ["cluster-admin", "edit", "bailiwick:approver", "bailiwick:proposer"] {
        let shot = Shot::post(bindings(inside.name()), binding("bwk-00c0ffee", role, one.clone())).dry();
        let answer = shot.sent(&operator).await?;
        assert!(answer.code == 403 && answer.refused_by_rbac(), "{role}: {answer:?}");
        assert!(answer.message().contains("attempting to grant RBAC permissions not currently held"), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn accounts_secrets_and_tokens_are_one_shot() -> Result<()> {
    let cluster = cluster().await?;
    let place = cluster.namespace("cap-token").in_territory().create().await?;
    let operator = cluster.operator_unbounded()?;
    let own = cluster.one_shot(place.name(), None).await?;
    let meta = |name: &str| json!({"name": name});
    let of = |kind: Kind, place: &str, object: Value| Shot::post(path_of(kind, place, ""), object).dry();
    let bare = |name: &str| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(name)});
    let secret = |name: &str, more: Value| {
        let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta(name)});
        extend(&mut object, &more);
        object
    };
    let legacy = json!({
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "bwk-x", "annotations": {"kubernetes.io/service-account.name": own.name()}},
    });
    let (here, empty) = ("one-shot and in the namespace of grants", "empty Secrets only");
    let cases = [
        ("an account elsewhere", of(Kind::ServiceAccount, place.name(), bare("bwk-x")), here),
        ("an account of another name", of(Kind::ServiceAccount, GRANTS_NAMESPACE, bare("evil")), here),
        ("a Secret elsewhere", of(Kind::Secret, SYSTEM_NAMESPACE, secret("bwk-x", json!({}))), here),
        (
            "a filled Secret",
            of(Kind::Secret, GRANTS_NAMESPACE, secret("bwk-x", json!({"stringData": {"a": "b"}}))),
            empty,
        ),
        ("a lasting token", of(Kind::Secret, GRANTS_NAMESPACE, secret("bwk-x", legacy)), empty),
    ];
    for (what, shot, words) in cases {
        assert_refused(what, &shot.sent(&operator).await?, CAP, words);
    }
    tokens(&cluster, own.name()).await?;
    assert_done("an account", &of(Kind::ServiceAccount, GRANTS_NAMESPACE, bare("bwk-x")).sent(&operator).await?);
    assert_done("a Secret", &of(Kind::Secret, GRANTS_NAMESPACE, secret("bwk-x", json!({}))).sent(&operator).await?);
    own.retire().await
}

async fn tokens(cluster: &TestCluster, account: &str) -> Result<()> {
    let operator = cluster.operator_unbounded()?;
    let path = |place: &str, name: &str| format!("/api/v1/namespaces/{place}/serviceaccounts/{name}/token");
    let bound = "bound to the account's Secret and live 600 seconds";
    let here = "one-shot and in the namespace of grants";
    let free =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}});
    let mine = |request: Value| Shot::post(path(GRANTS_NAMESPACE, account), request);
    for (what, shot, words) in [
        ("a token for an hour", mine(token_request(account, 3600)), bound),
        ("a token for 601 s", mine(token_request(account, 601)), bound),
        ("an unbound token", mine(free.clone()), bound),
        ("its own token", Shot::post(path(SYSTEM_NAMESPACE, "bailiwick-operator"), free.clone()), here),
        ("somebody's token", Shot::post(path("kube-system", "namespace-controller"), free), here),
        ("the token of `default`", Shot::post(path(GRANTS_NAMESPACE, "default"), token_request(account, 600)), here),
    ] {
        assert_refused(what, &shot.sent(&operator).await?, CAP, words);
    }
    assert_done("the token as it should be", &mine(token_request(account, 600)).sent(&operator).await?);
    Ok(())
}

#[tokio::test]
async fn the_operator_cannot_throw_the_switch_nor_take_it_back() -> Result<()> {
    let cluster = cluster().await?;
    let revision = |name: &str, labels: Value| {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": name, "labels": labels},
            "revision": 1, "data": {"grants": {}},
        });
        Shot::post(path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, ""), object).dry()
    };
    let fence = json!({FENCE_LABEL: FENCE_VALUE});
    let copy = json!({COPY_LABEL: COPY_VALUE});
    let both = json!({COPY_LABEL: COPY_VALUE, FENCE_LABEL: FENCE_VALUE});
    let name = "copy-0123456789abcdef-0123456789abcdef";
    let words = "those of the fence and kept copies, and never the one that suspends";
    for operator in [cluster.operator_unbounded()?, cluster.operator_account().await?] {
        for (what, shot) in [
            ("suspend", revision(SUSPEND_REVISION, fence.clone())),
            ("another name", revision("fence-x", fence.clone())),
            ("no label", revision("fence-9999999999", json!({}))),
            ("a copy as a fence", revision("fence-9999999999", copy.clone())),
            ("a fence as a copy", revision(name, fence.clone())),
            ("a copy that is a fence too", revision(name, both.clone())),
            ("a copy by another name", revision("copy-1", copy.clone())),
        ] {
            assert_refused(what, &shot.sent(&operator).await?, CAP, words);
        }
        assert_done("a revision", &revision("fence-9999999999", fence.clone()).sent(&operator).await?);
        assert_done("a copy", &revision(name, copy.clone()).sent(&operator).await?);
    }
    Ok(())
}

#[tokio::test]
async fn the_operator_deletes_one_object_at_a_time() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("cap-all").in_territory().create().await?;
    let change = json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Incident", "metadata": {"name": "one"},
        "spec": {
            "cause": "CrashLoop", "dedupeKey": "k",
            "subject": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace.name(), "name": "web", "uid": "u"},
        },
    });
    let operator = cluster.operator_unbounded()?;
    let path = format!("{OURS}/namespaces/{}/incidents", namespace.name());
    assert_done("an incident", &Shot::post(&path, change).sent(&operator).await?);
    assert_refused("all of them", &Shot::delete(&path).sent(&operator).await?, CAP, "one object at a time");
    assert_done("one of them", &Shot::delete(format!("{path}/one")).sent(&operator).await?);
    Ok(())
}
