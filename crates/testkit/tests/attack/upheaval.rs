//! The installation turned upside down, one test at a time: suspended, without a fence, half installed, half removed. Writers who are nobody's business are asked all the while whether any of the policies got in their way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bailiwick_api::manifests::{self, policies};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION};
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_testkit::{Result, SECONDS, Seen, TestCluster, apply, path_of, wait_for};
use kube::Client;
use serde_json::{Value, json};

use crate::scene::{
    FENCE, FLOOR, Rights, Scene, Shot, Upheaval, allow, assert_done, assert_refused, better_image, everything, idle,
    resume, right,
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
    let thrown = Instant::now();
    assert_done(
        "the switch",
        &Shot::post(path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, ""), switch).sent(&admin).await?,
    );
    wait_for("the refusal", 5 * SECONDS, async || {
        let answer = approved.dry().by(&scene).await?;
        Ok(Seen::when(answer.refused_by(FENCE), (), answer))
    })
    .await?;
    let took = thrown.elapsed();
    assert!(took < 2 * SECONDS, "{took:?}");
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
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    let host = json!({"spec": {"template": {"spec": {"hostNetwork": true}}}});
    for (what, shot, words) in [
        ("a ConfigMap", Shot::post(path_of(Kind::ConfigMap, place, ""), map), "not in the catalogue"),
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
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    let place = scene.namespace.name();
    let create = Shot::post(path_of(Kind::ConfigMap, place, ""), map);
    assert_refused("a ConfigMap", &create.by(&scene).await?, FLOOR, "not in the catalogue");
    assert_refused("outside", &label(outside.name(), "web").by(&scene).await?, FLOOR, "outside the territory");
    for (what, shot) in [("a ConfigMap", &create), ("outside", &label(outside.name(), "web"))] {
        let answer = shot.sent(bound.client()).await?;
        assert!(answer.refused_by_rbac(), "{what}: {answer:?}");
    }
    // Neither the operator's account nor anybody else can make this state by accident: the last revision goes only by the operator's own hand.
    cluster.fence().await?.establish().await?;
    crate::scene::refused_meanwhile(&scene, &label(place, "web"), FENCE, WITHOUT_GRANT).await?;
    watch.none_refused().await?;
    bound.retire().await?;
    scene.end().await
}

/// Somebody who works in the territory and somebody who works outside, all the while.
struct Bystanders {
    stop: std::sync::Arc<AtomicBool>,
    counted: std::sync::Arc<std::sync::Mutex<Counted>>,
    work: Vec<tokio::task::JoinHandle<()>>,
}

/// What became of the bystanders' writes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counted {
    pub(crate) done: usize,
    /// No answer, or one of 5xx: the API server was not there.
    pub(crate) unanswered: usize,
    /// Refused with a policy of ours named, or for want of what a policy of ours needs.
    pub(crate) refused_by_us: Vec<String>,
    pub(crate) refused_otherwise: Vec<String>,
}

impl Counted {
    pub(crate) fn add(&mut self, outcome: Result<bailiwick_testkit::Answer>) {
        match outcome {
            Ok(answer) if answer.is_success() => self.done += 1,
            Ok(answer) if answer.message().contains("bailiwick") => {
                self.refused_by_us.push(answer.message().to_owned())
            }
            Ok(answer) if answer.code < 500 => {
                self.refused_otherwise.push(format!("{} {}", answer.code, answer.message()))
            }
            Ok(_) | Err(_) => self.unanswered += 1,
        }
    }
}

/// A write to the Deployment, one to a ConfigMap and one to a quota, as an ordinary user would make them.
fn ordinary(place: &str, round: usize) -> [Shot; 3] {
    let mark = json!({"metadata": {"annotations": {"round": round.to_string()}}});
    let of = |kind: Kind, object: Value| Shot::post(path_of(kind, place, ""), object).dry();
    [
        Shot::merge(path_of(Kind::Deployment, place, "web"), mark),
        of(Kind::ConfigMap, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})),
        of(
            Kind::ResourceQuota,
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "a"}, "spec": {"hard": {"pods": "9"}}}),
        ),
    ]
}

impl Bystanders {
    async fn start(cluster: &TestCluster, inside: &str, outside: &str) -> Result<Self> {
        let made = Self { stop: std::sync::Arc::default(), counted: std::sync::Arc::default(), work: Vec::new() };
        let mut made = made;
        for (user, place) in [("iris@inside", inside), ("otto@outside", outside)] {
            let client = cluster.person(user, &[]).await?;
            allow(cluster, place, user, everything()).await?;
            made.work.push(tokio::spawn(work(client, place.to_owned(), made.stop.clone(), made.counted.clone())));
        }
        Ok(made)
    }

    fn counted(&self) -> Counted {
        self.counted.lock().map(|c| c.clone()).unwrap_or_default()
    }

