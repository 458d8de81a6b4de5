//! What stands in the operator's way though the way to the API server is good: somebody else's webhook that answers nothing, a right that was taken away, records that were put back to an earlier day. It says so on the Change, does not loop, does nothing twice, and goes on when it can.
//!
//! The operator runs outside of the cluster behind a proxy that counts what it asks for; webhooks, roles and records are real ones. R19, R35 and R46.
#![cfg(feature = "cluster")]

#[path = "../crash/aftermath.rs"]
mod aftermath;
#[path = "../crash/life.rs"]
#[expect(dead_code, reason = "nobody is killed here")]
mod life;
mod obstacle;
mod restored;
mod rights;
#[path = "../crash/stage.rs"]
mod stage;
mod webhook;

use bailiwick_testkit::{Need, Result, TestCluster};
use life::Life;

const NEEDS: &[Need] = &[Need::Images, Need::Audit, Need::OperatorProgram];

async fn stage(life: Life) -> Result<Option<stage::Stage>> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(None) };
    Ok(Some(Box::pin(stage::Stage::set(cluster, life)).await?))
}

/// R19: somebody else's webhook is down, before anything is planned and just before the write.
#[tokio::test]
async fn a_webhook_that_does_not_answer() -> Result<()> {
    let Some(stage) = stage(Life::Restart).await? else { return Ok(()) };
    Box::pin(webhook::down(&stage)).await
}

/// R35: each right that a Change needs is taken away, and comes back.
#[tokio::test]
async fn a_right_that_is_taken_away() -> Result<()> {
    let Some(stage) = stage(Life::Restart).await? else { return Ok(()) };
    Box::pin(rights::taken(&stage)).await
}

/// R46: what is recorded of a Change is put back to what it was earlier; what was written stays.
#[tokio::test]
async fn a_record_from_an_old_backup() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(restored::put_back(&stage)).await
}
