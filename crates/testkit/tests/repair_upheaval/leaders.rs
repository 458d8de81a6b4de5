//! Two replicas: the one that leads is killed, the other goes on.

use anyhow::Context as _;
use bailiwick_api::manifests::OPERATOR;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::Phase;
use bailiwick_testkit::{Baseline, Result, SECONDS, Seen, wait_for};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;

use crate::scene::{LATER, Scene};

const CHANGES: usize = 6;

/// Who leads, once it is somebody else than `before`.
async fn leader(scene: &Scene, before: &str) -> Result<String> {
    let leases: Api<Lease> = Api::namespaced(scene.cluster.admin(), SYSTEM_NAMESPACE);
    wait_for("a leader", LATER, async || {
        let lease = leases.get(OPERATOR).await?;
        let holder = lease.spec.and_then(|s| s.holder_identity).unwrap_or_default();
        Ok(Seen::when(!holder.is_empty() && holder != before, holder.clone(), holder))
    })
    .await
}

#[tokio::test]
async fn the_other_replica_goes_on() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("leaders")).await? else { return Ok(()) };
    let options = scene.cluster.install_options()?.with_replicas(2)?;
    scene.cluster.start_operator_with(&options).await?;
    let mut changes = Vec::new();
    for n in 0..CHANGES {
        changes.push(scene.quota(&format!("quota-{n}")).await?);
    }
    for change in &changes {
        scene.bob.approve(change).await?;
    }
    changes[0].until("been granted something", LATER, |r| r.phase >= Phase::Granting).await?;
    let first = leader(&scene, "").await?;
    let pods: Api<Pod> = Api::namespaced(scene.cluster.admin(), SYSTEM_NAMESPACE);
    let begin = std::time::Instant::now();
    pods.delete(&first, &DeleteParams::default().grace_period(0)).await.context("kill the leader")?;
    for change in &changes {
        change.phase(Phase::Recovered, LATER).await?;
        // The killed one's write may be in doubt: stored, and answered to nobody.
        let (certain, possible) = scene.audit.writes_and_doubts(&change.accounts()).await?;
        assert!(certain <= 1 && !possible.is_empty(), "{}: {possible:#?}", change.name());
    }
    println!("{CHANGES} changes recovered {:.1} s after the leader was killed", begin.elapsed().as_secs_f64());
    // All may have ended before the killing: the new leader acts as well.
    leader(&scene, &first).await.context("after the killing")?;
    let fresh = scene.quota("fresh").await?;
    scene.bob.approve(&fresh).await?;
    fresh.phase(Phase::Recovered, LATER).await?;
    // What the killed one left goes with a sweep.
    wait_for("no grants", 60 * SECONDS, async || {
        let left = Baseline::take(&scene.cluster).await?.all();
        Ok(Seen::when(left.is_empty(), (), left))
    })
    .await?;
    scene.cluster.receipts().await?;
    scene.cluster.stop_operator().await
}
