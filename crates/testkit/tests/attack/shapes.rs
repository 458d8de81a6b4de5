//! The shapes that real workloads have: every kind and verb of the catalogue written through the fence, replicas that an autoscaler owns, and specifications near the limits.

use bailiwick_core::action::Action;
use bailiwick_core::object::Kind;
use bailiwick_core::plan::{LARGEST_RESULT, Operation};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{Need, Result, TestCluster, path_of};
use serde_json::{Value, json};

use crate::scene::{FENCE, Rights, Scene, Shot, assert_done, assert_refused, better_image, idle, right};

fn action(value: Value) -> Result<Action> {
    Ok(serde_json::from_value(value)?)
}

fn actions(kind: Kind) -> Vec<Value> {
    let human = json!({"human": {}});
    let resources = json!({"requests": {"cpu": "0.1"}, "limits": {"memory": "1536Mi", "cpu": "1.50"}});
    let mut all = vec![
        json!({"setImage": {"container": "main", "image": {"value": "registry.example/app:2", "origin": human}}}),
        json!({"rolloutRestart": {}}),
        json!({"setResources": {"container": "main", "resources": {"value": resources, "origin": human}}}),
    ];
    if kind != Kind::DaemonSet {
        all.push(json!({"scale": {"replicas": {"value": 0, "origin": human}}}));
    }
    all
}

/// No pod of it is ever placed.
fn object(kind: Kind) -> Value {
    let web = idle("web").replicas(1).pod_field("nodeSelector", json!({"disk": "none"}));
    match kind {
        Kind::StatefulSet => web.stateful_set(),
        Kind::DaemonSet => web.daemon_set(),
        _ => web.deployment(),
    }
}

#[tokio::test]
async fn every_update_of_every_workload_passes_its_own_fence_once() -> Result<()> {
    let Some(_) = TestCluster::needing(&[Need::Audit]).await? else {
        return Ok(());
    };
    for kind in [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet] {
        let scene = Scene::empty("shape-update", Rights::Catalogue(right(Operation::Update, kind))).await?;
        scene.apply_and_settle(&object(kind)).await?;
        let audit = scene.cluster.audit()?;
        let all = actions(kind);
        for (done, value) in all.iter().enumerate() {
            let shot = scene.armed(kind, "web", action(value.clone())?).await?;
            scene.admitted(&shot.dry()).await?;
            let evil = shot.and(&[json!({"op": "add", "path": "/metadata/labels/evil", "value": "yes"})]);
            let refused = evil.by(&scene).await?;
            assert_refused(&format!("{kind} {value}"), &refused, FENCE, "metadata outside the approved plan");
            assert_done(&format!("{kind} {value}"), &shot.by(&scene).await?);
            assert_eq!(audit.writes_by(&scene.account.user()).await?.len(), done + 1, "{kind} {value}");
            scene.settled(kind, "web").await?;
        }
        scene.end().await?;
    }
    Ok(())
}

/// A quota is created through the fence with exactly its kept content.
#[tokio::test]
async fn a_kept_quota_comes_back_as_it_was() -> Result<()> {
    let scene = Scene::empty("shape-create", Rights::Catalogue(right(Operation::Create, Kind::ResourceQuota))).await?;
    let body = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "few", "labels": {"team": "a"}, "annotations": {"why": "few machines"}},
        "spec": {"hard": {"pods": "3", "requests.cpu": "1500m"}},
    });
    let target = scene.target(Kind::ResourceQuota, "few", &body)?;
    let draft = bailiwick_core::plan::Draft {
        operation: Operation::Create,
        target,
        patch: Vec::new(),
        body: Some(body.clone()),
        before: None,
        free: Vec::new(),
        change_type: bailiwick_core::action::ChangeType::RestoreObject,
    };
    let plan = scene.plan(&draft).await?.map_err(|reason| anyhow::anyhow!("{reason}"))?;
    scene.arm(&plan).await?;
    let result = plan.result_object().unwrap_or_default();
    let of = |object: &Value| Shot::post(path_of(Kind::ResourceQuota, scene.namespace.name(), ""), object.clone());
    scene.admitted(&of(&result).dry()).await?;
    let with = |pointer: &str, value: Value| {
        let mut other = result.clone();
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(Value::Object(map)) = other.pointer_mut(parent)
        {
            map.insert(key.to_owned(), value);
        }
        other
    };
    let metadata = "metadata of the new object outside the approved plan";
    for (what, other, words) in [
        ("more pods", with("/spec/hard/pods", json!("300")), "spec differs from the approved plan"),
        ("a scope", with("/spec/scopes", json!(["NotTerminating"])), "spec differs from the approved plan"),
        ("a label", with("/metadata/labels/evil", json!("yes")), metadata),
        ("no annotation", with("/metadata/annotations", json!({})), metadata),
        ("a finalizer", with("/metadata/finalizers", json!(["example.com/stay"])), metadata),
        ("another name", with("/metadata/name", json!("many")), "other operation, resource or object"),
    ] {
        assert_refused(what, &of(&other).by(&scene).await?, FENCE, words);
    }
    assert_done("as it was", &of(&result).by(&scene).await?);
    let live = scene.live(Kind::ResourceQuota, "few").await?;
    assert_eq!(live["spec"], body["spec"]);
    assert_eq!(of(&result).by(&scene).await?.code, 409, "twice");
    scene.end().await
}

