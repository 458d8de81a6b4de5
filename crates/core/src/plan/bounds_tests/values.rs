//! The values' own bounds: replicas, image references, resources.

use super::*;
use crate::plan::fixture::{app, history};
use serde_json::json;

fn scaled(replicas: i32, low: i32, high: i32) -> Result<(), Code> {
    changed(ChangeType::Scale, |case| {
        case.proposal.action = Action::Scale { replicas: Param::new(replicas, Origin::Human {}) };
        (case.bounds.min_replicas, case.bounds.max_replicas) = (low, high);
    })
}

#[test]
fn replicas_stay_within_the_mandate_both_ends_included() {
    for (replicas, within) in [(1, true), (10, true), (0, false), (11, false), (-1, false), (i32::MAX, false)] {
        assert_eq!(scaled(replicas, 1, 10).is_ok(), within, "{replicas}");
    }
    assert_eq!(scaled(0, 1, 10), Err(Code::OutOfBounds));
    assert_eq!(scaled(0, 0, 10), Ok(()));
    assert_eq!(scaled(5, 6, 4), Err(Code::OutOfBounds), "bounds that leave nothing allow nothing");
}

#[test]
fn replicas_that_an_autoscaler_owns_are_not_set() {
    let owned = changed(ChangeType::Scale, |case| case.facts.sources.autoscaled = true);
    assert_eq!(owned, Err(Code::ReplicasOwnedByAutoscaler));
    assert_eq!(changed(ChangeType::SetImage, |case| case.facts.sources.autoscaled = true), Ok(()));
}

#[test]
fn an_image_reference_has_a_container_a_length_and_no_blanks() {
    let set = |container: &str, image: &str| {
        let container = crate::names::ContainerName::parse(container).unwrap();
        changed(ChangeType::SetImage, |case| {
            let image = Param::new(image.to_owned(), Origin::Human {});
            case.proposal.action = Action::SetImage { container, image };
        })
    };
    assert_eq!(set("app", &"i".repeat(512)), Ok(()));
    assert_eq!(set("nope", "i"), Err(Code::TargetMissing));
    for bad in [String::new(), "i".repeat(513), "a b".into(), "a\tb".into(), "a\u{7f}".into(), "a\u{2003}b".into()] {
        assert_eq!(set("app", &bad), Err(Code::OutOfBounds), "{bad:?}");
    }
}

/// Sets resources given as `requests.memory=1Gi`.
fn set(case: &mut Case, values: &[&str], origin: Origin) {
    let mut wanted = Resources::default();
    for value in values {
        let (what, quantity) = value.split_once('=').unwrap();
        let (part, name) = what.split_once('.').unwrap();
        let name = if name == "cpu" { ResourceName::Cpu } else { ResourceName::Memory };
        let part = if part == "requests" { &mut wanted.requests } else { &mut wanted.limits };
        part.insert(name, quantity.to_owned());
    }
    case.proposal.action = Action::SetResources { container: app(), resources: Param::new(wanted, origin) };
}

fn current_value(values: &[&str], change: impl FnOnce(&mut Case)) -> Result<(), Code> {
    changed(ChangeType::SetResources, |case| {
        set(case, values, Origin::CurrentValue {});
        change(case);
    })
}

#[test]
fn resources_grow_to_at_most_twice_the_current_value_and_never_shrink_without_history() {
    for (value, within) in [
        ("limits.memory=64Mi", true),
        ("limits.memory=128Mi", true),
        ("limits.memory=134217728", true),
        ("limits.memory=129Mi", false),
        ("limits.memory=63Mi", false),
        ("limits.memory=0", false),
        ("limits.memory=-1Mi", false),
        ("limits.memory=lots", false),
        ("limits.cpu=2", true),
        ("limits.cpu=2001m", false),
        ("requests.memory=64Mi", true),
        ("requests.cpu=1", false),
    ] {
        let expected = if within { Ok(()) } else { Err(Code::OutOfBounds) };
        assert_eq!(current_value(&[value], |_| {}), expected, "{value}");
        let human = changed(ChangeType::SetResources, |case| set(case, &[value], Origin::Human {}));
        assert_eq!(human, expected, "a person is bound by the same: {value}");
    }
    assert_eq!(current_value(&[], |_| {}), Err(Code::OutOfBounds), "nothing is named");
}

#[test]
fn resources_from_history_are_what_the_revision_had_and_may_shrink() {
    let from = |values: &[&str]| changed(ChangeType::SetResources, |case| set(case, values, history()));
    assert_eq!(from(&["limits.memory=48Mi"]), Ok(()));
    assert_eq!(from(&["limits.memory=49Mi"]), Err(Code::OriginUnproven));
    assert_eq!(from(&["requests.memory=48Mi"]), Err(Code::OriginUnproven), "it had no such request");
    let unproved = changed(ChangeType::SetResources, |case| {
        set(case, &["limits.memory=48Mi"], history());
        case.facts.sources.revision = None;
    });
    assert_eq!(unproved, Err(Code::OriginUnproven));
}

