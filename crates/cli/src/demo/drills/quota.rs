//! Drill 2: a quota blocks a rollout. People decide, by digest, to take it away and to put it back.
//!
//! Owns the namespace `billing`. Talks to the API server.

use super::life::{approve, digest, planned, recovered, short};
use crate::demo::ask::{create, get};
use crate::demo::ballot;
use crate::demo::ground::{Ground, LATER, SOON, image, name_of, record_of, stands};
use crate::demo::people::{ALICE, BOB};
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Stop, Told};
use crate::demo::wait::{Look, poll};
use crate::demo::workload;
use crate::words::count;
use bailiwick_api::Change;
use bailiwick_core::action::ChangeType;
use bailiwick_core::finding::Cause;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use serde_json::{Value, json};
use std::time::Instant;

const API: &str = "api";
const QUOTA: &str = "one-pod";

/// Runs the drill.
pub(in crate::demo) async fn run(ground: &Ground, scene: &Scene<'_>) -> Told {
    let namespace = ground.ns("billing");
    let namespace = namespace.as_str();
    let spec = block(ground, scene, namespace).await?;
    let change = found(ground, scene, namespace, Instant::now()).await?;
    binds_to_digest(ground, scene, namespace, &change).await?;
    taken_away(ground, scene, namespace, &change).await?;
    put_back(ground, scene, (namespace, &change), &spec).await
}

fn quota_path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/resourcequotas/{QUOTA}")
}

/// Sets the quota and begins the rollout that it blocks; returns the quota's specification.
async fn block(ground: &Ground, scene: &Scene<'_>, namespace: &str) -> Told<Value> {
    scene.step(format!("{API} runs in {namespace} under a ResourceQuota of one pod; erin rolls out a good new image"));
    ground.deploy(&workload::deployment((namespace, API), &ground.images.good, &[], None)).await?;
    let up = ground.available((namespace, API)).await;
    up.map_err(|missed| Stop::broken(format!("{API} did not come up: {missed}")))?;
    let quota = json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": QUOTA, "namespace": namespace},
        "spec": {"hard": {"pods": "1"}},
    });
    let collection = format!("/api/v1/namespaces/{namespace}/resourcequotas");
    ground.must("create a quota", create(&ground.admin, &collection, &quota)).await?;
    // Until it was counted once, the API server refuses every pod for another reason.
    let counted = poll(SOON, async || {
        let answer = get(&ground.admin, &quota_path(namespace)).await;
        if answer.body.pointer("/status/used/pods").is_some() {
            Look::Yes(answer.body)
        } else {
            Look::NotYet("not counted".to_owned())
        }
    });
    let quota = counted.await.map_err(|missed| Stop::broken(format!("the quota is not counted: {missed}")))?;
    ground.set_image((namespace, API), &ground.images.other).await?;
    Ok(quota.get("spec").cloned().unwrap_or_default())
}

/// The finding names the quota and the refusal; its change waits for a person.
async fn found(ground: &Ground, scene: &Scene<'_>, namespace: &str, broken: Instant) -> Told<Change> {
    let expectation =
        scene.expect("found", format!("QuotaExceeded, naming quota {QUOTA} and the API server's refusal"));
    let incident = ground.incident((namespace, API), |i| match i.spec.cause {
        Cause::QuotaExceeded if i.status.as_ref().is_some_and(|s| s.diagnosis.is_some()) => Look::Yes(i.clone()),
        other => Look::NotYet(format!("an incident {other}")),
    });
    let incident = incident.await;
    let status = incident.as_ref().ok().and_then(|i| i.status.clone()).unwrap_or_default();
    let text = status.diagnosis.as_ref().map(|d| d.text.clone()).unwrap_or_default();
    let refusal = status.evidence.iter().map(|e| e.value.as_str()).find(|v| v.contains("exceeded quota"));
    scene.quote(refusal.unwrap_or("(no evidence holds the refusal)"));
    let named = text.contains(QUOTA) && refusal.is_some_and(|r| r.contains(QUOTA));
    expectation.need(Seen::when(named, text))?;
    let name = incident.ok().and_then(|i| i.metadata.name).unwrap_or_default();
    let expectation = scene
        .expect("proposed", "DeleteResourceQuota, of tier 2")
        .since(broken)
        .delayed(ground.limits.healthy_delay_seconds, "delay");
    let change = ground.proposal((namespace, &name), &[]).await;
    let right = change.as_ref().is_ok_and(|c| c.spec.change_type == ChangeType::DeleteResourceQuota);
    let told =
        change.as_ref().map_or_else(ToString::to_string, |c| format!("{} {}", c.spec.change_type, c.spec.target));
    expectation.need(Seen::when(right, told))?;
    let change = change.map_err(|missed| Stop::broken(missed.to_string()))?;
    planned(ground, scene, (namespace, &name_of(&change))).await
}

