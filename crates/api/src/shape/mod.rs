//! The watched kinds as `kube` resources: the core's shapes, read straight from the wire.
//!
//! Owns the bridge between `kube` and the core's index, and the two ways of reading: [`Swift`], and
//! [`Patient`] for where an object is malformed. Must never build a whole API object. No IO.

mod wire;

use bailiwick_core::index::Observed;
use bailiwick_core::index::shape::{
    AccountShape, CertificateShape, ClaimShape, ConfigMapShape, EventShape, GatewayClassShape, GatewayShape, HpaShape,
    IngressClassShape, IngressShape, LimitRangeShape, Meta, NamespaceShape, NetworkPolicyShape, NodeShape, PdbShape,
    PodShape, QuotaShape, RevisionShape, RouteShape, ServiceShape, SliceShape, StorageClassShape, VolumeObjectShape,
    WebhooksShape, WorkloadShape,
};
use bailiwick_core::object::Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DynamicResourceScope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt::Debug;
use std::marker::PhantomData;

/// A kind that can be watched.
pub trait Shape: Copy + Debug + Send + Sync + 'static {
    /// Which kind.
    const KIND: Kind;
    /// True where only metadata is asked for.
    const METADATA_ONLY: bool;
    /// What is read of it.
    type Core: DeserializeOwned + Clone + Debug + Send + 'static;
    /// The index's input.
    fn observed(core: Self::Core) -> Observed;
    /// Its metadata.
    fn meta(core: &Self::Core) -> &Meta;
}

macro_rules! shapes {
    ($($kind:ident($core:ty) $metadata_only:literal,)+) => {
        /// One marker for each watched kind.
        pub mod kinds {
            $(
                #[doc = concat!("`", stringify!($kind), "`")]
                #[derive(Debug, Clone, Copy)]
                pub struct $kind;
            )+
        }

        $(
            impl Shape for kinds::$kind {
                const KIND: Kind = Kind::$kind;
                const METADATA_ONLY: bool = $metadata_only;
                type Core = $core;
                fn observed(core: Self::Core) -> Observed {
                    Observed::$kind(core)
                }
                fn meta(core: &Self::Core) -> &Meta {
                    &core.metadata
                }
            }
        )+

        /// Calls a generic function once for each watched kind and collects what it returns.
        macro_rules! for_each_shape {
            ($call:ident $args:tt) => {
                vec![$($crate::shape::call_with!($call, $crate::shape::kinds::$kind, $args),)+]
            };
        }
        pub(crate) use for_each_shape;
    };
}

macro_rules! call_with {
    ($call:ident, $kind:ty, ($($arg:expr),*)) => { $call::<$kind>($($arg),*) };
}
pub(crate) use call_with;

shapes! {
    Pod(PodShape) false,
    Deployment(WorkloadShape) false,
    ReplicaSet(WorkloadShape) false,
    StatefulSet(WorkloadShape) false,
    DaemonSet(WorkloadShape) false,
    Job(WorkloadShape) false,
    CronJob(WorkloadShape) false,
    ControllerRevision(RevisionShape) false,
    Service(ServiceShape) false,
    EndpointSlice(SliceShape) false,
    Node(NodeShape) false,
    Namespace(NamespaceShape) false,
    ResourceQuota(QuotaShape) false,
    LimitRange(LimitRangeShape) true,
    HorizontalPodAutoscaler(HpaShape) false,
    ConfigMap(ConfigMapShape) true,
    ServiceAccount(AccountShape) true,
    PersistentVolumeClaim(ClaimShape) false,
    PersistentVolume(VolumeObjectShape) false,
    StorageClass(StorageClassShape) false,
    Ingress(IngressShape) false,
    IngressClass(IngressClassShape) false,
    NetworkPolicy(NetworkPolicyShape) false,
    PodDisruptionBudget(PdbShape) false,
    MutatingWebhookConfiguration(WebhooksShape) false,
    ValidatingWebhookConfiguration(WebhooksShape) false,
    GatewayClass(GatewayClassShape) false,
    Gateway(GatewayShape) false,
    HTTPRoute(RouteShape) false,
    Certificate(CertificateShape) false,
    Event(EventShape) false,
}

