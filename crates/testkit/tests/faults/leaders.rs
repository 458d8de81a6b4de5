//! Two operators, of which one should not act any more.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bailiwick_testkit::{Flow, OperatorProcess, ProcessOptions, Proposal, Proxy, Result, Row, SECONDS, Seen, wait_for};

use crate::aftermath;
use crate::answers::is_write;
use crate::kill::say;
use crate::points;
use crate::stage::Stage;

/// Seconds of the lease, to the own deadline and between attempts: by default, and where the figure is about a short one.
pub(crate) const DEFAULT: [&str; 3] = ["15", "10", "2"];
const SHORT: [&str; 3] = ["4", "3", "1"];
/// The same where the machine may be busy with other tests.
pub(crate) const MODEST: [&str; 3] = ["8", "6", "1"];

pub(crate) fn lease(times: [&str; 3]) -> Vec<(String, String)> {
    let names = ["BAILIWICK_LEASE_SECONDS", "BAILIWICK_RENEW_SECONDS", "BAILIWICK_RETRY_SECONDS"];
    names.into_iter().zip(times).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.parse().unwrap_or_default())
}

/// The other operator, which waits for the lease.
async fn standby(stage: &Stage, seed: u64, env: Vec<(String, String)>) -> Result<OperatorProcess> {
    let options = ProcessOptions { identity: format!("standby-{seed}"), env, ..ProcessOptions::default() };
    let mut operator = stage.start(options)?;
    operator.ready(60 * SECONDS).await?;
    Ok(operator)
}

/// What a write that comes too late may be told.
const REFUSALS: [u16; 5] = [401, 403, 404, 409, 422];

/// The Change of a life, begun and decided on where people must.
async fn decided(stage: &Stage) -> Result<Proposal> {
    let begun = stage.life.begin(stage).await?;
    let change = begun.change(stage).await?.context("there is no Change")?;
    stage.bob.approve(&change).await?;
    Ok(change)
}

async fn leads(operator: &OperatorProcess) -> Result<()> {
    wait_for("it to lead", 60 * SECONDS, async || {
        let text = operator.metrics().await?;
        Ok(Seen::when(text.lines().any(|l| l == "bailiwick_leader 1"), (), "it does not"))
    })
    .await
}

pub(crate) async fn cut_off(stage: &Stage) -> Result<()> {
    let row = Row::of("R06", 1)?;
    let times = if row.is_torture() { DEFAULT } else { MODEST };
    let deadline = seconds(times[1]);
    let slack = if row.is_torture() { SECONDS } else { 10 * SECONDS };
    for seed in row.seeds() {
        let proxy = Proxy::start(&stage.cluster, &stage.outside).await?;
        let options = ProcessOptions {
            kubeconfig: Some(proxy.kubeconfig()),
            identity: format!("leader-{seed}"),
            env: lease(times),
            ..ProcessOptions::default()
        };
        let mut first = stage.start(options)?;
        leads(&first).await?;
        let mut second = standby(stage, seed, lease(times)).await?;
        let begin = Instant::now();
        proxy.flow(|asked| if asked.resource == "leases" { Flow::Silent } else { Flow::Pass });
        // A leader that stops leading ends, and is started anew by whoever keeps it.
        first.ended(deadline + 2 * slack).await.context("the leader without its lease")?;
        let stopped = begin.elapsed();
        ensure!(stopped <= deadline + slack, "it stopped after {stopped:.1?}, {deadline:?} are promised");
        let late: Vec<String> = proxy
            .passed(0)
            .iter()
            .filter(|p| p.at > begin + deadline + slack && p.asked.method != "GET")
            .map(|p| p.asked.path.clone())
            .collect();
        ensure!(late.is_empty(), "after it should have stopped it sent {late:?}");
        leads(&second).await?;
        let audit = stage.cluster.audit()?;
        let change = decided(stage).await?;
        change.end(60 * SECONDS).await?;
        Box::pin(aftermath::judge(stage, stage.life, (&change, &audit))).await?;
        second.leave().await?;
        row.held(seed, Some(stopped))?;
    }
    Ok(())
}

