//! Watches that lose their place, fall silent or lag.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bailiwick_api::Incident;
use bailiwick_api::kinds::incident::IncidentPhase;
use bailiwick_core::life::Phase;
use bailiwick_testkit::{Asked, Flow, Proposal, Result, Row, SECONDS, Seen, TestCluster, Workload, wait_for};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use crate::aftermath;
use crate::kill::say;
use crate::life::Life;
use crate::scene::{SILENCE, Scene};
use crate::stage::Stage;

/// Within which a gap must have been closed.
const RELISTED_WITHIN: Duration = Duration::from_secs(10);
/// How often every watch loses its place after that.
const AGAIN: u64 = 3;

/// The Incidents about a workload.
async fn incidents(stage: &Stage, workload: &str) -> Result<Vec<Incident>> {
    let all = stage.namespace.api::<Incident>().list(&ListParams::default()).await.context("list the Incidents")?;
    Ok(all.items.into_iter().filter(|i| i.spec.subject.name.as_str() == workload).collect())
}

/// Where the Incidents about a workload stand.
async fn phases(stage: &Stage, workload: &str) -> Result<Vec<Option<IncidentPhase>>> {
    let all = incidents(stage, workload).await?;
    Ok(all.iter().map(|i| i.status.as_ref().map(|s| s.phase)).collect())
}

/// A workload whose image does not exist, and that never served.
async fn broken(stage: &Stage, name: &str) -> Result<()> {
    let workload = Workload::new(name, &stage.cluster.images()?.absent);
    stage.namespace.apply(&workload.deployment()).await.map(|_| ())
}

/// What was wrong is gone, with its object or without.
fn is_over(phases: &[Option<IncidentPhase>]) -> bool {
    matches!(phases, [Some(IncidentPhase::Resolved | IncidentPhase::Dismissed)])
}

async fn until_one(stage: &Stage, workload: &str, within: Duration) -> Result<()> {
    wait_for(&format!("one Incident about {workload}"), within, async || {
        let phases = phases(stage, workload).await?;
        ensure!(phases.len() < 2, "{workload} has {} Incidents", phases.len());
        Ok(Seen::when(phases.first().is_some_and(Option::is_some), (), phases))
    })
    .await
}

