//! The operator dies: at every fail point, at every passage of it in the life of a Change, at random times, and with the reply to a write lost. Afterwards the world must look as if it had not.
//!
//! The operator runs outside of the cluster with its own account and no others' rights, because it starts faster there. The witness of what was written is the API server's audit log.
//!
//! Minutes: 15.
#![cfg(feature = "cluster")]

mod aftermath;
mod kill;
mod life;
mod lost;
mod points;
mod random;
mod stage;

use std::collections::BTreeMap;

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
async fn killed_in_the_life_of_an_approved_deletion() -> Result<()> {
    everywhere(Life::Quota).await
}

/// A patch that the mandate approved: planning and writing under one account.
#[tokio::test]
async fn killed_in_the_life_of_a_preapproved_patch() -> Result<()> {
    everywhere(Life::Restart).await
}

/// From where the workload got worse to where its former state is back.
#[tokio::test]
async fn killed_while_rolling_back() -> Result<()> {
    everywhere(Life::RollBack).await
}

/// From the fault to the end of its repair.
#[tokio::test]
async fn killed_between_fault_and_proposal() -> Result<()> {
    everywhere(Life::Incident).await
}

/// Killed at random times, again and again, while several Changes are under way.
#[tokio::test]
async fn killed_at_random_under_load() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    random::rounds(&Box::pin(stage::Stage::set(cluster, Life::Restart)).await?).await
}

/// The API server carries out what was asked, and the reply is lost: at every request of an approved deletion.
#[tokio::test]
async fn replies_lost_in_the_life_of_an_approved_deletion() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    lost::everywhere(&Box::pin(stage::Stage::set(cluster, Life::Quota)).await?).await
}

/// The same for the patch of a Deployment.
#[tokio::test]
async fn replies_lost_in_the_life_of_a_preapproved_patch() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    lost::everywhere(&Box::pin(stage::Stage::set(cluster, Life::Restart)).await?).await
}

/// Surveys a life that nobody cuts short, and then kills at every passage of every point that it showed; of two points with no request between them, at one.
async fn everywhere(life: Life) -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    let stage = Box::pin(stage::Stage::set(cluster, life)).await?;
    let passages = kill::survey(&stage).await?;
    kill::say(&format!("{life:?}: {passages:?}"))?;
    let mut kills: BTreeMap<&str, u32> = BTreeMap::new();
    for (point, passages) in &passages {
        for passage in 0..points::worth(point, *passages) {
            // The number of looks at a workload varies; what comes with the last of them may not come.
            let killed = kill::at(&stage, point, passage).await?;
            *kills.entry(point).or_default() += u32::from(killed);
        }
    }
    kill::say(&format!("{life:?}: killed {} times: {kills:?}", kills.values().sum::<u32>()))?;
    let spared: Vec<_> = points::of(life).into_iter().filter(|p| kills.get(p).copied().unwrap_or(0) == 0).collect();
    assert!(spared.is_empty(), "never killed at {spared:?}");
    Ok(())
}
