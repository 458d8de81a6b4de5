//! Services, EndpointSlices, Ingresses and their classes, as far as they are read.
//!
//! Owns their fields. Must never keep an address. No IO.

use super::lenient::{Port, Present, or_default, pairs};
use super::meta::Meta;
use super::pod::shape;
use serde::Deserialize;

shape! {
    /// A Service.
    ServiceShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: ServiceSpecShape,
    }
}

shape! {
    /// A Service's spec.
    ServiceSpecShape {
        #[serde(rename = "type", deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "pairs")] selector: Vec<(String, String)>,
        #[serde(deserialize_with = "or_default")] ports: Vec<ServicePortShape>,
        #[serde(deserialize_with = "or_default")] publish_not_ready_addresses: bool,
    }
}

shape! {
    /// One port of a Service.
    ServicePortShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] port: u16,
        target_port: Option<Port>,
        #[serde(deserialize_with = "or_default")] protocol: String,
    }
}

shape! {
    /// An EndpointSlice.
    SliceShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] endpoints: Vec<EndpointShape>,
    }
}

shape! {
    /// One endpoint.
    EndpointShape { #[serde(deserialize_with = "or_default")] conditions: EndpointConditionsShape, }
}

shape! {
    /// An endpoint's conditions; an absent `ready` means ready.
    EndpointConditionsShape { ready: Option<bool>, }
}

shape! {
    /// An Ingress.
    IngressShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: IngressSpecShape,
        #[serde(deserialize_with = "or_default")] status: IngressStatusShape,
    }
}

shape! {
    /// An Ingress's spec.
    IngressSpecShape {
        ingress_class_name: Option<String>,
        default_backend: Option<BackendShape>,
        #[serde(deserialize_with = "or_default")] rules: Vec<IngressRuleShape>,
        #[serde(deserialize_with = "or_default")] tls: Vec<IngressTlsShape>,
    }
}

shape! {
    /// One host of an Ingress.
    IngressRuleShape {
        #[serde(deserialize_with = "or_default")] host: String,
        #[serde(deserialize_with = "or_default")] http: IngressPathsShape,
    }
}

shape! {
    /// The paths of a host.
    IngressPathsShape { #[serde(deserialize_with = "or_default")] paths: Vec<IngressPathShape>, }
}

shape! {
    /// One path of a host.
    IngressPathShape {
        #[serde(deserialize_with = "or_default")] path: String,
        #[serde(deserialize_with = "or_default")] backend: BackendShape,
    }
}

shape! {
    /// Where requests go; a `resource` is not a Service and is not looked into.
    BackendShape { service: Option<BackendServiceShape>, }
}

shape! {
    /// A Service's port.
    BackendServiceShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] port: BackendPortShape,
    }
}

shape! {
    /// A port by name or by number.
    BackendPortShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] number: u16,
    }
}

shape! {
    /// The certificate of some hosts.
    IngressTlsShape { #[serde(deserialize_with = "or_default")] secret_name: String, }
}

shape! {
    /// An Ingress's status.
    IngressStatusShape { #[serde(deserialize_with = "or_default")] load_balancer: LoadBalancerShape, }
}

shape! {
    /// Where an Ingress is reached, once somebody serves it.
    LoadBalancerShape { #[serde(deserialize_with = "or_default")] ingress: Vec<Present>, }
}

shape! {
    /// An IngressClass.
    IngressClassShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: IngressClassSpecShape,
    }
}

shape! {
    /// An IngressClass's spec.
    IngressClassSpecShape { #[serde(deserialize_with = "or_default")] controller: String, }
}
