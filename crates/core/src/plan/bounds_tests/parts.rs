//! Probes, variables, placement, volumes, strategies, Services: what may be set, and what it comes to in fields.

use super::*;
use crate::action::{ProbeName, ProbeSettings, SchedulingPart, ServiceSettings, Strategy, TargetPort, TrafficPolicy};
use crate::names::{Amount, PortRef, VariableName, VolumeName};
use crate::plan::build::draft;
use crate::plan::fixture::{app, history};
use serde_json::json;

/// The object with the draft's patch applied.
fn drafted(change_type: ChangeType, change: impl FnOnce(&mut Case)) -> Result<Value, Code> {
    let mut case = case(change_type);
    change(&mut case);
    let draft = draft(&case.proposal, &case.facts.sources).map_err(|reason| reason.code)?;
    let mut object = draft.before.clone().unwrap();
    let patch: json_patch::Patch = serde_json::from_value(json!(draft.patch)).unwrap();
    json_patch::patch(&mut object, &patch).unwrap();
    Ok(object)
}

fn container(object: &Value) -> &Value {
    &object["spec"]["template"]["spec"]["containers"][0]
}

fn env(variable: &str) -> impl FnOnce(&mut Case) {
    let variable = VariableName::parse(variable).unwrap();
    move |case| {
        case.proposal.action = Action::SetEnv { container: app(), variable, revision: Param::new(1, history()) };
    }
}

