//! Ingresses: which class and which Service they may be given, and by whom.

use super::*;
use crate::action::{IngressSettings, PathBackend};
use crate::names::PortRef;
use crate::plan::fixture::name;
use serde_json::json;

fn human() -> Origin {
    Origin::Human {}
}

fn told() -> Origin {
    Origin::CurrentValue {}
}

fn set(settings: IngressSettings, origin: Origin) -> impl FnOnce(&mut Case) {
    move |case| case.proposal.action = Action::PatchIngress { settings: Param::new(settings, origin) }
}

fn class(class: &str) -> IngressSettings {
    IngressSettings { class: Some(name(class)), backend: None }
}

fn backend(path: &str, service: &str, port: &str) -> IngressSettings {
    let (host, port) = ("shop.example".to_owned(), PortRef::parse(port).unwrap());
    let backend = PathBackend { host, path: path.to_owned(), service: name(service), port };
    IngressSettings { class: None, backend: Some(backend) }
}

/// Of the good case: the class `nginx` alone, the Services `web` and `orders` with port 80 `http`, and a path
/// `/orders` that leads to `ordrs`.
fn verdict(settings: IngressSettings, origin: Origin, change: impl FnOnce(&mut Case)) -> Result<(), Code> {
    changed(ChangeType::PatchIngress, |case| {
        set(settings, origin)(case);
        change(case);
    })
}

fn add(case: &mut Case, kind: Kind, object: Value) {
    case.facts.around.get_mut(&kind).unwrap().push(object);
}

