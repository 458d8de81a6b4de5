//! Tests of Ingresses.

use crate::analyze::fixture::{World, merge};
use crate::object::Kind;
use serde_json::{Value, json};

fn service(w: &mut World, name: &str) {
    w.put(Kind::Service, json!({"metadata": {"name": name}, "spec": {"type": "ExternalName"}}));
}

fn ported(w: &mut World, name: &str) {
    w.put(Kind::Service, json!({"metadata": {"name": name}, "spec": {"ports": [{"name": "http", "port": 80}]}}));
}

fn path(service: &str, port: Value) -> Value {
    json!({"path": "/", "backend": {"service": {"name": service, "port": port}}})
}

fn entry(w: &mut World, more: Value, paths: &[Value]) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "entry"}, "spec": {"ingressClassName": "nginx",
        "rules": [{"host": "shop.example", "http": {"paths": paths}}]}});
    merge(&mut object, more);
    w.put(Kind::Ingress, object);
    w.findings(Kind::Ingress, "entry")
}

fn classes(w: &mut World, names: &[&str]) {
    for name in names {
        w.put(Kind::IngressClass, json!({"metadata": {"name": name}, "spec": {"controller": "example.com/x"}}));
    }
}

#[test]
fn a_class_that_does_not_exist_serves_nothing() {
    let mut w = World::new();
    ported(&mut w, "web");
    let paths = [path("web", json!({"number": 80}))];
    let none = entry(&mut w, json!({}), &paths);
    assert_eq!(
        none,
        [
            "IngressClassMissing Critical: nothing serves the Ingress: its class \"nginx\" does not exist; there is no class at all"
        ]
    );
    classes(&mut w, &["ngnix"]);
    let only = entry(&mut w, json!({}), &paths);
    assert_eq!(
        only,
        [
            "IngressClassMissing Critical: nothing serves the Ingress: its class \"nginx\" does not exist; there is \"ngnix\" -> PatchIngress"
        ]
    );
    classes(&mut w, &["traefik"]);
    let near = entry(&mut w, json!({}), &paths);
    assert_eq!(
        near,
        [
            "IngressClassMissing Critical: nothing serves the Ingress: its class \"nginx\" does not exist; there is \"ngnix\""
        ]
    );
    classes(&mut w, &["nginx"]);
    assert_eq!(entry(&mut w, json!({}), &paths), [""; 0]);
}

#[test]
fn an_ingress_without_a_class_needs_a_default_or_somebody_who_takes_it() {
    let mut w = World::new();
    ported(&mut w, "web");
    classes(&mut w, &["nginx"]);
    let paths = [path("web", json!({"name": "http"}))];
    let classless = json!({"spec": {"ingressClassName": null}});
    let found = entry(&mut w, classless.clone(), &paths);
    assert_eq!(
        found,
        [
            "IngressClassMissing Critical: nothing serves the Ingress: it names no class and there is no default one; there are: nginx"
        ]
    );
    let mut served = classless.clone();
    merge(&mut served, json!({"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
    assert_eq!(entry(&mut w, served, &paths), [""; 0]);
    let mut old = classless.clone();
    merge(
        &mut old,
        json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "haproxy"}}, "status": {"loadBalancer": null}}),
    );
    assert_eq!(entry(&mut w, old, &paths), [""; 0], "the annotation is the controller's own matter");
    w.put(
        Kind::IngressClass,
        json!({"metadata": {"name": "nginx", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}}),
    );
    assert_eq!(entry(&mut w, classless, &paths), [""; 0]);
}

#[test]
fn an_action_of_an_annotation_is_no_service() {
    let mut w = World::new();
    classes(&mut w, &["nginx"]);
    assert_eq!(entry(&mut w, json!({}), &[path("ssl-redirect", json!({"name": "use-annotation"}))]), [""; 0]);
}

#[test]
fn backends_are_looked_for() {
    let mut w = World::new();
    classes(&mut w, &["nginx"]);
    ported(&mut w, "web");
    service(&mut w, "elsewhere");
    let good = path("web", json!({"number": 80}));
    for (other, wanted) in [
        (
            path("wed", json!({"number": 80})),
            "Warning: the Ingress leads \"shop.example/\" to nothing: Service \"wed\" does not exist; there is \"web\" -> PatchIngress",
        ),
        (
            path("web", json!({"number": 8080})),
            "Warning: the Ingress leads \"shop.example/\" to nothing: Service \"web\" has no port 8080, only 80",
        ),
        (
            path("web", json!({"name": "https"})),
            "Warning: the Ingress leads \"shop.example/\" to nothing: Service \"web\" has no port \"https\", only 80",
        ),
    ] {
        assert_eq!(entry(&mut w, json!({}), &[good.clone(), other]), [format!("IngressBackendMissing {wanted}")]);
    }
    assert_eq!(
        entry(&mut w, json!({}), &[path("elsewhere", json!({"number": 1}))]),
        [""; 0],
        "what is elsewhere has no ports"
    );
    let all = entry(&mut w, json!({}), &[path("a1234", json!({"number": 80})), path("b1234", json!({"number": 80}))]);
    assert_eq!(
        all,
        [
            "IngressBackendMissing Critical: the Ingress leads \"shop.example/\" to nothing: Service \"a1234\" does not exist; 1 more lead nowhere"
        ]
    );
}

