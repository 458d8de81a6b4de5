//! Whether anything of a one-shot grant is left.
//!
//! Looks for ServiceAccounts, Secrets, RoleBindings, ClusterRoleBindings and fence revisions by label and by name, so that a leftover whose label was lost is found as well. Reads only.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bailiwick_core::fence::{ACCOUNT_PREFIX, FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::cluster::TestCluster;
use crate::wait::{Seen, wait_for};

/// Label of every object of a grant.
const GRANT_LABEL: &str = "bailiwick.dev/grant";

/// An object that belongs to a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What of grants was there at one moment.
#[derive(Debug, Clone)]
pub struct Baseline {
    there: BTreeSet<Leftover>,
}

impl Baseline {
    /// Takes stock.
    ///
    /// # Errors
    /// Fails where a list cannot be had.
    pub async fn take(cluster: &TestCluster) -> Result<Self> {
        Ok(Self { there: stock(&cluster.admin()).await? })
    }

    /// What was there.
    pub fn all(&self) -> Vec<Leftover> {
        self.there.iter().cloned().collect()
    }

    /// What of grants is there now and was not before.
    ///
    /// # Errors
    /// Fails where a list cannot be had.
    pub async fn leftovers(&self, cluster: &TestCluster) -> Result<Vec<Leftover>> {
        let now = stock(&cluster.admin()).await?;
        Ok(now.difference(&self.there).cloned().collect())
    }

    /// Returns when nothing is left; the product promises 60 s after a terminal state.
    ///
    /// # Errors
    /// Fails when `timeout` is over, naming what is left.
    pub async fn restored(&self, cluster: &TestCluster, timeout: Duration) -> Result<()> {
        wait_for("grants to leave nothing behind", timeout, async || {
            let left = self.leftovers(cluster).await?;
            Ok(Seen::when(left.is_empty(), (), left))
        })
        .await
    }
}

async fn stock(client: &Client) -> Result<BTreeSet<Leftover>> {
    let grants = GRANTS_NAMESPACE;
    let mut all = BTreeSet::new();
    all.extend(named::<ServiceAccount>(Api::all(client.clone())).await?);
    all.extend(named::<Secret>(Api::all(client.clone())).await?);
    all.extend(named::<RoleBinding>(Api::all(client.clone())).await?);
    all.extend(named::<ClusterRoleBinding>(Api::all(client.clone())).await?);
    all.extend(fence(Api::namespaced(client.clone(), grants)).await?);
    Ok(all)
}

/// Objects whose name or label says that they belong to a grant.
async fn named<K>(api: Api<K>) -> Result<Vec<Leftover>>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let list =
        api.list_metadata(&ListParams::default()).await.with_context(|| format!("list every {}", K::kind(&())))?;
    let ours = list.iter().filter(|o| o.name_any().starts_with(ACCOUNT_PREFIX) || o.labels().contains_key(GRANT_LABEL));
    Ok(ours.map(leftover::<K, _>).collect())
}

/// Fence revisions that hold a grant: one without any, and the one that suspends, are no leftovers.
async fn fence(api: Api<ControllerRevision>) -> Result<Vec<Leftover>> {
    let selector = format!("{FENCE_LABEL}={FENCE_VALUE}");
    let list = api.list(&ListParams::default().labels(&selector)).await.context("list the fence revisions")?;
    let live = list.iter().filter(|r| r.name_any() != SUSPEND_REVISION && holds_grants(r));
    Ok(live.map(leftover::<ControllerRevision, _>).collect())
}

fn holds_grants(revision: &ControllerRevision) -> bool {
    let grants = revision.data.as_ref().and_then(|data| data.0.get("grants")?.as_object().cloned());
    grants.is_some_and(|grants| !grants.is_empty())
}

fn leftover<K: Resource<DynamicType = ()>, O: kube::ResourceExt>(object: &O) -> Leftover {
    Leftover {
        kind: K::kind(&()).into_owned(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}
