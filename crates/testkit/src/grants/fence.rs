//! The fence's revisions, kept by whoever shows the operator's token. Every change is one new revision and the deletion of the ones before, as the product does it. Tests of one process take turns.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use bailiwick_core::fence::{
    Entry, FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION, parse_revision, revision_data, username,
};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::sync::Mutex;

static TURNS: Mutex<()> = Mutex::const_new(());

const MOST_TRIES: u32 = 5;

/// Live grants as immutable revisions.
pub struct Fence {
    operator: Client,
}

impl Fence {
    pub(super) fn new(operator: Client) -> Self {
        Self { operator }
    }

    pub(super) fn operator(&self) -> Client {
        self.operator.clone()
    }

    fn api(&self) -> Api<ControllerRevision> {
        Api::namespaced(self.operator.clone(), GRANTS_NAMESPACE)
    }

    /// Puts or replaces an account's grant.
    ///
    /// # Errors
    /// Fails where the API server refuses the revision.
    pub async fn put(&self, account: &str, entry: Entry) -> Result<()> {
        self.change(|grants| {
            grants.insert(username(account), entry.clone());
        })
        .await
    }

    /// Takes an account's grant out.
    ///
    /// # Errors
    /// Fails where the API server refuses the revision.
    pub async fn take(&self, account: &str) -> Result<()> {
        self.change(|grants| {
            grants.remove(&username(account));
        })
        .await
    }

    /// Makes sure that a revision exists.
    ///
    /// # Errors
    /// Fails where the API server refuses the revision.
    pub async fn establish(&self) -> Result<()> {
        self.change(|_| {}).await
    }

    /// Removes every revision but the one that suspends.
    ///
    /// # Errors
    /// Fails where the API server refuses.
    pub async fn raze(&self) -> Result<()> {
        let _turn = TURNS.lock().await;
        for (name, ..) in self.revisions().await? {
            self.remove(&name).await?;
        }
        Ok(())
    }

    async fn change(&self, change: impl Fn(&mut BTreeMap<String, Entry>)) -> Result<()> {
        let _turn = TURNS.lock().await;
        for _ in 0..MOST_TRIES {
            let all = self.revisions().await?;
            let newest = all.iter().max_by_key(|(_, number, _)| *number);
            let (number, mut grants) = newest.map(|(_, n, grants)| (*n, grants.clone())).unwrap_or_default();
            change(&mut grants);
            if !self.create(number + 1, &grants).await? {
                continue;
            }
            for (name, ..) in &all {
                self.remove(name).await?;
            }
            return Ok(());
        }
        bail!("the fence was changed by somebody else {MOST_TRIES} times in a row")
    }

    async fn revisions(&self) -> Result<Vec<(String, i64, BTreeMap<String, Entry>)>> {
        let params = ListParams::default().labels(&format!("{FENCE_LABEL}={FENCE_VALUE}"));
        let list = self.api().list(&params).await.context("list the fence revisions")?;
        let ours = list.items.into_iter().filter(|r| r.name_any() != SUSPEND_REVISION);
        ours.map(|r| {
            let data = r.data.as_ref().map_or(Value::Null, |d| d.0.clone());
            let grants = parse_revision(&data).with_context(|| format!("read {}", r.name_any()))?;
            Ok((r.name_any(), r.revision, grants))
        })
        .collect()
    }

    /// False if the name is taken.
    async fn create(&self, number: i64, grants: &BTreeMap<String, Entry>) -> Result<bool> {
        let object = json!({
            "metadata": {"name": format!("fence-{number:010}"), "labels": {FENCE_LABEL: FENCE_VALUE}},
            "revision": number,
            "data": revision_data(grants)?,
        });
        let revision: ControllerRevision = serde_json::from_value(object).context("build a revision")?;
        match self.api().create(&PostParams::default(), &revision).await {
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(false),
            outcome => outcome.map(|_| true).context("create a fence revision"),
        }
    }

    async fn remove(&self, name: &str) -> Result<()> {
        match self.api().delete(name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            outcome => outcome.map(|_| ()).context("delete a fence revision"),
        }
    }
}
