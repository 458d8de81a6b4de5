//! The oracle of Ingresses: what they name is there, and somebody answers.

use super::cluster::*;
use crate::action::ChangeType;
use crate::object::Kind;
use crate::oracle::{Health, baseline};
use serde_json::{Value, json};

fn service(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
}

fn slice(service: &str) -> Value {
    json!({"metadata": {"labels": {"kubernetes.io/service-name": service}}, "ports": [{"name": "http", "port": 8080}],
        "endpoints": [{"conditions": {"ready": true}}]})
}

fn object() -> Value {
    let path = |service: &str| json!({"path": format!("/{service}"), "backend": {"service": {"name": service, "port": {"number": 80}}}});
    json!({"kind": "Ingress", "metadata": {"uid": "u-1"},
        "spec": {"ingressClassName": "nginx", "rules": [{"http": {"paths": [path("web"), path("cart")]}}]}})
}

/// An Ingress with two paths to two Services that answer; that pointer was changed.
fn led(changed: &str) -> Case {
    let mut case = done(ChangeType::PatchIngress, Kind::Ingress);
    case.plan.changed = vec![changed.to_owned()];
    case.plan.result = object().to_string();
    case.plan.baseline = baseline(&object());
    case.seen.target = Some(object());
    case.seen.slices = vec![slice("web"), slice("cart")];
    case.seen.around.insert(Kind::IngressClass, vec![json!({"metadata": {"name": "nginx"}})]);
    case.seen.around.insert(Kind::Service, vec![service("web"), service("cart")]);
    case
}

const CLASS: &str = "/spec/ingressClassName";
const CART: &str = "/spec/rules/0/http/paths/1/backend/service/name";

#[test]
fn an_ingress_is_healthy_where_its_class_is_there_and_a_path_answers() {
    healthy(&led(CLASS));
    let mut half = led(CLASS);
    half.seen.slices = vec![slice("cart")];
    healthy(&half);
    type Lie = fn(&mut Case);
    let lies: [(&str, Lie); 3] = [
        ("class nginx is not there", |case| case.seen.around.get_mut(&Kind::IngressClass).unwrap().clear()),
        ("behind none of its paths", |case| case.seen.slices.clear()),
        ("behind none of its paths", |case| case.seen.around.get_mut(&Kind::Service).unwrap().clear()),
    ];
    for (why, lie) in lies {
        let mut case = led(CLASS);
        lie(&mut case);
        not_yet(&case, why);
    }
    not_yet(&led(CLASS).set(CLASS, json!("other")), "ingressClassName was changed again");
    assert_eq!(led(CLASS).set("/metadata/uid", json!("u-2")).judge(), Health::Vanished);
}

#[test]
fn another_path_that_answers_does_not_stand_for_the_one_that_was_set() {
    healthy(&led(CART));
    type Lie = fn(&mut Case);
    let lies: [(&str, Lie); 5] = [
        ("Service cart is not there", |case| case.seen.around.get_mut(&Kind::Service).unwrap().truncate(1)),
        ("has not the port", |case| {
            case.seen.around.get_mut(&Kind::Service).unwrap()[1]["spec"]["ports"][0]["port"] = json!(81)
        }),
        ("no ready pod stands behind Service cart", |case| case.seen.slices.truncate(1)),
        ("no ready pod stands behind Service cart", |case| {
            case.seen.slices[1]["endpoints"][0]["conditions"]["ready"] = json!(false)
        }),
        ("no ready pod stands behind Service cart", |case| case.seen.slices[1]["ports"][0]["name"] = json!("other")),
    ];
    for (why, lie) in lies {
        let mut case = led(CART);
        lie(&mut case);
        not_yet(&case, why);
    }
}

#[test]
fn an_address_counts_only_where_there_was_one_before() {
    let served = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    let mut case = led(CLASS);
    let before = json!({"kind": "Ingress", "status": served});
    assert_eq!(baseline(&before).available, 1);
    case.plan.baseline = baseline(&before);
    not_yet(&case, "served at no address");
    healthy(&case.set("/status", served));
}
