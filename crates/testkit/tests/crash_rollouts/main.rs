//! The operator dies while it changes a workload: see `crash`, whose parts these are.
//!
//! Minutes: 20.
#![cfg(feature = "cluster")]

#[path = "../crash/aftermath.rs"]
mod aftermath;
#[path = "../crash/kill.rs"]
mod kill;
#[path = "../crash/life.rs"]
#[expect(dead_code, reason = "other lives are cut short in `crash`")]
mod life;
#[path = "../crash/points.rs"]
#[expect(dead_code, reason = "that none is missed is seen to in `crash`")]
mod points;
#[path = "../crash/stage.rs"]
mod stage;

use bailiwick_testkit::{Need, Result, TestCluster};
use life::Life;

const NEEDS: &[Need] = &[Need::Images, Need::Audit, Need::OperatorProgram];

/// A patch that the mandate approved: planning and writing under one account.
#[tokio::test]
async fn in_the_life_of_a_preapproved_patch() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    Box::pin(kill::everywhere(cluster, Life::Restart)).await
}

/// From where the workload got worse to where its former state is back.
#[tokio::test]
async fn while_rolling_back() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    Box::pin(kill::everywhere(cluster, Life::RollBack)).await
}
