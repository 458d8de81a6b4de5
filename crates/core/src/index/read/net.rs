//! Reading Services, their endpoints, and what leads to them. No IO.

use super::Reader;
use crate::index::names::{DEFAULT_INGRESS_CLASS, INGRESS_CLASS, SERVICE_NAME};
use crate::index::rows::{Backend, Body, Ingress, IngressClass, Service, ServicePort, Slice, Target};
use crate::index::shape::{
    BackendShape, IngressClassShape, IngressShape, Port, ServicePortShape, ServiceShape, SliceShape,
};

/// The port of what is no Service: the AWS load balancer's controller reads an annotation of that name instead.
const ACTION: &str = "use-annotation";

impl Reader<'_> {
    pub(crate) fn service(&mut self, shape: &ServiceShape) -> Body {
        let spec = &shape.spec;
        Body::Service(Box::new(Service {
            selector: self.intern.labels(spec.selector.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            external: spec.kind == "ExternalName",
            publishes_unready: spec.publish_not_ready_addresses,
            ports: spec.ports.iter().map(|p| self.service_port(p)).collect(),
        }))
    }

    fn service_port(&mut self, p: &ServicePortShape) -> ServicePort {
        let target = match &p.target_port {
            Some(Port::Name(name)) => Target::Name(self.intern.text(name)),
            Some(Port::Number(0)) | None => Target::Number(p.port),
            Some(Port::Number(number)) => Target::Number(*number),
        };
        let name = self.intern.some_text(&p.name);
        ServicePort { port: p.port, name, target, other_protocol: matches!(p.protocol.as_str(), "UDP" | "SCTP") }
    }

    pub(crate) fn slice(&mut self, shape: &SliceShape) -> Body {
        let ready = shape.endpoints.iter().filter(|e| e.conditions.ready != Some(false)).count();
        Body::Slice(Box::new(Slice {
            service: shape.metadata.label(SERVICE_NAME).map(|name| self.intern.text(name)),
            endpoints: u32::try_from(shape.endpoints.len()).unwrap_or(u32::MAX),
            ready: u32::try_from(ready).unwrap_or(u32::MAX),
        }))
    }

    pub(crate) fn ingress(&mut self, shape: &IngressShape) -> Body {
        let spec = &shape.spec;
        let own = spec.default_backend.as_ref().map(|b| (None, "", b));
        let paths = spec
            .rules
            .iter()
            .flat_map(|rule| rule.http.paths.iter().map(|p| (Some(rule.host.as_str()), p.path.as_str(), &p.backend)));
        let backends: Vec<Backend> =
            own.into_iter().chain(paths).filter_map(|(host, path, b)| self.backend(host, path, b)).collect();
        Body::Ingress(Box::new(Ingress {
            class: spec.ingress_class_name.as_ref().map(|name| self.intern.text(name)),
            old_class: shape.metadata.annotation(INGRESS_CLASS).map(|name| self.intern.text(name)),
            backends: backends.into(),
            earlier: Box::default(),
            secrets: spec.tls.iter().filter_map(|t| self.intern.some_text(&t.secret_name)).collect(),
            served: !shape.status.load_balancer.ingress.is_empty(),
        }))
    }

    fn backend(&mut self, host: Option<&str>, path: &str, shape: &BackendShape) -> Option<Backend> {
        let service = shape.service.as_ref().filter(|service| service.port.name != ACTION)?;
        let port = match service.port.name.as_str() {
            "" => Target::Number(service.port.number),
            name => Target::Name(self.intern.text(name)),
        };
        let host = host.map(|host| self.intern.text(host));
        Some(Backend { host, path: self.intern.text(path), service: self.intern.text(&service.name), port })
    }

    pub(crate) fn ingress_class(&mut self, shape: &IngressClassShape) -> Body {
        Body::IngressClass(Box::new(IngressClass {
            controller: self.intern.text(&shape.spec.controller),
            default: shape.metadata.annotation(DEFAULT_INGRESS_CLASS) == Some("true"),
        }))
    }
}
