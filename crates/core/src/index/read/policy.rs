//! Reading disruption budgets and network policies. No IO.

use super::Reader;
use crate::index::rows::{Body, Budget, Direction, NetworkPolicy, Peer, PolicyPort, PolicyRule};
use crate::index::select::Selector;
use crate::index::shape::{NetworkPolicyShape, PdbShape, PeerShape, PolicyPortShape, PolicyRuleShape, Port};

impl Reader<'_> {
    pub(crate) fn budget(&mut self, shape: &PdbShape) -> Body {
        let (spec, status) = (&shape.spec, &shape.status);
        let selector = spec.selector.as_ref().map(|s| Box::new(Selector::read(self.intern, s)));
        Body::Budget(Box::new(Budget {
            selector,
            min: spec.min_available,
            max: spec.max_unavailable,
            allowed: status.disruptions_allowed,
            healthy: status.current_healthy,
            wanted: status.desired_healthy,
            expected: status.expected_pods,
            observed_generation: status.observed_generation,
        }))
    }

    pub(crate) fn network_policy(&mut self, shape: &NetworkPolicyShape) -> Body {
        let spec = &shape.spec;
        let about = |direction: &str| spec.policy_types.iter().any(|word| word == direction);
        // The API server fills the types in; a policy that lacks them is about ingress.
        let ingress = about("Ingress") || spec.policy_types.is_empty();
        Body::NetworkPolicy(Box::new(NetworkPolicy {
            selector: Selector::read(self.intern, &spec.pod_selector),
            ingress: ingress.then(|| self.direction(&spec.ingress)),
            egress: about("Egress").then(|| self.direction(&spec.egress)),
        }))
    }

    fn direction(&mut self, rules: &[PolicyRuleShape]) -> Direction {
        let mut out = Vec::with_capacity(rules.len());
        for rule in rules {
            let peers = rule.from.iter().map(|peer| self.peer(peer)).collect();
            let ports = rule.ports.iter().map(|port| self.policy_port(port)).collect();
            out.push(PolicyRule { peers, ports });
        }
        Direction(out.into())
    }

    fn peer(&mut self, shape: &PeerShape) -> Peer {
        Peer {
            pods: shape.pod_selector.as_ref().map(|s| Selector::read(self.intern, s)),
            namespaces: shape.namespace_selector.as_ref().map(|s| Selector::read(self.intern, s)),
            block: shape.ip_block.is_some(),
        }
    }

    fn policy_port(&mut self, shape: &PolicyPortShape) -> PolicyPort {
        let (from, name) = match &shape.port {
            Some(Port::Number(number)) => (*number, None),
            Some(Port::Name(name)) => (0, Some(self.intern.text(name))),
            None => (0, None),
        };
        PolicyPort {
            tcp: matches!(shape.protocol.as_str(), "" | "TCP"),
            udp: shape.protocol == "UDP",
            from,
            to: from.max(shape.end_port),
            name,
        }
    }
}
