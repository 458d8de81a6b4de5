//! The API server is killed again and again while Changes are under way.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bailiwick_core::life::Phase;
use bailiwick_testkit::{OperatorProcess, Proposal, Result, Row};
use futures::future::try_join_all;

use crate::crowd::Crowd;

/// Changes of one run, and restarts of each.
const CHANGES: u64 = 50;
/// How many Changes a run has where the full figure is not asked for.
const FEW: u64 = 5;
const DOWN_FOR: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(200);

/// After its return the product has this long.
const WITHIN: Duration = Duration::from_secs(300);

pub(crate) async fn survived(crowd: Crowd) -> Result<()> {
    let row = Row::of("R09", 1)?;
    let each = if row.is_torture() { CHANGES } else { FEW };
    let mut operator = crowd.operator().await?;
    let audit = crowd.cluster.audit()?;
    let mut changes = Vec::new();
    for seed in row.seeds() {
        let more = crowd.propose(seed * CHANGES..seed * CHANGES + each).await?;
        let digests = try_join_all(more.iter().map(|change| crowd.asked(change))).await?;
        try_join_all(more.iter().zip(&digests).map(|(change, digest)| crowd.bob.decide(change, digest, "Approve")))
            .await?;
        crowd.cluster.restart_apiserver(DOWN_FOR).await?;
        let back = Instant::now();
        all_ended(&crowd, &mut operator, &more).await?;
        for change in &more {
            let record = change.record().await?;
            ensure!(record.phase == Phase::Recovered, "{} ended {}: {:?}", change.name(), record.phase, record.reason);
        }
        let took = back.elapsed();
        changes.extend(more);
        row.held(seed, Some(took))?;
    }
    for change in &changes {
        let writes = audit.writes_by(&change.accounts()).await?.len();
        ensure!(writes <= 1, "{} was written {writes} times", change.name());
    }
    let ends = crowd.ends(&changes).await?;
    crowd.is_clean(&changes, &ends).await?;
    operator.kill()
}

/// Returns when each has ended. An operator whose lease ran out meanwhile ends, and is started anew by whoever keeps it.
async fn all_ended(crowd: &Crowd, operator: &mut OperatorProcess, changes: &[Proposal]) -> Result<()> {
    let begin = Instant::now();
    loop {
        if !operator.is_running()? {
            *operator = crowd.operator().await?;
        }
        // Nobody may answer for a moment.
        let open = try_join_all(changes.iter().map(Proposal::record))
            .await
            .map(|records| records.iter().filter(|r| !r.phase.is_terminal() || r.ending.is_some()).count());
        if matches!(open, Ok(0)) {
            return Ok(());
        }
        ensure!(begin.elapsed() < WITHIN, "not all Changes have ended: {open:?}\n{}", operator.last_words());
        tokio::time::sleep(LOOK).await;
    }
}
