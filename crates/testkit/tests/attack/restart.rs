//! The API server killed again and again: nobody else is refused, and no one-shot account gets a wrong byte in, in the moments when a policy or its parameters might not be there yet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_core::object::Kind;
use bailiwick_testkit::{Need, Result, SECONDS, path_of};
use serde_json::json;

use crate::bystanders::{Bystanders, Counted};
use crate::scene::{Rights, Shot, Upheaval, better_image, idle};

const RESTARTS: usize = 6;

fn label(place: &str) -> Shot {
    Shot::merge(path_of(Kind::Deployment, place, "web"), json!({"metadata": {"labels": {"evil": "yes"}}}))
}

/// As `kill -9` does, again and again, with writers and a one-shot account trying all the while.
#[tokio::test]
async fn a_restarted_api_server_refuses_nobody_and_admits_nothing() -> Result<()> {
    let Some(upheaval) = Upheaval::begin(&[Need::Restart, Need::Audit]).await? else {
        return Ok(());
    };
    let cluster = &upheaval.cluster;
    let scene = upheaval.with_web("up-restart", Rights::Every).await?;
    let outside = cluster.namespace("up-restart-out").create().await?;
    outside.apply(&idle("web").deployment()).await?;
    let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&approved.dry()).await?;
    let watch = Bystanders::start(cluster, scene.namespace.name(), outside.name()).await?;
    let (stop, mut attacks) = (AtomicBool::new(false), Counted::default());
    let stranger = cluster.one_shot(scene.namespace.name(), None).await?.with_every_right().await?;
    let attack = async {
        let place = scene.namespace.name();
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "evil"}});
        while !stop.load(Ordering::Relaxed) {
            for (shot, client) in [
                (label(place), scene.account.client()),
                (Shot::post(path_of(Kind::ServiceAccount, place, ""), account.clone()), scene.account.client()),
                (label(outside.name()), scene.account.client()),
                (approved.dry(), stranger.client()),
            ] {
                let outcome = tokio::time::timeout(20 * SECONDS, shot.sent(client)).await;
                attacks.add(outcome.map_err(anyhow::Error::from).and_then(|inner| inner));
            }
            // While nobody answers there is nothing to be gained by asking faster.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let restart = async || {
        for round in 0..RESTARTS {
            let step = |error: anyhow::Error| error.context(format!("restart {round}"));
            cluster.restart_apiserver(Duration::from_millis(100)).await.map_err(step)?;
            scene.admitted_within(&approved.dry(), 60 * SECONDS).await.map_err(step)?;
            watch.at_least(30).await.map_err(step)?;
        }
        anyhow::Ok(())
    };
    let restarts = async {
        let outcome = restart().await;
        stop.store(true, Ordering::Relaxed);
        outcome
    };
    let ((), restarted) = tokio::join!(attack, restarts);
    restarted?;
    assert_eq!(attacks.done, 0, "{attacks:#?}");
    assert!(attacks.refused_otherwise.is_empty(), "{attacks:#?}");
    assert!(attacks.refused_by_us.len() > 100, "{} refused", attacks.refused_by_us.len());
    let counted = watch.none_refused(true).await?;
    let live = scene.live(Kind::Deployment, "web").await?;
    assert!(live["metadata"]["labels"].get("evil").is_none(), "{live}");
    tell(&counted, &attacks);
    stranger.retire().await?;
    scene.end().await
}

/// Shown with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the figures of a run are for whoever asks to see them")]
fn tell(counted: &Counted, attacks: &Counted) {
    println!(
        "{RESTARTS} restarts: bystanders {} written, {} unanswered, 0 refused; one-shot accounts 0 admitted, {} refused by policies, {} by RBAC not yet read, {} unanswered",
        counted.done,
        counted.unanswered,
        attacks.refused_by_us.len(),
        attacks.refused_by_rbac,
        attacks.unanswered,
    );
}
