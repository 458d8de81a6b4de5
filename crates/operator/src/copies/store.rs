//! The copies as ControllerRevisions in `bailiwick-grants`: immutable, and written by nobody but the operator.
//!
//! Owns which of them are genuine. Must never take a copy that the operator's own key has not signed: what
//! somebody has put there in its place is told and removed. Talks to the API server; reads the mounted key.

use crate::changes::receipts::load_signer;
use crate::config::Config;
use crate::metrics::{Call, Metrics};
use bailiwick_core::canonical;
use bailiwick_core::copies::{COPY_LABEL, COPY_VALUE, Copy, MOST};
use bailiwick_core::fence::GRANTS_NAMESPACE;
use bailiwick_core::index::CopyRow;
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::receipt::PublicKey;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Copies that are read at a time.
const PAGE: u32 = 50;

/// Why a copy could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The API server refused or could not be reached.
    #[error("cannot {step}")]
    Api {
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        #[source]
        source: Box<kube::Error>,
    },
    /// There is no key to sign with.
    #[error("a copy cannot be signed: {0}")]
    Key(String),
}

fn failed(step: &'static str) -> impl Fn(kube::Error) -> StoreError {
    move |error| StoreError::Api { step, source: Box::new(error) }
}

/// A copy that is kept.
struct Known {
    name: String,
    at: Timestamp,
    /// SHA-256 over the object.
    content: String,
}

/// The copies that are kept.
pub(super) struct Store {
    client: Client,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    known: BTreeMap<ObjectRef, Known>,
}

impl Store {
    pub(super) fn new(client: Client, config: Arc<Config>, metrics: Arc<Metrics>) -> Self {
        Self { client, config, metrics, known: BTreeMap::new() }
    }

    fn revisions(&self) -> Api<ControllerRevision> {
        Api::namespaced(self.client.clone(), GRANTS_NAMESPACE)
    }

    /// Of what copies are kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = &ObjectRef> {
        self.known.keys()
    }

    /// Reads the copies that there are, and returns those that were not known. Of two of one object the newer
    /// stays; what is not the operator's goes.
    pub(super) async fn load(&mut self) -> Result<Vec<CopyRow>, StoreError> {
        let mut rows = BTreeMap::new();
        // Without a key nothing can be told from what was planted; and nothing may be executed either.
        let Ok(signer) = load_signer(&self.config.signing_key_dir) else { return Ok(Vec::new()) };
        let mut how = ListParams::default().labels(&format!("{COPY_LABEL}={COPY_VALUE}")).limit(PAGE);
        loop {
            self.metrics.api(Call::Detect, "list");
            let page = self.revisions().list(&how).await.map_err(failed("list the copies"))?;
            for revision in page.items {
                let row = self.read_copy(revision, signer.public()).await?;
                rows.extend(row.map(|row| (row.of.clone(), row)));
            }
            how.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if how.continue_token.is_none() {
                return Ok(rows.into_values().collect());
            }
        }
    }

    /// Takes in what a revision holds, or removes it where that is not the operator's.
    async fn read_copy(
        &mut self,
        revision: ControllerRevision,
        key: &PublicKey,
    ) -> Result<Option<CopyRow>, StoreError> {
        let name = revision.metadata.name.unwrap_or_default();
        let data = revision.data.map(|d| d.0).unwrap_or(Value::Null);
        match Copy::open(&name, &data, key) {
            Ok(copy) => self.take(name, &copy).await,
            Err(why) => {
                self.metrics.malformed("Copy");
                tracing::warn!(copy.name = name, why = %why, "a copy that the operator has not made is removed");
                self.delete(&name).await.map(|()| None)
            }
        }
    }

    /// Takes a copy in unless a newer one is known; the older of both is deleted.
    async fn take(&mut self, name: String, copy: &Copy) -> Result<Option<CopyRow>, StoreError> {
        let Some(row) = copy.row() else { return Ok(None) };
        if self.known.get(&row.of).is_some_and(|known| known.name == name) {
            return Ok(None);
        }
        if self.known.get(&row.of).is_some_and(|known| known.at >= copy.at) {
            self.delete(&name).await?;
            return Ok(None);
        }
        let known = Known { name, at: copy.at, content: content(copy) };
        if let Some(old) = self.known.insert(row.of.clone(), known) {
            self.delete(&old.name).await?;
        }
        Ok(Some(row))
    }

    /// The live object, whole.
    pub(super) async fn read(&self, target: &ObjectRef) -> Result<Option<Value>, StoreError> {
        let resource = match target.kind {
            Kind::Service => ApiResource::erase::<Service>(&()),
            _ => ApiResource::erase::<ConfigMap>(&()),
        };
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), target.namespace_str(), &resource);
        self.metrics.api(Call::Detect, "get");
        let found = api.get_opt(target.name.as_str()).await.map_err(failed("read an object to be kept"))?;
        Ok(found.and_then(|object| serde_json::to_value(object).ok()))
    }

    /// Keeps a copy in place of the one before; nothing where it is the same object, or there are too many.
    pub(super) async fn keep(&mut self, copy: &Copy) -> Result<Option<CopyRow>, StoreError> {
        let Some(of) = copy.target() else { return Ok(None) };
        let known = self.known.get(&of);
        if known.is_some_and(|known| known.content == content(copy)) {
            return Ok(None);
        }
        if known.is_none() && self.known.len() >= MOST {
            tracing::warn!(object = %of, copies = MOST, "no copy is kept: there are as many as there may be");
            return Ok(None);
        }
        let name = copy.name();
        let signer = load_signer(&self.config.signing_key_dir).map_err(|e| StoreError::Key(e.to_string()))?;
        let sealed = copy.seal(&signer).map_err(|e| StoreError::Key(e.to_string()))?;
        if !self.create(&name, &sealed).await? {
            // Its name holds the digest: what stands there is this very copy, or was planted.
            self.delete(&name).await?;
            self.create(&name, &sealed).await?;
        }
        tracing::info!(object = %of, copy.name = name, copy.digest = copy.digest(), "a last-known-good copy is kept");
        self.take(name, copy).await
    }

    /// Creates the revision; false if its name is taken.
    async fn create(&self, name: &str, sealed: &Value) -> Result<bool, StoreError> {
        let object = json!({
            "metadata": {"name": name, "labels": {COPY_LABEL: COPY_VALUE, "app.kubernetes.io/managed-by": "bailiwick"}},
            "revision": 1,
            "data": sealed,
        });
        let revision: ControllerRevision =
            serde_json::from_value(object).map_err(|e| failed("make a copy")(kube::Error::SerdeError(e)))?;
        self.metrics.api(Call::Detect, "create");
        match self.revisions().create(&PostParams::default(), &revision).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(false),
            Err(error) => Err(failed("create a copy")(error)),
        }
    }

    /// Deletes the copy of an object.
    pub(super) async fn forget(&mut self, of: &ObjectRef) -> Result<(), StoreError> {
        if let Some(known) = self.known.get(of) {
            let name = known.name.clone();
            self.delete(&name).await?;
            self.known.remove(of);
        }
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.metrics.api(Call::Detect, "delete");
        match self.revisions().delete(name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other.map(|_| ()).map_err(failed("delete a copy")),
        }
    }
}

fn content(copy: &Copy) -> String {
    canonical::sha256_hex(&canonical::to_bytes(&copy.object))
}
