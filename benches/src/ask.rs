//! Asking the API server until it says what is waited for.
//!
//! Owns the patience of benches on a cluster. Writes only what it is given, as whoever the kubeconfig names.

use anyhow::{Context as _, Result, ensure};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The field manager of everything that a bench makes.
const MANAGER: &str = "bailiwick-benches";
/// How long one step may take: policy delays are zero, so this is the cluster's time.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(200);

/// Makes an object, or makes it so.
pub(crate) async fn apply<K>(api: &Api<K>, name: &str, object: &Value) -> Result<()>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let params = PatchParams::apply(MANAGER).force();
    api.patch(name, &params, &Patch::Apply(object)).await.with_context(|| format!("apply {name}"))?;
    Ok(())
}

/// Deletes an object, if there is one.
pub(crate) async fn delete<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    match api.delete(name, &DeleteParams::background()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(|_| ()).with_context(|| format!("delete {name}")),
    }
}

/// Looks until there is something; an error is fatal.
pub(crate) async fn poll<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await.with_context(|| format!("wait for {what}"))? {
            return Ok(found);
        }
        ensure!(begin.elapsed() < patience, "waited {} s for {what}", patience.as_secs());
        sleep(PAUSE).await;
    }
}
