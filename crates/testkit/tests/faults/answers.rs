//! Answers that are lost, wrong or half there.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bailiwick_testkit::{Asked, Fault, Passed, Reply, Result, Row, SECONDS, Workload};

use crate::kill::say;
use crate::scene::Scene;
use crate::stage::Stage;

/// The one request that changes a user's object.
pub(crate) fn is_write(asked: &Asked) -> bool {
    let target = asked.is("delete", "resourcequotas") || asked.is("patch", "deployments");
    target && !asked.is_dry_run()
}

/// What is heard of the write.
const HEARD: [Fault; 5] = [Fault::ReplyLost, Fault::TIMEOUT, Fault::ReplySilent, Fault::CutShort, Fault::RequestLost];

pub(crate) async fn lost(stage: &Stage) -> Result<()> {
    let row = Row::of("R07", 3)?;
    let mut scene = Scene::set(stage).await?;
    for seed in row.seeds() {
        let fault = HEARD[seed as usize % HEARD.len()];
        let (since, happened, begin) = (scene.proxy.count(), scene.proxy.happened(), Instant::now());
        scene.proxy.arm(fault, is_write);
        Box::pin(scene.live()).await.with_context(|| format!("seed {seed}: {fault:?}"))?;
        ensure!(scene.proxy.happened() == happened + 1, "seed {seed}: {fault:?} did not happen");
        looks_before_it_writes_again(&scene.proxy.passed(since))?;
        row.held(seed, Some(begin.elapsed()))?;
    }
    scene.operator.kill()
}

/// Between two writes there is a look at what the first one did.
fn looks_before_it_writes_again(passed: &[Passed]) -> Result<()> {
    let mut unread = false;
    for asked in passed.iter().map(|p| &p.asked) {
        let target = matches!(asked.resource.as_str(), "resourcequotas" | "deployments");
        if is_write(asked) {
            ensure!(!unread, "{} was written twice without a look between", asked.path);
            unread = true;
        } else if target && asked.verb() == "get" {
            unread = false;
        }
    }
    Ok(())
}

/// A request of the life of a restart, by verb, resource and subresource, and whether it is a dry run.
type Meant = (&'static str, &'static str, &'static str, bool);

const EVERY: [Meant; 14] = [
    ("create", "controllerrevisions", "", false),
    ("patch", "deployments", "", true),
    ("patch", "deployments", "", false),
    ("get", "deployments", "", false),
    ("patch", "changes", "status", false),
    ("get", "changes", "", false),
    ("delete", "controllerrevisions", "", false),
    ("create", "serviceaccounts", "", false),
    ("create", "rolebindings", "", false),
    ("create", "serviceaccounts", "token", false),
    ("delete", "rolebindings", "", false),
    ("delete", "serviceaccounts", "", false),
    ("create", "receipts", "", false),
    ("list", "pods", "", false),
];

const CODES: [u16; 4] = [429, 503, 500, 504];

fn is_meant(meant: Meant) -> impl Fn(&Asked) -> bool + Send + Clone {
    let (verb, resource, subresource, dry) = meant;
    move |asked: &Asked| {
        asked.verb() == verb
            && (asked.resource.as_str(), asked.subresource.as_str()) == (resource, subresource)
            && asked.is_dry_run() == dry
    }
}

pub(crate) async fn refused(stage: &Stage) -> Result<()> {
    let row = Row::of("R08", 4)?;
    let mut scene = Scene::set(stage).await?;
    for seed in row.seeds() {
        let at = seed as usize;
        let meant = EVERY[at % EVERY.len()];
        let code = CODES[(at / 2 + at / EVERY.len()) % CODES.len()];
        let reply = if at.is_multiple_of(2) { Reply::of(code).retry_after(2) } else { Reply::of(code) };
        let what = format!("seed {seed}: {meant:?} answered {reply:?}");
        let (since, happened) = (scene.proxy.count(), scene.proxy.happened());
        scene.proxy.arm(Fault::Refused(reply), is_meant(meant));
        Box::pin(scene.live()).await.with_context(|| what.clone())?;
        ensure!(scene.proxy.happened() == happened + 1, "{what}: it did not happen");
        let passed = scene.proxy.passed(since);
        looks_before_it_writes_again(&passed).with_context(|| what.clone())?;
        let pause = pause_after(&passed).with_context(|| what.clone())?;
        say(&format!("{what}: asked again after {pause:.1?}"))?;
        // 500 says nothing of when; a request as a one-shot account is never repeated.
        let waits = at.is_multiple_of(2) && code != 500 && !matches!(meant, ("patch", "deployments", ..));
        let longest = if row.is_torture() { 3 * SECONDS } else { 10 * SECONDS };
        let late = pause.is_some_and(|p| p < Duration::from_millis(1900) || p > longest);
        ensure!(!waits || !late, "{what}: told to wait 2 s, asked again after {pause:.1?}");
        row.held(seed, pause)?;
    }
    scene.operator.kill()
}

/// How long after the fault the same was asked for again.
fn pause_after(passed: &[Passed]) -> Result<Option<Duration>> {
    let index = passed.iter().position(|p| p.fault.is_some()).context("no fault in what passed")?;
    let first = &passed[index];
    let again = passed[index + 1..].iter().find(|p| {
        (&p.asked.method, &p.asked.path, &p.asked.body) == (&first.asked.method, &first.asked.path, &first.asked.body)
    });
    Ok(again.map(|p| p.at.duration_since(first.at)))
}

/// What is cut in half.
const HALVED: [Meant; 7] = [
    ("watch", "deployments", "", false),
    ("patch", "changes", "status", false),
    ("patch", "deployments", "", true),
    ("get", "deployments", "", false),
    ("watch", "changes", "", false),
    ("create", "controllerrevisions", "", false),
    ("create", "receipts", "", false),
];

/// How it is broken.
const BROKEN: [Fault; 3] = [Fault::Garbled, Fault::CutShort, Fault::Truncated];

/// As large as etcd takes one.
const HUGE: usize = 1_300_000;

pub(crate) async fn halved(stage: &Stage) -> Result<()> {
    let row = Row::of("R12", 2)?;
    let huge = Workload::new("huge", &stage.cluster.images()?.good[0]).replicas(0).env("HUGE", &"x".repeat(HUGE));
    let mut scene = Scene::set(stage).await?;
    stage.namespace.apply(&huge.deployment()).await.context("apply a huge Deployment")?;
    for seed in row.seeds() {
        let at = seed as usize;
        let meant = HALVED[at % HALVED.len()];
        let fault = BROKEN[at % BROKEN.len()];
        let what = format!("seed {seed}: {meant:?} {fault:?}");
        let happened = scene.proxy.happened();
        scene.proxy.arm(fault, is_meant(meant));
        Box::pin(scene.live()).await.with_context(|| what.clone())?;
        if meant.0 == "watch" {
            // A watch ends by itself and is opened anew soon; then it is cut.
            until_happened(&scene, happened).await.with_context(|| what.clone())?;
        }
        ensure!(scene.proxy.happened() == happened + 1, "{what}: it did not happen");
        row.held(seed, None)?;
    }
    scene.operator.kill()
}

async fn until_happened(scene: &Scene<'_>, happened: usize) -> Result<()> {
    bailiwick_testkit::wait_for("the fault to happen", 3 * crate::scene::SILENCE, async || {
        let now = scene.proxy.happened();
        Ok(bailiwick_testkit::Seen::when(now > happened, (), now))
    })
    .await
}
