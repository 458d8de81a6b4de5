//! What is remembered of nodes, namespaces, quotas, autoscalers, ConfigMaps and webhooks.
//!
//! Owns those rows. Must never hold a ConfigMap's content or a webhook's URL. No IO.

use super::{Condition, Heap, Writer};
use crate::index::intern::Text;
use crate::quantity::Quantity;
use jiff::Timestamp;

/// A Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Cordoned.
    pub cordoned: bool,
    /// Ready.
    pub ready: bool,
    /// Who cordoned it.
    pub cordoned_by: Option<Box<Writer>>,
    /// Who wrote its taints.
    pub tainted_by: Option<Box<Writer>>,
    /// Conditions that are not as they should be.
    pub troubles: Box<[Condition]>,
    /// Taints that keep pods away, as `key=value:effect`.
    pub taints: Box<[Text]>,
    /// CPU it can give to pods.
    pub cpu: Option<Quantity>,
    /// Memory it can give to pods.
    pub memory: Option<Quantity>,
}

impl Heap for Node {
    fn heap(&self) -> usize {
        let writers = [&self.cordoned_by, &self.tainted_by].into_iter().flatten().count();
        size_of_val(&*self.taints) + size_of_val(&*self.troubles) + writers * size_of::<Writer>()
    }
}

/// A Namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceRow {
    /// True while it is being deleted.
    pub terminating: bool,
    /// What its deletion waits for.
    pub conditions: Box<[Condition]>,
}

impl Heap for NamespaceRow {
    fn heap(&self) -> usize {
        size_of_val(&*self.conditions)
    }
}

/// A ResourceQuota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// What it allows and what is used, by resource: (resource, hard, used).
    pub lines: Box<[(Text, Text, Text)]>,
}

impl Heap for Quota {
    fn heap(&self) -> usize {
        size_of_val(&*self.lines)
    }
}

/// A HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hpa {
    /// The API group and version of what it scales.
    pub target_api: Text,
    /// The kind it scales.
    pub target_kind: Text,
    /// The name it scales.
    pub target_name: Text,
    /// The least replicas.
    pub min: i32,
    /// The most replicas.
    pub max: i32,
    /// The most replicas before that limit was lowered, as far as was seen; 0 otherwise.
    pub earlier_max: i32,
    /// How many replicas there are.
    pub current: i32,
    /// The resources of which it follows what share of their requests pods use.
    pub resources: Box<[Text]>,
    /// True where the pods use at least twice the share of a resource that it aims at.
    pub pressed: bool,
    /// Its conditions.
    pub conditions: Box<[Condition]>,
}

impl Hpa {
    /// The condition of that type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }
}

impl Heap for Hpa {
    fn heap(&self) -> usize {
        size_of_val(&*self.resources) + size_of_val(&*self.conditions)
    }
}

/// A ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The names of its keys; none where the API server does not tell them.
    pub keys: Option<Box<[Text]>>,
    /// When its content was written last.
    pub written: Option<Timestamp>,
}

impl Heap for Config {
    fn heap(&self) -> usize {
        self.keys.as_ref().map_or(0, |keys| size_of_val(&**keys))
    }
}

/// A webhook configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// Its webhooks.
    pub hooks: Box<[Hook]>,
    /// True where cert-manager is to fill the CA bundles in.
    pub injected: bool,
}

impl Heap for Hooks {
    fn heap(&self) -> usize {
        size_of_val(&*self.hooks)
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: Text,
    /// The namespace, name and port of the Service that serves it; none where it has a URL.
    pub service: Option<(Text, Text, u16)>,
    /// What its server's certificate is checked against.
    pub bundle: Bundle,
    /// True where a request is refused that it does not answer.
    pub fails: bool,
    /// Seconds that it is given to answer.
    pub timeout: i32,
    /// True where it is asked about every pod that is made.
    pub covers_pods: bool,
}

/// A webhook's CA bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundle {
    /// There is none: the API server's own roots count.
    Absent,
    /// It holds no certificate.
    Broken,
    /// It holds certificates, the last of which is valid so long, where that could be read.
    Until(Option<Timestamp>),
}