/// The autoscaler may move replicas between plan and write; the change neither undoes that nor does it itself.
#[tokio::test]
async fn replicas_of_an_autoscaler_are_left_to_it() -> Result<()> {
    let scene = Scene::empty("shape-hpa", Rights::Catalogue(right(Operation::Update, Kind::Deployment))).await?;
    scene.apply_and_settle(&object(Kind::Deployment)).await?;
    let draft = scene.draft(Kind::Deployment, "web", better_image()?, true).await?;
    let plan = scene.plan(&draft).await?.map_err(|reason| anyhow::anyhow!("{reason}"))?;
    assert_eq!(plan.free, ["replicas"]);
    scene.arm(&plan).await?;
    let shot = Shot::of(&draft);
    scene.admitted(&shot.dry()).await?;
    let scale = Shot::merge(path_of(Kind::Deployment, scene.namespace.name(), "web"), json!({"spec": {"replicas": 4}}));
    assert_done("the autoscaler", &scale.sent(&scene.cluster.admin()).await?);
    let scaling = shot.and(&[json!({"op": "replace", "path": "/spec/replicas", "value": 1})]);
    assert_refused("replicas", &scaling.by(&scene).await?, FENCE, "spec differs from the approved plan");
    assert_done("the image", &shot.by(&scene).await?);
    assert_eq!(scene.live(Kind::Deployment, "web").await?["spec"]["replicas"], 4);
    scene.end().await
}

/// A Deployment whose canonical JSON has about this many bytes.
fn large(bytes: usize) -> Value {
    let value = "x".repeat(960);
    let env: Vec<Value> =
        (0..bytes / 1000).map(|i| json!({"name": format!("VARIABLE_{i:06}"), "value": value})).collect();
    idle("web").container("env", Value::Array(env)).deployment()
}

#[tokio::test]
async fn a_large_specification_is_fenced_or_refused_and_never_half() -> Result<()> {
    for (bytes, fits) in [(64_000, true), (120_000, true), (140_000, false), (900_000, false)] {
        let scene = Scene::empty("shape-large", Rights::Every).await?;
        scene.apply_and_settle(&large(bytes)).await?;
        let draft = scene.draft(Kind::Deployment, "web", better_image()?, false).await?;
        let sealed = scene.plan(&draft).await?;
        if !fits {
            assert_eq!(sealed.err().map(|reason| reason.code), Some(Code::PlanTooLarge), "{bytes}");
            let answer = Shot::of(&draft).by(&scene).await?;
            assert_refused("without a plan", &answer, FENCE, "this grant is for dry runs only");
            scene.end().await?;
            continue;
        }
        let plan = sealed.map_err(|reason| anyhow::anyhow!("{bytes}: {reason}"))?;
        assert!(plan.result.len() > bytes && plan.result.len() <= LARGEST_RESULT, "{}", plan.result.len());
        scene.arm(&plan).await?;
        let shot = Shot::of(&draft);
        scene.admitted(&shot.dry()).await?;
        let last = format!("/spec/template/spec/containers/0/env/{}/value", bytes / 1000 - 1);
        let evil = shot.and(&[json!({"op": "replace", "path": last, "value": "x".repeat(959)})]);
        assert_refused("one byte less", &evil.by(&scene).await?, FENCE, "spec differs from the approved plan");
        assert_done("the approved bytes", &shot.by(&scene).await?);
        scene.end().await?;
    }
    Ok(())
}
