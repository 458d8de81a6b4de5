//! Decisions that race: with the end of their time, and with each other.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bailiwick_api::Approval;
use bailiwick_core::life::{Phase, Record};
use bailiwick_testkit::{Audit, Proposal, Result, Row, SECONDS};
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use crate::crowd::{AT_ONCE, Crowd};

/// How many race where the full figure is not asked for.
const FEW: u64 = 8;

/// Of so many groups each comes at another moment.
const SPREAD: u64 = 8;

/// Seconds for which an approval counts where it races its end.
pub(crate) const COUNTS_FOR: u32 = 10;

/// A write that was decided on in time may arrive so much later: it is given up where it has not begun by then.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(10);

/// Seeds in groups that are under way at once.
fn groups(seeds: std::ops::Range<u64>) -> impl Iterator<Item = std::ops::Range<u64>> {
    let (first, end) = (seeds.start, seeds.end);
    (first..end).step_by(AT_ONCE as usize).map(move |from| from..end.min(from + AT_ONCE))
}

/// When the API server got each write of a Change.
async fn writes(audit: &Audit, change: &Proposal) -> Result<Vec<Timestamp>> {
    let all = audit.writes_by(&change.accounts()).await?;
    Ok(all.iter().map(|w| w.request_received_timestamp).collect())
}

pub(crate) async fn last_moment(crowd: Crowd) -> Result<()> {
    let row = Row::of("R15", FEW)?;
    let (mut written, mut expired) = (0, 0);
    for seeds in groups(row.seeds()) {
        let audit = crowd.cluster.audit()?;
        let mut operator = crowd.operator().await?;
        let changes = crowd.propose(seeds.clone()).await?;
        let digests = try_join_all(changes.iter().map(|change| crowd.asked(change))).await?;
        // Nobody acts on what is approved until about when it stops to count.
        operator.kill()?;
        let decided = changes.iter().zip(&digests).map(|(change, digest)| crowd.bob.decide(change, digest, "Approve"));
        let names = try_join_all(decided).await?;
        // How soon an operator is ready depends on the machine: some groups come early, some late.
        let later = seeds.start / AT_ONCE * 3 % SPREAD * 600;
        tokio::time::sleep(Duration::from_millis(u64::from(COUNTS_FOR) * 1000 - 5500 + later)).await;
        let mut operator = crowd.operator().await?;
        let records = try_join_all(changes.iter().map(settled)).await?;
        for ((seed, change), (record, name)) in seeds.zip(&changes).zip(records.iter().zip(&names)) {
            let approval = crowd.namespace.api::<Approval>().get(name).await?;
            let at = approval.metadata.creation_timestamp.context("an approval without a time")?.0;
            // The API server's own stamp has whole seconds.
            let end = at + SignedDuration::from_secs(i64::from(COUNTS_FOR) + 1);
            let writes = writes(&audit, change).await?;
            ensure!(writes.len() <= 1, "seed {seed}: written {} times", writes.len());
            let begun = record.executions.iter().filter(|e| e.is_applied()).filter_map(|e| e.started_at).max();
            ensure!(begun.is_none_or(|b| b <= end), "seed {seed}: approved at {at}, decided at {begun:?}");
            let late: Vec<_> = writes.iter().filter(|w| **w > end + ON_ITS_WAY).collect();
            ensure!(late.is_empty(), "seed {seed}: approved at {at}, written at {late:?}");
            let applied = record.executions.iter().any(bailiwick_core::life::Execution::is_applied);
            ensure!(applied == (writes.len() == 1), "seed {seed}: {} writes, {:?}", writes.len(), record.executions);
            (written, expired) = (written + writes.len(), expired + 1 - writes.len());
            row.held(seed, None)?;
        }
        operator.kill()?;
    }
    let spread = row.seeds().count() as u64 >= SPREAD * AT_ONCE;
    ensure!(!spread || (written > 0 && expired > 0), "{written} written, {expired} not: no race at all");
    Ok(())
}

/// Ended, or waiting for people again because what they had said does not count any more.
async fn settled(change: &Proposal) -> Result<Record> {
    let ended = |r: &Record| r.phase.is_terminal() && r.ending.is_none();
    change.until("settled", 90 * SECONDS, ended).await
}

pub(crate) async fn at_once(crowd: Crowd) -> Result<()> {
    let row = Row::of("R17", FEW)?;
    let mut operator = crowd.operator().await?;
    for seeds in groups(row.seeds()) {
        let audit = crowd.cluster.audit()?;
        let changes = crowd.propose(seeds.clone()).await?;
        let digests = try_join_all(changes.iter().map(|change| crowd.asked(change))).await?;
        let both = changes.iter().zip(&digests).map(|(change, digest)| both(&crowd, change, digest));
        let rejected_first = try_join_all(both).await?;
        let records = crowd.ends(&changes).await?;
        for ((seed, change), (record, rejected_first)) in seeds.zip(&changes).zip(records.iter().zip(rejected_first)) {
            let writes = writes(&audit, change).await?;
            ensure!(writes.len() <= 1, "seed {seed}: written {} times", writes.len());
            let rejected = record.phase == Phase::Rejected;
            ensure!(rejected == writes.is_empty(), "seed {seed}: {} after {} writes", record.phase, writes.len());
            ensure!(!rejected_first || rejected, "seed {seed}: rejected first, and it ended {}", record.phase);
            row.held(seed, None)?;
        }
        crowd.is_clean(&changes, &records).await?;
    }
    operator.kill()
}

/// Decides both ways at once; true if the rejection was stored first.
async fn both(crowd: &Crowd, change: &Proposal, digest: &str) -> Result<bool> {
    let (approved, rejected) =
        tokio::join!(crowd.bob.decide(change, digest, "Approve"), crowd.carol.decide(change, digest, "Reject"));
    Ok(stored(crowd, &rejected?).await? < stored(crowd, &approved?).await?)
}

/// Of two Approvals, the one with the lower version was stored first.
async fn stored(crowd: &Crowd, name: &str) -> Result<u64> {
    let approval = crowd.namespace.api::<Approval>().get(name).await?;
    approval.metadata.resource_version.context("an Approval without a version")?.parse().context("read a version")
}
