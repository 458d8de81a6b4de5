//! The fence keeper: live grants as immutable revisions.
//!
//! Owns the sequence of ControllerRevisions in `bailiwick-grants`. Must never leave the fence
//! without a revision: without one the policy has nothing to compare with. Talks to the API server.

use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_core::fence::{
    Entry, FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION, parse_revision, revision_data, username,
};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// Prefix of the revisions' names; the number follows, zero-padded so that names sort.
const NAME_PREFIX: &str = "fence-";

/// Why the fence could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FenceError {
    /// The API server refused or could not be reached.
    #[error("cannot {step}: {source}")]
    Failed {
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        source: Box<kube::Error>,
    },
    /// A revision is there that this operator cannot have written.
    #[error("fence revision {0} cannot be read: {1}")]
    Foreign(String, String),
    /// Too many others changed the fence at the same time.
    #[error("the fence was changed by another operator {0} times in a row")]
    Contended(u32),
}

fn failed(step: &'static str) -> impl Fn(kube::Error) -> FenceError {
    move |error| FenceError::Failed { step, source: Box::new(error) }
}

#[derive(Debug, Clone, Default)]
struct Current {
    number: i64,
    grants: BTreeMap<String, Entry>,
}

/// Keeps the fence; one change at a time in this process, compare-and-swap between processes.
#[derive(Default)]
pub(crate) struct Fence {
    current: Mutex<Option<Current>>,
}

const MOST_TRIES: u32 = 5;

impl Fence {
    /// Puts or replaces the grant of an account.
    pub(crate) async fn put(&self, ctx: &Context, account: &str, entry: Entry) -> Result<(), FenceError> {
        let user = username(account);
        self.update(ctx, Call::Grant, |grants| grants.insert(user.clone(), entry.clone()).as_ref() != Some(&entry))
            .await
    }

    /// Takes the grant of an account out.
    pub(crate) async fn take(&self, ctx: &Context, account: &str) -> Result<(), FenceError> {
        let user = username(account);
        self.update(ctx, Call::Revoke, |grants| grants.remove(&user).is_some()).await
    }

    /// Accounts with a live grant.
    pub(crate) async fn accounts(&self, ctx: &Context) -> Result<Vec<String>, FenceError> {
        let mut slot = self.current.lock().await;
        let current = load(ctx, &mut slot).await?;
        let prefix = username("");
        Ok(current.grants.keys().filter_map(|user| user.strip_prefix(&prefix).map(str::to_owned)).collect())
    }

    /// Makes sure that a revision exists, so that the policies have something to compare with.
    pub(crate) async fn establish(&self, ctx: &Context) -> Result<(), FenceError> {
        *self.current.lock().await = None;
        self.update(ctx, Call::Grant, |_| false).await
    }

    async fn update(
        &self,
        ctx: &Context,
        purpose: Call,
        change: impl Fn(&mut BTreeMap<String, Entry>) -> bool,
    ) -> Result<(), FenceError> {
        let mut slot = self.current.lock().await;
        for _ in 0..MOST_TRIES {
            let current = load(ctx, &mut slot).await?;
            let mut grants = current.grants.clone();
            let changed = change(&mut grants);
            if !changed && current.number > 0 {
                return Ok(());
            }
            let next = Current { number: current.number + 1, grants };
            // Held again only once it is known to be so: after a lost reply, or where another
            // operator was faster, the fence is looked at anew.
            *slot = None;
            if create(ctx, purpose, &next).await? {
                crate::failpoint!("fence-created");
                delete_older(ctx, purpose, current.number).await?;
                ctx.metrics.grants_counted(next.grants.len());
                *slot = Some(next);
                return Ok(());
            }
        }
        Err(FenceError::Contended(MOST_TRIES))
    }
}

fn api(ctx: &Context) -> Api<ControllerRevision> {
    Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE)
}

fn name_of(number: i64) -> String {
    format!("{NAME_PREFIX}{number:010}")
}

/// The held state, or the newest revision; older ones, left by a crash, are deleted.
async fn load(ctx: &Context, slot: &mut Option<Current>) -> Result<Current, FenceError> {
    if let Some(current) = slot {
        return Ok(current.clone());
    }
    ctx.metrics.api(Call::Grant, "list");
    let selector = format!("{FENCE_LABEL}={FENCE_VALUE}");
    let list =
        api(ctx).list(&ListParams::default().labels(&selector)).await.map_err(failed("list the fence revisions"))?;
    let mut newest = Current::default();
    let mut older = Vec::new();
    for revision in list.items {
        let name = revision.metadata.name.clone().unwrap_or_default();
        if name == SUSPEND_REVISION {
            continue;
        }
        let data = revision.data.map(|d| d.0).unwrap_or(Value::Null);
        let grants = parse_revision(&data).map_err(|e| FenceError::Foreign(name.clone(), e.to_string()))?;
        if revision.revision > newest.number {
            older.push(std::mem::replace(&mut newest, Current { number: revision.revision, grants }).number);
        } else {
            older.push(revision.revision);
        }
    }
    for number in older.into_iter().filter(|n| *n > 0) {
        remove(ctx, Call::Revoke, number).await?;
    }
    ctx.metrics.grants_counted(newest.grants.len());
    *slot = Some(newest.clone());
    Ok(newest)
}

/// Creates the revision; false if its name is taken.
async fn create(ctx: &Context, purpose: Call, next: &Current) -> Result<bool, FenceError> {
    let name = name_of(next.number);
    let data = revision_data(&next.grants).map_err(|e| FenceError::Foreign(name.clone(), e.to_string()))?;
    let object = json!({
        "metadata": {"name": name, "labels": {FENCE_LABEL: FENCE_VALUE, "app.kubernetes.io/managed-by": "bailiwick"}},
        "revision": next.number,
        "data": data,
    });
    let revision: ControllerRevision =
        serde_json::from_value(object).map_err(|e| FenceError::Foreign(name, e.to_string()))?;
    ctx.metrics.api(purpose, "create");
    match api(ctx).create(&PostParams::default(), &revision).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(false),
        Err(error) => Err(failed("create a fence revision")(error)),
    }
}

async fn delete_older(ctx: &Context, purpose: Call, number: i64) -> Result<(), FenceError> {
    if number > 0 { remove(ctx, purpose, number).await } else { Ok(()) }
}

async fn remove(ctx: &Context, purpose: Call, number: i64) -> Result<(), FenceError> {
    ctx.metrics.api(purpose, "delete");
    match api(ctx).delete(&name_of(number), &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(|_| ()).map_err(failed("delete a fence revision")),
    }
}
