//! Drill 1: the same fault inside and outside the territory; then the label comes, and goes.
//!
//! Owns the namespaces `incident` and `payments`. Talks to the API server.

use super::life::{approve, propose, recovered};
use crate::demo::ground::{Ground, SOON, generation, image, name_of, record_of, stands};
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Told};
use crate::demo::wait::{Look, any, until};
use crate::demo::workload::{self, CONTAINER};
use bailiwick_api::kinds::incident::IncidentPhase;
use bailiwick_api::{Change, Incident};
use bailiwick_core::finding::Cause;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::mandate::Outcome;
use bailiwick_core::reason::Code;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::runtime::watcher;
use std::time::Instant;

/// Bailiwick's own time from the first failed pull to the write, at most.
const OWN: f64 = 5.0;
const WEB: &str = "web";
const LEDGER: &str = "ledger";

/// Runs the drill.
pub(in crate::demo) async fn run(ground: &Ground, scene: &Scene<'_>) -> Told {
    let (inside, outside) = (ground.ns("incident"), ground.ns("payments"));
    let (inside, outside) = (inside.as_str(), outside.as_str());
    set(ground, scene, inside, outside).await?;
    let broken = break_both(ground, scene, inside, outside).await?;
    scene.step(format!("meanwhile in {outside}, outside the territory"));
    let incident = refused(ground, scene, outside, (broken, &[])).await?;
    widen(ground, scene, (outside, &incident), broken).await?;
    let waiting = approved_and_held(ground, scene, outside).await?;
    narrow(ground, scene, outside, &waiting).await?;
    again(ground, scene, outside, &incident).await
}

async fn set(ground: &Ground, scene: &Scene<'_>, inside: &str, outside: &str) -> Told {
    scene.step(format!(
        "erin runs {WEB} in {inside} (labelled {}={}) and in {outside} (not labelled)",
        ground.territory.key(),
        ground.territory.value()
    ));
    for place in [(inside, WEB), (outside, WEB)] {
        ground.deploy(&workload::deployment(place, &ground.images.good, &[], None)).await?;
    }
    let slow = workload::deployment((outside, LEDGER), &ground.images.good, &["--start-delay", "6"], None);
    ground.deploy(&slow).await?;
    let (a, b) = futures::join!(ground.served((inside, WEB)), ground.served((outside, WEB)));
    a.and(b)
}

/// Breaks both and measures the repair of the one inside; returns the generation outside.
async fn break_both(ground: &Ground, scene: &Scene<'_>, inside: &str, outside: &str) -> Told<i64> {
    let bad = &ground.images.absent;
    scene.step("erin rolls out an image tag that does not exist, in both");
    for place in [inside, outside] {
        scene.command(&format!("kubectl set image deployment/{WEB} {CONTAINER}={bad} -n {place} --as erin@demo"));
    }
    let expected =
        format!("the earlier image is written back at most {OWN:.0} s of own time after the first failed pull");
    let expectation = scene.expect("inside: repaired", expected).delayed(ground.limits.healthy_delay_seconds, "delay");
    let breaking = async {
        let broken = ground.set_image((inside, WEB), bad).await?;
        let elsewhere = ground.set_image((outside, WEB), bad).await?;
        Ok((broken, elsewhere, written(ground, (inside, WEB), broken).await))
    };
    let (pulled, broken) = futures::join!(first_failed_pull(ground, inside), breaking);
    let (generation, elsewhere, written) = broken?;
    let seen = match (pulled, written) {
        (Ok(pulled), Ok((at, now))) => {
            let seconds = at.duration_since(pulled).as_secs_f64();
            let own = seconds - f64::from(ground.limits.healthy_delay_seconds);
            let once = now == generation + 1;
            let text = format!("image {} is back by one write", ground.images.good);
            let right = own <= OWN && once;
            expectation
                .saw_after(seconds, Seen::when(right, if once { text } else { format!("{} writes", now - generation) }))
        }
        (Err(missed), _) | (_, Err(missed)) => expectation.saw(Seen::Wrong(missed.to_string())),
    };
    if seen {
        pre_approved(ground, scene, inside).await?;
    }
    Ok(elsewhere)
}

