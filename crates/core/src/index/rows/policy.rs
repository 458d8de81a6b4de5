//! What is remembered of disruption budgets and network policies.
//!
//! Owns those rows. Must never hold an address block. No IO.

use super::Heap;
use crate::index::intern::Text;
use crate::index::select::Selector;
use crate::index::shape::Bound;

/// A PodDisruptionBudget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Which pods it is about; none selects nothing.
    pub selector: Option<Box<Selector>>,
    /// How many must stay.
    pub min: Option<Bound>,
    /// How many may go.
    pub max: Option<Bound>,
    /// How many may go now.
    pub allowed: i32,
    /// How many are healthy.
    pub healthy: i32,
    /// How many must be healthy.
    pub wanted: i32,
    /// How many there are.
    pub expected: i32,
    /// The generation its controller has seen.
    pub observed_generation: i64,
}

impl Heap for Budget {
    fn heap(&self) -> usize {
        self.selector.as_ref().map_or(0, |s| s.heap_bytes())
    }
}

/// A NetworkPolicy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPolicy {
    /// Which pods of its namespace it is about.
    pub selector: Selector,
    /// Who may reach them; none where it says nothing about that.
    pub ingress: Option<Direction>,
    /// What they may reach; none where it says nothing about that.
    pub egress: Option<Direction>,
}

/// The rules of one direction: what none of them allows is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Direction(pub Box<[PolicyRule]>);

impl Heap for NetworkPolicy {
    fn heap(&self) -> usize {
        let rules = [&self.ingress, &self.egress].into_iter().flatten().flat_map(|d| &d.0);
        let rules = rules.map(|r| size_of::<PolicyRule>() + size_of_val(&*r.peers) + size_of_val(&*r.ports));
        self.selector.heap_bytes() + rules.sum::<usize>()
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRule {
    /// The other side; empty for anybody.
    pub peers: Box<[Peer]>,
    /// The ports; empty for all.
    pub ports: Box<[PolicyPort]>,
}

/// The other side of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Which pods; none for all pods of the namespaces.
    pub pods: Option<Selector>,
    /// Of which namespaces; none for the policy's own.
    pub namespaces: Option<Selector>,
    /// True for an address block, which is not looked into.
    pub block: bool,
}

/// A port that a rule opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPort {
    /// True for TCP.
    pub tcp: bool,
    /// True for UDP.
    pub udp: bool,
    /// The first number; 0 for every port of the protocol, or for one by name.
    pub from: u16,
    /// The last number.
    pub to: u16,
    /// Its name, where it is named.
    pub name: Option<Text>,
}
