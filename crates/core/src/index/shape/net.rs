//! Services and EndpointSlices, as far as they are read.
//!
//! Owns their fields. Must never keep an address. No IO.

use super::lenient::{Port, or_default, pairs};
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
