//! Many Changes at once, and decisions on them that race: the end of the time an approval counts for, a rejection beside an approval, an API server that is killed meanwhile.
//!
//! The operator runs outside of the cluster with its own account's rights; the witness is the audit log. Each test is a row of `docs/RELIABILITY.md` and runs as often as `cargo xtask torture` says; without it, a few times.
#![cfg(feature = "cluster")]

mod crowd;
mod decisions;
mod restarts;

use bailiwick_testkit::{Need, Result, TestCluster};
use crowd::Crowd;

const NEEDS: &[Need] = &[Need::Audit, Need::OperatorProgram];

/// R15: an approval counts for some seconds, and the Change comes to its write about when they are over.
#[tokio::test]
async fn approvals_that_come_at_the_last_moment() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    Box::pin(decisions::last_moment(Crowd::gather(cluster, decisions::COUNTS_FOR).await?)).await
}

/// R17: one person approves and another rejects at the same time.
#[tokio::test]
async fn approval_and_rejection_at_once() -> Result<()> {
    let Some(cluster) = TestCluster::needing(NEEDS).await? else { return Ok(()) };
    Box::pin(decisions::at_once(Crowd::gather(cluster, 3600).await?)).await
}

/// R09: the API server is killed while Changes are under way.
#[tokio::test]
async fn an_api_server_killed_under_changes() -> Result<()> {
    let Some(cluster) = TestCluster::needing(&[Need::Audit, Need::OperatorProgram, Need::Restart]).await? else {
        return Ok(());
    };
    Box::pin(restarts::survived(Crowd::gather(cluster, 3600).await?)).await
}
