//! The metrics server, for scenarios about autoscalers: without it every autoscaler is broken for a reason that no scenario means.
//!
//! Writes as the administrator, once for all scenarios; it stays.

use std::time::Duration;

use anyhow::{Context as _, Result};
use http::Method;

use super::images::{METRICS, Pushed};
use crate::answer::send;
use crate::apply::{apply, documents};
use crate::cluster::TestCluster;
use crate::wait::{Seen, wait_for};

const MANIFEST: &str = include_str!("metrics.yaml");
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// Puts it in place, and returns when it tells the nodes' usage.
pub(super) async fn install(cluster: &TestCluster, images: &Pushed) -> Result<()> {
    let image = images.get(METRICS).context("the metrics server's image was not pushed")?;
    for object in documents(&MANIFEST.replace("${IMAGE}", image))? {
        apply(&cluster.admin(), &object, None).await.context("install the metrics server")?;
    }
    wait_for("the metrics server", STARTS_WITHIN, async || {
        let answer = send(&cluster.admin(), Method::GET, "/apis/metrics.k8s.io/v1beta1/nodes", None).await?;
        let known = answer.is_success() && answer.body["items"].as_array().is_some_and(|items| !items.is_empty());
        Ok(Seen::when(known, (), answer.body))
    })
    .await
}
