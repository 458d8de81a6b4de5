//! R20: the switch is thrown in every step of a Change's life.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{Baseline, ProcessOptions, Result, Row, SECONDS, Seen, wait_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::kubelet::GOOD;
use crate::scene::{LATER, Scene};

/// A fail point, and what the record says when it is passed.
type Step = (&'static str, fn(&Record) -> bool);

/// Where the operator is held up while the switch is thrown, and what its record says by then.
const STEPS: &[Step] = &[
    ("arm-granted", |r| r.phase == Phase::Granting),
    ("write-before", |r| r.phase == Phase::Executing),
    ("write-after", |r| r.phase == Phase::Executing),
    ("plan-granted", |r| r.planning.is_some()),
    ("account-binding", |r| r.planning.is_some()),
    ("revoke-fence", |r| r.phase == Phase::Verifying),
    ("revoke-unbound", |r| r.phase == Phase::Verifying),
    ("receipt-before", |r| r.ending.is_some()),
];

/// How many of the steps are tried where nobody asks for all.
const USUALLY: usize = 3;

/// Longer than writing the switch takes.
const HELD_UP: &str = "1*sleep(1500)";

#[tokio::test]
async fn the_switch_holds_in_every_step() -> Result<()> {
    let row = Row::of("R20", 1)?;
    let steps = if row.is_torture() { STEPS.len() } else { USUALLY };
    for seed in row.seeds() {
        let Some(scene) = Box::pin(Scene::set("switch", json!({}))).await? else { return Ok(()) };
        let (mut unwritten, mut longest) = (Vec::new(), Duration::ZERO);
        for (point, reached) in &STEPS[..steps] {
            let thrown = Box::pin(at(&scene, point, *reached)).await?;
            unwritten.extend(thrown.before_the_write.then_some(*point));
            longest = longest.max(thrown.revoked);
            let promised = if row.is_torture() { 10 * SECONDS } else { 30 * SECONDS };
            ensure!(thrown.revoked <= promised, "{point}: authority was left for {:.1?}", thrown.revoked);
        }
        row.held(seed, Some(longest))?;
        writeln!(std::io::stdout(), "of {steps} steps the switch came before the write in {unwritten:?}")?;
    }
    Ok(())
}

/// What came of the switch in one step.
struct Thrown {
    /// How long the authority outlived it.
    revoked: Duration,
    /// Nothing was written until it was taken back.
    before_the_write: bool,
}

/// Throws the switch while the operator is held up at the point.
async fn at(scene: &Scene, point: &str, reached: fn(&Record) -> bool) -> Result<Thrown> {
    let name = format!("at-{point}");
    scene.serving(&name, GOOD, 1).await?;
    let baseline = Baseline::take(&scene.cluster).await?;
    let options = ProcessOptions { failpoints: format!("{point}={HELD_UP}"), ..ProcessOptions::default() };
    let mut operator = scene.operator(options).await?;
    let change = scene.restart(&name).await?;
    change.until(&format!("come to {point}"), LATER, reached).await?;
    scene.cluster.suspend().await?;
    let (thrown, clock) = (Timestamp::now(), Instant::now());
    wait_for("no authority to be left", 30 * SECONDS, async || {
        let left = baseline.leftovers(&scene.cluster).await?;
        Ok(Seen::when(left.is_empty(), (), left))
    })
    .await?;
    let revoked = clock.elapsed();
    operator.kill()?;
    let before = scene.audit.writes_by(&change.accounts()).await?;
    let late = before.iter().find(|w| w.request_received_timestamp > thrown + SignedDuration::from_secs(2));
    ensure!(late.is_none(), "{point}: written after the switch was thrown: {late:#?}");
    // Another life of the operator does not resume by itself.
    let mut operator = scene.operator(ProcessOptions::default()).await?;
    let settled =
        |r: &Record| r.phase == Phase::Recovered || r.reason.as_ref().is_some_and(|r| r.code == Code::Suspended);
    let record = change.until("held by the switch, or ended after its write", LATER, settled).await?;
    ensure!(record.phase == Phase::Recovered || before.is_empty(), "{point}: written and yet held: {record:#?}");
    ensure!(scene.audit.writes_by(&change.accounts()).await?.len() == before.len(), "{point}: written while suspended");
    scene.cluster.resume().await?;
    change.phase(Phase::Recovered, LATER).await?;
    let writes = scene.audit.writes_by(&change.accounts()).await?;
    ensure!(writes.len() == 1, "{point}: {} writes", writes.len());
    operator.leave().await?;
    Ok(Thrown { revoked, before_the_write: before.is_empty() })
}
