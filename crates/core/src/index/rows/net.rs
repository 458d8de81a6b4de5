//! What is remembered of Services, their endpoints, and what leads to them.
//!
//! Owns those rows. Must never hold an address. No IO.

use super::Heap;
use crate::index::intern::{Labels, Text};

/// A Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Which pods it selects; empty for none.
    pub selector: Labels,
    /// True for `ExternalName`.
    pub external: bool,
    /// True where pods that are not ready get traffic too.
    pub publishes_unready: bool,
    /// Its ports.
    pub ports: Box<[ServicePort]>,
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// The Service's own port.
    pub port: u16,
    /// Its name, if it has one.
    pub name: Option<Text>,
    /// The pods' port.
    pub target: Target,
    /// True for UDP or SCTP.
    pub other_protocol: bool,
}

/// A Service's target port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By number.
    Number(u16),
    /// By the name of a declared container port.
    Name(Text),
}

/// An EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The Service it belongs to.
    pub service: Option<Text>,
    /// How many endpoints.
    pub endpoints: u32,
    /// How many of them are ready.
    pub ready: u32,
}

impl Heap for Service {
    fn heap(&self) -> usize {
        size_of_val(&*self.ports)
    }
}

impl Heap for Slice {}

/// An Ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// The class it names.
    pub class: Option<Text>,
    /// The class its old annotation names, which need not be an IngressClass.
    pub old_class: Option<Text>,
    /// Where requests go.
    pub backends: Box<[Backend]>,
    /// Where those of its paths led before that were led to another Service, as far as was seen.
    pub earlier: Box<[Backend]>,
    /// The Secrets that hold its certificates.
    pub secrets: Box<[Text]>,
    /// True once somebody serves it.
    pub served: bool,
}

impl Heap for Ingress {
    fn heap(&self) -> usize {
        size_of_val(&*self.backends) + size_of_val(&*self.earlier) + size_of_val(&*self.secrets)
    }
}

/// A Service that an Ingress leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// The host of its rule, empty where that names none; none for the default backend.
    pub host: Option<Text>,
    /// The path below it, as it is written.
    pub path: Text,
    /// The Service.
    pub service: Text,
    /// Its port.
    pub port: Target,
}

impl Backend {
    /// True where both answer the same host and path.
    pub fn is_at(&self, other: &Backend) -> bool {
        (&self.host, &self.path) == (&other.host, &other.path)
    }

    /// The host and path, for people.
    pub fn place(&self) -> String {
        let path = if self.path.is_empty() { "/" } else { &*self.path };
        self.host.as_ref().map_or_else(|| "the default backend".to_owned(), |host| format!("{host}{path}"))
    }
}

/// An IngressClass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressClass {
    /// Who serves its Ingresses.
    pub controller: Text,
    /// True for the one that Ingresses without a class get.
    pub default: bool,
}

impl Heap for IngressClass {}
