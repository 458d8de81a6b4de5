//! PodDisruptionBudgets and NetworkPolicies, as far as they are read.
//!
//! Owns their fields. Must never keep an address block. No IO.

use super::lenient::{Bound, Port, Present, or_default};
use super::meta::Meta;
use super::pod::shape;
use super::select::SelectorShape;
use serde::Deserialize;

shape! {
    /// A PodDisruptionBudget.
    PdbShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: PdbSpecShape,
        #[serde(deserialize_with = "or_default")] status: PdbStatusShape,
    }
}

shape! {
    /// A budget's spec.
    PdbSpecShape {
        selector: Option<SelectorShape>,
        min_available: Option<Bound>,
        max_unavailable: Option<Bound>,
    }
}

shape! {
    /// A budget's status.
    PdbStatusShape {
        #[serde(deserialize_with = "or_default")] observed_generation: i64,
        #[serde(deserialize_with = "or_default")] disruptions_allowed: i32,
        #[serde(deserialize_with = "or_default")] current_healthy: i32,
        #[serde(deserialize_with = "or_default")] desired_healthy: i32,
        #[serde(deserialize_with = "or_default")] expected_pods: i32,
    }
}

shape! {
    /// A NetworkPolicy.
    NetworkPolicyShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: NetworkPolicySpecShape,
    }
}

shape! {
    /// A policy's spec.
    NetworkPolicySpecShape {
        #[serde(deserialize_with = "or_default")] pod_selector: SelectorShape,
        #[serde(deserialize_with = "or_default")] policy_types: Vec<String>,
        #[serde(deserialize_with = "or_default")] ingress: Vec<PolicyRuleShape>,
        #[serde(deserialize_with = "or_default")] egress: Vec<PolicyRuleShape>,
    }
}

shape! {
    /// One rule, in either direction: `from` and `to` never stand together.
    PolicyRuleShape {
        #[serde(deserialize_with = "or_default", alias = "to")] from: Vec<PeerShape>,
        #[serde(deserialize_with = "or_default")] ports: Vec<PolicyPortShape>,
    }
}

shape! {
    /// Who a rule is about.
    PeerShape {
        pod_selector: Option<SelectorShape>,
        namespace_selector: Option<SelectorShape>,
        ip_block: Option<Present>,
    }
}

shape! {
    /// A port that a rule opens.
    PolicyPortShape {
        #[serde(deserialize_with = "or_default")] protocol: String,
        port: Option<Port>,
        #[serde(deserialize_with = "or_default")] end_port: u16,
    }
}
