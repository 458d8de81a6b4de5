//! How much time a program is given to start where nothing tells how much it needs.

use super::*;
use crate::action::{ProbeName, ProbeSettings};
use crate::plan::fixture::app;
use serde_json::json;

/// The verdict on one number of a probe that asks every 3 s and has failed after twice.
fn verdict(probe: ProbeName, settings: ProbeSettings, origin: Origin) -> Result<(), Code> {
    changed(ChangeType::SetProbe, |case| {
        let live = &mut case.target()["spec"]["template"]["spec"]["containers"][0];
        live[probe.field()] =
            json!({"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 3, "failureThreshold": 2});
        case.proposal.action = Action::SetProbe { container: app(), probe, settings: Param::new(settings, origin) };
    })
}

fn delay(seconds: i32) -> ProbeSettings {
    ProbeSettings { initial_delay_seconds: Some(seconds), ..ProbeSettings::default() }
}

fn failures(number: i32) -> ProbeSettings {
    ProbeSettings { failure_threshold: Some(number), ..ProbeSettings::default() }
}

#[test]
fn only_the_start_may_take_two_minutes_and_nothing_that_comes_later() {
    let told = |probe, settings| verdict(probe, settings, Origin::CurrentValue {});
    let too_much = Err(Code::OutOfBounds);
    assert_eq!(told(ProbeName::Liveness, delay(120)), Ok(()));
    assert_eq!(told(ProbeName::Liveness, delay(121)), too_much);
    assert_eq!(told(ProbeName::Readiness, delay(1)), too_much, "who is not asked serves nobody");
    assert_eq!(told(ProbeName::Startup, delay(1)), too_much, "the same");
    assert_eq!(told(ProbeName::Startup, failures(40)), Ok(()), "120 s");
    assert_eq!(told(ProbeName::Startup, failures(41)), too_much);
    assert_eq!(told(ProbeName::Liveness, failures(6)), Ok(()), "three times");
    assert_eq!(told(ProbeName::Liveness, failures(7)), too_much, "a fault would go unnoticed for longer");
    assert_eq!(verdict(ProbeName::Liveness, delay(600), Origin::Human {}), Ok(()), "a person knows the program");
}
