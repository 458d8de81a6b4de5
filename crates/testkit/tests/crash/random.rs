//! An operator that is killed at random times while several Changes are under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_core::life::Phase;
use bailiwick_testkit::{Audit, ProcessOptions, Proposal, Result};

use crate::aftermath;
use crate::kill::say;
use crate::life::{Begun, Life};
use crate::stage::Stage;

const ROUNDS: u32 = 4;
const KILLS: u32 = 4;
/// Longer than the life of a quota's deletion up to its write.
const LONGEST_LIFE: u64 = 900;
const WITHIN: Duration = Duration::from_secs(60);

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // Knuth's constants; the upper bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

pub(crate) async fn rounds(stage: &Stage) -> Result<()> {
    let seed = jiff::Timestamp::now().as_second().unsigned_abs();
    say(&format!("seed {seed}"))?;
    let mut dice = Dice(seed);
    for round in 0..ROUNDS {
        let audit = stage.cluster.audit()?;
        let mut begun = Vec::new();
        for life in [Life::Quota, Life::Quota, Life::Quota, Life::Restart] {
            begun.push((life, life.begin(stage).await?));
        }
        let lives = lives(stage, &begun).await?;
        // People go on deciding all the while.
        tokio::select! {
            ended = Box::pin(killing(stage, (&lives, &audit), &mut dice)) => ended?,
            stopped = approve_all(stage, &lives) => stopped?,
        }
        say(&format!("round {round}: {KILLS} killings, {} changes", lives.len()))?;
    }
    Ok(())
}

/// A Change, and whether it was approved.
struct One {
    life: Life,
    change: Proposal,
    approved: AtomicBool,
}

type Lives = Vec<One>;

async fn lives(stage: &Stage, begun: &[(Life, Begun)]) -> Result<Lives> {
    let mut lives = Vec::new();
    for (life, begun) in begun {
        let change = begun.change(stage).await?;
        lives.extend(change.map(|change| One { life: *life, change, approved: AtomicBool::new(false) }));
    }
    Ok(lives)
}

/// Approves what waits for it, each once, for as long as it is let.
async fn approve_all(stage: &Stage, lives: &Lives) -> Result<()> {
    loop {
        for one in lives.iter().filter(|one| !one.approved.load(Ordering::Relaxed)) {
            let record = one.change.record().await?;
            let digest = record.plan.as_ref().map(|p| p.digest.clone());
            if let (Phase::AwaitingApproval, Some(digest)) = (record.phase, digest) {
                stage.bob.decide(&one.change, &digest, "Approve").await?;
                one.approved.store(true, Ordering::Relaxed);
            }
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Kills the operator at random times, then lets the last one finish, and judges.
async fn killing(stage: &Stage, (lives, audit): (&Lives, &Audit), dice: &mut Dice) -> Result<()> {
    let mut operator = stage.start(ProcessOptions::default())?;
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(dice.below(LONGEST_LIFE))).await;
        operator.kill()?;
        operator = stage.start(ProcessOptions::default())?;
    }
    for One { life, change, .. } in lives {
        change.end(WITHIN).await.map_err(|e| e.context(operator.last_words()))?;
        let judged = Box::pin(aftermath::judge(stage, *life, (change, audit))).await;
        judged.map_err(|e| e.context(operator.last_words()))?;
    }
    operator.kill()
}
