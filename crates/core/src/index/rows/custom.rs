//! What is remembered of kinds that a cluster need not have.
//!
//! Owns those rows. Must never hold what is in a Secret they name. No IO.

use super::{Condition, Heap};
use crate::index::intern::Text;
use jiff::Timestamp;

/// Conditions, where nothing else is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions(pub Box<[Condition]>);

impl Conditions {
    /// The condition of that type.
    pub fn get(&self, kind: &str) -> Option<&Condition> {
        self.0.iter().find(|c| &*c.kind == kind)
    }
}

impl Heap for Conditions {
    fn heap(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// A Gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its class.
    pub class: Text,
    /// Its conditions.
    pub conditions: Conditions,
}

impl Heap for Gateway {
    fn heap(&self) -> usize {
        self.conditions.heap()
    }
}

/// An HTTPRoute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The namespaces and names of the Gateways it hangs on.
    pub gateways: Box<[(Text, Text)]>,
    /// The Services it leads to.
    pub backends: Box<[RouteBackend]>,
}

impl Heap for Route {
    fn heap(&self) -> usize {
        size_of_val(&*self.gateways) + size_of_val(&*self.backends)
    }
}

/// A Service that a route leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteBackend {
    /// Its namespace.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// Its port, if one is named.
    pub port: Option<u16>,
}

/// A cert-manager Certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The Secret it is kept in.
    pub secret: Text,
    /// Who issues it, for people.
    pub issuer: Text,
    /// Until when it is valid.
    pub until: Option<Timestamp>,
    /// When it is to be renewed, as its controller says.
    pub renewal: Option<Timestamp>,
    /// Its conditions.
    pub conditions: Conditions,
}

impl Heap for Certificate {
    fn heap(&self) -> usize {
        self.conditions.heap()
    }
}
