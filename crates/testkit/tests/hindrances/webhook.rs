//! R19: a webhook of somebody else that every write of a Deployment must pass, and that nobody answers for.

use anyhow::{Context as _, ensure};
use bailiwick_testkit::{Flow, Result, Row, SECONDS, Seen, apply, wait_for};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::obstacle::{LATER, Watched, is_write, until_over, until_told};
use crate::stage::Stage;

/// More attempts than that at a write are a loop.
const MOST_WRITES: usize = 3;
const WEBHOOK: &str = "nobody.example.com";

pub(crate) async fn down(stage: &Stage) -> Result<()> {
    let row = Row::of("R19", 2)?;
    let mut watched = Watched::start(stage).await?;
    for seed in row.seeds() {
        let early = seed.is_multiple_of(2);
        let outcome = Box::pin(if early { Either::Early } else { Either::Late }.run(stage, &watched)).await;
        // Whatever came of it, it must not stand in anybody's way.
        let outcome = removed(stage).await.and(outcome);
        outcome.with_context(|| format!("seed {seed}: {}", watched.operator.last_words()))?;
        row.held(seed, None)?;
    }
    watched.operator.kill()
}

/// When the webhook comes.
#[derive(Clone, Copy)]
enum Either {
    /// Before anything is planned.
    Early,
    /// When the fence was seen to hold and the write is on its way.
    Late,
}

impl Either {
    async fn run(self, stage: &Stage, watched: &Watched) -> Result<()> {
        let (since, audit) = (watched.proxy.count(), stage.cluster.audit()?);
        match self {
            Self::Early => installed(stage).await?,
            Self::Late => watched.proxy.flow(|asked| if is_write(asked) { Flow::Silent } else { Flow::Pass }),
        }
        let change = stage.life.begin(stage).await?.change(stage).await?.context("there is no Change")?;
        if matches!(self, Self::Late) {
            wait_for("the write to be on its way", LATER, async || {
                let sent = watched.writes(since);
                Ok(Seen::when(sent >= 1, (), sent))
            })
            .await?;
            installed(stage).await?;
            watched.proxy.flow_again();
        }
        until_told(&change, "WebhookFailed", &["failed calling webhook", WEBHOOK]).await?;
        let (writes, dry_runs) = (watched.writes(since), watched.dry_runs(since));
        ensure!(writes <= MOST_WRITES, "{writes} attempts at a write against a webhook that is down");
        // The pauses double: 0.25 s, 0.5 s, … up to half a minute.
        ensure!(dry_runs <= 16, "{dry_runs} dry runs until it was told");
        let written = audit.writes_of(&change).await?;
        ensure!(written == 0, "the webhook was passed by");
        removed(stage).await?;
        until_over(stage, (&change, &audit)).await?;
        let writes = watched.writes(since);
        ensure!(writes <= MOST_WRITES, "{writes} attempts at a write in all");
        Ok(())
    }
}

fn name(stage: &Stage) -> String {
    format!("{}.example.com", stage.namespace.name())
}

/// Nobody serves it; every update of a Deployment of this namespace must pass it.
async fn installed(stage: &Stage) -> Result<()> {
    let place = stage.namespace.name();
    let object = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name(stage)},
        "webhooks": [{
            "name": WEBHOOK, "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 1,
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"namespace": place, "name": "nobody", "path": "/"}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place}},
            "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["UPDATE"]}],
        }],
    });
    apply(&stage.cluster.admin(), &object, None).await.context("install a webhook")?;
    until_bitten(stage, true).await
}

async fn removed(stage: &Stage) -> Result<()> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(stage.cluster.admin());
    match api.delete(&name(stage), &DeleteParams::default()).await {
        Ok(_) => until_bitten(stage, false).await,
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error).context("remove a webhook"),
    }
}

/// Waits until the API server asks it, or no longer does.
async fn until_bitten(stage: &Stage, asked: bool) -> Result<()> {
    let api: Api<Deployment> = stage.namespace.api();
    let (params, patch) =
        (PatchParams::default().dry_run(), json!({"metadata": {"annotations": {"example.com/probe": "1"}}}));
    wait_for("the API server to know of the webhook", 30 * SECONDS, async || {
        let error = api.patch("web", &params, &Patch::Merge(&patch)).await.err().map(|e| e.to_string());
        let failed = error.as_ref().is_some_and(|e| e.contains("failed calling webhook"));
        Ok(Seen::when(failed == asked, (), error))
    })
    .await
}
