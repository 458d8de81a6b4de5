//! The operator is frozen between a decision and its effect, and goes on after the world has changed.

use std::time::{Duration, Instant};

use bailiwick_core::life::Phase;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Result, SECONDS, Seen, wait_for};
use serde_json::json;

use crate::scene::Scene;

/// Longer than the operator believes in what it has seen.
const FROZEN: Duration = Duration::from_secs(12);

/// An operator that is held up, and whose lease is long enough that nobody thinks it dead when it is frozen there.
pub(crate) fn delayed(failpoints: &str) -> ProcessOptions {
    let lease = [("LEASE", "90"), ("RENEW", "80"), ("RETRY", "2")];
    let env = lease.map(|(key, value)| (format!("BAILIWICK_{key}_SECONDS"), value.to_owned()));
    ProcessOptions { failpoints: failpoints.to_owned(), env: env.to_vec(), ..ProcessOptions::default() }
}

/// The write is decided on and recorded, the grant is live, nothing is sent yet. A no that comes meanwhile counts.
#[tokio::test]
async fn what_was_decided_before_is_not_done_after() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("freeze", 1, json!({}), delayed("effect-before=sleep(4000)"))).await? else {
        return Ok(());
    };
    let change = scene.quota("frozen").await?;
    scene.bob.approve(&change).await?;
    change.phase(Phase::Executing, 90 * SECONDS).await?;
    scene.operator.freeze()?;
    let begin = Instant::now();
    let record = change.record().await?;
    assert_eq!((record.phase, scene.writes(&change).await?), (Phase::Executing, 0), "frozen too late to be of use");
    let digest = record.plan.map(|p| p.digest).unwrap_or_default();
    scene.carol.decide(&change, &digest, "Reject").await?;
    wait_for("the operator's decision to be old", 2 * FROZEN, async || {
        Ok(Seen::when(begin.elapsed() >= FROZEN, (), begin.elapsed()))
    })
    .await?;
    scene.operator.thaw()?;
    let ended = scene.ended_unwritten(&change, Phase::Rejected, &[Code::RejectedByHuman]).await;
    ended.map_err(|e| e.context(scene.operator.last_words()))?;
    Ok(())
}
