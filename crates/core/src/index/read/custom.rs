//! Reading kinds that a cluster need not have. No IO.

use super::Reader;
use crate::index::rows::{Body, Certificate, Conditions, Gateway, Route, RouteBackend};
use crate::index::shape::{CertificateShape, GatewayClassShape, GatewayShape, RouteRefShape, RouteShape};

impl Reader<'_> {
    pub(crate) fn gateway_class(&mut self, shape: &GatewayClassShape) -> Body {
        Body::GatewayClass(Box::new(Conditions(self.conditions(&shape.status.conditions))))
    }

    pub(crate) fn gateway(&mut self, shape: &GatewayShape) -> Body {
        Body::Gateway(Box::new(Gateway {
            class: self.intern.text(&shape.spec.gateway_class_name),
            conditions: Conditions(self.conditions(&shape.status.conditions)),
        }))
    }

    pub(crate) fn route(&mut self, shape: &RouteShape) -> Body {
        let own = &shape.metadata.namespace;
        let home = |r: &RouteRefShape| if r.namespace.is_empty() { own.clone() } else { r.namespace.clone() };
        let mut gateways = Vec::new();
        for parent in shape.spec.parent_refs.iter().filter(|r| matches!(r.kind.as_str(), "" | "Gateway")) {
            gateways.push((self.intern.text(&home(parent)), self.intern.text(&parent.name)));
        }
        let mut backends = Vec::new();
        let named = shape.spec.rules.iter().flat_map(|rule| &rule.backend_refs);
        for backend in named.filter(|r| r.group.is_empty() && matches!(r.kind.as_str(), "" | "Service")) {
            let (namespace, name) = (self.intern.text(&home(backend)), self.intern.text(&backend.name));
            backends.push(RouteBackend { namespace, name, port: backend.port });
        }
        Body::Route(Box::new(Route { gateways: gateways.into(), backends: backends.into() }))
    }

    pub(crate) fn certificate(&mut self, shape: &CertificateShape) -> Body {
        let issuer = &shape.spec.issuer_ref;
        let kind = if issuer.kind.is_empty() { "Issuer" } else { &issuer.kind };
        Body::Certificate(Box::new(Certificate {
            secret: self.intern.text(&shape.spec.secret_name),
            issuer: self.intern.text(&format!("{kind} {}", issuer.name)),
            until: shape.status.not_after,
            renewal: shape.status.renewal_time,
            conditions: Conditions(self.conditions(&shape.status.conditions)),
        }))
    }
}