#[test]
fn resources_stay_below_the_cap_and_below_what_a_node_has_free() {
    let memory = ["limits.memory=128Mi"];
    let capped = |cap: &str| current_value(&memory, |case| case.bounds.max_memory = Some(cap.into()));
    assert_eq!(capped("128Mi"), Ok(()));
    assert_eq!(capped("127Mi"), Err(Code::OutOfBounds));
    assert_eq!(capped("plenty"), Err(Code::OutOfBounds), "a cap that cannot be read allows nothing");
    let free = |text: &str| {
        let free = Quantity::parse(text).unwrap();
        current_value(&memory, |case| {
            case.facts.largest_free.insert(ResourceName::Memory, free);
        })
    };
    assert_eq!(free("128Mi"), Ok(()));
    assert_eq!(free("127Mi"), Err(Code::OutOfBounds));
    let unknown = current_value(&memory, |case| {
        case.facts.largest_free.remove(&ResourceName::Memory);
    });
    assert_eq!(unknown, Err(Code::OutOfBounds), "what is not known is not free");
    let cpu = current_value(&["limits.cpu=2"], |case| case.bounds.max_cpu = Some("1500m".into()));
    assert_eq!(cpu, Err(Code::OutOfBounds));
}

#[test]
fn a_request_never_comes_to_stand_above_its_limit() {
    let with_request = |case: &mut Case, request: &str| {
        case.target()["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] = json!(request);
    };
    assert_eq!(current_value(&["requests.memory=65Mi"], |case| with_request(case, "60Mi")), Err(Code::OutOfBounds));
    let both = ["requests.memory=65Mi", "limits.memory=70Mi"];
    assert_eq!(current_value(&both, |case| with_request(case, "60Mi")), Ok(()));
    let shrunk = changed(ChangeType::SetResources, |case| {
        set(case, &["limits.memory=48Mi"], history());
        with_request(case, "60Mi");
    });
    assert_eq!(shrunk, Err(Code::OutOfBounds), "the limit of history is below the request of today");
}

/// A container without CPU amounts, but for what is given, under a quota that leaves 4 of 5 CPUs to two pods.
fn demanded(value: &str, asked: Option<&str>, change: impl FnOnce(&mut Case)) -> Result<(), Code> {
    current_value(&[value], |case| {
        let resources = &mut case.target()["spec"]["template"]["spec"]["containers"][0]["resources"];
        *resources = json!({"requests": {}});
        if let Some(asked) = asked {
            resources["requests"]["cpu"] = json!(asked);
        }
        let quota = json!({"metadata": {"name": "team"}, "spec": {"hard": {"limits.cpu": "5", "requests.cpu": "5"}},
            "status": {"used": {"limits.cpu": "1", "requests.cpu": "1"}}});
        case.facts.around.insert(Kind::ResourceQuota, vec![quota]);
        change(case);
    })
}

#[test]
fn what_a_quota_demands_may_be_named_in_small() {
    for (value, asked, expected) in [
        ("limits.cpu=200m", Some("100m"), Ok(())),
        ("limits.cpu=100m", Some("100m"), Ok(())),
        ("limits.cpu=201m", Some("100m"), Err(Code::OutOfBounds)),
        ("limits.cpu=99m", Some("100m"), Err(Code::OutOfBounds)),
        ("limits.cpu=1", None, Ok(())),
        ("limits.cpu=1001m", None, Err(Code::OutOfBounds)),
        ("requests.cpu=1", None, Ok(())),
        ("limits.memory=1Mi", None, Err(Code::OutOfBounds)),
        ("limits.cpu=20m", None, Ok(())),
        ("limits.cpu=19m", None, Err(Code::OutOfBounds)),
        ("limits.cpu=0", None, Err(Code::OutOfBounds)),
    ] {
        assert_eq!(demanded(value, asked, |_| {}), expected, "{value} beside {asked:?}");
    }
    type Turn = fn(&mut Value);
    let turns: [(&str, Turn); 4] = [
        ("it is about some pods only", |quota| quota["spec"]["scopes"] = json!(["BestEffort"])),
        ("no quota demands it", |quota| quota["spec"]["hard"] = json!({"pods": "5"})),
        ("what is used is not known", |quota| quota["status"] = json!({})),
        ("it is being deleted", |quota| quota["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z")),
    ];
    for (what, turn) in turns {
        let change = |case: &mut Case| turn(&mut case.facts.around.get_mut(&Kind::ResourceQuota).unwrap()[0]);
        assert_eq!(demanded("limits.cpu=1", None, change), Err(Code::OutOfBounds), "{what}");
    }
    let human = |case: &mut Case| set(case, &["limits.cpu=1"], Origin::Human {});
    assert_eq!(demanded("limits.cpu=1", None, human), Err(Code::OutOfBounds), "a person's amount is only doubled");
    let full = |case: &mut Case| {
        case.facts.around.get_mut(&Kind::ResourceQuota).unwrap()[0]["status"]["used"]["limits.cpu"] = json!("6")
    };
    assert_eq!(demanded("limits.cpu=1m", None, full), Err(Code::OutOfBounds), "nothing is left");
}