/// R05: the leader is frozen when its write is on the way, another leads and finishes, then the write arrives.
pub(crate) async fn zombie(stage: &Stage) -> Result<()> {
    let row = Row::of("R05", 1)?;
    for seed in row.seeds() {
        let proxy = Proxy::start(&stage.cluster, &stage.outside).await?;
        let options = ProcessOptions {
            kubeconfig: Some(proxy.kubeconfig()),
            identity: format!("zombie-{seed}"),
            env: lease(DEFAULT),
            ..ProcessOptions::default()
        };
        let mut first = stage.start(options)?;
        leads(&first).await?;
        let mut second = standby(stage, seed, lease(DEFAULT)).await?;
        let audit = stage.cluster.audit()?;
        proxy.flow(|asked| if is_write(asked) { Flow::Silent } else { Flow::Pass });
        let change = decided(stage).await?;
        let sent = || -> Vec<_> { proxy.passed(0).into_iter().filter(|p| is_write(&p.asked)).collect() };
        let on_its_way = wait_for("the write to be on its way", 30 * SECONDS, async || {
            Ok(Seen::when(sent().len() == 1, (), sent()))
        });
        on_its_way.await.with_context(|| format!("seed {seed}"))?;
        first.freeze()?;
        let frozen = Instant::now();
        change.end(90 * SECONDS).await?;
        let taken_over = frozen.elapsed();
        proxy.flow_again();
        let told = wait_for("the late write to be answered", 30 * SECONDS, async || {
            let told = sent().first().and_then(|p| p.told);
            Ok(told.map_or_else(|| Seen::NotYet("no answer".to_owned()), Seen::Yes))
        });
        let told = told.await.with_context(|| format!("seed {seed}"))?;
        ensure!(REFUSALS.contains(&told), "seed {seed}: the late write was told {told}");
        first.thaw()?;
        first.ended(30 * SECONDS).await.context("the one that does not lead any more")?;
        Box::pin(aftermath::judge(stage, stage.life, (&change, &audit)))
            .await
            .with_context(|| format!("seed {seed}"))?;
        say(&format!("seed {seed}: the late write was told {told}"))?;
        second.leave().await?;
        row.held(seed, Some(taken_over))?;
    }
    Ok(())
}

/// R04: the leader dies at one step after the other; the other one takes over.
pub(crate) async fn failover(stage: &Stage) -> Result<()> {
    let row = Row::of("R04", 1)?;
    let points = points::of(stage.life);
    let times = if row.is_torture() { SHORT } else { MODEST };
    let slack = if row.is_torture() { 5 * SECONDS } else { 30 * SECONDS };
    let promised = seconds(times[0]) + slack;
    for seed in row.seeds() {
        let point = points[seed as usize % points.len()];
        let what = format!("seed {seed}: {point}");
        let identity = format!("first-{seed}");
        let options = ProcessOptions { identity, env: lease(times), ..ProcessOptions::dying_at(point) };
        let mut first = stage.start(options)?;
        leads(&first).await.with_context(|| what.clone())?;
        let mut second = standby(stage, seed, lease(times)).await?;
        let audit = stage.cluster.audit()?;
        let begun = stage.life.begin(stage).await?;
        let change = begun.change(stage).await?.context("there is no Change")?;
        // It may die before there is a plan to approve, and then the other one makes it.
        let (approved, died) =
            tokio::join!(stage.bob.approve(&change), async { first.ended(60 * SECONDS).await.map(|_| Instant::now()) });
        let died = died.and_then(|died| approved.map(|_| died)).with_context(|| what.clone())?;
        change.end(60 * SECONDS).await.with_context(|| what.clone())?;
        let took = died.elapsed();
        ensure!(took <= promised, "{what}: the other one took {took:.1?}, {promised:?} are promised");
        Box::pin(aftermath::judge(stage, stage.life, (&change, &audit))).await.with_context(|| what.clone())?;
        second.leave().await?;
        row.held(seed, Some(took))?;
    }
    Ok(())
}
