//! What was there before somebody changed it: proved by who saw it, and put back by people's word.

use super::*;
use crate::action::{HpaSettings, IngressSettings, PathBackend};
use crate::names::PortRef;
use crate::plan::fixture::name;

fn known<T>(value: T) -> Param<T> {
    Param::new(value, Origin::Earlier {})
}

fn replicas(number: i32) -> Action {
    Action::Scale { replicas: known(number) }
}

fn most(number: i32) -> Action {
    let settings = HpaSettings { max_replicas: Some(number), ..HpaSettings::default() };
    Action::PatchHPA { settings: known(settings) }
}

fn leads_to(service: &str) -> Action {
    let backend = PathBackend {
        host: "shop.example".into(),
        path: "/".into(),
        service: name(service),
        port: PortRef::parse("80").unwrap(),
    };
    Action::PatchIngress { settings: known(IngressSettings { class: None, backend: Some(backend) }) }
}

/// The verdict on what is proposed where that was seen before.
fn verdict(proposed: Action, seen: &[Action], change: impl FnOnce(&mut Case)) -> Result<(), Code> {
    changed(proposed.change_type(), |case| {
        case.proposal.action = proposed;
        case.facts.earlier = seen.to_vec();
        change(case);
    })
}

#[test]
fn only_the_very_value_that_was_seen_is_put_back() {
    for (seen, other) in [(replicas(4), replicas(5)), (most(9), most(10)), (leads_to("orders"), leads_to("web"))] {
        assert_eq!(verdict(seen.clone(), std::slice::from_ref(&seen), |_| {}), Ok(()), "{seen:?}");
        assert_eq!(verdict(seen.clone(), &[], |_| {}), Err(Code::OriginUnproven), "nobody saw {seen:?}");
        assert_eq!(verdict(other, &[seen], |_| {}), Err(Code::OriginUnproven));
    }
}

#[test]
fn what_was_seen_before_is_bound_by_all_else() {
    let seen = |action: Action, change: fn(&mut Case)| verdict(action.clone(), &[action], change);
    assert_eq!(seen(replicas(4), |case| case.bounds.max_replicas = 3), Err(Code::OutOfBounds));
    assert_eq!(seen(replicas(4), |case| case.facts.sources.autoscaled = true), Err(Code::ReplicasOwnedByAutoscaler));
    assert_eq!(seen(most(9), |case| case.bounds.max_replicas = 8), Err(Code::OutOfBounds));
    let gone = |case: &mut Case| case.facts.around.get_mut(&Kind::Service).unwrap().clear();
    assert_eq!(seen(leads_to("orders"), gone), Err(Code::OutOfBounds));
}
