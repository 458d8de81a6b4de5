//! Approvals that count and those that do not, expiry by the API server's clock, and a no beside a yes.

use bailiwick_core::life::{Counted, Phase, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Proposal, Proposer, Result, SECONDS};
use serde_json::json;

use crate::scene::Scene;

const TTL: i64 = 20;
const ROUNDS: usize = 8;

/// Whose approval counts, and why the others' do not.
fn verdicts(record: &Record) -> Vec<(String, Option<Code>)> {
    let one = |c: &Counted| (c.approver.clone(), c.ignored.as_ref().map(|r| r.code));
    record.approvals.iter().map(one).collect()
}

async fn digest_of(change: &Proposal) -> Result<String> {
    let record = change.phase(Phase::AwaitingApproval, 60 * SECONDS).await?;
    Ok(record.plan.map(|p| p.digest).unwrap_or_default())
}

#[tokio::test]
async fn it_takes_two_different_people_whom_the_mandate_names() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("quorum", 2, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    let change = scene.quota("shared").await?;
    let digest = digest_of(&change).await?;
    for (who, digest) in [
        (&scene.bob, digest.clone()),
        (&scene.bob, digest.clone()),
        (&scene.carol, "0".repeat(64)),
        (&scene.dave, digest.clone()),
        (&scene.anna, digest.clone()),
    ] {
        scene_decide(who, &change, &digest, "Approve").await?;
    }
    let record = change.until("counted five approvals", 60 * SECONDS, |r| r.approvals.len() == 5).await?;
    let counted = verdicts(&record);
    for wanted in [
        ("bob@vote", None),
        ("carol@vote", Some(Code::OtherDigest)),
        ("dave@vote", Some(Code::NotAnApprover)),
        ("anna@vote", Some(Code::OwnProposal)),
    ] {
        let (who, why) = wanted;
        assert!(counted.contains(&(who.to_owned(), why)), "{who} {why:?}: {counted:?}");
    }
    let waiting = |r: &Record| r.reason.as_ref().is_some_and(|r| r.code == Code::AwaitingQuorum);
    let record = change.until("told that one is missing", 60 * SECONDS, waiting).await?;
    assert_eq!(record.phase, Phase::AwaitingApproval);
    assert!(record.executions.is_empty() && scene.writes(&change).await? == 0);
    scene_decide(&scene.carol, &change, &digest, "Approve").await?;
    change.phase(Phase::Recovered, 60 * SECONDS).await?;
    assert_eq!(scene.writes(&change).await?, 1);
    Ok(())
}

async fn scene_decide(who: &Proposer, change: &Proposal, digest: &str, decision: &str) -> Result<()> {
    who.decide(change, digest, decision).await.map(|_| ())
}

/// One is never approved, the other is, but not used in time.
#[tokio::test]
async fn approvals_expire_by_the_servers_clock() -> Result<()> {
    let ttl = json!({"approvalTtlSeconds": TTL});
    let Some(scene) = Box::pin(Scene::set("expiry", 1, ttl, ProcessOptions::default())).await? else { return Ok(()) };
    let (unasked, unused) = (scene.quota("unasked").await?, scene.quota("unused").await?);
    digest_of(&unasked).await?;
    digest_of(&unused).await?;
    scene.cluster.suspend().await?;
    scene.bob.approve(&unused).await?;
    unused.phase(Phase::Approved, 60 * SECONDS).await?;
    for (change, from) in [(&unasked, Phase::AwaitingApproval), (&unused, Phase::Approved)] {
        let record = scene.ended_unwritten(change, Phase::Expired, &[Code::ApprovalExpired]).await?;
        let at = |phase: Phase| record.timeline.iter().rev().find(|t| t.phase == phase).map(|t| t.at);
        // An approval counts from the API server's stamp of it, which has whole seconds.
        let begin = record.approvals.first().map(|a| a.at).or_else(|| at(from));
        let lived = at(Phase::Expired).zip(begin).map(|(end, begin)| end.duration_since(begin).as_secs());
        assert!(lived.is_some_and(|s| (TTL - 1..TTL + 30).contains(&s)), "{}: lived {lived:?} s", change.name());
    }
    scene.cluster.resume().await?;
    // The switch taken back revives nothing.
    let before = unused.read().await?.metadata.resource_version;
    let fresh = scene.quota("fresh").await?;
    scene.bob.approve(&fresh).await?;
    fresh.phase(Phase::Recovered, 60 * SECONDS).await?;
    assert_eq!(unused.read().await?.metadata.resource_version, before);
    Ok(())
}