/// A way of taking objects off the wire.
pub trait Reading: Copy + Debug + Send + Sync + 'static {
    /// Takes one object.
    ///
    /// # Errors
    /// The deserialiser's; an object's own defect where the way says so.
    fn take<'de, K: Shape, D: Deserializer<'de>>(deserializer: D) -> Result<Seen<K, Self>, D::Error>;
}

/// Reads once. A malformed object fails the list or watch that it comes with.
#[derive(Debug, Clone, Copy)]
pub struct Swift;

/// Reads every object's text twice, so that a malformed one is told and fails nothing.
#[derive(Debug, Clone, Copy)]
pub struct Patient;

impl Reading for Swift {
    fn take<'de, K: Shape, D: Deserializer<'de>>(deserializer: D) -> Result<Seen<K, Self>, D::Error> {
        K::Core::deserialize(deserializer).map(Seen::of)
    }
}

impl Reading for Patient {
    fn take<'de, K: Shape, D: Deserializer<'de>>(deserializer: D) -> Result<Seen<K, Self>, D::Error> {
        wire::take(deserializer)
    }
}

/// One object from a list or a watch, read or malformed.
#[derive(Debug, Clone)]
pub struct Seen<K: Shape, R: Reading> {
    reading: PhantomData<R>,
    // Only what `kube::runtime` itself looks at: names, uid and resource version.
    meta: ObjectMeta,
    /// What was read, or why it could not be.
    pub object: Result<K::Core, String>,
}

impl<K: Shape, R: Reading> Seen<K, R> {
    fn of(core: K::Core) -> Self {
        let meta = slim(K::meta(&core));
        // The index knows objects by uid and name; what lacks either can never be found again.
        let known = meta.uid.is_some() && meta.name.is_some();
        let object = if known { Ok(core) } else { Err("it has no name or no uid".to_owned()) };
        Self { reading: PhantomData, meta, object }
    }

    fn malformed(metadata: &serde_json::Value, why: String) -> Self {
        Self { reading: PhantomData, meta: salvage(metadata), object: Err(why) }
    }

    /// The object's uid; empty where it could not be read.
    pub fn uid(&self) -> &str {
        self.meta.uid.as_deref().unwrap_or_default()
    }

    /// `namespace/name`, as far as it could be read.
    pub fn name(&self) -> String {
        let name = self.meta.name.as_deref().unwrap_or("(no name)");
        match self.meta.namespace.as_deref() {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        }
    }
}

impl<'de, K: Shape, R: Reading> Deserialize<'de> for Seen<K, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        R::take(deserializer)
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn slim(meta: &Meta) -> ObjectMeta {
    ObjectMeta {
        name: some(&meta.name),
        namespace: some(&meta.namespace),
        uid: some(&meta.uid),
        resource_version: some(&meta.resource_version),
        ..ObjectMeta::default()
    }
}

fn salvage(metadata: &serde_json::Value) -> ObjectMeta {
    let text = |key: &str| metadata.get(key).and_then(serde_json::Value::as_str).and_then(some);
    ObjectMeta {
        name: text("name"),
        namespace: text("namespace"),
        uid: text("uid"),
        resource_version: text("resourceVersion"),
        ..ObjectMeta::default()
    }
}

impl<K: Shape, R: Reading> Resource for Seen<K, R> {
    type DynamicType = ();
    // Chosen per request, so that one type serves cluster-wide and namespaced reads alike.
    type Scope = DynamicResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        K::KIND.as_str().into()
    }
    fn group((): &()) -> Cow<'_, str> {
        K::KIND.served().group.into()
    }
    fn version((): &()) -> Cow<'_, str> {
        K::KIND.served().version.into()
    }
    fn plural((): &()) -> Cow<'_, str> {
        K::KIND.served().resource.into()
    }
    fn metadata_api() -> bool {
        K::METADATA_ONLY
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

#[cfg(test)]
mod tests;