#[test]
fn a_variable_is_as_the_revision_has_it_at_its_place_or_is_gone() {
    let names = |object: &Value| -> Vec<String> {
        let all = container(object)["env"].as_array().into_iter().flatten();
        all.map(|e| format!("{}={}", e["name"].as_str().unwrap(), e["value"].as_str().unwrap())).collect()
    };
    assert_eq!(names(&drafted(ChangeType::SetEnv, env("MODE")).unwrap()), ["FIRST=1", "MODE=fast"]);
    let removed = drafted(ChangeType::SetEnv, |case| {
        case.target()["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "MODE", "value": "odd"}]);
        env("FIRST")(case);
    });
    assert_eq!(names(&removed.unwrap()), ["FIRST=1", "MODE=odd"]);
    let added = drafted(ChangeType::SetEnv, |case| {
        case.target()["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{"name": "FIRST", "value": "1"}, {"name": "NEW", "value": "x"}]);
        env("NEW")(case);
    });
    assert_eq!(names(&added.unwrap()), ["FIRST=1"]);
    assert_eq!(drafted(ChangeType::SetEnv, env("ABSENT")), Err(Code::TargetMissing));
    assert_eq!(drafted(ChangeType::SetEnv, env("FIRST")), Err(Code::NothingToChange));
}

#[test]
fn placement_and_volumes_go_back_and_nothing_else_does() {
    let placed = drafted(ChangeType::SetScheduling, |_| {}).unwrap();
    assert_eq!(placed["spec"]["template"]["spec"]["nodeSelector"], json!({"disk": "ssd"}));
    assert_eq!(container(&placed)["env"][1]["value"], "odd");
    let tolerations = |case: &mut Case| {
        case.target()["spec"]["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
        case.proposal.action =
            Action::SetScheduling { part: SchedulingPart::Tolerations, revision: Param::new(1, history()) };
    };
    let placed = drafted(ChangeType::SetScheduling, tolerations).unwrap();
    assert_eq!(placed["spec"]["template"]["spec"].get("tolerations"), None);
    let bound = drafted(ChangeType::SetVolumeRef, |_| {}).unwrap();
    assert_eq!(bound["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data");
    let other_kind = drafted(ChangeType::SetVolumeRef, |case| {
        case.target()["spec"]["template"]["spec"]["volumes"][0] = json!({"name": "data", "hostPath": {"path": "/"}});
    });
    assert_eq!(other_kind, Err(Code::OutOfBounds));
    let absent = drafted(ChangeType::SetVolumeRef, |case| {
        let volume = VolumeName::parse("other").unwrap();
        case.proposal.action = Action::SetVolumeRef { volume, revision: Param::new(1, history()) };
    });
    assert_eq!(absent, Err(Code::TargetMissing));
}

fn probe(settings: ProbeSettings, origin: Origin) -> impl FnOnce(&mut Case) {
    move |case| {
        let settings = Param::new(settings, origin);
        case.proposal.action = Action::SetProbe { container: app(), probe: ProbeName::Readiness, settings };
    }
}

fn port(text: &str) -> ProbeSettings {
    ProbeSettings { port: PortRef::parse(text).ok(), ..ProbeSettings::default() }
}

fn timeout(seconds: i32) -> ProbeSettings {
    ProbeSettings { timeout_seconds: Some(seconds), ..ProbeSettings::default() }
}

#[test]
fn a_probe_asks_where_the_revision_did_or_the_container_listens() {
    let both = || ProbeSettings { path: Some("/healthz".into()), ..port("8080") };
    assert_eq!(changed(ChangeType::SetProbe, probe(both(), history())), Ok(()));
    let set = drafted(ChangeType::SetProbe, probe(both(), history())).unwrap();
    assert_eq!(container(&set)["readinessProbe"]["httpGet"], json!({"path": "/healthz", "port": 8080}));
    let path = |path: &str| ProbeSettings { path: Some(path.into()), ..ProbeSettings::default() };
    for (what, settings, origin, expected) in [
        ("another path than the revision's", path("/ok"), history(), Err(Code::OriginUnproven)),
        ("another port than the revision's", port("http"), history(), Err(Code::OriginUnproven)),
        ("a declared port", port("8080"), Origin::CurrentValue {}, Ok(())),
        ("a declared port by name", port("http"), Origin::CurrentValue {}, Ok(())),
        ("a port that nobody declares", port("8081"), Origin::CurrentValue {}, Err(Code::OutOfBounds)),
        ("a path from nowhere", path("/ok"), Origin::CurrentValue {}, Err(Code::OriginUnproven)),
        ("a person's path", path("/ok"), Origin::Human {}, Ok(())),
        ("no path", path("ok"), Origin::Human {}, Err(Code::OutOfBounds)),
        ("a path with a break", path("/a\nb"), Origin::Human {}, Err(Code::OutOfBounds)),
        ("nothing", ProbeSettings::default(), Origin::Human {}, Err(Code::OutOfBounds)),
        ("more patience", timeout(3), Origin::CurrentValue {}, Ok(())),
        ("too much more", timeout(4), Origin::CurrentValue {}, Err(Code::OutOfBounds)),
        ("for ever", timeout(61), Origin::Human {}, Err(Code::OutOfBounds)),
        ("none", timeout(0), Origin::Human {}, Err(Code::OutOfBounds)),
    ] {
        assert_eq!(changed(ChangeType::SetProbe, probe(settings, origin)), expected, "{what}");
    }
    let patient = |period: i32, failures: i32| {
        changed(ChangeType::SetProbe, |case| {
            case.target()["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["failureThreshold"] = json!(3);
            let settings = ProbeSettings {
                period_seconds: Some(period),
                failure_threshold: Some(failures),
                ..ProbeSettings::default()
            };
            probe(settings, Origin::CurrentValue {})(case);
        })
    };
    assert_eq!((patient(30, 3), patient(10, 9)), (Ok(()), Ok(())));
    assert_eq!(patient(30, 9), Err(Code::OutOfBounds), "nine times as long until a fault is noticed");
    let none = changed(ChangeType::SetProbe, |case| {
        case.target()["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = Value::Null;
    });
    assert_eq!(none, Err(Code::TargetMissing), "a probe is not made out of nothing");
}

#[test]
fn a_strategy_neither_stops_rollouts_nor_takes_everything_down() {
    let amounts = |surge: &str, missing: &str| {
        let of = |text: &str| Amount::parse(text).ok();
        let strategy = Strategy { max_surge: of(surge), max_unavailable: of(missing) };
        changed(ChangeType::SetStrategy, |case| {
            case.proposal.action = Action::SetStrategy { strategy: Param::new(strategy, Origin::Human {}) };
        })
    };
    assert_eq!(amounts("1", "0"), Ok(()));
    assert_eq!(amounts("0", "1"), Ok(()));
    assert_eq!(amounts("0", ""), Ok(()), "a quarter may be missing as it is");
    assert_eq!(amounts("0", "0%"), Err(Code::OutOfBounds));
    assert_eq!(amounts("", "100%"), Err(Code::OutOfBounds));
    assert_eq!(amounts("", "2"), Err(Code::OutOfBounds));
    assert_eq!(amounts("", ""), Err(Code::OutOfBounds));
    let recreated = changed(ChangeType::SetStrategy, |case| {
        case.target()["spec"]["strategy"] = json!({"type": "Recreate"});
    });
    assert_eq!(recreated, Err(Code::OutOfBounds));
}

fn service(settings: ServiceSettings, origin: Origin) -> impl FnOnce(&mut Case) {
    move |case| case.proposal.action = Action::PatchService { settings: Param::new(settings, origin) }
}

fn leading(service_port: i32, target: &str) -> ServiceSettings {
    let target_port = Some(TargetPort { port: service_port, target: PortRef::parse(target).unwrap() });
    ServiceSettings { target_port, ..ServiceSettings::default() }
}

fn traffic(policy: TrafficPolicy) -> ServiceSettings {
    ServiceSettings { internal_traffic_policy: Some(policy), ..ServiceSettings::default() }
}

#[test]
fn a_service_is_led_to_pods_and_ports_that_are_there() {
    type Origins = fn() -> Origin;
    let (told, human): (Origins, Origins) = (|| Origin::CurrentValue {}, || Origin::Human {});
    for (what, settings, origin, expected) in [
        ("a declared port", leading(80, "8080"), told, Ok(())),
        ("a declared port by name", leading(80, "http"), told, Ok(())),
        ("a port that nobody declares", leading(80, "8081"), human, Err(Code::OutOfBounds)),
        ("a port that the Service has not", leading(81, "8080"), human, Err(Code::TargetMissing)),
        ("every pod", traffic(TrafficPolicy::Cluster), told, Err(Code::OriginUnproven)),
        ("pods of the node", traffic(TrafficPolicy::Local), told, Err(Code::OriginUnproven)),
        ("pods of the node, says a person", traffic(TrafficPolicy::Local), human, Ok(())),
        ("nothing", ServiceSettings::default(), human, Err(Code::OutOfBounds)),
    ] {
        assert_eq!(changed(ChangeType::PatchService, service(settings, origin())), expected, "{what}");
    }
    let port = drafted(ChangeType::PatchService, service(leading(80, "8080"), told())).unwrap();
    assert_eq!(port["spec"]["ports"][0]["targetPort"], 8080);
    let selector = drafted(ChangeType::PatchService, |_| {}).unwrap();
    assert_eq!(selector["spec"]["selector"], json!({"app": "web"}));
}

#[test]
fn a_service_that_leads_somewhere_is_led_elsewhere_by_people_alone() {
    let serving = |case: &mut Case| case.facts.selected_now = case.facts.selected.clone();
    assert_eq!(changed(ChangeType::PatchService, serving), Err(Code::OriginUnproven));
    let by_person = changed(ChangeType::PatchService, |case| {
        serving(case);
        let Action::PatchService { settings } = &mut case.proposal.action else { panic!("another action") };
        settings.origin = Origin::Human {};
    });
    assert_eq!(by_person, Ok(()));
    let working = changed(ChangeType::PatchService, |case| {
        case.target()["spec"]["ports"][0]["targetPort"] = json!(8080);
        service(leading(80, "http"), Origin::CurrentValue {})(case);
    });
    assert_eq!(working, Err(Code::OriginUnproven));
    assert_eq!(changed(ChangeType::PatchService, |case| case.facts.selected.clear()), Err(Code::OutOfBounds));
    let unready = |case: &mut Case| case.facts.selected[0]["status"]["conditions"][0]["status"] = json!("False");
    assert_eq!(changed(ChangeType::PatchService, unready), Err(Code::OutOfBounds));
    for (what, field, value) in [
        ("other labels", "selector", json!({"component": "web"})),
        ("a label more", "selector", json!({"app": "gone", "tier": "front"})),
        ("no labels before", "selector", Value::Null),
        ("reached from outside", "type", json!("LoadBalancer")),
        ("reached from elsewhere", "externalIPs", json!(["192.0.2.1"])),
    ] {
        let told = changed(ChangeType::PatchService, |case| case.target()["spec"][field] = value);
        assert_eq!(told, Err(Code::OriginUnproven), "{what}");
    }
    // A port is declared for people only: who declares none may serve any.
    let silent = changed(ChangeType::PatchService, |case| {
        service(leading(80, "http"), Origin::CurrentValue {})(case);
        case.facts.selected[0]["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "silent"}));
    });
    assert_eq!(silent, Err(Code::OriginUnproven));
    let twice = changed(ChangeType::PatchService, |case| {
        service(leading(80, "8080"), Origin::CurrentValue {})(case);
        let ports = case.target()["spec"]["ports"].as_array_mut().unwrap();
        ports.push(json!({"name": "second", "port": 81, "targetPort": 8080}));
    });
    assert_eq!(twice, Err(Code::OriginUnproven));
    let named = |case: &mut Case| case.target()["spec"]["type"] = json!("ExternalName");
    assert_eq!(changed(ChangeType::PatchService, named), Err(Code::OutOfBounds));
}

#[test]
fn a_service_is_not_told_to_select_others_while_it_is_meant_for_something() {
    let labels = json!({"app": "wbe", "tier": "front"});
    let template = json!({"template": {"metadata": {"labels": labels}}});
    for kind in crate::plan::service::SELECTED {
        let spec = if *kind == Kind::CronJob { json!({"jobTemplate": {"spec": template}}) } else { template.clone() };
        let stopped = json!({"metadata": {"name": "stopped"}, "spec": spec});
        let told = |workload: Value| {
            changed(ChangeType::PatchService, |case| {
                case.facts.around.insert(*kind, vec![workload]);
            })
        };
        assert_eq!(told(stopped.clone()), Err(Code::OriginUnproven), "{kind}");
        let mut leaving = stopped;
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
        assert_eq!(told(leaving), Ok(()), "{kind}");
    }
    let slice = |service: &str, conditions: Value| {
        let endpoint = json!({"addresses": ["192.0.2.1"], "conditions": conditions});
        let labels = json!({"kubernetes.io/service-name": service});
        json!({"metadata": {"name": "s", "labels": labels}, "endpoints": [endpoint]})
    };
    for (what, slice, expected) in [
        ("somebody's endpoint", slice("web", json!({"ready": true})), Err(Code::OriginUnproven)),
        ("one of which nothing is said", slice("web", json!({})), Err(Code::OriginUnproven)),
        ("one that does not serve", slice("web", json!({"ready": false})), Ok(())),
        ("another Service's", slice("other", json!({"ready": true})), Ok(())),
    ] {
        let mut case = case(ChangeType::PatchService);
        case.facts.around.insert(Kind::EndpointSlice, vec![slice]);
        assert_eq!(case.check(), expected, "{what}");
        let Action::PatchService { settings } = &mut case.proposal.action else { panic!("another action") };
        settings.origin = Origin::Human {};
        assert_eq!(case.check(), Ok(()), "a person may, {what}");
    }
}
