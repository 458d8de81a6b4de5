//! etcd is full: nothing can be recorded, so nothing is done.

use anyhow::{Context as _, ensure};
use bailiwick_core::life::Phase;
use bailiwick_testkit::{Flow, ProcessOptions, Result, Row, SECONDS, Seen, TestCluster, wait_for};

use crate::aftermath;
use crate::leaders::{MODEST, lease};
use crate::scene::Scene;
use crate::stage::Stage;

const ALARMS: &str = "http://127.0.0.1:2379/v3/maintenance/alarm";
/// What the API server says of it.
const FULL: &str = "database space exceeded";

async fn set(cluster: &TestCluster, action: &str) -> Result<()> {
    let alarm = format!("{{\"action\":\"{action}\",\"alarm\":\"NOSPACE\"}}");
    let said = cluster.node_output(&["curl", "--silent", "--fail", "--data", &alarm, ALARMS]).await?;
    ensure!(said.contains("NOSPACE") || action == "DEACTIVATE", "etcd said {said}");
    Ok(())
}

/// R30: an approved Change comes to a full etcd; it waits there, and is carried out once when there is room.
pub(crate) async fn full(stage: &Stage) -> Result<()> {
    let row = Row::of("R30", 1)?;
    for seed in row.seeds() {
        let mut scene = Scene::set(stage).await?;
        let audit = stage.cluster.audit()?;
        let begun = stage.life.begin(stage).await?;
        let change = begun.change(stage).await?.context("there is no Change")?;
        change.phase(Phase::AwaitingApproval, 30 * SECONDS).await?;
        scene.proxy.flow(|asked| if asked.subresource == "status" { Flow::Silent } else { Flow::Pass });
        stage.bob.approve(&change).await?;
        set(&stage.cluster, "ACTIVATE").await?;
        let unready = async {
            scene.proxy.flow_again();
            // What leads cannot renew its lease, ends, and is started anew by whoever keeps it.
            scene.operator.ended(30 * SECONDS).await.context("a leader that cannot renew")?;
            let options = ProcessOptions { env: lease(MODEST), ..ProcessOptions::default() };
            let second = stage.start(options)?;
            wait_for("it to say why it is not ready", 60 * SECONDS, async || {
                let (code, words) = second.readiness().await?;
                Ok(Seen::when(code != 200 && words.contains(FULL), (), words))
            })
            .await?;
            let waits = change.record().await?;
            ensure!(waits.phase == Phase::AwaitingApproval, "seed {seed}: it went on to {}", waits.phase);
            Ok(second)
        };
        let outcome = unready.await;
        set(&stage.cluster, "DEACTIVATE").await?;
        let mut second = outcome?;
        let writes = audit.writes_by(&change.accounts()).await?;
        ensure!(writes.is_empty(), "seed {seed}: written while nothing could be recorded: {writes:#?}");
        second.ready(60 * SECONDS).await?;
        change.end(60 * SECONDS).await?;
        Box::pin(aftermath::judge(stage, stage.life, (&change, &audit)))
            .await
            .with_context(|| format!("seed {seed}"))?;
        second.kill()?;
        row.held(seed, None)?;
    }
    Ok(())
}

/// R47: how long a one-shot account has authority, from its names being recorded to its revocation being recorded.
pub(crate) async fn lifetimes(stage: &Stage) -> Result<()> {
    let row = Row::of("R47", 1)?;
    let mut scene = Scene::set(stage).await?;
    for seed in row.seeds() {
        let before = stage.namespace.api::<bailiwick_api::Change>().list(&Default::default()).await?.items.len();
        Box::pin(scene.live()).await?;
        let all = stage.namespace.api::<bailiwick_api::Change>().list(&Default::default()).await?.items;
        ensure!(all.len() > before, "seed {seed}: no Change was made");
        let newest = all.iter().max_by_key(|c| c.metadata.creation_timestamp.as_ref().map(|t| t.0));
        let record = newest.and_then(|c| c.status.clone()).context("a Change without a record")?;
        let grants = record.planning.iter().chain(record.executions.iter().map(|e| &e.grant));
        let mut longest = std::time::Duration::ZERO;
        for grant in grants {
            let gone = grant.revoked_at.context("a grant that was never revoked")?;
            let lived = std::time::Duration::try_from(gone.duration_since(grant.granted_at))?;
            ensure!(lived <= 60 * SECONDS, "seed {seed}: {} lived for {lived:.1?}", grant.account);
            longest = longest.max(lived);
        }
        row.held(seed, Some(longest))?;
    }
    scene.operator.kill()
}
