//! The fence alone: an account that RBAC would let do anything, in the territory, on a kind and with a verb of the catalogue.

use bailiwick_core::fence::Entry;
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_testkit::{JSON_PATCH, Need, Result, TestCluster, path_of};
use http::Method;
use serde_json::{Value, json};

use crate::scene::{
    BETTER, FENCE, FLOOR, IMAGE, Rights, Scene, Shot, assert_done, assert_refused, better_image, idle,
    refused_meanwhile,
};

const OTHER_OBJECT: &str = "other operation, resource or object than granted";
const OTHER_SPEC: &str = "spec differs from the approved plan";
const OTHER_METADATA: &str = "metadata outside the approved plan";

/// Each lets the right patch pass and adds one thing.
fn additions() -> Vec<(&'static str, Value, &'static str)> {
    let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    vec![
        ("another image", add("/spec/template/spec/containers/0/image", json!("evil.example/x:1")), OTHER_SPEC),
        ("a command", add("/spec/template/spec/containers/0/command", json!(["sh"])), OTHER_SPEC),
        ("a variable", add("/spec/template/spec/containers/0/env", json!([{"name": "A", "value": "b"}])), OTHER_SPEC),
        ("replicas", add("/spec/replicas", json!(5)), OTHER_SPEC),
        ("another strategy", add("/spec/strategy/rollingUpdate/maxUnavailable", json!("100%")), OTHER_SPEC),
        ("a label", add("/metadata/labels/evil", json!("yes")), OTHER_METADATA),
        ("a label removed", json!({"op": "remove", "path": "/metadata/labels/app"}), OTHER_METADATA),
        ("an annotation", add("/metadata/annotations/evil", json!("yes")), OTHER_METADATA),
        ("a finalizer", add("/metadata/finalizers", json!(["example.com/evil"])), OTHER_METADATA),
        (
            "an owner",
            add(
                "/metadata/ownerReferences",
                json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "00000000-0000-0000-0000-000000000000"}]),
            ),
            OTHER_METADATA,
        ),
    ]
}

#[tokio::test]
async fn only_the_approved_bytes_pass_and_pass_once() -> Result<()> {
    let Some(_) = TestCluster::needing(&[Need::Audit]).await? else {
        return Ok(());
    };
    let scene = Scene::with_web("fence-bytes", Rights::Every).await?;
    let audit = scene.cluster.audit()?;
    let right = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&right.dry()).await?;
    for (what, addition, words) in additions() {
        let wrong = right.and(&[addition]);
        assert_refused(what, &wrong.by(&scene).await?, FENCE, words);
        assert_refused(what, &wrong.dry().by(&scene).await?, FENCE, words);
    }
    let before = scene.live(Kind::Deployment, "web").await?;
    assert_eq!(before["spec"]["template"]["spec"]["containers"][0]["image"], IMAGE);
    assert_done("the approved patch", &right.by(&scene).await?);
    let after = scene.live(Kind::Deployment, "web").await?;
    assert_eq!(after["spec"]["template"]["spec"]["containers"][0]["image"], BETTER);
    let writes = audit.writes_by(&scene.account.user()).await?;
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!((writes[0].verb.as_str(), writes[0].object.name.as_str()), ("patch", "web"));
    scene.end().await
}

#[tokio::test]
async fn another_object_or_request_than_granted_is_refused() -> Result<()> {
    let scene = Scene::with_web("fence-object", Rights::Every).await?;
    scene.apply_and_settle(&idle("shop").deployment()).await?;
    scene.apply_and_settle(&idle("web").stateful_set()).await?;
    let right = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&right.dry()).await?;
    let place = scene.namespace.name();
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": BETTER}]);
    let other = |kind, name| Shot::new(Method::PATCH, path_of(kind, place, name), Some((JSON_PATCH, image.clone())));
    let cases = [
        ("another Deployment", other(Kind::Deployment, "shop")),
        ("a StatefulSet of the same name", other(Kind::StatefulSet, "web")),
        ("a quota", Shot::post(path_of(Kind::ResourceQuota, place, ""), quota())),
    ];
    for (what, shot) in cases {
        assert_refused(what, &shot.by(&scene).await?, FENCE, OTHER_OBJECT);
    }
    let twin = scene.cluster.namespace("fence-twin").in_territory().create().await?;
    twin.apply(&idle("web").deployment()).await?;
    let path = path_of(Kind::Deployment, twin.name(), "web");
    let shot = Shot::new(Method::PATCH, path, Some((JSON_PATCH, image)));
    assert_refused("the same name in another namespace", &shot.by(&scene).await?, FENCE, OTHER_OBJECT);
    assert_done("the approved patch", &right.by(&scene).await?);
    scene.end().await
}