#[test]
fn a_class_is_one_that_exists_whoever_names_it() {
    assert_eq!(verdict(class("nginx"), human(), |_| {}), Ok(()));
    assert_eq!(verdict(class("traefik"), human(), |_| {}), Err(Code::OutOfBounds));
    assert_eq!(verdict(class("nginx"), human(), |case| case.facts.around.clear()), Err(Code::OutOfBounds));
    let leaving = |case: &mut Case| {
        let classes = case.facts.around.get_mut(&Kind::IngressClass).unwrap();
        classes[0]["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
    };
    assert_eq!(verdict(class("nginx"), human(), leaving), Err(Code::OutOfBounds));
    assert_eq!(verdict(IngressSettings::default(), human(), |_| {}), Err(Code::OutOfBounds));
}

#[test]
fn without_a_person_a_class_takes_the_place_of_one_that_is_not_there_and_is_the_only_one() {
    assert_eq!(verdict(class("nginx"), told(), |_| {}), Ok(()));
    let other = || json!({"metadata": {"name": "traefik"}});
    type Turn = fn(&mut Case, Value);
    let cases: [(&str, Turn); 3] = [
        ("there are two", |case, other| add(case, Kind::IngressClass, other)),
        ("none is named", |case, _| case.target()["spec"]["ingressClassName"] = Value::Null),
        ("the present one exists", |case, other| {
            add(case, Kind::IngressClass, other);
            case.target()["spec"]["ingressClassName"] = json!("traefik");
        }),
    ];
    for (what, change) in cases {
        let by = |origin| verdict(class("nginx"), origin, |case| change(case, other()));
        assert_eq!(by(told()), Err(Code::OriginUnproven), "{what}");
        assert_eq!(by(human()), Ok(()), "{what}, says a person");
    }
}

#[test]
fn a_path_leads_to_a_service_that_has_the_port() {
    for (what, settings, expected) in [
        ("a Service", backend("/orders", "orders", "80"), Ok(())),
        ("by the port's name", backend("/orders", "orders", "http"), Ok(())),
        ("one whose name is far", backend("/orders", "web", "80"), Ok(())),
        ("a path that works", backend("/", "orders", "80"), Ok(())),
        ("no such Service", backend("/orders", "orders-2", "80"), Err(Code::OutOfBounds)),
        ("no such port", backend("/orders", "orders", "8080"), Err(Code::OutOfBounds)),
        ("no port of that name", backend("/orders", "orders", "https"), Err(Code::OutOfBounds)),
        ("no such path", backend("/basket", "orders", "80"), Err(Code::TargetMissing)),
        ("no path", backend("", "orders", "80"), Err(Code::TargetMissing)),
    ] {
        assert_eq!(verdict(settings, human(), |_| {}), expected, "{what}");
    }
    let no_host = |case: &mut Case| case.target()["spec"]["rules"][0]["host"] = json!("other.example");
    assert_eq!(verdict(backend("/orders", "orders", "80"), human(), no_host), Err(Code::TargetMissing));
    let twice = |case: &mut Case| case.target()["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!("/orders");
    assert_eq!(verdict(backend("/orders", "orders", "80"), human(), twice), Err(Code::OutOfBounds));
    let bucket = |case: &mut Case| {
        case.target()["spec"]["rules"][0]["http"]["paths"][1]["backend"] = json!({"resource": {"kind": "Bucket"}});
    };
    assert_eq!(verdict(backend("/orders", "orders", "80"), human(), bucket), Err(Code::OutOfBounds));
}

#[test]
fn without_a_person_a_path_is_led_only_from_a_missing_service_to_the_one_of_nearly_its_name() {
    let service = |name: &str, ports: Value| json!({"metadata": {"name": name}, "spec": {"ports": ports}});
    let orders = || backend("/orders", "orders", "80");
    assert_eq!(verdict(orders(), told(), |_| {}), Ok(()));
    type Turn<'a> = &'a dyn Fn(&mut Case);
    let cases: [(&str, IngressSettings, Turn<'_>); 6] = [
        ("a name that is far", backend("/orders", "web", "80"), &|_| {}),
        ("a path that leads to what exists", backend("/", "orders", "80"), &|_| {}),
        ("two names as near", orders(), &|case| add(case, Kind::Service, service("ordr", json!([{"port": 80}])))),
        ("another port than the present one", backend("/orders", "orders", "443"), &|case| {
            let ports = &mut case.facts.around.get_mut(&Kind::Service).unwrap()[1]["spec"]["ports"];
            *ports = json!([{"name": "http", "port": 80}, {"name": "https", "port": 443}]);
        }),
        ("one of several ports", backend("/orders", "orders", "443"), &|case| {
            let ports = &mut case.facts.around.get_mut(&Kind::Service).unwrap()[1]["spec"]["ports"];
            *ports = json!([{"name": "http", "port": 8080}, {"name": "https", "port": 443}]);
        }),
        ("the present Service is there", orders(), &|case| {
            add(case, Kind::Service, service("ordrs", json!([{"port": 1}])));
        }),
    ];
    for (what, settings, change) in cases {
        let by = |origin| verdict(settings.clone(), origin, |case| change(case));
        assert_eq!(by(told()), Err(Code::OriginUnproven), "{what}");
        assert_eq!(by(human()), Ok(()), "{what}, says a person");
    }
    let only = |case: &mut Case| {
        case.facts.around.get_mut(&Kind::Service).unwrap()[1]["spec"]["ports"] = json!([{"port": 8080}]);
    };
    assert_eq!(verdict(backend("/orders", "orders", "8080"), told(), only), Ok(()), "its only port");
}

#[test]
fn of_a_path_only_its_service_is_written() {
    let drafted = |settings: IngressSettings| {
        let mut case = case(ChangeType::PatchIngress);
        set(settings, human())(&mut case);
        let draft = crate::plan::build::draft(&case.proposal, &case.facts.sources).unwrap();
        let mut object = draft.before.clone().unwrap();
        let patch: json_patch::Patch = serde_json::from_value(json!(draft.patch)).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
        object["spec"].take()
    };
    let before = case(ChangeType::PatchIngress).facts.sources.target.unwrap()["spec"].take();
    let mut expected = before.clone();
    expected["rules"][0]["http"]["paths"][1]["backend"] =
        json!({"service": {"name": "orders", "port": {"name": "http"}}});
    assert_eq!(drafted(backend("/orders", "orders", "http")), expected);
    let mut expected = before;
    expected["ingressClassName"] = json!("nginx");
    assert_eq!(drafted(class("nginx")), expected);
}
