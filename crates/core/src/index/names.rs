//! The labels and annotations that carry meaning, and the marks read from them.
//!
//! Owns those names. Must never treat an ordinary label as a mark. No IO.

use super::shape::Meta;

/// The revision of a ReplicaSet of a Deployment.
pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
/// Argo CD's annotation tracking.
pub(crate) const ARGO_TRACKING: &str = "argocd.argoproj.io/tracking-id";
/// Which Service an EndpointSlice belongs to.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// On a StatefulSet's pod: its own name. Never kept, for it would give each pod labels of its own.
pub(crate) const STATEFUL_POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// On a StatefulSet's pod: the number at its name's end. Never kept either.
pub(crate) const POD_INDEX: &str = "apps.kubernetes.io/pod-index";
/// Which ControllerRevision a StatefulSet's or DaemonSet's pod was made from.
pub(crate) const REVISION_HASH: &str = "controller-revision-hash";
/// Which ReplicaSet's template a Deployment's pod was made from.
pub(crate) const TEMPLATE_HASH: &str = "pod-template-hash";

/// The class of an Ingress, as it was named before there were IngressClasses.
pub(crate) const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";
/// On the IngressClass that Ingresses without a class get.
pub(crate) const DEFAULT_INGRESS_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// On the StorageClass that claims without a class get, and its older name.
pub(crate) const DEFAULT_CLASS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
/// Where cert-manager writes a webhook's CA bundle.
pub(crate) const INJECT_CA: &str = "cert-manager.io/inject-ca-from";
const MIRROR: &str = "kubernetes.io/config.mirror";

/// The annotations that are read by their whole name.
pub(crate) const READ_ANNOTATIONS: [&str; 8] = [
    REVISION,
    ARGO_TRACKING,
    MIRROR,
    INGRESS_CLASS,
    DEFAULT_INGRESS_CLASS,
    DEFAULT_CLASS[0],
    DEFAULT_CLASS[1],
    INJECT_CA,
];

/// How the words begin by which people and tools say that something stands still on purpose.
const EXPLAINING: [&str; 11] = [
    "maintenance",
    "suspend",
    "pause",
    "hibernat",
    "downscal",
    "sleep",
    "decommission",
    "drain",
    "cordon",
    "reason",
    "note",
];

/// True for an annotation that says why its object stands still. Some tools leave an empty one on everything.
pub(crate) fn explains(key: &str, value: &str) -> bool {
    !matches!(value, "" | "false") && speaks(key)
}

/// True for a name that speaks of a reason to stand still.
pub(crate) fn speaks(key: &str) -> bool {
    key.split(|c: char| !c.is_ascii_alphabetic()).any(|word| EXPLAINING.iter().any(|begin| word.starts_with(begin)))
}

const PROTECTED: &str = "bailiwick.dev/protected";
const OURS: &str = "bailiwick.dev/";
const ARGO_LABEL: &str = "argocd.argoproj.io/instance";
const FLUX_LABELS: [&str; 2] = ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"];

/// Who else looks after an object, and whether it may be touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Marks(u8);

impl Marks {
    const ARGO: u8 = 1;
    const FLUX: u8 = 2;
    const PROTECTED: u8 = 4;
    const OURS: u8 = 8;
    const DELETING: u8 = 16;
    const MIRROR: u8 = 32;
    const EXPLAINED: u8 = 64;

    /// Reads the marks from labels, annotations and field managers.
    pub(crate) fn read(meta: &Meta) -> Self {
        let mut bits = 0;
        for (key, value) in &meta.labels {
            if key == ARGO_LABEL {
                bits |= Self::ARGO;
            } else if FLUX_LABELS.contains(&key.as_str()) {
                bits |= Self::FLUX;
            } else if key == PROTECTED && value == "true" {
                bits |= Self::PROTECTED;
            } else if key.starts_with(OURS) {
                bits |= Self::OURS;
            }
        }
        for (key, value) in &meta.annotations {
            if key == ARGO_TRACKING {
                bits |= Self::ARGO;
            } else if key == MIRROR {
                bits |= Self::MIRROR;
            } else if explains(key, value) {
                bits |= Self::EXPLAINED;
            }
        }
        for field in &meta.managed_fields {
            match field.manager.as_str() {
                "argocd-controller" => bits |= Self::ARGO,
                "kustomize-controller" | "helm-controller" => bits |= Self::FLUX,
                _ => {}
            }
        }
        if meta.deletion_timestamp.is_some() {
            bits |= Self::DELETING;
        }
        Self(bits)
    }

    /// The same without the mark of being deleted, which pods of one revision do not share.
    pub(crate) const fn lasting(self) -> Self {
        Self(self.0 & !Self::DELETING)
    }

    /// Tracked by Argo CD or Flux: a direct change would be reverted.
    pub const fn gitops(self) -> bool {
        self.0 & (Self::ARGO | Self::FLUX) != 0
    }
    /// The GitOps system's name, where there is one.
    pub const fn gitops_name(self) -> Option<&'static str> {
        if self.0 & Self::ARGO != 0 {
            Some("Argo CD")
        } else if self.0 & Self::FLUX != 0 {
            Some("Flux")
        } else {
            None
        }
    }
    /// Labelled `bailiwick.dev/protected=true`.
    pub const fn protected(self) -> bool {
        self.0 & Self::PROTECTED != 0
    }
    /// Carries another of our own labels.
    pub const fn ours(self) -> bool {
        self.0 & Self::OURS != 0
    }
    /// Being deleted.
    pub const fn deleting(self) -> bool {
        self.0 & Self::DELETING != 0
    }
    /// The API's mirror of a static pod.
    pub const fn mirror(self) -> bool {
        self.0 & Self::MIRROR != 0
    }
    /// Carries an annotation that says why it stands still.
    pub const fn explained(self) -> bool {
        self.0 & Self::EXPLAINED != 0
    }
}
