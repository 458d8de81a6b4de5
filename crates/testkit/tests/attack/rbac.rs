//! RBAC alone: an account with one catalogue role may do that one thing there and nothing else, whatever the fence says.

use bailiwick_core::catalogue::rights;
use bailiwick_core::fence::GRANTS_NAMESPACE;
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_testkit::{JSON_PATCH, Result, SECONDS, Seen, path_of, wait_for};
use http::Method;
use serde_json::{Value, json};

use crate::scene::{BETTER, Rights, Scene, Shot, assert_done, assert_rbac, better_image, cluster, idle, right};

fn image() -> Value {
    json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": BETTER}])
}

fn patch(kind: Kind, namespace: &str, name: &str) -> Shot {
    Shot::new(Method::PATCH, path_of(kind, namespace, name), Some((JSON_PATCH, image())))
}

/// Everything but the one right, each once.
fn beyond(place: &str) -> Vec<(&'static str, Shot)> {
    let web = path_of(Kind::Deployment, place, "web");
    let deployment = idle("web").deployment();
    let pod = path_of(Kind::Pod, place, "web");
    vec![
        ("another kind", patch(Kind::StatefulSet, place, "web")),
        ("read", Shot::get(&web)),
        ("list", Shot::get(path_of(Kind::Deployment, place, ""))),
        ("replace", Shot::put(&web, deployment.clone())),
        ("create", Shot::post(path_of(Kind::Deployment, place, ""), deployment)),
        ("delete", Shot::delete(&web)),
        ("delete all", Shot::delete(path_of(Kind::Deployment, place, ""))),
        ("scale", Shot::merge(format!("{web}/scale"), json!({"spec": {"replicas": 3}}))),
        ("status", Shot::merge(format!("{web}/status"), json!({"status": {"replicas": 3}}))),
        ("a pod's log", Shot::get(format!("{pod}/log"))),
        ("exec", Shot::new(Method::POST, format!("{pod}/exec?command=id&stdout=true"), None)),
        ("eviction", Shot::post(format!("{pod}/eviction"), json!({"apiVersion": "policy/v1", "kind": "Eviction"}))),
        ("a Secret", Shot::get(format!("/api/v1/namespaces/{place}/secrets"))),
        ("its own token", Shot::get(format!("/api/v1/namespaces/{GRANTS_NAMESPACE}/secrets"))),
        ("the fence", Shot::get(path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, ""))),
        (
            "the policies",
            Shot::delete("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/bailiwick-executor-fence"),
        ),
        ("nodes", Shot::get("/api/v1/nodes")),
    ]
}

#[tokio::test]
async fn a_catalogue_role_is_one_verb_on_one_resource_in_one_namespace() -> Result<()> {
    let scene = Scene::with_web("rbac-one", Rights::Catalogue(right(Operation::Update, Kind::Deployment))).await?;
    let admitted = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&admitted.dry()).await?;
    for (what, shot) in beyond(scene.namespace.name()) {
        assert_rbac(what, &shot.by(&scene).await?);
    }
    let twin = scene.cluster.namespace("rbac-twin").in_territory().create().await?;
    twin.apply(&idle("web").deployment()).await?;
    let elsewhere = patch(Kind::Deployment, twin.name(), "web");
    assert_rbac("another namespace", &elsewhere.by(&scene).await?);
    assert_done("the one right", &admitted.by(&scene).await?);
    scene.end().await
}

/// What impersonation admits is judged as whoever is played: RBAC is its only wall.
#[tokio::test]
async fn nobody_else_can_be_played() -> Result<()> {
    let scene = Scene::with_web("rbac-play", Rights::Catalogue(right(Operation::Update, Kind::Deployment))).await?;
    let path = path_of(Kind::Deployment, scene.namespace.name(), "web");
    for (header, who) in [
        ("Impersonate-User", "anna@example.com"),
        ("Impersonate-User", "system:serviceaccount:bailiwick-system:bailiwick-operator"),
        ("Impersonate-User", "system:serviceaccount:kube-system:namespace-controller"),
    ] {
        let request = http::Request::get(&path).header(header, who).body(kube::client::Body::empty())?;
        let response = scene.account.client().send(request).await?;
        assert_eq!(response.status(), 403, "{who}");
        let text = http_body_util::BodyExt::collect(response.into_body()).await?.to_bytes();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("cannot impersonate"), "{who}: {text}");
    }
    scene.end().await
}

/// Each role of the catalogue, seen to hold exactly what its name says by the API server's own answer.
#[tokio::test]
async fn every_catalogue_role_holds_what_its_name_says() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("rbac-each").in_territory().create().await?;
    for right in rights() {
        let account = cluster.one_shot(namespace.name(), Some(right)).await?;
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace.name()},
        });
        let shot = Shot::post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review);
        // RBAC takes a moment to notice a new binding.
        let beyond = wait_for("the review to show a right", 30 * SECONDS, async || {
            let answer = shot.sent(account.client()).await?;
            let mut all = answer.body["status"]["resourceRules"].as_array().cloned().unwrap_or_default();
            // Everybody may ask who they are and what they may do.
            all.retain(|rule| !rule["resources"].to_string().contains("selfsubject"));
            Ok(Seen::when(!all.is_empty(), all, answer))
        })
        .await?;
        let served = right.kind.served();
        let expected = json!({
            "verbs": [right.operation.verb()], "apiGroups": [served.group], "resources": [served.resource],
        });
        assert_eq!(beyond, [expected], "{}", right.role());
        account.retire().await?;
    }
    Ok(())
}
