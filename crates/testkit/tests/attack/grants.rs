//! The guard alone: in the namespace of grants nobody but the operator writes, though RBAC let them do anything there.

use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION};
use bailiwick_core::object::Kind;
use bailiwick_testkit::{Answer, Result, TestCluster, path_of, token_request};
use http::Method;
use kube::Client;
use serde_json::{Value, json};

use crate::scene::{
    GUARD, Rights, Scene, Shot, allow, assert_done, assert_rbac, assert_refused, cluster, everything, extend, idle,
};

const ONLY: &str = "in the namespace of grants only the operator writes";

fn revision(name: &str, more: Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {"name": name, "labels": {FENCE_LABEL: FENCE_VALUE}},
        "revision": 1, "data": {"grants": {}},
    });
    extend(&mut object, &more);
    object
}

fn revisions() -> String {
    path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, "")
}

/// The name of the fence's newest revision. Another test may replace it at any time.
async fn newest(cluster: &TestCluster) -> Result<String> {
    let path = format!("{}?labelSelector=bailiwick.dev%2Ffence%3Dexecutor", revisions());
    let list = Shot::get(path).sent(&cluster.admin()).await?;
    let names = list.body["items"].as_array().into_iter().flatten().filter_map(|r| r["metadata"]["name"].as_str());
    Ok(names.max().unwrap_or_default().to_owned())
}

/// Merges the body into the newest revision, or deletes it where there is none.
async fn at_newest(cluster: &TestCluster, who: &Client, body: Option<&Value>) -> Result<Answer> {
    loop {
        let path = path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, &newest(cluster).await?);
        let shot = body.map_or_else(|| Shot::delete(&path), |body| Shot::merge(&path, body.clone()));
        let answer = shot.sent(who).await?;
        // Another test has replaced it in between.
        if answer.code != 404 {
            return Ok(answer);
        }
    }
}

fn attempts(account: &str) -> Vec<(&'static str, Shot, &'static str)> {
    let of = |kind: Kind, object: Value| Shot::post(path_of(kind, GRANTS_NAMESPACE, ""), object);
    let meta = |name: &str| json!({"name": name});
    let legacy = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "stolen", "annotations": {"kubernetes.io/service-account.name": account}},
    });
    let token = format!("/api/v1/namespaces/{GRANTS_NAMESPACE}/serviceaccounts/{account}/token");
    let free = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta("evil"), "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "a", "image": "x"}]}}}});
    let forged = json!({"data": {"grants": {format!("system:serviceaccount:bailiwick-grants:{account}"): {}}}});
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    vec![
        ("a forged revision", Shot::post(revisions(), revision("fence-8888888888", forged)), ONLY),
        ("a token by request", Shot::post(&token, free), ONLY),
        ("a bound token", Shot::post(&token, token_request(account, 600)), ONLY),
        ("a token by Secret", of(Kind::Secret, legacy), ONLY),
        (
            "an account",
            of(Kind::ServiceAccount, json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("bwk-x")})),
            ONLY,
        ),
        (
            "an account's change",
            Shot::merge(path_of(Kind::ServiceAccount, GRANTS_NAMESPACE, account), labels.clone()),
            ONLY,
        ),
        ("an account's deletion", Shot::delete(path_of(Kind::ServiceAccount, GRANTS_NAMESPACE, account)), ONLY),
        ("a Secret's change", Shot::merge(path_of(Kind::Secret, GRANTS_NAMESPACE, account), labels), ONLY),
        ("a pod", of(Kind::Pod, idle("evil").bare_pod()), "no pods run in the namespace of grants"),
        ("a Deployment", of(Kind::Deployment, idle("evil").deployment()), ONLY),
        ("a Job", of(Kind::Job, job), ONLY),
    ]
}

/// A person with every right in the namespace of grants, and the cluster's administrator.
async fn people(cluster: &TestCluster, name: &str) -> Result<[Client; 2]> {
    let person = cluster.person(name, &[]).await?;
    allow(cluster, GRANTS_NAMESPACE, name, everything()).await?;
    Ok([person, cluster.admin()])
}

#[tokio::test]
async fn nobody_makes_authority_in_the_namespace_of_grants() -> Result<()> {
    let scene = Scene::empty("guard-all", Rights::Every).await?;
    for who in people(&scene.cluster, "nina@example.com").await? {
        for (what, shot, words) in attempts(scene.account.name()) {
            assert_refused(what, &shot.sent(&who).await?, GUARD, words);
        }
    }
    // Elsewhere the administrator may: the requests are sound.
    let place = scene.namespace.name();
    let pod = idle("evil").pod_field("nodeSelector", json!({"disk": "none"})).bare_pod();
    assert_done("a pod elsewhere", &Shot::post(path_of(Kind::Pod, place, ""), pod).sent(&scene.cluster.admin()).await?);
    let plain = Shot::post(path_of(Kind::ControllerRevision, place, ""), revision("fence-8888888888", json!({})));
    assert_done("a revision elsewhere", &plain.sent(&scene.cluster.admin()).await?);
    scene.end().await
}

