//! The way between the operator and the API server is bad: replies lost, late, wrong and cut, streams that fall silent or lose their place, a lease that cannot be reached. Nothing is done twice, nothing is given up, nothing is decided from what is old.
//!
//! The operator runs outside of the cluster behind a proxy of its own; requests and replies are real ones of a real API server. Each test is a row of `docs/RELIABILITY.md` and runs as often as `cargo xtask torture` says; without it, a few times.
//!
//! Minutes: 10.
#![cfg(feature = "cluster")]

#[path = "../crash/aftermath.rs"]
mod aftermath;
mod answers;
#[path = "../crash/kill.rs"]
#[expect(dead_code, reason = "nobody is killed at a fail point here")]
mod kill;
mod leaders;
#[path = "../crash/life.rs"]
mod life;
#[path = "../crash/points.rs"]
#[expect(dead_code, reason = "nobody is killed at a fail point here")]
mod points;
mod scene;
mod space;
#[path = "../crash/stage.rs"]
mod stage;
mod streams;

use bailiwick_testkit::{Need, Result, TestCluster};
use life::Life;

const NEEDS: &[Need] = &[Need::Images, Need::Audit, Need::OperatorProgram];

async fn stage(life: Life) -> Result<Option<stage::Stage>> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(None) };
    Ok(Some(Box::pin(stage::Stage::set(cluster, life)).await?))
}

/// R07: what became of the write is found by looking, whatever was heard of it.
#[tokio::test]
async fn lost_replies_to_the_write() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(answers::lost(&stage)).await
}

/// R08: every verb is answered 429, 500, 503 and 504, with and without `Retry-After`.
#[tokio::test]
async fn refusals_of_every_verb() -> Result<()> {
    let Some(stage) = stage(Life::Restart).await? else { return Ok(()) };
    Box::pin(answers::refused(&stage)).await
}

/// R12: replies that are half there, and an object as large as there may be.
#[tokio::test]
async fn replies_cut_in_half() -> Result<()> {
    let Some(stage) = stage(Life::Restart).await? else { return Ok(()) };
    Box::pin(answers::halved(&stage)).await
}

/// R10 and R28: watches lose their place, again and again; nothing is missed and nothing told twice.
#[tokio::test]
async fn watches_that_lose_their_place() -> Result<()> {
    let Some(stage) = stage(Life::Restart).await? else { return Ok(()) };
    Box::pin(streams::gone(&stage)).await
}

/// R11: streams say nothing any more, and their connections stay.
#[tokio::test]
async fn watches_that_fall_silent() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(streams::silent(&stage)).await
}

/// R13: what the operator watches is old; it looks at the target itself before it writes.
#[tokio::test]
async fn watches_that_lag() -> Result<()> {
    let Some(stage) = stage(Life::RollBack).await? else { return Ok(()) };
    Box::pin(streams::late(&stage)).await
}

/// R13: what was allowed is withdrawn at the last moment, and no watch tells of it.
#[tokio::test]
async fn a_no_that_no_watch_tells() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(streams::unheard(&stage)).await
}

/// R06: the leader alone cannot reach its lease.
#[tokio::test]
async fn a_leader_without_its_lease() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(leaders::cut_off(&stage)).await
}

/// R05: a leader that was frozen just before its write goes on when another has done it.
#[tokio::test]
async fn a_leader_back_from_the_dead() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(leaders::zombie(&stage)).await
}

/// R04: the leader is killed, and another takes over.
#[tokio::test]
async fn a_leader_that_dies() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(leaders::failover(&stage)).await
}

/// R30: etcd is full.
#[tokio::test]
async fn an_etcd_without_room() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(space::full(&stage)).await
}

/// R47: for how long there is authority.
#[tokio::test]
async fn authority_is_short_lived() -> Result<()> {
    let Some(stage) = stage(Life::Quota).await? else { return Ok(()) };
    Box::pin(space::lifetimes(&stage)).await
}
