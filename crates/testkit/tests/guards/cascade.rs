//! A fault that begins soon after a change of the same workload is for people, though the mandate pre-approves.

use bailiwick_core::finding::Cause;
use bailiwick_core::life::Phase;
use bailiwick_core::mandate::Outcome;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Result};
use serde_json::json;

use crate::kubelet::{ABSENT, CRASHING, GOOD};
use crate::scene::{LATER, Scene};

#[tokio::test]
async fn a_fault_after_a_change_is_for_people() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("cascade", json!({"cascadeWindowSeconds": 600}))).await? else {
        return Ok(());
    };
    scene.serving("web", GOOD, 1).await?;
    scene.serving("other", GOOD, 1).await?;
    let _operator = scene.operator(ProcessOptions::default()).await?;
    scene.roll_out("web", ABSENT).await?;
    let changes =
        scene.until_changes("the repair", LATER, |all| all.iter().any(|c| phase(c) == Phase::Recovered)).await?;
    let first = changes[0].metadata.name.clone().unwrap_or_default();
    // The same cause of another workload, and another cause of the same one.
    scene.roll_out("other", ABSENT).await?;
    scene.roll_out("web", CRASHING).await?;
    let ended = |c: &bailiwick_api::Change| matches!(phase(c), Phase::Recovered | Phase::AwaitingApproval);
    let changes = scene.until_changes("three Changes", LATER, |all| all.len() == 3 && all.iter().all(ended)).await?;
    let incidents = scene.incidents().await?;
    let cause = |c: &bailiwick_api::Change| {
        let named = c.spec.incident_ref.as_ref().map(|r| r.name.as_str());
        incidents.iter().find(|i| i.metadata.name.as_deref() == named).map(|i| i.spec.cause)
    };
    for change in &changes {
        let record = change.status.clone().unwrap_or_default();
        if cause(change) == Some(Cause::CrashLoop) {
            let verdict = record.verdict.clone().expect("a verdict");
            assert_eq!((record.phase, verdict.outcome), (Phase::AwaitingApproval, Outcome::NeedsApproval));
            assert_eq!(verdict.reasons[0].code, Code::Cascade);
            assert!(
                verdict.reasons[0].message.contains(&format!("after change {first} wrote")),
                "{:?}",
                verdict.reasons
            );
            assert!(record.executions.is_empty());
        } else {
            assert_eq!(record.phase, Phase::Recovered);
        }
    }
    Ok(())
}

fn phase(change: &bailiwick_api::Change) -> Phase {
    change.status.as_ref().map_or(Phase::Proposed, |r| r.phase)
}
