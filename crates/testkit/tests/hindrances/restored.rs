//! R46: records of a Change that are older than what was done, as after the restore of a backup. The cluster is the truth: what was written is found and not written again.

use anyhow::{Context as _, ensure};
use bailiwick_api::Change;
use bailiwick_core::life::Phase;
use bailiwick_testkit::{ProcessOptions, Proposal, Recorder, Result, Row, Stored};
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;

use crate::aftermath;
use crate::obstacle::LATER;
use crate::stage::Stage;

/// What its record says when the backup is taken.
const TAKEN: [Phase; 4] = [Phase::Executing, Phase::Approved, Phase::Granting, Phase::AwaitingApproval];

pub(crate) async fn put_back(stage: &Stage) -> Result<()> {
    let row = Row::of("R46", 2)?;
    for seed in row.seeds() {
        let phase = TAKEN[seed as usize % TAKEN.len()];
        Box::pin(at(stage, phase)).await.with_context(|| format!("seed {seed}: {phase}"))?;
        row.held(seed, None)?;
    }
    Ok(())
}

/// A whole life, and then another one that begins with a record of the first.
async fn at(stage: &Stage, phase: Phase) -> Result<()> {
    let audit = stage.cluster.audit()?;
    let recorder = Recorder::start(&stage.cluster, &stage.namespace).await?;
    let mut operator = stage.start(ProcessOptions::default())?;
    let change = stage.life.begin(stage).await?.change(stage).await?.context("there is no Change")?;
    stage.bob.approve(&change).await?;
    change.end(LATER).await?;
    Box::pin(aftermath::judge(stage, stage.life, (&change, &audit))).await?;
    operator.leave().await?;
    let history = recorder.until_now(change.name()).await?;
    let is_ours = |s: &&Stored| s.kind == "Change" && s.name == change.name();
    let at_that_time = |s: &&Stored| s.object["status"]["phase"] == phase.as_str();
    let old = history.stored.iter().filter(is_ours).rev().find(at_that_time).context("it was never so")?;
    put(stage, &change, &old.object["status"]).await?;
    let mut operator = stage.start(ProcessOptions::default())?;
    let record = change.end(LATER).await.with_context(|| operator.last_words())?;
    operator.leave().await?;
    // Where the write was announced it is found to have happened; before that, there is nothing left to change.
    ensure!(matches!(record.phase, Phase::Recovered | Phase::Refused), "it ended {record:#?}");
    let (certain, writes) = audit.writes_and_doubts(&change.accounts()).await?;
    ensure!(certain == 1 && writes.len() == 1, "{certain} writes, and with those in doubt: {writes:#?}");
    stage.baseline.restored(&stage.cluster, LATER).await?;
    let receipts = stage.cluster.receipts().await?.about(change.uid());
    ensure!(record.receipts.iter().all(|r| receipts.contains(&r.name)), "{receipts:?} are stored: {record:#?}");
    Ok(())
}

/// A backup knows nothing of what was stored since.
async fn put(stage: &Stage, change: &Proposal, status: &Value) -> Result<()> {
    let api: Api<Change> = Api::namespaced(stage.cluster.operator_unbounded()?, stage.namespace.name());
    let mut object = api.get(change.name()).await?;
    object.status = serde_json::from_value(status.clone()).context("read an old record")?;
    api.replace_status(change.name(), &PostParams::default(), &object).await.context("put an old record back")?;
    Ok(())
}
