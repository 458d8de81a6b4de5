//! The operator dies: at every fail point, at every passage of it in the life of a Change, and at random times. Afterwards the world must look as if it had not.
//!
//! The operator runs outside of the cluster with its own account and no others' rights, because it starts faster there. The witness of what was written is the API server's audit log. `crash_rollouts` and `crash_replies` are the same for other lives and for lost replies.
//!
//! Minutes: 20.
#![cfg(feature = "cluster")]

mod aftermath;
mod kill;
mod life;
mod points;
mod random;
mod stage;

use bailiwick_testkit::{Need, Result, TestCluster};
use life::Life;

const NEEDS: &[Need] = &[Need::Images, Need::Audit, Need::OperatorProgram];

/// Every fail point in the source is met by one of the lives below, and killed at.
#[tokio::test]
async fn no_fail_point_is_missed() -> Result<()> {
    let killed = points::of(Life::Quota).into_iter().chain(points::of(Life::Incident));
    let killed = killed.map(str::to_owned).collect();
    assert_eq!(points::in_source()?, killed, "left: in the operator's source; right: killed at by this suite");
    Ok(())
}

/// A deletion that people approved: planning and writing under two accounts, receipts for the approval and the end.
#[tokio::test]
async fn in_the_life_of_an_approved_deletion() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    Box::pin(kill::everywhere(cluster, Life::Quota)).await
}

/// From the fault to the end of its repair.
#[tokio::test]
async fn between_fault_and_proposal() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    Box::pin(kill::everywhere(cluster, Life::Incident)).await
}

/// At random times, again and again, while several Changes are under way.
#[tokio::test]
async fn at_random_under_load() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    random::rounds(&Box::pin(stage::Stage::set(cluster, Life::Restart)).await?).await
}
