//! Deletions, which have no content to compare: what a dry run leaves alone, and what a token may not add to the one it was made for.

use bailiwick_core::catalogue::Right;
use bailiwick_core::fence::Entry;
use bailiwick_core::object::Kind;
use bailiwick_core::plan::{Draft, Operation};
use bailiwick_testkit::{Need, Result, TestCluster, Workload, path_of};
use http::Method;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use crate::scene::{FENCE, Rights, Scene, Shot, assert_done, assert_refused, extend, idle, right};

const DELETE_POD: Right = Right { operation: Operation::Delete, kind: Kind::Pod };
const HARSH: &str = "a deletion that is harsher than planned";

async fn draft(scene: &Scene, kind: Kind, name: &str) -> Result<Draft> {
    let action = match kind {
        Kind::Pod => json!({"deletePod": {}}),
        _ => json!({"deleteResourceQuota": {}}),
    };
    scene.draft(kind, name, serde_json::from_value(action)?, false).await
}

async fn granted(scene: &Scene, kind: Kind, name: &str) -> Result<Shot> {
    let draft = draft(scene, kind, name).await?;
    let plan = scene.plan(&draft).await?.map_err(|reason| anyhow::anyhow!("plan: {reason}"))?;
    scene.arm(&plan).await?;
    let shot = Shot::of(&draft);
    scene.admitted(&shot.dry()).await?;
    Ok(shot)
}

/// The same deletion with other options.
fn with(shot: &Shot, more: Value) -> Shot {
    let mut other = shot.clone();
    if let Some((_, options)) = &mut other.body {
        extend(options, &more);
    }
    other
}

#[tokio::test]
async fn a_proof_by_dry_run_deletes_nothing() -> Result<()> {
    let Some(_) = TestCluster::needing(&[Need::Audit]).await? else {
        return Ok(());
    };
    for kind in [Kind::Pod, Kind::ResourceQuota] {
        let scene = Scene::empty("delete-proof", Rights::Catalogue(right(Operation::Delete, kind))).await?;
        let pod = idle("one").pod_field("nodeSelector", json!({"disk": "none"})).bare_pod();
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "one"}, "spec": {"hard": {"pods": "9"}}});
        scene.namespace.apply(if kind == Kind::Pod { &pod } else { &quota }).await?;
        let before = scene.live(kind, "one").await?;
        let shot = granted(&scene, kind, "one").await?;
        for _ in 0..3 {
            assert_done("the dry run", &shot.dry().by(&scene).await?);
        }
        let mut wrong = shot.dry();
        wrong.path = path_of(kind, scene.namespace.name(), "other");
        assert!(!wrong.by(&scene).await?.is_success(), "another object");
        let after = scene.live(kind, "one").await?;
        for at in ["/metadata/uid", "/metadata/deletionTimestamp"] {
            assert_eq!(before.pointer(at), after.pointer(at), "{kind} {at}");
        }
        let audit = scene.cluster.audit()?;
        assert_done("the deletion", &shot.by(&scene).await?);
        let writes = audit.writes_by(&scene.account.user()).await?;
        assert_eq!(writes.len(), 1, "{writes:#?}");
        let again = shot.by(&scene).await?;
        assert!(matches!(again.code, 404 | 409), "deleted twice: {again:?}");
        scene.end().await?;
    }
    Ok(())
}

/// The trap that the product's client avoids, seen on this API server: with a body, the address is not read.
#[tokio::test]
async fn a_dry_run_asked_for_in_the_address_alone_deletes() -> Result<()> {
    let scene = Scene::empty("delete-trap", Rights::Every).await?;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}});
    let path = path_of(Kind::ConfigMap, scene.namespace.name(), "one");
    let admin = scene.cluster.admin();
    let options = || Some(("application/json", json!({"apiVersion": "v1", "kind": "DeleteOptions"})));
    scene.namespace.apply(&map).await?;
    assert_done("in the body", &Shot::new(Method::DELETE, &path, options()).dry().sent(&admin).await?);
    assert_done("it is still there", &Shot::get(&path).sent(&admin).await?);
    assert_done(
        "in the address",
        &Shot::new(Method::DELETE, format!("{path}?dryRun=All"), options()).sent(&admin).await?,
    );
    assert_eq!(Shot::get(&path).sent(&admin).await?.code, 404);
    // A planning grant holds against it: the fence asks the API server what it made of the request.
    let pod = idle("one").pod_field("nodeSelector", json!({"disk": "none"})).bare_pod();
    scene.namespace.apply(&pod).await?;
    let draft = draft(&scene, Kind::Pod, "one").await?;
    scene.account.grant(Entry::planning(Operation::Delete, &draft.target, scene.labels())).await?;
    let mut trapped = Shot::of(&draft);
    scene.admitted(&trapped.dry()).await?;
    trapped.path += "?dryRun=All";
    assert_refused("the trap", &trapped.by(&scene).await?, FENCE, "this grant is for dry runs only");
    assert!(scene.live(Kind::Pod, "one").await?["metadata"]["deletionTimestamp"].is_null());
    scene.end().await
}

#[tokio::test]
async fn another_uid_is_not_deleted() -> Result<()> {
    let scene = Scene::empty("delete-uid", Rights::Catalogue(DELETE_POD)).await?;
    let pod = idle("one").pod_field("nodeSelector", json!({"disk": "none"})).bare_pod();
    scene.namespace.apply(&pod).await?;
    let shot = granted(&scene, Kind::Pod, "one").await?;
    assert_done("its deletion", &Shot::delete(&shot.path).sent(&scene.cluster.admin()).await?);
    scene.namespace.gone::<Pod>("one", 20 * bailiwick_testkit::SECONDS).await?;
    scene.namespace.apply(&pod).await?;
    let answer = shot.by(&scene).await?;
    assert_eq!(answer.code, 409, "the precondition: {answer:?}");
    let bare = Shot::delete(&shot.path).by(&scene).await?;
    assert_refused("without it", &bare, FENCE, "an object of another uid than granted");
    scene.end().await
}

#[tokio::test]
async fn a_running_pod_is_not_torn_away() -> Result<()> {
    let Some(cluster) = TestCluster::needing(&[Need::Images]).await? else {
        return Ok(());
    };
    let scene = Scene::empty("delete-force", Rights::Every).await?;
    let pod = Workload::new("one", &cluster.images()?.good[0]).pod_field("terminationGracePeriodSeconds", json!(20));
    scene.namespace.apply(&pod.bare_pod()).await?;
    let running = |p: Option<&Pod>| p.and_then(|p| p.status.as_ref()?.phase.as_deref()) == Some("Running");
    scene.namespace.until::<Pod>("one", ("it to run", 60 * bailiwick_testkit::SECONDS), running).await?;
    let shot = granted(&scene, Kind::Pod, "one").await?;
    for (what, more) in [
        ("at once", json!({"gracePeriodSeconds": 0})),
        ("sooner than it asks for", json!({"gracePeriodSeconds": 5})),
        ("in the foreground", json!({"propagationPolicy": "Foreground"})),
        ("leaving orphans", json!({"propagationPolicy": "Orphan"})),
    ] {
        assert_refused(what, &with(&shot, more.clone()).by(&scene).await?, FENCE, HARSH);
        assert_done(what, &with(&shot, more).dry().sent(&scene.cluster.admin()).await?);
    }
    assert_done("as planned", &shot.by(&scene).await?);
    scene.end().await
}
