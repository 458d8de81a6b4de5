//! The installation turned upside down, one test at a time: suspended, without a fence, half installed, half removed. Writers who are nobody's business are asked all the while whether any of the policies got in their way.

use bailiwick_api::manifests::{self, policies};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION};
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_testkit::{Result, SECONDS, Seen, TestCluster, apply, path_of, wait_for};
use serde_json::{Value, json};

use crate::bystanders::Bystanders;
use crate::scene::{
    FENCE, FLOOR, Rights, Scene, Shot, Upheaval, assert_done, assert_refused, better_image, idle, resume, right,
};

type Torn = Scene<TestCluster>;

fn label(place: &str, name: &str) -> Shot {
    Shot::merge(path_of(Kind::Deployment, place, name), json!({"metadata": {"labels": {"evil": "yes"}}}))
}

const WITHOUT_GRANT: &str = "no live grant for this account";

#[tokio::test]
async fn the_switch_stops_a_granted_account_with_no_operator_there() -> Result<()> {
    let Some(upheaval) = Upheaval::begin(&[]).await? else { return Ok(()) };
    let scene = upheaval.with_web("up-suspend", Rights::Catalogue(right(Operation::Update, Kind::Deployment))).await?;
    let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&approved.dry()).await?;
    let switch = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 0, "data": {"grants": {}},
        "metadata": {"name": SUSPEND_REVISION, "labels": {FENCE_LABEL: FENCE_VALUE}},
    });
    let admin = upheaval.cluster.admin();
    assert_done(
        "the switch",
        &Shot::post(path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, ""), switch).sent(&admin).await?,
    );
    wait_for("the refusal", 10 * SECONDS, async || {
        let answer = approved.dry().by(&scene).await?;
        Ok(Seen::when(answer.refused_by(FENCE), (), answer))
    })
    .await?;
    assert_refused("the right patch", &approved.by(&scene).await?, FENCE, WITHOUT_GRANT);
    let path = path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, SUSPEND_REVISION);
    let back = Shot::delete(path).sent(&upheaval.cluster.operator_account().await?).await?;
    assert!(back.refused_by(crate::scene::CAP), "the operator takes the switch back: {back:?}");
    assert_refused("still", &approved.by(&scene).await?, FENCE, WITHOUT_GRANT);
    resume(&upheaval.cluster).await?;
    scene.admitted(&approved).await?;
    scene.end().await
}

/// With the fence's binding gone, the floor is what is left; put back, the fence follows its revisions again.
#[tokio::test]
async fn without_the_fence_the_floor_stands_and_the_fence_comes_back() -> Result<()> {
    let Some(upheaval) = Upheaval::begin(&[]).await? else { return Ok(()) };
    let scene = upheaval.with_web("up-fence", Rights::Every).await?;
    let (cluster, place) = (&upheaval.cluster, scene.namespace.name());
    let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&approved.dry()).await?;
    let wrong = label(place, "web");
    assert_refused("a label", &wrong.by(&scene).await?, FENCE, "spec differs from the approved plan");
    let base = "/apis/admissionregistration.k8s.io/v1";
    for kind in ["validatingadmissionpolicybindings", "validatingadmissionpolicies"] {
        assert_done(kind, &Shot::delete(format!("{base}/{kind}/{FENCE}")).sent(&cluster.admin()).await?);
    }
    // It was the fence that refused, and nothing but it.
    scene.admitted(&wrong.dry()).await?;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}});
    let host = json!({"spec": {"template": {"spec": {"hostNetwork": true}}}});
    for (what, shot, words) in [
        ("an account", Shot::post(path_of(Kind::ServiceAccount, place, ""), account), "not in the catalogue"),
        ("the host's network", Shot::merge(path_of(Kind::Deployment, place, "web"), host), "identity, isolation"),
        (
            "scale",
            Shot::merge(path_of(Kind::Deployment, place, "web/scale"), json!({"spec": {"replicas": 2}})),
            "not in the catalogue",
        ),
        ("a Deployment's deletion", Shot::delete(path_of(Kind::Deployment, place, "web")), "not in the catalogue"),
    ] {
        assert_refused(what, &shot.by(&scene).await?, FLOOR, words);
    }
    cluster.install().await?;
    wait_for("the fence to bind again", 30 * SECONDS, async || {
        let answer = wrong.dry().by(&scene).await?;
        Ok(Seen::when(answer.refused_by(FENCE), (), answer))
    })
    .await?;
    // Grants of afterwards are seen: the API server has not stopped watching.
    scene.account.revoke().await?;
    crate::scene::refused_meanwhile(&scene, &approved, FENCE, WITHOUT_GRANT).await?;
    let again = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&again).await?;
    scene.end().await
}

