//! Tests of the Gateway API's kinds.

use crate::analyze::fixture::{World, at};
use crate::object::Kind;
use serde_json::{Value, json};

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at(100)})
}

fn gateway(w: &mut World, class: &str, conditions: Value) -> Vec<String> {
    w.put(Kind::Gateway, json!({"metadata": {"name": "edge"}, "spec": {"gatewayClassName": class}, "status": {"conditions": conditions}}));
    w.findings(Kind::Gateway, "edge")
}

#[test]
fn a_gateway_without_its_class_or_refused_is_told() {
    let mut w = World::new();
    assert_eq!(
        gateway(&mut w, "envoy", json!([])),
        ["GatewayRefused Critical: nothing serves the Gateway: its class \"envoy\" does not exist"]
    );
    w.put(Kind::GatewayClass, json!({"metadata": {"name": "envoy"}, "status": {"conditions": [condition("Accepted", "False", "InvalidParameters", "no such EnvoyProxy")]}}));
    assert_eq!(
        w.findings(Kind::GatewayClass, "envoy"),
        ["GatewayRefused Warning: the GatewayClass is not accepted: \"no such EnvoyProxy\""]
    );
    let no_address = condition("Programmed", "False", "AddressNotAssigned", "no address");
    let found = gateway(&mut w, "envoy", json!([condition("Accepted", "True", "Accepted", ""), no_address]));
    assert_eq!(found, ["GatewayRefused Warning: the Gateway is not programmed: \"no address\""]);
    assert_eq!(
        gateway(&mut w, "envoy", json!([condition("Accepted", "Unknown", "Pending", "Waiting for controller")])),
        [""; 0]
    );
}

#[test]
fn a_route_that_hangs_on_nothing_or_leads_to_nothing_is_told() {
    let mut w = World::new();
    w.put(Kind::Gateway, json!({"metadata": {"name": "edge"}, "spec": {"gatewayClassName": "envoy"}}));
    w.put(Kind::Service, json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}));
    let route = |w: &mut World, parent: &str, backend: &str, port: u16| {
        w.put(Kind::HTTPRoute, json!({"metadata": {"name": "r"}, "spec": {"parentRefs": [{"name": parent}], "rules": [{"backendRefs": [{"name": backend, "port": port}]}]}}));
        w.findings(Kind::HTTPRoute, "r")
    };
    assert_eq!(route(&mut w, "edge", "web", 80), [""; 0]);
    assert_eq!(
        route(&mut w, "egde", "web", 80),
        ["RouteGatewayMissing Warning: the route hangs on Gateway \"shop/egde\", which does not exist"]
    );
    assert_eq!(
        route(&mut w, "edge", "wed", 80),
        ["RouteBackendMissing Warning: the route leads to nothing: Service \"wed\" does not exist; there is \"web\""]
    );
    assert_eq!(
        route(&mut w, "edge", "web", 81),
        ["RouteBackendMissing Warning: the route leads to nothing: Service \"web\" has no port 81, only 80"]
    );
}