    /// Returns when this many more writes are done.
    async fn at_least(&self, more: usize) -> Result<()> {
        let begin = self.counted().done;
        wait_for("the bystanders' writes", 60 * SECONDS, async || {
            let now = self.counted();
            Ok(Seen::when(now.done >= begin + more, (), now))
        })
        .await
    }

    async fn none_refused(mut self) -> Result<Counted> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.work.drain(..) {
            task.await?;
        }
        let counted = self.counted();
        assert!(counted.refused_by_us.is_empty(), "{counted:#?}");
        assert!(counted.refused_otherwise.is_empty(), "{counted:#?}");
        assert!(counted.done > 100, "{counted:?}");
        Ok(counted)
    }
}

async fn work(
    client: Client,
    place: String,
    stop: std::sync::Arc<AtomicBool>,
    counted: std::sync::Arc<std::sync::Mutex<Counted>>,
) {
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        for shot in ordinary(&place, round) {
            let outcome = tokio::time::timeout(Duration::from_secs(20), shot.sent(&client)).await;
            let outcome = outcome.map_err(anyhow::Error::from).and_then(|inner| inner);
            let pause = outcome.is_err();
            if let Ok(mut counted) = counted.lock() {
                counted.add(outcome);
            }
            if pause {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
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
            "a ConfigMap",
            Shot::post(
                path_of(Kind::ConfigMap, place, ""),
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "evil"}}),
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
    for object in steps.iter().flat_map(|step| &step.objects) {
        apply(&cluster.admin(), object, None).await?;
        probe(&scene).await?;
    }
    cluster.install().await?;
    watch.at_least(30).await?;
    scene.admitted(&approved.dry()).await?;
    probe(&scene).await?;
    watch.none_refused().await?;
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

/// As `kill -9` does, again and again, with writers and a one-shot account trying all the while.
#[tokio::test]
async fn a_restarted_api_server_refuses_nobody_and_admits_nothing() -> Result<()> {
    const RESTARTS: usize = 6;
    let Some(upheaval) = Upheaval::begin(&[bailiwick_testkit::Need::Restart, bailiwick_testkit::Need::Audit]).await?
    else {
        return Ok(());
    };
    let cluster = &upheaval.cluster;
    let scene = upheaval.with_web("up-restart", Rights::Every).await?;
    let outside = cluster.namespace("up-restart-out").create().await?;
    outside.apply(&idle("web").deployment()).await?;
    let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&approved.dry()).await?;
    let watch = Bystanders::start(cluster, scene.namespace.name(), outside.name()).await?;
    let (stop, mut attacks) = (AtomicBool::new(false), Counted::default());
    let attack = async {
        let stranger = cluster.one_shot(scene.namespace.name(), None).await?.with_every_right().await?;
        let place = scene.namespace.name();
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "evil"}});
        while !stop.load(Ordering::Relaxed) {
            for (shot, client) in [
                (label(place, "web"), scene.account.client()),
                (Shot::post(path_of(Kind::ConfigMap, place, ""), map.clone()), scene.account.client()),
                (label(outside.name(), "web"), scene.account.client()),
                (approved.dry(), stranger.client()),
            ] {
                let outcome = tokio::time::timeout(20 * SECONDS, shot.sent(client)).await;
                attacks.add(outcome.map_err(anyhow::Error::from).and_then(|inner| inner));
            }
            // While nobody answers there is nothing to be gained by asking faster.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::Ok(stranger)
    };
    let restart = async || {
        for round in 0..RESTARTS {
            let step = |error: anyhow::Error| error.context(format!("restart {round}"));
            cluster.restart_apiserver(Duration::from_millis(100)).await.map_err(step)?;
            scene.admitted_within(&approved.dry(), 60 * SECONDS).await.map_err(step)?;
            watch.at_least(30).await.map_err(step)?;
        }
        anyhow::Ok(())
    };
    let restarts = async {
        let outcome = restart().await;
        stop.store(true, Ordering::Relaxed);
        outcome
    };
    let (stranger, restarted) = tokio::join!(attack, restarts);
    restarted?;
    assert_eq!(attacks.done, 0, "{attacks:#?}");
    assert!(attacks.refused_by_us.len() > 100, "{} refused", attacks.refused_by_us.len());
    let counted = watch.none_refused().await?;
    let live = scene.live(Kind::Deployment, "web").await?;
    assert!(live["metadata"]["labels"].get("evil").is_none(), "{live}");
    let note = format!(
        "{RESTARTS} restarts: bystanders {} written, {} unanswered, 0 refused; one-shot accounts 0 admitted, {} refused by policies, {} otherwise, {} unanswered\n",
        counted.done,
        counted.unanswered,
        attacks.refused_by_us.len(),
        attacks.refused_otherwise.len(),
        attacks.unanswered,
    );
    std::fs::write(cluster.artifacts("attack")?.join("restarts.txt"), note)?;
    stranger?.retire().await?;
    scene.end().await
}