/// The moment the kubelet first says that it cannot pull.
async fn first_failed_pull(ground: &Ground, namespace: &str) -> Result<Instant, crate::demo::wait::Missed> {
    let pods: Api<Pod> = Api::namespaced(ground.cluster.watching.clone(), namespace);
    any(&pods, watcher::Config::default().labels("app=web"), SOON, |pod: &Pod| {
        let states = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
        let waiting = states.filter_map(|c| c.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
        let told: Vec<&str> = waiting.collect();
        if told.iter().any(|r| matches!(*r, "ErrImagePull" | "ImagePullBackOff")) {
            Look::Yes(Instant::now())
        } else {
            Look::NotYet(format!("a pod with {told:?}"))
        }
    })
    .await
}

/// The moment a Deployment has its good image again, and its generation then.
async fn written(
    ground: &Ground,
    (namespace, name): (&str, &str),
    broken: i64,
) -> Result<(Instant, i64), crate::demo::wait::Missed> {
    until(&ground.deployments(namespace), name, SOON, |seen| {
        let Some(deployment) = seen else { return Look::NotYet("no such Deployment".to_owned()) };
        let now = deployment.metadata.generation.unwrap_or_default();
        if now > broken && image(deployment) == ground.images.good {
            return Look::Yes((Instant::now(), now));
        }
        Look::NotYet(format!("generation {now} with image {}", image(deployment)))
    })
    .await
}

/// Looks at the change that repaired it.
async fn pre_approved(ground: &Ground, scene: &Scene<'_>, inside: &str) -> Told {
    let incident = ground.incident((inside, WEB), |i| match i.spec.cause {
        Cause::ImageNotFound => Look::Yes(i.clone()),
        other => Look::NotYet(format!("an incident {other}")),
    });
    let found =
        scene.expect("inside: found", "an Incident ImageNotFound with evidence").came(incident.await, summary)?;
    let name = found.metadata.name.unwrap_or_default();
    let expectation = scene.expect("inside: decided", "a RolloutUndo that the Mandate bailiwick-demo pre-approves");
    let change = expectation.came(ground.proposal((inside, &name), &[]).await, |change| {
        format!("{} {}", change.spec.change_type, name_of(change))
    })?;
    let change = recovered(ground, scene, (inside, &name_of(&change))).await?;
    let record = record_of(&change);
    let verdict = record.verdict.as_ref();
    let by_mandate = verdict.is_some_and(|v| v.outcome == Outcome::PreApproved) && record.approvals.is_empty();
    let why = verdict.and_then(|v| v.reasons.first()).map(ToString::to_string).unwrap_or_default();
    let expectation = scene.expect("inside: by the mandate alone", "PreApproved, without any person's approval");
    expectation.saw(Seen::when(by_mandate, why));
    Ok(())
}

fn summary(incident: &Incident) -> String {
    let status = incident.status.as_ref();
    let text = status.and_then(|s| s.diagnosis.as_ref()).map(|d| d.text.as_str()).unwrap_or_default();
    let evidence = status.map_or(0, |s| s.evidence.len());
    format!("{} ({evidence} pieces of evidence): {text}", incident.spec.cause)
}

/// Outside nothing is granted: refused with the reason, escalated with a diff; returns the Incident's name.
async fn refused(ground: &Ground, scene: &Scene<'_>, outside: &str, (broken, known): (i64, &[&str])) -> Told<String> {
    let expectation = scene.expect(
        "outside: escalated",
        "an Incident that ends Escalated: OutsideTerritory, with a diff that says `not dry-run`",
    );
    let incident = ground.incident((outside, WEB), |incident| {
        let status = incident.status.clone().unwrap_or_default();
        let code = status.reason.as_ref().map(|r| r.code);
        let last = status.changes.last().is_some_and(|c| !known.contains(&c.as_str()));
        if status.phase == IncidentPhase::Escalated && code == Some(Code::OutsideTerritory) && last {
            return Look::Yes(incident.clone());
        }
        Look::NotYet(format!("{} ({code:?})", status.phase.as_str()))
    });
    let incident = incident.await;
    let reason =
        |i: &Incident| i.status.as_ref().and_then(|s| s.reason.as_ref()).map(ToString::to_string).unwrap_or_default();
    let diff = incident.as_ref().ok().and_then(|i| i.status.as_ref()).map(|s| s.diff.clone()).unwrap_or_default();
    let incident = expectation.came(incident, reason)?;
    for line in diff.lines().filter(|l| l.starts_with(['+', '-', '#']) || l.contains("not dry-run")).take(6) {
        scene.quote(line);
    }
    let ready = diff.contains("not dry-run") && diff.contains(&ground.images.good);
    scene
        .expect("outside: a ready diff", "the diff names the image to go back to, and says `not dry-run`")
        .saw(Seen::when(ready, "the diff is there"));
    let last = incident.status.as_ref().and_then(|s| s.changes.last()).map(ToString::to_string).unwrap_or_default();
    let expectation = scene.expect("outside: refused", "its Change ends Refused, and nothing was granted or written");
    let change = ground.phase((outside, &last), Phase::Refused).await;
    let now = generation(&ground.deployment((outside, WEB)).await?);
    let seen = match change {
        Ok(change) => {
            let record = record_of(&change);
            let clean = record.executions.is_empty() && record.planning.is_none() && now == Some(broken);
            Seen::when(clean, format!("{}; generation still {broken}", stands(&record)))
        }
        Err(missed) => Seen::Wrong(missed.to_string()),
    };
    expectation.saw(seen);
    Ok(incident.metadata.name.unwrap_or_default())
}

/// A person labels the namespace.
async fn widen(ground: &Ground, scene: &Scene<'_>, (outside, incident): (&str, &str), broken: i64) -> Told {
    let label = format!("{}={}", ground.territory.key(), ground.territory.value());
    scene.step(format!("a person who may label namespaces labels {outside}"));
    scene.command(&format!("kubectl label namespace {outside} {label}"));
    let known = ground.incident_in((outside, WEB), IncidentPhase::Escalated).await;
    let known: Vec<String> = known
        .ok()
        .and_then(|i| i.status)
        .map(|s| s.changes.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    let expectation =
        scene.expect("the label widens", format!("the repair is written at most {OWN:.0} s after the label"));
    ground.label(outside, true).await?;
    let written = written(ground, (outside, WEB), broken).await;
    let soon = expectation.waited().as_secs_f64() <= OWN;
    let seen = match written {
        Ok((_, now)) => Seen::when(soon && now == broken + 1, format!("image {} is back", ground.images.good)),
        Err(missed) => Seen::Wrong(missed.to_string()),
    };
    expectation.need(seen)?;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let proposed = scene.expect("a change of its own", "another Change than the refused one");
    let change = proposed.came(ground.proposal((outside, incident), &known).await, name_of)?;
    recovered(ground, scene, (outside, &name_of(&change))).await.map(drop)
}

/// A change that people approved, but that another one of the same workload keeps waiting.
async fn approved_and_held(ground: &Ground, scene: &Scene<'_>, outside: &str) -> Told<Change> {
    scene
        .step(format!("alice has {LEDGER} restarted; it is slow to start, so its change is being watched for a while"));
    let target = format!("deployment/{LEDGER}");
    let first = propose(ground, scene, &["RolloutRestart", &target], outside).await?;
    approve(ground, scene, &first).await?;
    let verifying = scene.expect("the first one is under way", "Verifying");
    verifying.came(ground.phase((outside, &name_of(&first)), Phase::Verifying).await, |c| stands(&record_of(c)))?;
    scene
        .step(format!("alice proposes to scale {LEDGER}, bob approves; two changes of one workload never run at once"));
    let second = propose(ground, scene, &["Scale", &target, "--set", "replicas=2"], outside).await?;
    approve(ground, scene, &second).await?;
    let held = |_: &Change, record: &Record| {
        record.phase == Phase::Approved && record.reason.as_ref().is_some_and(|r| r.code == Code::TooManyAtOnce)
    };
    let expectation = scene.expect("approved, not yet executed", "Approved, waiting for the other change");
    expectation.came(ground.change((outside, &name_of(&second)), held).await, |c| stands(&record_of(c)))
}

/// The label goes while a change is approved.
async fn narrow(ground: &Ground, scene: &Scene<'_>, outside: &str, waiting: &Change) -> Told {
    scene.step("the label is removed");
    scene.command(&format!("kubectl label namespace {outside} {}-", ground.territory.key()));
    let expectation =
        scene.expect("withdrawn", "the approved change ends Cancelled: TerritoryWithdrawn, and nothing was written");
    ground.label(outside, false).await?;
    let change = ground.phase((outside, &name_of(waiting)), Phase::Cancelled).await;
    let replicas = ground.deployment((outside, LEDGER)).await?.pointer("/spec/replicas").cloned();
    let seen = match change {
        Ok(change) => {
            let record = record_of(&change);
            let right = record.executions.is_empty() && replicas == Some(1.into());
            Seen::when(right, format!("{}; {LEDGER} still has 1 replica", stands(&record)))
        }
        Err(missed) => Seen::Wrong(missed.to_string()),
    };
    expectation.need(seen)
}

/// The next fault in the same place is refused again.
async fn again(ground: &Ground, scene: &Scene<'_>, outside: &str, incident: &str) -> Told {
    scene.step("the incident of before is over");
    let over = scene.expect("resolved", "the Incident is Resolved");
    let resolved = over.came(ground.incident_in((outside, WEB), IncidentPhase::Resolved).await, |i| {
        i.status.as_ref().map(|s| s.phase.as_str()).unwrap_or_default().to_owned()
    })?;
    let known: Vec<String> =
        resolved.status.map(|s| s.changes.iter().map(ToString::to_string).collect()).unwrap_or_default();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    scene.step("erin breaks it again");
    let broken = ground.set_image((outside, WEB), &format!("{}-2", ground.images.absent)).await?;
    let same = refused(ground, scene, outside, (broken, &known)).await?;
    let expectation = scene.expect("one incident", "the same Incident, reopened, not a second one");
    expectation.saw(Seen::when(same == incident, format!("Incident {same}")));
    Ok(())
}
