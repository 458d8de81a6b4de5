//! The copies as ControllerRevisions in `bailiwick-grants`: immutable, and written by nobody but the operator.
//!
//! Owns reading, writing and deleting them; which of them count is the core's to say. Must never touch what is
//! not named like a copy. Talks to the API server; reads the mounted key.

use crate::changes::receipts::load_signer;
use crate::config::Config;
use crate::metrics::{Call, Metrics};
use bailiwick_core::copies::{COPY_LABEL, COPY_VALUE, Copy, Place, Shelf, is_name};
use bailiwick_core::fence::{FENCE_LABEL, GRANTS_NAMESPACE};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::receipt::{PublicKey, Signer};
use bailiwick_kit::said::said;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
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

/// The copies that are kept.
pub(super) struct Store {
    client: Client,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    shelf: Shelf,
}

impl Store {
    pub(super) fn new(client: Client, config: Arc<Config>, metrics: Arc<Metrics>) -> Self {
        Self { client, config, metrics, shelf: Shelf::default() }
    }

    fn revisions(&self) -> Api<ControllerRevision> {
        Api::namespaced(self.client.clone(), GRANTS_NAMESPACE)
    }

    /// What is known of the copies.
    pub(super) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The key to sign with.
    pub(super) fn signer(&self) -> Result<Signer, StoreError> {
        load_signer(&self.config.signing_key_dir).map_err(|e| StoreError::Key(e.to_string()))
    }

    /// Reads the copies that there are, and returns of what none is known any more. Of two of one object the newer
    /// stays; what is not the operator's goes.
    pub(super) async fn load(&mut self) -> Result<Vec<ObjectRef>, StoreError> {
        // Without a key nothing can be told from what was planted; and nothing may be executed either.
        let Ok(signer) = self.signer() else { return Ok(Vec::new()) };
        let mut shelf = Shelf::default();
        // What suspends may carry any label.
        let mut how = ListParams::default().labels(&format!("{COPY_LABEL}={COPY_VALUE},!{FENCE_LABEL}")).limit(PAGE);
        loop {
            self.metrics.api(Call::Detect, "list");
            let page = self.revisions().list(&how).await.map_err(failed("list the copies"))?;
            for revision in page.items {
                self.read_copy(&mut shelf, revision, signer.public());
            }
            how.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if how.continue_token.is_none() {
                break;
            }
        }
        if shelf.by_another_key() > 0 {
            tracing::warn!(copies = shelf.by_another_key(), "copies by another key are not believed");
        }
        let before = std::mem::replace(&mut self.shelf, shelf);
        self.clear().await;
        Ok(before.rows().map(|row| row.of.clone()).filter(|of| self.shelf.row(of).is_none()).collect())
    }

    /// Takes in what a revision holds; what is named otherwise than a copy is none of the keeper's.
    fn read_copy(&self, shelf: &mut Shelf, revision: ControllerRevision, key: &PublicKey) {
        let name = revision.metadata.name.filter(|name| is_name(name));
        let data = revision.data.map(|d| d.0).unwrap_or(Value::Null);
        let Some(name) = name else { return };
        if let Err(why) = shelf.read(&name, &data, key) {
            self.metrics.malformed("Copy");
            tracing::warn!(copy.name = name, why = %why, "a copy that the operator has not made is removed");
        }
    }

    /// Deletes what is not needed. What cannot be deleted is found again when all is read.
    async fn clear(&mut self) {
        for name in self.shelf.take_surplus() {
            if let Err(error) = self.delete(&name).await {
                tracing::warn!(
                    copy.name = name,
                    error = said(&error),
                    "a copy that is not needed cannot be deleted yet"
                );
            }
        }
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

    /// Keeps a copy in place of the one before, where the object is another and was written since.
    pub(super) async fn keep(
        &mut self,
        copy: &Copy,
        written: Option<Timestamp>,
        signer: &Signer,
    ) -> Result<(), StoreError> {
        let name = copy.name();
        match self.shelf.place(copy, written) {
            Place::Same => return Ok(()),
            Place::Unproved => {
                tracing::info!(copy.name = name, "no copy is kept: nothing tells when the object was changed");
                return Ok(());
            }
            Place::Taken => {}
        }
        let sealed = copy.seal(signer).map_err(|e| StoreError::Key(e.to_string()))?;
        if !self.create(&name, &sealed).await? {
            // Its name holds the digest: what stands there is this very copy, or was planted.
            self.delete(&name).await?;
            self.create(&name, &sealed).await?;
        }
        tracing::info!(copy.name = name, copy.digest = copy.digest(), "a last-known-good copy is kept");
        self.shelf.put(copy);
        self.clear().await;
        Ok(())
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

    /// Deletes whatever is kept of an object.
    pub(super) async fn forget(&mut self, of: &ObjectRef) {
        self.shelf.forget(of);
        self.clear().await;
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.metrics.api(Call::Detect, "delete");
        match self.revisions().delete(name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other.map(|_| ()).map_err(failed("delete a copy")),
        }
    }
}
