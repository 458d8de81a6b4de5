//! Last-known-good copies: kept while all is well, put back when it is not, never believed of anybody else.

use anyhow::Context as _;
use bailiwick_core::action::ChangeType;
use bailiwick_core::canonical::sha256_hex;
use bailiwick_core::copies::{COPY_LABEL, COPY_VALUE, Copy};
use bailiwick_core::fence::GRANTS_NAMESPACE;
use bailiwick_core::life::Phase;
use bailiwick_core::plan::Operation;
use bailiwick_core::reason::Code;
use bailiwick_core::receipt::{Envelope, Signer, pem_of_seed};
use bailiwick_testkit::{InForce, Result, Seen, TestCluster, api_for, wait_for};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::scene::{LATER, Scene};

/// A mandate that asks for copies in this test's namespace alone.
async fn keeping(scene: &Scene) -> Result<InForce> {
    let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace.name()}});
    let rule = json!([{"namespaceSelector": selector, "approval": "human", "approvers": {"users": ["bob@repair"]}}]);
    let keep = json!({"namespaceSelector": selector, "kinds": ["ConfigMap", "Service"], "goodForSeconds": 1});
    scene.cluster.mandate_keeping(rule, TestCluster::quick_limits(), keep).await
}

fn revisions(cluster: &TestCluster) -> Api<ControllerRevision> {
    Api::namespaced(cluster.admin(), GRANTS_NAMESPACE)
}

fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "labels": {"team": "shop"}}, "data": data})
}

/// A workload that reads the ConfigMap's key `mode`.
fn reader(scene: &Scene) -> Result<Value> {
    let mut object = scene.good("web")?.deployment();
    let main = object.pointer_mut("/spec/template/spec/containers/0").context("no container")?;
    let from = json!({"configMapKeyRef": {"name": "settings", "key": "mode"}});
    main["env"] = json!([{"name": "MODE", "valueFrom": from}]);
    Ok(object)
}

/// Waits until a copy is kept of an object: its name tells of what, and its payload what it was.
async fn kept(scene: &Scene, kind: &str, name: &str) -> Result<ControllerRevision> {
    kept_beside(scene, (kind, name), "").await
}

/// Waits until a copy by another name than this is kept of an object.
async fn kept_beside(scene: &Scene, of: (&str, &str), other: &str) -> Result<ControllerRevision> {
    let (kind, name) = of;
    let wanted = format!("copy-{}-", hash(&format!("{kind} {}/{name}", scene.namespace.name())));
    wait_for(&format!("a copy of {kind} {name}"), LATER, async || {
        let how = ListParams::default().labels(&format!("{COPY_LABEL}={COPY_VALUE}"));
        let all = revisions(&scene.cluster).list(&how).await?.items;
        let names: Vec<String> = all.iter().filter_map(|r| r.metadata.name.clone()).collect();
        let found =
            all.into_iter().find(|r| r.metadata.name.as_ref().is_some_and(|n| n.starts_with(&wanted) && n != other));
        Ok(Seen::when(found.is_some(), found, names))
    })
    .await?
    .context("no copy")
}

fn hash(text: &str) -> String {
    sha256_hex(text.as_bytes()).chars().take(16).collect()
}

async fn objects(scene: &Scene, kind: &str) -> Result<Api<DynamicObject>> {
    let of = json!({"apiVersion": "v1", "kind": kind});
    api_for(&scene.cluster.admin(), &of, Some(scene.namespace.name())).await
}

async fn live(scene: &Scene, kind: &str, name: &str) -> Result<Option<Value>> {
    Ok(objects(scene, kind).await?.get_opt(name).await?.map(serde_json::to_value).transpose()?)
}

async fn delete(scene: &Scene, kind: &str, name: &str) -> Result<()> {
    objects(scene, kind).await?.delete(name, &DeleteParams::default()).await.map(|_| ()).context("delete")
}

#[tokio::test]
async fn a_config_map_that_is_lost_or_changed_comes_back() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("config")).await? else { return Ok(()) };
    let _mandate = keeping(&scene).await?;
    scene.namespace.apply(&config_map(json!({"mode": "fast", "level": "info"}))).await?;
    scene.namespace.apply(&reader(&scene)?).await?;
    scene.namespace.available("web", LATER).await?;
    kept(&scene, "ConfigMap", "settings").await?;
    // A key is renamed under pods that run.
    let api = objects(&scene, "ConfigMap").await?;
    let renamed = json!({"data": {"mode": null, "moode": "fast"}});
    api.patch("settings", &PatchParams::default(), &Patch::Merge(&renamed)).await?;
    let change = scene.answer("settings").await?;
    let spec = change.read().await?.spec;
    assert_eq!((spec.change_type, spec.target.uid.is_some()), (ChangeType::RestoreObject, true));
    scene.bob.approve(&change).await?;
    let record = scene.recovered(&change).await?;
    assert_eq!(record.plan.map(|p| p.operation), Some(Operation::Update));
    let now = live(&scene, "ConfigMap", "settings").await?.context("gone")?;
    assert_eq!(now["data"], json!({"mode": "fast", "level": "info"}));
    // It goes altogether, and people put it back.
    let spec = change.read().await?.spec;
    let action = serde_json::to_value(&spec.action)?;
    delete(&scene, "ConfigMap", "settings").await?;
    let again = scene.anna.propose("again", action, &config_map(json!({}))).await?;
    scene.bob.approve(&again).await?;
    scene.recovered(&again).await?;
    let now = live(&scene, "ConfigMap", "settings").await?.context("gone")?;
    assert_eq!((&now["data"]["mode"], &now["metadata"]["labels"]["team"]), (&json!("fast"), &json!("shop")));
    Ok(())
}

