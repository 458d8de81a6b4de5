//! Which object is meant: kind, namespace, name, uid.
//!
//! Owns the closed list of Kubernetes kinds the product knows, with the API each is served by.
//! Must never hold an object's content. No IO.

use crate::fence::SYSTEM_NAMESPACE;
use crate::names::{Namespace, ObjectName, Uid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a kind is served: group, version, plural resource, and whether it lives in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Plural resource name as used in URLs and RBAC.
    pub resource: &'static str,
    /// True where objects of this kind live in a namespace.
    pub namespaced: bool,
}

macro_rules! kinds {
    ($($kind:ident => $group:literal $version:literal $resource:literal $namespaced:literal,)+) => {
        /// The Kubernetes kinds that the product reads or changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Kind { $(#[doc = concat!("`", $resource, "`")] $kind,)+ }

        impl Kind {
            /// Every kind, in the order of declaration.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)+];

            /// The API this kind is served by.
            pub const fn served(self) -> Served {
                match self {
                    $(Kind::$kind => Served { group: $group, version: $version, resource: $resource, namespaced: $namespaced },)+
                }
            }

            /// The kind's name as written in manifests.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$kind => stringify!($kind),)+ }
            }
        }
    };
}

kinds! {
    Pod => "" "v1" "pods" true,
    Deployment => "apps" "v1" "deployments" true,
    ReplicaSet => "apps" "v1" "replicasets" true,
    StatefulSet => "apps" "v1" "statefulsets" true,
    DaemonSet => "apps" "v1" "daemonsets" true,
    ControllerRevision => "apps" "v1" "controllerrevisions" true,
    Job => "batch" "v1" "jobs" true,
    CronJob => "batch" "v1" "cronjobs" true,
    Service => "" "v1" "services" true,
    EndpointSlice => "discovery.k8s.io" "v1" "endpointslices" true,
    Ingress => "networking.k8s.io" "v1" "ingresses" true,
    IngressClass => "networking.k8s.io" "v1" "ingressclasses" false,
    NetworkPolicy => "networking.k8s.io" "v1" "networkpolicies" true,
    PersistentVolumeClaim => "" "v1" "persistentvolumeclaims" true,
    PersistentVolume => "" "v1" "persistentvolumes" false,
    StorageClass => "storage.k8s.io" "v1" "storageclasses" false,
    Node => "" "v1" "nodes" false,
    Namespace => "" "v1" "namespaces" false,
    ResourceQuota => "" "v1" "resourcequotas" true,
    LimitRange => "" "v1" "limitranges" true,
    HorizontalPodAutoscaler => "autoscaling" "v2" "horizontalpodautoscalers" true,
    PodDisruptionBudget => "policy" "v1" "poddisruptionbudgets" true,
    ConfigMap => "" "v1" "configmaps" true,
    Secret => "" "v1" "secrets" true,
    ServiceAccount => "" "v1" "serviceaccounts" true,
    Event => "" "v1" "events" true,
    MutatingWebhookConfiguration => "admissionregistration.k8s.io" "v1" "mutatingwebhookconfigurations" false,
    ValidatingWebhookConfiguration => "admissionregistration.k8s.io" "v1" "validatingwebhookconfigurations" false,
    GatewayClass => "gateway.networking.k8s.io" "v1" "gatewayclasses" false,
    Gateway => "gateway.networking.k8s.io" "v1" "gateways" true,
    HTTPRoute => "gateway.networking.k8s.io" "v1" "httproutes" true,
    Certificate => "cert-manager.io" "v1" "certificates" true,
}

impl Kind {
    /// Looks a kind up by the name used in manifests.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|k| k.as_str() == name)
    }

    /// `group/version`, or `version` for the core group.
    pub fn api_version(self) -> String {
        let served = self.served();
        if served.group.is_empty() { served.version.to_owned() } else { format!("{}/{}", served.group, served.version) }
    }

    /// True for the kinds that come from elsewhere: a cluster that does not serve them lacks nothing.
    pub const fn is_optional(self) -> bool {
        matches!(self, Kind::GatewayClass | Kind::Gateway | Kind::HTTPRoute | Kind::Certificate)
    }

    /// True for the kinds whose pod template a change may touch.
    pub const fn is_workload(self) -> bool {
        matches!(self, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One object of the cluster. `uid` is absent only where the object does not exist (a missing
/// ConfigMap named by a pod, a Change's target that is to be created).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectRef {
    /// `group/version` of the object.
    #[schemars(length(max = 253))]
    pub api_version: String,
    /// The object's kind.
    pub kind: Kind,
    /// Its namespace; absent for cluster-scoped kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// Its name.
    pub name: ObjectName,
    /// Its uid, as the API server assigned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
}

impl ObjectRef {
    /// A reference to a namespaced object.
    pub fn namespaced(kind: Kind, namespace: Namespace, name: ObjectName, uid: Option<Uid>) -> Self {
        Self { api_version: kind.api_version(), kind, namespace: Some(namespace), name, uid }
    }

    /// A reference to a cluster-scoped object.
    pub fn cluster(kind: Kind, name: ObjectName, uid: Option<Uid>) -> Self {
        Self { api_version: kind.api_version(), kind, namespace: None, name, uid }
    }

    /// The namespace of Incidents and Changes about it: its own; the product's where it lives in none.
    pub fn home(&self) -> &str {
        self.namespace.as_ref().map_or(SYSTEM_NAMESPACE, Namespace::as_str)
    }

    /// The namespace as text, empty for cluster-scoped objects.
    pub fn namespace_str(&self) -> &str {
        self.namespace.as_ref().map_or("", Namespace::as_str)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {}/{}", self.kind, namespace, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