/// A rule for the watches that are open now.
fn open_now(scene: &Scene<'_>, flow: Flow) -> impl Fn(&Asked) -> Flow + Send + Sync + 'static {
    let before = scene.proxy.count();
    move |asked| if asked.is_watch() && asked.number < before { flow } else { Flow::Pass }
}

pub(crate) async fn gone(stage: &Stage) -> Result<()> {
    let row = Row::of("R10", 1)?;
    // An Incident that waits is Open, and no other reason than the deletion ends it.
    let mut limits = TestCluster::quick_limits();
    limits["healthyDelaySeconds"] = json!(3600);
    let rules = json!([{"types": ["RolloutUndo"], "approval": "refused"}]);
    let _waiting = stage.cluster.mandate(rules, limits).await?;
    let scene = Scene::patient(stage, None).await?;
    for seed in row.seeds() {
        let (old, new) = (format!("old-{seed}"), format!("new-{seed}"));
        broken(stage, &old).await?;
        until_one(stage, &old, 30 * SECONDS).await?;
        scene.proxy.flow(open_now(&scene, Flow::Silent));
        let api = stage.namespace.api::<Deployment>();
        api.delete(&old, &DeleteParams::background()).await?;
        stage.namespace.gone::<Deployment>(&old, 20 * SECONDS).await?;
        broken(stage, &new).await?;
        let unnoticed = phases(stage, &old).await?;
        ensure!(!is_over(&unnoticed), "seed {seed}: the deletion was noticed in silence: {unnoticed:?}");
        scene.proxy.flow(open_now(&scene, Flow::Gone));
        let begin = Instant::now();
        wait_for("the missed deletion to be found", RELISTED_WITHIN, async || {
            let phases = phases(stage, &old).await?;
            Ok(Seen::when(is_over(&phases), (), phases))
        })
        .await?;
        let found = begin.elapsed();
        until_one(stage, &new, 30 * SECONDS).await?;
        let failures = scene.watch_failures().await?;
        for _ in 0..AGAIN {
            told_again(&scene).await?;
        }
        let counted = scene.watch_failures().await? - failures;
        ensure!(counted >= AGAIN, "seed {seed}: {counted} failures of the watch of Deployments are counted");
        let again = incidents(stage, &new).await?;
        ensure!(again.len() == 1, "seed {seed}: {} Incidents about {new}", again.len());
        let count = again[0].status.as_ref().map(|s| s.count);
        ensure!(count == Some(1), "seed {seed}: the Incident about {new} began {count:?} times");
        scene.proxy.flow_again();
        row.held(seed, Some(found))?;
    }
    Ok(())
}

/// Every watch loses its place, and has found it again when this returns.
async fn told_again(scene: &Scene<'_>) -> Result<()> {
    let since = scene.proxy.count();
    let lost = scene.proxy.passed(0);
    let kinds = |passed: &[bailiwick_testkit::Passed]| {
        // What is not served is not watched, and only asked for again much later.
        let served = passed.iter().filter(|p| p.asked.is_watch() && p.told == Some(200));
        let watched = served.map(|p| p.asked.resource.clone());
        watched.collect::<std::collections::BTreeSet<_>>()
    };
    let wanted = kinds(&lost);
    scene.proxy.flow(open_now(scene, Flow::Gone));
    wait_for("every watch to begin anew", 30 * SECONDS, async || {
        let opened = kinds(&scene.proxy.passed(since));
        Ok(Seen::when(opened == wanted, (), wanted.difference(&opened).collect::<Vec<_>>()))
    })
    .await
}

pub(crate) async fn silent(stage: &Stage) -> Result<()> {
    let row = Row::of("R11", 1)?;
    let silence = (!row.is_torture()).then_some(SILENCE);
    let promised = silence.map_or(60 * SECONDS, |s| s + 30 * SECONDS);
    let scene = Scene::patient(stage, silence).await?;
    for seed in row.seeds() {
        let before = scene.proxy.count();
        scene.proxy.flow(open_now(&scene, Flow::Silent));
        let begin = Instant::now();
        let change = proposed(stage).await?;
        change.until("been noticed", 120 * SECONDS, |r| r.plan.is_some()).await?;
        let noticed = begin.elapsed();
        ensure!(noticed <= promised, "noticed after {noticed:.1?} of silence, {promised:?} are promised");
        let anew = scene.proxy.passed(before).iter().any(|p| p.asked.is("watch", "changes"));
        ensure!(anew, "it was noticed after {noticed:.1?} by a watch that should have been silent");
        scene.proxy.flow_again();
        let audit = stage.cluster.audit()?;
        stage.bob.approve(&change).await?;
        change.end(60 * SECONDS).await?;
        Box::pin(aftermath::judge(stage, Life::Quota, (&change, &audit))).await?;
        row.held(seed, Some(noticed))?;
    }
    Ok(())
}

async fn proposed(stage: &Stage) -> Result<Proposal> {
    let begun = stage.life.begin(stage).await?;
    begun.change(stage).await?.context("there is no Change")
}

/// For how long the operator sees what was, where the figure is asked for in full.
const LAG: Duration = Duration::from_secs(30);

pub(crate) async fn late(stage: &Stage) -> Result<()> {
    let row = Row::of("R13", 1)?;
    let scene = Scene::patient(stage, Some(300 * SECONDS)).await?;
    for seed in row.seeds() {
        let audit = stage.cluster.audit()?;
        let change = proposed(stage).await?;
        let old = change.phase(Phase::AwaitingApproval, 30 * SECONDS).await?;
        let old = old.plan.context("no plan")?.digest;
        let before = scene.proxy.count();
        // Of Changes and Approvals it hears at once, or it would do nothing; all else is old.
        scene.proxy.flow(move |asked| {
            let own = matches!(asked.resource.as_str(), "changes" | "approvals");
            if asked.is_watch() && !own && asked.number < before { Flow::Silent } else { Flow::Pass }
        });
        let drifted = Workload::new("web", &stage.cluster.images()?.good[0]).env("SEED", &format!("{seed}-{old}"));
        let drifted = drifted.spec_field("strategy", json!({"type": "Recreate"}));
        stage.namespace.apply(&drifted.deployment()).await?;
        stage.namespace.available("web", 60 * SECONDS).await?;
        if row.is_torture() {
            tokio::time::sleep(LAG).await;
        }
        stage.bob.decide(&change, &old, "Approve").await?;
        let anew = change.until("a plan of what is there now", 30 * SECONDS, |r| {
            r.phase == Phase::AwaitingApproval && r.plan.as_ref().is_some_and(|p| p.digest != old)
        });
        let anew = anew.await?;
        let writes = audit.writes_by(&change.accounts()).await?;
        ensure!(writes.is_empty(), "a plan that had drifted was written: {writes:#?}");
        let digest = anew.plan.context("no plan")?.digest;
        stage.bob.decide(&change, &digest, "Reject").await?;
        change.phase(Phase::Rejected, 30 * SECONDS).await?;
        scene.proxy.flow_again();
        say(&format!("seed {seed}: planned anew from the target itself"))?;
        row.held(seed, None)?;
    }
    Ok(())
}

/// What was allowed is withdrawn when the account is being made, and no watch tells of it.
pub(crate) async fn unheard(stage: &Stage) -> Result<()> {
    let scene = Scene::patient(stage, Some(300 * SECONDS)).await?;
    let mut strict = None;
    for (who, ended) in [("a person", Phase::Rejected), ("the mandate", Phase::Refused)] {
        let audit = stage.cluster.audit()?;
        let change = proposed(stage).await?;
        let plan = change.phase(Phase::AwaitingApproval, 30 * SECONDS).await?.plan.context("no plan")?;
        let before = scene.proxy.count();
        let is_old = move |asked: &Asked| {
            asked.is_watch() && asked.number < before && matches!(asked.resource.as_str(), "approvals" | "mandates")
        };
        let making = |asked: &Asked| asked.is("create", "serviceaccounts");
        scene.proxy.flow(move |asked| if making(asked) { Flow::Silent } else { Flow::Pass });
        stage.bob.decide(&change, &plan.digest, "Approve").await?;
        change.phase(Phase::Granting, 30 * SECONDS).await?;
        scene.proxy.flow(move |asked| if making(asked) || is_old(asked) { Flow::Silent } else { Flow::Pass });
        if ended == Phase::Rejected {
            stage.bob.decide(&change, &plan.digest, "Reject").await?;
        } else {
            // Of two mandates the stricter one decides.
            let rules = json!([{"types": ["DeleteResourceQuota"], "approval": "refused"}]);
            strict = Some(stage.cluster.mandate(rules, TestCluster::quick_limits()).await?);
        }
        scene.proxy.flow(move |asked| if is_old(asked) { Flow::Silent } else { Flow::Pass });
        change.phase(ended, 60 * SECONDS).await?;
        let writes = audit.writes_by(&change.accounts()).await?;
        ensure!(writes.is_empty(), "{who} said no, and it was written: {writes:#?}");
        scene.proxy.flow_again();
    }
    drop(strict);
    Ok(())
}