/// No revision at all: nobody else is refused, and RBAC and the floor hold for one-shot accounts.
#[tokio::test]
async fn without_any_revision_rbac_and_the_floor_stand() -> Result<()> {
    let Some(upheaval) = Upheaval::begin(&[]).await? else { return Ok(()) };
    let cluster = &upheaval.cluster;
    let scene = upheaval.with_web("up-razed", Rights::Every).await?;
    let bound = cluster.one_shot(scene.namespace.name(), Some(right(Operation::Update, Kind::Deployment))).await?;
    let outside = cluster.namespace("up-razed-out").create().await?;
    outside.apply(&idle("web").deployment()).await?;
    let watch = Bystanders::start(cluster, scene.namespace.name(), outside.name()).await?;
    cluster.fence().await?.raze().await?;
    watch.at_least(50).await?;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}});
    let place = scene.namespace.name();
    let create = Shot::post(path_of(Kind::ServiceAccount, place, ""), account);
    assert_refused("an account", &create.by(&scene).await?, FLOOR, "not in the catalogue");
    assert_refused("outside", &label(outside.name(), "web").by(&scene).await?, FLOOR, "outside the territory");
    for (what, shot) in [("an account", &create), ("outside", &label(outside.name(), "web"))] {
        let answer = shot.sent(bound.client()).await?;
        assert!(answer.refused_by_rbac(), "{what}: {answer:?}");
    }
    crate::nodes::by_the_floor_alone(cluster, &scene).await?;
    // Neither the operator's account nor anybody else can make this state by accident: the last revision goes only by the operator's own hand.
    cluster.fence().await?.establish().await?;
    crate::scene::refused_meanwhile(&scene, &label(place, "web"), FENCE, WITHOUT_GRANT).await?;
    watch.none_refused(false).await?;
    bound.retire().await?;
    scene.end().await
}

/// A one-shot account that somebody planted, with the RoleBinding to a role that may not exist.
async fn probe(scene: &Torn) -> Result<()> {
    let place = scene.namespace.name();
    for (what, shot) in [
        ("a label", label(place, "web")),
        (
            "the host's network",
            Shot::merge(
                path_of(Kind::Deployment, place, "web"),
                json!({"spec": {"template": {"spec": {"hostNetwork": true}}}}),
            ),
        ),
        (
            "an account",
            Shot::post(
                path_of(Kind::ServiceAccount, place, ""),
                json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "evil"}}),
            ),
        ),
    ] {
        let answer = shot.by(scene).await?;
        assert!(!answer.is_success(), "{what} was admitted: {answer:?}");
    }
    Ok(())
}

/// Takes everything away in the reverse order and puts it back, with writers and a one-shot account trying all the while.
#[tokio::test]
async fn removing_and_installing_refuses_nobody_and_admits_nothing() -> Result<()> {
    let Some(upheaval) = Upheaval::begin(&[]).await? else { return Ok(()) };
    let cluster = &upheaval.cluster;
    let scene = upheaval.with_web("up-order", Rights::Catalogue(right(Operation::Update, Kind::Deployment))).await?;
    let outside = cluster.namespace("up-order-out").create().await?;
    outside.apply(&idle("web").deployment()).await?;
    let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&approved.dry()).await?;
    let watch = Bystanders::start(cluster, scene.namespace.name(), outside.name()).await?;
    let steps = manifests::install(&cluster.install_options()?);
    let steps: Vec<_> = steps.iter().filter(|step| !["operator", "kinds", "namespaces"].contains(&step.name)).collect();
    for object in steps.iter().rev().flat_map(|step| step.objects.iter().rev()) {
        if !policies::is_lasting(object) && object["kind"] != "ServiceAccount" {
            remove(cluster, object).await?;
            probe(&scene).await?;
        }
    }
    watch.at_least(30).await?;
    for step in &steps {
        for object in &step.objects {
            apply(&cluster.admin(), object, None).await?;
            probe(&scene).await?;
        }
        if step.name == "policies" {
            until_bound(cluster, scene.namespace.name()).await?;
        }
    }
    cluster.install().await?;
    watch.at_least(30).await?;
    scene.admitted(&approved.dry()).await?;
    probe(&scene).await?;
    watch.none_refused(false).await?;
    assert_done("the approved patch", &approved.by(&scene).await?);
    scene.end().await
}

async fn remove(cluster: &TestCluster, object: &Value) -> Result<()> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let api = bailiwick_testkit::api_for(&cluster.admin(), object, None).await?;
    match api.delete(name, &kube::api::DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        outcome => Ok(outcome.map(|_| ())?),
    }
}

/// A policy binds about a second after it was made, and roles take effect at once: `bailiwick install` waits in between, too. The last policy is looked at, for the API server takes them up together.
async fn until_bound(cluster: &TestCluster, place: &str) -> Result<()> {
    let last = policies::NAMES.last().copied().unwrap_or_default();
    let receipt =
        Shot::post(format!("/apis/bailiwick.dev/v1alpha1/namespaces/{place}/receipts"), crate::receipts::receipt(0));
    wait_for("the policies to bind", 30 * SECONDS, async || {
        let answer = receipt.dry().sent(&cluster.admin()).await?;
        Ok(Seen::when(answer.refused_by(last), (), answer))
    })
    .await
}
