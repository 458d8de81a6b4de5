//! An approved request replayed after its target has moved on: the same bytes, the same account, a live grant.

use bailiwick_core::object::Kind;
use bailiwick_testkit::{JSON_PATCH, Need, Result, TestCluster, path_of};
use http::Method;
use serde_json::{Value, json};

use crate::scene::{BETTER, FENCE, Rights, Scene, Shot, assert_done, assert_refused, better_image, extend, right};
use bailiwick_core::plan::Operation;

/// What somebody else does between approval and write, and how it is undone.
fn drifts() -> Vec<(&'static str, Value, Value)> {
    let container = |more: Value| {
        let mut main = json!({"name": "main"});
        extend(&mut main, &more);
        json!({"spec": {"template": {"spec": {"containers": [main]}}}})
    };
    vec![
        (
            "a variable",
            container(json!({"env": [{"name": "A", "value": "b"}]})),
            container(json!({"env": [{"name": "A", "$patch": "delete"}]})),
        ),
        (
            "another image",
            container(json!({"image": "registry.example/app:9"})),
            container(json!({"image": crate::scene::IMAGE})),
        ),
        ("a pause", json!({"spec": {"paused": true}}), json!({"spec": {"paused": null}})),
    ]
}

#[tokio::test]
async fn an_approved_digest_is_not_replayed_after_drift() -> Result<()> {
    let Some(_) = TestCluster::needing(&[Need::Audit]).await? else {
        return Ok(());
    };
    let scene = Scene::with_web("drift", Rights::Catalogue(right(Operation::Update, Kind::Deployment))).await?;
    let path = path_of(Kind::Deployment, scene.namespace.name(), "web");
    let audit = scene.cluster.audit()?;
    let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&approved.dry()).await?;
    let admin = scene.cluster.admin();
    // The patch without its own tests: what is left is the fence.
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": BETTER}]);
    let bare = Shot::new(Method::PATCH, &path, Some((JSON_PATCH, image)));
    for (what, there, back) in drifts() {
        let drift =
            |body: Value| Shot::new(Method::PATCH, &path, Some(("application/strategic-merge-patch+json", body)));
        assert_done(what, &drift(there).sent(&admin).await?);
        let replayed = approved.by(&scene).await?;
        assert_eq!(replayed.code, 422, "the patch's own tests: {what}: {replayed:?}");
        if what == "another image" {
            // The planned bytes put the planned content there: the patch's tests are what tells.
            assert_done("the dry run", &bare.dry().by(&scene).await?);
        } else {
            assert_refused(what, &bare.by(&scene).await?, FENCE, "spec differs from the approved plan");
        }
        assert_done("the way back", &drift(back).sent(&admin).await?);
        // The content is as it was, and its generation tells that it was not in between.
        assert_eq!(approved.by(&scene).await?.code, 422, "{what}, undone");
    }
    assert!(audit.writes_by(&scene.account.user()).await?.is_empty());
    // Planned again, it passes.
    let again = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&again.dry()).await?;
    assert_done("the new plan", &again.by(&scene).await?);
    assert_eq!(audit.writes_by(&scene.account.user()).await?.len(), 1);
    scene.end().await
}
