//! Kinds that a cluster need not have: the Gateway API's, and cert-manager's certificates.
//!
//! Owns their fields. Must never keep what is in a Secret they name. No IO.

use super::lenient::{or_default, time};
use super::meta::Meta;
use super::pod::{ConditionShape, shape};
use jiff::Timestamp;
use serde::Deserialize;

shape! {
    /// A GatewayClass.
    GatewayClassShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] status: ConditionsShape,
    }
}

shape! {
    /// A status that is only conditions.
    ConditionsShape { #[serde(deserialize_with = "or_default")] conditions: Vec<ConditionShape>, }
}

shape! {
    /// A Gateway.
    GatewayShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: GatewaySpecShape,
        #[serde(deserialize_with = "or_default")] status: ConditionsShape,
    }
}

shape! {
    /// A Gateway's spec.
    GatewaySpecShape { #[serde(deserialize_with = "or_default")] gateway_class_name: String, }
}

shape! {
    /// An HTTPRoute.
    RouteShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: RouteSpecShape,
    }
}

shape! {
    /// A route's spec.
    RouteSpecShape {
        #[serde(deserialize_with = "or_default")] parent_refs: Vec<RouteRefShape>,
        #[serde(deserialize_with = "or_default")] rules: Vec<RouteRuleShape>,
    }
}

shape! {
    /// One rule of a route.
    RouteRuleShape { #[serde(deserialize_with = "or_default")] backend_refs: Vec<RouteRefShape>, }
}

shape! {
    /// What a route names: a Gateway or a Service.
    RouteRefShape {
        #[serde(deserialize_with = "or_default")] group: String,
        #[serde(deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "or_default")] namespace: String,
        #[serde(deserialize_with = "or_default")] name: String,
        port: Option<u16>,
    }
}

shape! {
    /// A cert-manager Certificate.
    CertificateShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: CertificateSpecShape,
        #[serde(deserialize_with = "or_default")] status: CertificateStatusShape,
    }
}

shape! {
    /// A Certificate's spec.
    CertificateSpecShape {
        #[serde(deserialize_with = "or_default")] secret_name: String,
        #[serde(deserialize_with = "or_default")] issuer_ref: NamedIssuerShape,
    }
}

shape! {
    /// Who issues a certificate.
    NamedIssuerShape {
        #[serde(deserialize_with = "or_default")] kind: String,
        #[serde(deserialize_with = "or_default")] name: String,
    }
}

shape! {
    /// A Certificate's status.
    CertificateStatusShape {
        #[serde(deserialize_with = "time")] not_after: Option<Timestamp>,
        #[serde(deserialize_with = "time")] renewal_time: Option<Timestamp>,
        #[serde(deserialize_with = "or_default")] conditions: Vec<ConditionShape>,
    }
}