/// An approval of anything else than this plan does not count.
async fn binds_to_digest(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &Change) -> Told {
    let name = name_of(change);
    let other = "0".repeat(64);
    scene.step("bob approves another digest than the plan's: first as people do, then past the command line");
    let line = ["approve", &name, "-n", namespace, "--digest", short(&other), "--yes"];
    let said = ground.yourself.run(scene, Some(BOB), &line).await?;
    let expectation = scene.expect("bailiwick approve", "refuses, exit code 3");
    expectation.saw(Seen::when(said.code == Some(3), format!("{}: {}", said.ended(), said.text())));
    let bob = ground.people.named(BOB)?;
    let sent = create(&bob, &ballot::collection(namespace), &ballot::approval(change, BOB, &other)).await;
    if !sent.is_yes() {
        return Err(Stop::broken(format!("bob may create Approvals, but: {}", sent.summary())));
    }
    let ignored = |_: &Change, record: &Record| {
        record.phase == Phase::AwaitingApproval
            && record.approvals.iter().any(|a| a.ignored.as_ref().is_some_and(|r| r.code == Code::OtherDigest))
    };
    let expectation =
        scene.expect("another digest", "the Approval exists, is not counted (OtherDigest), and the change still waits");
    let seen = ground.change((namespace, &name), ignored).await;
    expectation
        .came(seen, |c| {
            format!("{}; {} not counted", stands(&record_of(c)), count(record_of(c).approvals.len(), "approval"))
        })
        .map(drop)
}

/// The approved change: the quota goes and the rollout ends.
async fn taken_away(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &Change) -> Told {
    scene.step(format!("bob reads the plan and approves digest {}", short(&digest(&record_of(change)))));
    approve(ground, scene, change).await?;
    let expectation = scene.expect("the quota is gone", "the API server answers 404");
    let gone = poll(SOON, async || {
        let answer = get(&ground.admin, &quota_path(namespace)).await;
        if answer.code == 404 { Look::Yes(()) } else { Look::NotYet(format!("answer {}", answer.code)) }
    });
    expectation.came(gone.await, |()| "404".to_owned())?;
    let expectation = scene.expect("the rollout ends", "the Deployment is Available with the new image");
    let up = ground.available((namespace, API)).await;
    let now = ground.deployments(namespace).get(API).await;
    let same = now.as_ref().is_ok_and(|d| image(d) == ground.images.other);
    let seen = match up {
        Ok(generation) => {
            Seen::when(same, format!("available at generation {generation} with {}", ground.images.other))
        }
        Err(missed) => Seen::Wrong(missed.to_string()),
    };
    expectation.need(seen)?;
    recovered(ground, scene, (namespace, &name_of(change))).await.map(drop)
}

/// `bailiwick undo` proposes the way back, which people decide on as well.
async fn put_back(ground: &Ground, scene: &Scene<'_>, (namespace, change): (&str, &Change), spec: &Value) -> Told {
    scene.step("alice proposes the way back, from the copy that was kept");
    let line = ["undo", &name_of(change), "-n", namespace, "--yes", "-o", "name"];
    let name = ground.yourself.run(scene, Some(ALICE), &line).await?.name()?;
    let undo = planned(ground, scene, (namespace, &name)).await?;
    let expectation = scene.expect("a change of its own", "RestoreObject, which says what it undoes");
    let right = undo.spec.change_type == ChangeType::RestoreObject
        && undo.spec.undoes.as_ref().is_some_and(|u| u.name.as_str() == name_of(change));
    expectation.saw(Seen::when(right, format!("{} {}", undo.spec.change_type, undo.spec.target)));
    approve(ground, scene, &undo).await?;
    let expectation = scene.expect("the quota is back", "with the specification it had");
    let back = poll(LATER, async || {
        let answer = get(&ground.admin, &quota_path(namespace)).await;
        if answer.is_yes() { Look::Yes(answer.body) } else { Look::NotYet(format!("answer {}", answer.code)) }
    });
    let quota = back.await;
    let seen = match &quota {
        Ok(quota) => Seen::when(quota.get("spec") == Some(spec), quota["spec"].to_string()),
        Err(missed) => Seen::Wrong(missed.to_string()),
    };
    expectation.need(seen)?;
    recovered(ground, scene, (namespace, &name)).await.map(drop)
}