/// A workload that reads a whole ConfigMap of its own name.
fn whole(scene: &Scene, name: &str) -> Result<Value> {
    let mut object = scene.good(name)?.deployment();
    let main = object.pointer_mut("/spec/template/spec/containers/0").context("no container")?;
    main["envFrom"] = json!([{"configMapRef": {"name": name}}]);
    Ok(object)
}

/// Whoever removes a key writes nothing that carries a time, and no pod misses it before it is made anew.
#[tokio::test]
async fn what_has_only_lost_something_does_not_take_the_place_of_the_good_copy() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("removed")).await? else { return Ok(()) };
    let _mandate = keeping(&scene).await?;
    let named = |name: &str| {
        let mut object = config_map(json!({"mode": "fast", "level": "info"}));
        object["metadata"]["name"] = json!(name);
        object
    };
    scene.namespace.apply(&named("app")).await?;
    scene.namespace.apply(&whole(&scene, "app")?).await?;
    scene.namespace.available("app", LATER).await?;
    let good = kept(&scene, "ConfigMap", "app").await?;
    let removed = json!({"data": {"level": null}});
    objects(&scene, "ConfigMap").await?.patch("app", &PatchParams::default(), &Patch::Merge(&removed)).await?;
    // What comes later is kept: then the removal was seen and judged, for it was good at once by all that is told.
    scene.namespace.apply(&named("later")).await?;
    scene.namespace.apply(&whole(&scene, "later")?).await?;
    scene.namespace.available("later", LATER).await?;
    kept(&scene, "ConfigMap", "later").await?;
    let still = kept(&scene, "ConfigMap", "app").await?;
    assert_eq!(still.metadata.uid, good.metadata.uid, "the bad content took the place of the good one");
    // Where it is written, with other pods, it is another that is good.
    let slow = json!({"data": {"mode": "slow"}});
    objects(&scene, "ConfigMap").await?.patch("app", &PatchParams::default(), &Patch::Merge(&slow)).await?;
    let mut anew = whole(&scene, "app")?;
    anew["spec"]["template"]["metadata"]["annotations"] = json!({"note": "anew"});
    scene.namespace.apply(&anew).await?;
    kept_beside(&scene, ("ConfigMap", "app"), &good.metadata.name.context("no name")?).await.map(|_| ())
}

/// A Service comes back with its address, and where another has taken that meanwhile, not at all.
#[tokio::test]
async fn a_service_comes_back_at_its_own_address_or_not_at_all() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("service")).await? else { return Ok(()) };
    let _mandate = keeping(&scene).await?;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    scene.namespace.apply(&service).await?;
    scene.namespace.apply(&scene.good("web")?.deployment()).await?;
    scene.namespace.available("web", LATER).await?;
    let revision = kept(&scene, "Service", "web").await?;
    let name = revision.metadata.name.context("no name")?;
    let digest = digest_of(&revision.data.context("no data")?.0)?;
    let before = live(&scene, "Service", "web").await?.context("no Service")?;
    delete(&scene, "Service", "web").await?;
    let copy = json!({"value": name, "origin": {"lastKnownGood": {"digest": digest}}});
    let action = json!({"restoreObject": {"copy": copy}});
    let back = scene.anna.propose("back", action.clone(), &service).await?;
    scene.bob.approve(&back).await?;
    scene.recovered(&back).await?;
    let now = live(&scene, "Service", "web").await?.context("not restored")?;
    for field in ["/spec/clusterIP", "/spec/ports/0/nodePort", "/spec/selector"] {
        assert_eq!(now.pointer(field), before.pointer(field), "{field}");
    }
    delete(&scene, "Service", "web").await?;
    let mut squatter = service.clone();
    squatter["metadata"]["name"] = json!("squatter");
    squatter["spec"]["clusterIP"] = before["spec"]["clusterIP"].clone();
    scene.namespace.apply(&squatter).await?;
    let taken = scene.anna.propose("taken", action, &service).await?;
    // A dry run takes no address, so that the API server says no to the write alone.
    scene.bob.approve(&taken).await?;
    let record = taken.phase(Phase::Failed, LATER).await?;
    assert_eq!(record.reason.map(|r| r.code), Some(Code::WriteRefused));
    assert_eq!(live(&scene, "Service", "web").await?, None);
    Ok(())
}

