//! What the executor keeps in sight: Changes, Approvals, Mandates, namespaces, the kill switch,
//! and that a policy of the API server has changed.
//!
//! Owns the watches of these kinds. Must never let one malformed object stall a watch. Talks to
//! the API server.

use bailiwick_api::{Approval, Change, Mandate};
use bailiwick_core::fence::{GRANTS_NAMESPACE, SUSPEND_REVISION, SYSTEM_NAMESPACE};
use bailiwick_kit::said::said;
use futures::{Stream, StreamExt};
use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{self, Lookup, Store};
use kube::runtime::{WatchStreamExt, watcher};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// An object that parsed, or what is known of one that did not.
pub(crate) type Guarded<K> = DeserializeGuard<K>;

/// The stores.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) changes: Store<Guarded<Change>>,
    pub(crate) approvals: Store<Guarded<Approval>>,
    pub(crate) mandates: Store<Guarded<Mandate>>,
    pub(crate) namespaces: Store<PartialObjectMeta<Namespace>>,
    pub(crate) switches: Store<PartialObjectMeta<ControllerRevision>>,
}

/// What happened to make Changes worth another look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wake {
    /// One Change, by namespace and name.
    Change(String, String),
    /// One Change that was written, by namespace, name and resourceVersion.
    Written(String, String, Option<u64>),
    /// Nothing: an ended Change.
    Nothing,
    /// All Changes of a namespace.
    Namespace(String),
    /// All Changes.
    All,
    /// The fence's policies must be compared anew.
    Policies,
}

type Wakes = std::pin::Pin<Box<dyn Stream<Item = Wake> + Send>>;

/// A store and the stream that fills it; the stream must be polled.
fn keep<K, F>(api: Api<K>, config: watcher::Config, wake: F) -> (Store<K>, Wakes)
where
    K: kube::Resource<DynamicType = ()>
        + Lookup<DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
    F: Fn(&K) -> Wake + Send + 'static,
{
    let (reader, writer) = reflector::store();
    let wakes = watcher(api, config).default_backoff().reflect(writer).filter_map(move |event| {
        let wake = match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::Delete(object) | watcher::Event::InitApply(object)) => {
                Some(wake(&object))
            }
            Ok(watcher::Event::Init | watcher::Event::InitDone) => None,
            Err(error) => {
                tracing::warn!(error = said(&error), "a watch failed and is being resumed");
                None
            }
        };
        std::future::ready(wake)
    });
    (reader, Box::pin(wakes))
}

impl Stores {
    /// The stores and one stream that fills them all and says what to look at.
    pub(crate) fn open(client: &Client) -> (Self, Wakes) {
        let any = watcher::Config::default;
        let (changes, a) = keep(Api::<Guarded<Change>>::all(client.clone()), any(), wake_of);
        let (approvals, b) = keep(Api::<Guarded<Approval>>::all(client.clone()), any(), |a| match &a.0 {
            Ok(approval) => Wake::Change(
                approval.metadata.namespace.clone().unwrap_or_default(),
                approval.spec.change_ref.name.to_string(),
            ),
            Err(bad) => Wake::Namespace(bad.metadata.namespace.clone().unwrap_or_default()),
        });
        let (mandates, c) =
            keep(Api::<Guarded<Mandate>>::namespaced(client.clone(), SYSTEM_NAMESPACE), any(), |_| Wake::All);
        let namespaces = Api::<PartialObjectMeta<Namespace>>::all(client.clone());
        let (namespaces, d) = keep(namespaces, any(), |n: &PartialObjectMeta<Namespace>| {
            Wake::Namespace(n.metadata.name.clone().unwrap_or_default())
        });
        let switch = any().fields(&format!("metadata.name={SUSPEND_REVISION}"));
        let switches = Api::<PartialObjectMeta<ControllerRevision>>::namespaced(client.clone(), GRANTS_NAMESPACE);
        let (switches, e) = keep(switches, switch, |_: &PartialObjectMeta<ControllerRevision>| Wake::All);
        // Only that something happened is kept of these: they are read whole when compared.
        let policies = Api::<PartialObjectMeta<ValidatingAdmissionPolicy>>::all(client.clone());
        let (_, f) = keep(policies, any(), |_: &PartialObjectMeta<ValidatingAdmissionPolicy>| Wake::Policies);
        let bindings = Api::<PartialObjectMeta<ValidatingAdmissionPolicyBinding>>::all(client.clone());
        let (_, g) = keep(bindings, any(), |_: &PartialObjectMeta<ValidatingAdmissionPolicyBinding>| Wake::Policies);
        let all = futures::stream::select_all([a, b, c, d, e, f, g]);
        (Self { changes, approvals, mandates, namespaces, switches }, Box::pin(all))
    }

    /// Waits until every first list is in. The wake stream must be polled meanwhile.
    pub(crate) async fn ready(&self) -> bool {
        let ready = futures::join!(
            self.changes.wait_until_ready(),
            self.approvals.wait_until_ready(),
            self.mandates.wait_until_ready(),
            self.namespaces.wait_until_ready(),
            self.switches.wait_until_ready(),
        );
        ready.0.is_ok() && ready.1.is_ok() && ready.2.is_ok() && ready.3.is_ok() && ready.4.is_ok()
    }

    /// True while the fence revision `suspend` exists.
    pub(crate) fn is_suspended(&self) -> bool {
        !self.switches.is_empty()
    }

    /// Labels of a namespace, unless it is absent or terminating.
    pub(crate) fn namespace(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let found = self.namespaces.get(&reflector::ObjectRef::new(name))?;
        if found.metadata.deletion_timestamp.is_some() {
            return None;
        }
        Some(found.metadata.labels.clone().unwrap_or_default())
    }

    /// Changes that parsed.
    pub(crate) fn all_changes(&self) -> Vec<Arc<Guarded<Change>>> {
        self.changes.state()
    }
}

/// Ended Changes wake nobody: there may be thousands of them.
fn wake_of(guarded: &Guarded<Change>) -> Wake {
    let meta = match &guarded.0 {
        Ok(change) if !super::driver::is_live(change) => return Wake::Nothing,
        Ok(change) => &change.metadata,
        Err(bad) => {
            tracing::warn!(change.name = bad.metadata.name, error = %bad.error, "a Change cannot be read and is left alone");
            return Wake::Nothing;
        }
    };
    let version = meta.resource_version.as_ref().and_then(|v| v.parse().ok());
    Wake::Written(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default(), version)
}