#[tokio::test]
async fn a_live_revision_is_neither_edited_nor_removed() -> Result<()> {
    let cluster = cluster().await?;
    let unlabel = json!({"metadata": {"labels": {FENCE_LABEL: null}}});
    let owner = json!({"metadata": {"ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "00000000-0000-0000-0000-000000000000"}]}});
    for who in people(&cluster, "rita@example.com").await? {
        for (what, body) in
            [("unlabelled", Some(&unlabel)), ("given an owner that is not there", Some(&owner)), ("deleted", None)]
        {
            let answer = at_newest(&cluster, &who, body).await?;
            assert_refused(what, &answer, GUARD, ONLY);
        }
        let all = Shot::delete(revisions()).sent(&who).await?;
        assert_refused("all of them", &all, GUARD, ONLY);
    }
    Ok(())
}

#[tokio::test]
async fn a_revision_is_immutable_even_for_the_operator() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("guard-data").create().await?;
    namespace.apply(&revision("fence-1", json!({}))).await?;
    let path = path_of(Kind::ControllerRevision, namespace.name(), "fence-1");
    let edit = Shot::merge(path, json!({"data": {"grants": {"x": {}}}}));
    let answer = edit.sent(&cluster.admin()).await?;
    assert!(answer.code == 422 && answer.message().contains("field is immutable"), "{answer:?}");
    Ok(())
}

/// Dry runs: a real one would suspend the tests beside this one.
#[tokio::test]
async fn the_switch_is_thrown_by_those_who_may_and_grants_nothing() -> Result<()> {
    let cluster = cluster().await?;
    let only_rbac = cluster.person("sven@example.com", &[]).await?;
    let rules = json!([{"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["create", "delete"]}]);
    allow(&cluster, GRANTS_NAMESPACE, "sven@example.com", rules).await?;
    let may = cluster.person("ella@example.com", &[]).await?;
    let bind = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "ella"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "bailiwick:suspender"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ella@example.com"}],
    });
    bailiwick_testkit::apply(&cluster.admin(), &bind, Some(GRANTS_NAMESPACE)).await?;
    let switch = |more: Value| Shot::post(revisions(), revision(SUSPEND_REVISION, more)).dry();
    bailiwick_testkit::wait_for("RBAC to notice", 10 * bailiwick_testkit::SECONDS, async || {
        let answer = switch(json!({})).sent(&may).await?;
        Ok(bailiwick_testkit::Seen::when(answer.is_success(), (), answer))
    })
    .await?;
    assert_refused("without the verb", &switch(json!({})).sent(&only_rbac).await?, GUARD, ONLY);
    let grants = json!({"data": {"grants": {"system:serviceaccount:bailiwick-grants:bwk-x": {}}}});
    let metadata = |more: Value| {
        let mut metadata = json!({"name": SUSPEND_REVISION, "labels": {FENCE_LABEL: FENCE_VALUE}});
        extend(&mut metadata, &more);
        json!({"metadata": metadata})
    };
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}]);
    for (what, more) in [
        ("with a grant", grants),
        ("without data", json!({"data": {}})),
        ("without the label", metadata(json!({"labels": {}}))),
        ("with an owner", metadata(json!({"ownerReferences": owner}))),
        ("with a finalizer", metadata(json!({"finalizers": ["example.com/stay"]}))),
    ] {
        let answer = switch(more).sent(&may).await?;
        assert_refused(what, &answer, GUARD, "must carry the fence's label and grant nothing");
    }
    let other = Shot::post(revisions(), revision("fence-9999999999", json!({}))).dry();
    assert_refused("another revision", &other.sent(&may).await?, GUARD, ONLY);
    assert_rbac(
        "another's deletion",
        &Shot::delete(format!("{}/{}", revisions(), newest(&cluster).await?)).sent(&may).await?,
    );
    Ok(())
}

#[tokio::test]
async fn the_namespace_of_grants_stays_until_an_uninstallation() -> Result<()> {
    let cluster = cluster().await?;
    let admin = cluster.admin();
    let path = format!("/api/v1/namespaces/{GRANTS_NAMESPACE}");
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]});
    let delete = Shot::new(Method::DELETE, &path, Some(("application/json", options)));
    assert_refused("its deletion", &delete.sent(&admin).await?, GUARD, "deleted only by an uninstallation");
    let mark =
        |value: Value| Shot::merge(&path, json!({"metadata": {"annotations": {"bailiwick.dev/uninstall": value}}}));
    assert_done("the mark", &mark(json!("true")).sent(&admin).await?);
    let answer = delete.sent(&admin).await;
    assert_done("the mark's removal", &mark(Value::Null).sent(&admin).await?);
    assert_done("its deletion by an uninstallation", &answer?);
    Ok(())
}