/// The digest by which a Change names a copy.
fn digest_of(data: &Value) -> Result<String> {
    let envelope: Envelope = serde_json::from_value(data.clone())?;
    Ok(sha256_hex(&envelope.payload_bytes().context("no payload")?))
}

/// What somebody puts in a copy's place is refused by the API server; and of what is there all the same, put by the
/// operator's own stolen identity, nothing is written.
#[tokio::test]
async fn a_planted_copy_is_refused_and_never_believed() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("planted")).await? else { return Ok(()) };
    let _mandate = keeping(&scene).await?;
    scene.namespace.apply(&config_map(json!({"mode": "fast"}))).await?;
    scene.namespace.apply(&reader(&scene)?).await?;
    scene.namespace.available("web", LATER).await?;
    let genuine = kept(&scene, "ConfigMap", "settings").await?;
    let own = genuine.metadata.name.clone().context("no name")?;
    let mut object = config_map(json!({"mode": "evil"}));
    object["metadata"]["namespace"] = json!(scene.namespace.name());
    let forged = Copy::of(&object, "2030-01-01T00:00:00Z".parse()?)?;
    let sealed = forged.seal(&Signer::from_pkcs8_pem(&pem_of_seed(&[7; 32]))?)?;
    let planted: ControllerRevision = serde_json::from_value(json!({
        "metadata": {"name": forged.name(), "labels": {COPY_LABEL: COPY_VALUE}}, "revision": 2, "data": sealed,
    }))?;
    let refused = revisions(&scene.cluster).create(&PostParams::default(), &planted).await.map(|_| ());
    let words = refused.map_err(|e| e.to_string()).unwrap_err();
    assert!(words.contains("only the operator writes"), "{words}");
    let operator: Api<ControllerRevision> = Api::namespaced(scene.cluster.operator_unbounded()?, GRANTS_NAMESPACE);
    operator.create(&PostParams::default(), &planted).await.context("plant it with a stolen identity")?;
    let older = superseded(&scene, genuine).await?;
    operator.create(&PostParams::default(), &older).await.context("bring an older one back with a stolen identity")?;
    let older = digest_of(&older.data.context("no data")?.0)?;
    delete(&scene, "ConfigMap", "settings").await?;
    for (what, copy, digest) in [
        ("planted", forged.name(), forged.digest()),
        ("misnamed", own.clone(), forged.digest()),
        ("superseded", own.clone(), older),
    ] {
        let copy = json!({"value": copy, "origin": {"lastKnownGood": {"digest": digest}}});
        let change = scene.anna.propose(what, json!({"restoreObject": {"copy": copy}}), &config_map(json!({}))).await?;
        let record = change.phase(Phase::Refused, LATER).await?;
        assert_eq!(record.reason.map(|r| r.code), Some(Code::OriginUnproven), "{what}");
    }
    assert_eq!(live(&scene, "ConfigMap", "settings").await?, None);
    for name in [forged.name(), own] {
        operator.delete(&name, &DeleteParams::default()).await.context("take it away again")?;
    }
    Ok(())
}

/// The revision of a copy that another has taken the place of, as it could be created again.
async fn superseded(scene: &Scene, copy: ControllerRevision) -> Result<ControllerRevision> {
    let name = copy.metadata.name.clone().context("no name")?;
    scene.namespace.apply(&config_map(json!({"mode": "slow"}))).await?;
    let mut anew = reader(scene)?;
    anew["spec"]["template"]["metadata"]["annotations"] = json!({"note": "anew"});
    scene.namespace.apply(&anew).await?;
    kept_beside(scene, ("ConfigMap", "settings"), &name).await?;
    wait_for("the older copy to go", LATER, async || {
        let found = revisions(&scene.cluster).get_opt(&name).await?;
        Ok(Seen::when(found.is_none(), (), "it is kept"))
    })
    .await?;
    let (data, labels) = (copy.data, copy.metadata.labels);
    Ok(serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}, "revision": 1, "data": data}))?)
}

/// Without a mandate that asks for it nothing is kept, and what was kept goes with the wish.
#[tokio::test]
async fn copies_go_with_the_wish_for_them() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("wish")).await? else { return Ok(()) };
    let mandate = keeping(&scene).await?;
    scene.namespace.apply(&config_map(json!({"mode": "fast"}))).await?;
    scene.namespace.apply(&reader(&scene)?).await?;
    scene.namespace.available("web", LATER).await?;
    let name = kept(&scene, "ConfigMap", "settings").await?.metadata.name.context("no name")?;
    drop(mandate);
    wait_for("the copy to go", LATER, async || {
        let found = revisions(&scene.cluster).get_opt(&name).await?;
        Ok(Seen::when(found.is_none(), (), "it is kept"))
    })
    .await
}
