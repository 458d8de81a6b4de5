//! What must hold after every killing.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::ensure;
use bailiwick_core::life::{Phase, Purpose, Record};
use bailiwick_testkit::{Audit, Proposal, Result};

use crate::life::{Life, is_repaired};
use crate::stage::Stage;

/// As the product promises.
const SWEPT_WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn judge(stage: &Stage, life: Life, (change, audit): (&Proposal, &Audit)) -> Result<()> {
    let record = change.record().await?;
    ensure!(record.phase == life.end(), "it ended {}: {:?}", record.phase, record.reason);
    judge_way(&record)?;
    judge_executions(life, &record)?;
    judge_writes(life, change, audit).await?;
    judge_receipts(stage, life, (change, &record)).await?;
    nothing_is_left(stage).await?;
    is_repaired(life, stage, change).await
}

/// Where several Changes are under way, this returns when all have ended.
async fn nothing_is_left(stage: &Stage) -> Result<()> {
    stage.baseline.restored(&stage.cluster, SWEPT_WITHIN).await
}

/// Each step is one that the life of a Change knows, and time does not run backwards.
pub(crate) fn judge_way(record: &Record) -> Result<()> {
    for pair in record.timeline.windows(2) {
        let (from, to) = (pair[0].phase, pair[1].phase);
        ensure!(is_legal(from, to), "{from} does not lead to {to}: {:?}", record.timeline);
        ensure!(pair[0].at <= pair[1].at, "{from} came after {to}: {:?}", record.timeline);
    }
    let terminal = record.timeline.iter().filter(|t| t.phase.is_terminal()).count();
    ensure!(terminal == 1, "it ended {terminal} times: {:?}", record.timeline);
    Ok(())
}

/// The ways of `changes.md` that a killing may lead along. What was begun in doubt begins anew: from Executing back to where authority is checked.
fn is_legal(from: Phase, to: Phase) -> bool {
    use Phase::{
        Approved, AwaitingApproval, Executing, Granting, Planned, PreApproved, Proposed, Recovered, RolledBack,
        RollingBack, Verifying,
    };
    let next: &[Phase] = match from {
        Proposed => &[Planned],
        Planned => &[PreApproved, AwaitingApproval],
        AwaitingApproval => &[Approved],
        PreApproved | Approved => &[Granting],
        Granting => &[Executing],
        Executing => &[Verifying, PreApproved, Approved],
        Verifying => &[Recovered, RollingBack],
        RollingBack => &[RolledBack],
        _ => &[],
    };
    next.contains(&to)
}

/// One applied execution for each purpose, and no authority that was not seen revoked.
fn judge_executions(life: Life, record: &Record) -> Result<()> {
    let mut applied: Vec<Purpose> = record.executions.iter().filter(|e| e.is_applied()).map(|e| e.purpose).collect();
    applied.sort();
    let wanted: &[Purpose] =
        if life == Life::RollBack { &[Purpose::Apply, Purpose::RollBack] } else { &[Purpose::Apply] };
    ensure!(applied == wanted, "applied: {applied:?} in {:#?}", record.executions);
    for grant in record.planning.iter().chain(record.executions.iter().map(|e| &e.grant)) {
        ensure!(grant.revoked_at.is_some(), "{} was not seen revoked", grant.account);
    }
    Ok(())
}

/// The API server's own witness: so many writes and no more, each by another account. One whose sender died before the answer may be among them.
async fn judge_writes(life: Life, change: &Proposal, audit: &Audit) -> Result<()> {
    let (certain, writes) = audit.writes_and_doubts(&change.accounts()).await?;
    let fits = certain <= life.writes() && writes.len() >= life.writes();
    ensure!(fits, "{certain} writes in the audit log, and with those in doubt: {writes:#?}");
    let accounts: BTreeSet<&str> = writes.iter().map(bailiwick_testkit::Record::user).collect();
    ensure!(accounts.len() == writes.len(), "two writes of one account: {accounts:?}");
    let target = change.read().await?.spec.target;
    for write in &writes {
        let object = (write.object.resource.as_str(), write.object.name.as_str(), write.object.subresource.as_str());
        ensure!(object == (target.kind.served().resource, target.name.as_str(), ""), "it wrote {:?}", write.object);
    }
    Ok(())
}

/// The whole log verifies, and holds each receipt of the Change once.
async fn judge_receipts(stage: &Stage, life: Life, (change, record): (&Proposal, &Record)) -> Result<()> {
    let stored = stage.cluster.receipts().await?.about(change.uid());
    let known: Vec<&str> = record.receipts.iter().map(|r| r.name.as_str()).collect();
    ensure!(stored == known, "receipts {stored:?} are stored, {known:?} are known to the Change");
    let about: Vec<&str> = record.receipts.iter().map(|r| r.about.as_str()).collect();
    let wanted = life.receipts();
    let matches = about.len() == wanted.len() && about.iter().zip(wanted).all(|(a, w)| a.starts_with(w));
    ensure!(matches, "receipts about {about:?} instead of {wanted:?}");
    Ok(())
}
