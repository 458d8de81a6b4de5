//! Everything that was stored about a Change, in the order in which etcd stored it.
//!
//! Owns the watches that note every version of the Change, its target, its approvals, its receipts, its one-shot accounts, their bindings and the fence. Versions of one etcd are in one order, whatever kind they are of, so that "before" means before. Reads only; what must hold of a history is said in `check`.

mod check;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use futures::StreamExt as _;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::runtime::watcher::{self, Event as Watched, watcher};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::cluster::TestCluster;
use crate::namespace::Namespace;
use crate::wait::{Seen, wait_for};

/// One object as it was stored, or its removal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The revision at which it was stored or removed.
    pub version: u64,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// True for its removal.
    pub removed: bool,
    /// The object.
    pub object: Value,
}

/// What was stored, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// All of it.
    pub stored: Vec<Stored>,
}

type Noted = Arc<Mutex<Vec<Stored>>>;

/// Watches that note what is stored; they end when this is dropped.
pub struct Recorder {
    noted: Noted,
    changes: Api<DynamicObject>,
    _watching: JoinSet<()>,
}

/// Group, version, kind, and where it is looked for; nowhere means the test's namespace.
const KINDS: [(&str, &str, &str, Option<&str>); 8] = [
    ("bailiwick.dev", "v1alpha1", "Change", None),
    ("bailiwick.dev", "v1alpha1", "Approval", None),
    ("bailiwick.dev", "v1alpha1", "Receipt", Some(SYSTEM_NAMESPACE)),
    ("apps", "v1", "Deployment", None),
    ("", "v1", "ResourceQuota", None),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", None),
    ("", "v1", "ServiceAccount", Some(GRANTS_NAMESPACE)),
    ("apps", "v1", "ControllerRevision", Some(GRANTS_NAMESPACE)),
];

impl Recorder {
    /// Begins to note what is stored about Changes of that namespace; returns when every watch is open.
    ///
    /// # Errors
    /// Fails where a watch does not open in time.
    pub async fn start(cluster: &TestCluster, namespace: &Namespace) -> Result<Self> {
        let noted = Noted::default();
        let open = Arc::new(Mutex::new(0));
        let mut watching = JoinSet::new();
        let api = |(group, version, kind, place): (&str, &str, &str, Option<&str>)| {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            Api::<DynamicObject>::namespaced_with(cluster.admin(), place.unwrap_or(namespace.name()), &resource)
        };
        for kind in KINDS {
            watching.spawn(note(api(kind), kind.2, Arc::clone(&noted), Arc::clone(&open)));
        }
        wait_for("the watches of a history", Duration::from_secs(30), async || {
            let open = *open.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(Seen::when(open >= KINDS.len(), (), open))
        })
        .await?;
        Ok(Self { noted, changes: api(KINDS[0]), _watching: watching })
    }

    /// The history up to the last version of the Change `name`.
    ///
    /// # Errors
    /// Fails where that version does not come to be noted.
    pub async fn until_now(&self, name: &str) -> Result<History> {
        let last = version_of(&self.changes.get(name).await.context("read the Change")?)?;
        wait_for("the last version to be noted", Duration::from_secs(30), async || {
            let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let there = noted.iter().any(|s| s.kind == "Change" && s.name == name && s.version == last);
            Ok(Seen::when(there, (), noted.len()))
        })
        .await?;
        let mut stored = self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stored.sort_by_key(|s| s.version);
        stored.dedup_by_key(|s| (s.version, s.kind.clone(), s.name.clone()));
        Ok(History { stored })
    }
}

impl History {
    /// Checks what must hold of a Change from its proposal to its end, in a run in which nobody else touched its target.
    ///
    /// # Errors
    /// Names the first promise that was broken, and where.
    pub fn check(&self, name: &str) -> Result<()> {
        let broken = check::check(self, name);
        ensure!(broken.is_ok(), "the history of {name}: {}", broken.err().unwrap_or_default());
        Ok(())
    }
}

async fn note(api: Api<DynamicObject>, kind: &'static str, noted: Noted, open: Arc<Mutex<usize>>) {
    let mut events = std::pin::pin!(watcher(api, watcher::Config::default()));
    while let Some(event) = events.next().await {
        let (object, removed) = match event {
            Ok(Watched::Apply(object) | Watched::InitApply(object)) => (object, false),
            Ok(Watched::Delete(object)) => (object, true),
            Ok(Watched::InitDone) => {
                *open.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                continue;
            }
            // It is opened again where it was; what it missed comes then.
            Ok(Watched::Init) | Err(_) => continue,
        };
        if let (Ok(version), Some(name)) = (version_of(&object), object.metadata.name.clone()) {
            let object = serde_json::to_value(&object).unwrap_or_default();
            let stored = Stored { version, kind: kind.to_owned(), name, removed, object };
            noted.lock().unwrap_or_else(PoisonError::into_inner).push(stored);
        }
    }
}

fn version_of(object: &DynamicObject) -> Result<u64> {
    let version = object.metadata.resource_version.as_deref().context("an object without a version")?;
    version.parse().context("read a version")
}
