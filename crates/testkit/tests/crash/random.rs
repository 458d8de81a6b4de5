//! An operator that is killed at random times while several Changes are under way.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bailiwick_core::life::Phase;
use bailiwick_testkit::{Audit, OperatorProcess, ProcessOptions, Proposal, Result};

use crate::aftermath;
use crate::life::{Begun, Life};
use crate::stage::Stage;

const ROUNDS: u32 = 6;
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
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    for round in 0..ROUNDS {
        let audit = stage.cluster.audit()?;
        let mut begun = Vec::new();
        for life in [Life::Quota, Life::Quota, Life::Quota, Life::Restart] {
            begun.push((life, life.begin(stage).await?));
        }
        let lives = lives(stage, &begun).await?;
        let mut operator = stage.start(ProcessOptions::default())?;
        for _ in 0..KILLS {
            let after = Duration::from_millis(dice.below(LONGEST_LIFE));
            tokio::time::timeout(after, approve_all(stage, &lives)).await.ok().transpose()?;
            operator.kill()?;
            operator = stage.start(ProcessOptions::default())?;
        }
        finish(stage, (&lives, &audit), &mut operator).await?;
        println!("round {round}: {} killings, {} changes", KILLS, lives.len());
    }
    Ok(())
}

type Lives = Vec<(Life, Proposal)>;

async fn lives(stage: &Stage, begun: &[(Life, Begun)]) -> Result<Lives> {
    let mut lives = Vec::new();
    for (life, begun) in begun {
        lives.extend(begun.change(stage).await?.map(|change| (*life, change)));
    }
    Ok(lives)
}

/// Approves what waits for it, for as long as it is let.
async fn approve_all(stage: &Stage, lives: &Lives) -> Result<()> {
    loop {
        approve_waiting(stage, lives).await?;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn approve_waiting(stage: &Stage, lives: &Lives) -> Result<()> {
    for (_, change) in lives {
        let record = change.record().await?;
        let digest = record.plan.as_ref().map(|p| p.digest.clone());
        if let (Phase::AwaitingApproval, true, Some(digest)) = (record.phase, record.approvals.is_empty(), digest) {
            stage.bob.decide(change, &digest, "Approve").await?;
        }
    }
    Ok(())
}

async fn finish(stage: &Stage, (lives, audit): (&Lives, &Audit), operator: &mut OperatorProcess) -> Result<()> {
    let approving = approve_all(stage, lives);
    let ending = async {
        for (life, change) in lives {
            change.end(WITHIN).await?;
            aftermath::judge(stage, *life, (change, audit)).await.map_err(|e| e.context(operator.last_words()))?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = ending => ended?,
        stopped = approving => stopped?,
    }
    operator.kill()
}