/// What is proposed for the Ingress's first finding.
fn proposed(w: &mut World, paths: &[Value]) -> Option<Value> {
    entry(w, json!({}), paths);
    let finding = w.examine(Kind::Ingress, "entry").findings.into_iter().next()?;
    let candidate = finding.candidates.into_iter().next()?;
    serde_json::to_value(&candidate.action).unwrap().pointer("/patchIngress/settings").cloned()
}

#[test]
fn a_service_is_proposed_where_its_name_was_nearly_written_and_its_port_is_known() {
    let mut w = World::new();
    classes(&mut w, &["nginx"]);
    ported(&mut w, "web");
    service(&mut w, "elsewhere");
    let settings = |port: &str| {
        let backend = json!({"host": "shop.example", "path": "/", "service": "web", "port": port});
        Some(json!({"value": {"backend": backend}, "origin": {"currentValue": {}}}))
    };
    assert_eq!(proposed(&mut w, &[path("wed", json!({"number": 80}))]), settings("80"));
    assert_eq!(proposed(&mut w, &[path("wed", json!({"name": "http"}))]), settings("http"));
    assert_eq!(proposed(&mut w, &[path("wed", json!({"number": 81}))]), settings("80"), "its only port");
    assert_eq!(proposed(&mut w, &[path("web", json!({"number": 81}))]), None, "the Service is there");
    assert_eq!(proposed(&mut w, &[path("payments", json!({"number": 80}))]), None, "no name is near");
    assert_eq!(proposed(&mut w, &[path("elsewhare", json!({"number": 80}))]), None, "what is elsewhere has no ports");
    ported(&mut w, "wel");
    assert_eq!(proposed(&mut w, &[path("wed", json!({"number": 80}))]), None, "two names are as near");
    let two = json!([{"name": "http", "port": 80}, {"name": "https", "port": 443}]);
    w.put(Kind::Service, json!({"metadata": {"name": "orders"}, "spec": {"ports": two}}));
    assert_eq!(proposed(&mut w, &[path("ordrs", json!({"number": 81}))]), None, "one of two ports");
}

#[test]
fn a_class_is_proposed_where_there_is_one_and_another_was_named() {
    let mut w = World::new();
    ported(&mut w, "web");
    let paths = [path("web", json!({"number": 80}))];
    assert_eq!(proposed(&mut w, &paths), None);
    classes(&mut w, &["traefik"]);
    let only = json!({"value": {"class": "traefik"}, "origin": {"currentValue": {}}});
    assert_eq!(proposed(&mut w, &paths), Some(only));
    classes(&mut w, &["haproxy"]);
    assert_eq!(proposed(&mut w, &paths), None);
}

#[test]
fn a_missing_certificate_is_told_by_the_controller() {
    let mut w = World::new();
    classes(&mut w, &["nginx"]);
    ported(&mut w, "web");
    let tls = json!({"spec": {"tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}]}});
    let paths = [path("web", json!({"number": 80}))];
    w.event("Ingress-entry", "Rejected", "secret shop/other-tls-2 not found", 590);
    assert_eq!(entry(&mut w, tls.clone(), &paths), [""; 0], "of another Secret");
    w.event("Ingress-entry", "TLSSecretNotFound", "TLS secret \"shop/shop-tls\" not found for hosts shop.example", 590);
    assert_eq!(
        entry(&mut w, tls, &paths),
        [
            "IngressSecretMissing Warning: the certificate's Secret \"shop-tls\" is missing, as its controller says: \"TLS secret 'shop/shop-tls' not found for hosts shop.example\""
        ]
    );
}

#[test]
fn nothing_is_concluded_from_what_is_not_read() {
    let mut w = World::new();
    w.index.set_unread(Kind::IngressClass, "forbidden");
    w.index.set_unread(Kind::Service, "forbidden");
    assert_eq!(entry(&mut w, json!({}), &[path("web", json!({"number": 80}))]), [""; 0]);
}

#[test]
fn what_was_just_made_may_still_be_completed() {
    let mut w = World::new();
    let young = json!({"metadata": {"creationTimestamp": crate::analyze::fixture::at(580)}});
    assert_eq!(entry(&mut w, young, &[path("web", json!({"number": 80}))]), [""; 0]);
    assert_eq!(w.examine(Kind::Ingress, "entry").recheck.unwrap().to_string(), crate::analyze::fixture::at(610));
}
