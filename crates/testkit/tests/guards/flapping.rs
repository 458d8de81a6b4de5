//! R22: a fault that comes and goes, whatever is done about it.

use bailiwick_api::{Incident, IncidentPhase, IncidentStatus};
use bailiwick_core::life::{Execution, Purpose};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Result, Row, SECONDS, Seen, wait_for};
use serde_json::json;

use crate::kubelet::FICKLE;
use crate::scene::{LATER, Scene};

#[tokio::test]
async fn what_comes_and_goes_is_changed_once_at_most_and_then_left_to_people() -> Result<()> {
    let row = Row::of("R22", 1)?;
    // In CI every period is about a tenth of the default, and less where it is only waited for. The window outlasts as
    // many returns as are too many: a change that is put back before tells people why by itself.
    let (state, limits) = if row.is_torture() {
        (
            20,
            json!({"healthyDelaySeconds": 20, "holdSeconds": 30, "recoveryWindowSeconds": 600, "coolDownSeconds": 1800,
            "flapRecurrences": 5, "flapWindowSeconds": 3600}),
        )
    } else {
        (
            2,
            json!({"healthyDelaySeconds": 1, "holdSeconds": 4, "recoveryWindowSeconds": 24, "coolDownSeconds": 180,
            "flapRecurrences": 3, "flapWindowSeconds": 360}),
        )
    };
    for seed in row.seeds() {
        let Some(scene) = Box::pin(Scene::set("flap", limits.clone())).await? else { return Ok(()) };
        scene.serving("web", FICKLE[0], 1).await?;
        let _operator = scene.operator(ProcessOptions::default()).await?;
        scene.roll_out("web", FICKLE[1]).await?;
        scene.namespace.available("web", LATER).await?;
        let escalated = flap_until(&scene, state, |s| s.phase == IncidentPhase::Escalated).await?;
        assert_eq!(escalated.reason.as_ref().map(|r| r.code), Some(Code::Flapping), "{escalated:#?}");
        let returns = escalated.returns.len();
        flap_until(&scene, state, |s| s.returns.len() >= returns + 2).await?;
        let changes = scene.changes().await?;
        assert!(!changes.is_empty(), "nothing was tried");
        let records = changes.iter().filter_map(|c| c.status.as_ref());
        let applied = |e: &&Execution| e.purpose == Purpose::Apply && e.is_applied();
        let written = records.flat_map(|r| &r.executions).filter(applied).count();
        assert!(written <= 1, "it was changed {written} times");
        row.held(seed, None)?;
    }
    Ok(())
}

/// Turns the fault off and on, each time once the Incident shows it, until it is as wanted.
async fn flap_until(scene: &Scene, seconds: u32, wanted: impl Fn(&IncidentStatus) -> bool) -> Result<IncidentStatus> {
    let mut ticks = tokio::time::interval(seconds * SECONDS);
    let mut well = true;
    loop {
        ticks.tick().await;
        if let Some(status) = status(&scene.incidents().await?).filter(|s| wanted(s)) {
            return Ok(status);
        }
        well = !well;
        scene.kubelet.turn(well);
        wait_for("the Incident to show it", LATER, async || {
            let shown = status(&scene.incidents().await?);
            let present = shown.as_ref().is_some_and(is_present);
            Ok(Seen::when(present != well, (), shown.map(|s| s.conditions)))
        })
        .await?;
    }
}

fn status(incidents: &[Incident]) -> Option<IncidentStatus> {
    incidents.first().and_then(|i| i.status.clone())
}

fn is_present(status: &IncidentStatus) -> bool {
    status.conditions.iter().any(|c| c.kind == "Present" && c.status == "True")
}