/// A no and a yes at the same moment: whatever comes first, the no is never followed by a write.
#[tokio::test]
async fn a_no_beside_a_yes() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("race", 1, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    let mut changes = Vec::new();
    for round in 0..ROUNDS {
        changes.push(scene.quota(&format!("race-{round}")).await?);
    }
    for change in &changes {
        let digest = digest_of(change).await?;
        let yes = scene_decide(&scene.bob, change, &digest, "Approve");
        let no = scene_decide(&scene.carol, change, &digest, "Reject");
        let (yes, no) = futures::join!(yes, no);
        yes.and(no)?;
    }
    for change in &changes {
        let record = change.end(90 * SECONDS).await?;
        let writes = scene.writes(change).await?;
        let granted = record.timeline.iter().find(|t| t.phase == Phase::Granting).map(|t| t.at);
        println!("{}: {}, {writes} writes, granted at {granted:?}", change.name(), record.phase);
        match record.phase {
            Phase::Rejected => assert_eq!(writes, 0, "{record:#?}"),
            Phase::Recovered => assert_eq!(writes, 1, "{record:#?}"),
            other => panic!("it ended {other}: {record:#?}"),
        }
    }
    Ok(())
}

/// Both are there before the operator looks: the no wins, always.
#[tokio::test]
async fn a_no_wins_over_a_yes() -> Result<()> {
    let Some(mut scene) = Box::pin(Scene::set("no-wins", 1, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    let mut changes = Vec::new();
    for round in 0..ROUNDS {
        changes.push(scene.quota(&format!("no-{round}")).await?);
    }
    let mut digests = Vec::new();
    for change in &changes {
        digests.push(digest_of(change).await?);
    }
    // What it still does with the planning accounts must be over.
    for change in &changes {
        let revoked = |r: &Record| r.planning.as_ref().is_some_and(|g| g.revoked_at.is_some());
        change.until("its planning account revoked", 60 * SECONDS, revoked).await?;
    }
    scene.operator.kill()?;
    for (change, digest) in changes.iter().zip(&digests) {
        scene_decide(&scene.bob, change, digest, "Approve").await?;
        scene_decide(&scene.carol, change, digest, "Reject").await?;
    }
    scene.operator = scene.outside.start(ProcessOptions::default())?;
    for change in &changes {
        scene.ended_unwritten(change, Phase::Rejected, &[Code::RejectedByHuman]).await?;
    }
    Ok(())
}

/// An approval is of a digest; what was approved before the plan changed is void. See `drift` for how it changes.
#[tokio::test]
async fn an_approval_of_another_changes_digest_counts_for_nothing() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("digest", 1, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    let (one, other) = (scene.quota("one").await?, scene.quota("other").await?);
    let others = digest_of(&other).await?;
    digest_of(&one).await?;
    scene_decide(&scene.bob, &one, &others, "Approve").await?;
    let ignored = |r: &Record| verdicts(r).contains(&("bob@vote".to_owned(), Some(Code::OtherDigest)));
    one.until("ignored the approval of another digest", 60 * SECONDS, ignored).await?;
    scene_decide(&scene.bob, &other, &others, "Approve").await?;
    other.phase(Phase::Recovered, 60 * SECONDS).await?;
    let record = one.record().await?;
    assert_eq!((record.phase, scene.writes(&one).await?), (Phase::AwaitingApproval, 0), "{record:#?}");
    Ok(())
}