fn quota() -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "3"}}})
}

#[tokio::test]
async fn an_object_made_again_under_the_same_name_is_another() -> Result<()> {
    let scene = Scene::with_web("fence-uid", Rights::Every).await?;
    let right = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&right.dry()).await?;
    let admin = scene.cluster.admin();
    let path = path_of(Kind::Deployment, scene.namespace.name(), "web");
    assert_done("the deletion", &Shot::delete(path.clone()).sent(&admin).await?);
    scene.namespace.gone::<k8s_openapi::api::apps::v1::Deployment>("web", 20 * bailiwick_testkit::SECONDS).await?;
    scene.apply_and_settle(&idle("web").deployment()).await?;
    // The patch's own test of the uid refuses first; without the tests the fence does.
    assert_eq!(right.by(&scene).await?.code, 422);
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": BETTER}]);
    let bare = Shot::new(Method::PATCH, path, Some((JSON_PATCH, image)));
    assert_refused("another uid", &bare.by(&scene).await?, FENCE, "an object of another uid than granted");
    assert_done("the same by the administrator", &bare.sent(&admin).await?);
    scene.end().await
}

#[tokio::test]
async fn without_a_grant_of_its_own_the_right_patch_is_refused() -> Result<()> {
    let scene = Scene::with_web("fence-grant", Rights::Every).await?;
    let stranger = scene.cluster.one_shot(scene.namespace.name(), None).await?.with_every_right().await?;
    let right = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&right.dry()).await?;
    let answer = right.sent(stranger.client()).await?;
    assert_refused("another one-shot account", &answer, FENCE, "no live grant for this account");
    scene.account.revoke().await?;
    refused_meanwhile(&scene, &right, FENCE, "no live grant").await?;
    assert_refused("the right patch", &right.by(&scene).await?, FENCE, "no live grant for this account");
    stranger.retire().await?;
    scene.end().await
}

#[tokio::test]
async fn a_grant_for_dry_runs_admits_no_write() -> Result<()> {
    let scene = Scene::with_web("fence-dry", Rights::Every).await?;
    let draft = scene.draft(Kind::Deployment, "web", better_image()?, false).await?;
    scene.account.grant(Entry::planning(Operation::Update, &draft.target, scene.labels())).await?;
    let right = Shot::of(&draft);
    scene.admitted(&right.dry()).await?;
    assert_refused("the write", &right.by(&scene).await?, FENCE, "this grant is for dry runs only");
    scene.end().await
}

#[tokio::test]
async fn a_namespace_that_leaves_the_territory_takes_the_grant_along() -> Result<()> {
    let scene = Scene::with_web("fence-label", Rights::Every).await?;
    let right = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&right.dry()).await?;
    scene.namespace.set_territory(false).await?;
    refused_meanwhile(&scene, &right, FLOOR, "outside the territory").await?;
    assert_refused("outside", &right.by(&scene).await?, FLOOR, "outside the territory");
    scene.namespace.set_territory(true).await?;
    scene.admitted(&right).await?;
    scene.end().await
}

#[tokio::test]
async fn a_label_that_the_grant_needs_is_looked_at() -> Result<()> {
    let scene = Scene::with_web("fence-live", Rights::Every).await?;
    let draft = scene.draft(Kind::Deployment, "web", better_image()?, false).await?;
    let mut entry = Entry::planning(Operation::Update, &draft.target, scene.labels());
    let right = Shot::of(&draft);
    scene.account.grant(entry.clone()).await?;
    scene.admitted(&right.dry()).await?;
    entry.live.insert("team".to_owned(), "payments".to_owned());
    scene.account.grant(entry).await?;
    let words = "no longer carries the labels that the grant needs";
    refused_meanwhile(&scene, &right, FENCE, words).await?;
    scene.end().await
}
