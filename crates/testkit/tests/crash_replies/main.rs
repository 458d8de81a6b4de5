//! The API server carries out what was asked, and the reply is lost: see `crash`, whose parts these are.
#![cfg(feature = "cluster")]

#[path = "../crash/aftermath.rs"]
mod aftermath;
#[path = "../crash/kill.rs"]
#[expect(dead_code, reason = "nobody is killed here")]
mod kill;
#[path = "../crash/life.rs"]
mod life;
mod lost;
#[path = "../crash/points.rs"]
#[expect(dead_code, reason = "nobody is killed here")]
mod points;
#[path = "../crash/stage.rs"]
mod stage;

use bailiwick_testkit::{Need, Result, TestCluster};
use life::Life;

const NEEDS: &[Need] = &[Need::Images, Need::Audit, Need::OperatorProgram];

/// At every request of a deletion that people approved.
#[tokio::test]
async fn in_the_life_of_an_approved_deletion() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    lost::everywhere(&Box::pin(stage::Stage::set(cluster, Life::Quota)).await?).await
}

/// At the requests that are another's for a patch.
#[tokio::test]
async fn in_the_life_of_a_preapproved_patch() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    lost::everywhere(&Box::pin(stage::Stage::set(cluster, Life::Restart)).await?).await
}
