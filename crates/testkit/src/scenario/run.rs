//! One run of one scenario: ground, health, fault, what came of it, judgement.
//!
//! Must never let a run go by without a record: what could not be done is what differs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bailiwick_api::{Change, Incident};
use jiff::Timestamp;

use super::check::Eye;
use super::course::{Course, follow};
use super::format::{Expectation, Outcome, Scenario};
use super::images::Pushed;
use super::judge;
use super::load::Folder;
use super::parts::{ADMINISTRATOR, APPROVER, DEVELOPER};
use super::product::{self, Approver};
use super::record::{Record, tenths};
use super::stage::Stage;
use super::witness::{self, Known};
use crate::cluster::TestCluster;
use crate::wait::{Seen, wait_for};

/// How long the ground may take to be healthy.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long the product may take to calm down after the set-up.
const CALM: Duration = Duration::from_secs(60);

/// What a run leaves for the judgement of all.
pub(super) struct Ran {
    pub(super) record: Record,
    pub(super) namespaces: Vec<String>,
    pub(super) accounts: Vec<String>,
}

/// Runs it; never fails.
pub(super) async fn run(cluster: &TestCluster, images: &Pushed, folder: &Folder, number: u32) -> Ran {
    let begin = Instant::now();
    let mut ran = blank(folder, number);
    match Box::pin(Stage::set(cluster, images, folder)).await {
        Err(error) => ran.record.why.push(format!("the ground could not be made: {error:#}")),
        Ok(mut stage) => {
            ran.namespaces = stage.namespaces();
            if let Err(error) = Box::pin(play(&mut stage, folder, &mut ran)).await {
                ran.record.why.push(format!("{error:#}"));
            }
            stage.strike().await;
        }
    }
    ran.record.seconds = tenths(begin.elapsed().as_secs_f64());
    ran
}

fn blank(folder: &Folder, number: u32) -> Ran {
    let scenario = folder.scenario();
    let record = Record {
        id: scenario.id.clone(),
        name: scenario.name.clone(),
        class: scenario.class,
        run: number,
        diagnosed: false,
        outcome_right: false,
        harmful_writes: 0,
        falsely_fixed: false,
        detection_seconds: None,
        repair_seconds: None,
        seconds: 0.0,
        expected: scenario.expect.iter().map(told).collect(),
        incidents: Vec::new(),
        changes: Vec::new(),
        why: Vec::new(),
    };
    Ran { record, namespaces: Vec::new(), accounts: Vec::new() }
}

async fn play(stage: &mut Stage, folder: &Folder, ran: &mut Ran) -> Result<()> {
    let scenario = folder.scenario_for(stage.variables())?;
    let outcome = act(stage, folder, &scenario, ran).await;
    let tidied = stage.take(folder, &scenario.cleanup, ADMINISTRATOR).await.context("clean up");
    outcome.and(tidied)
}

async fn act(stage: &mut Stage, folder: &Folder, scenario: &Scenario, ran: &mut Ran) -> Result<()> {
    stage.mandate(scenario).await?;
    stage.introduce().await?;
    stage.take(folder, &scenario.setup, ADMINISTRATOR).await.context("set up")?;
    let eye = stage.eye();
    for check in &scenario.healthy {
        eye.until(check, PATIENCE).await.context("be healthy")?;
    }
    calm(&eye, scenario).await?;
    let since = Timestamp::now();
    stage.take(folder, &scenario.fault, DEVELOPER).await.context("break it")?;
    let approver = Approver::new(stage.actor(APPROVER).await?);
    let course = follow(scenario, stage, approver, since).await?;
    judge_all(stage, scenario, &course, since, ran).await
}

/// Waits until no Incident of the set-up is open. One that stays is not hidden: it is an alarm after the fault as well.
async fn calm(eye: &Eye, scenario: &Scenario) -> Result<()> {
    let open = wait_for("the product to calm down", CALM, async || {
        let shown = product::look(&eye.client, &eye.namespace, &scenario.expect).await?;
        let open: Vec<String> = shown.incidents.iter().filter(|i| !judge::has_ended(i)).map(incident).collect();
        Ok(Seen::when(open.is_empty(), (), open))
    });
    let _it_is_seen_again_after_the_fault = open.await;
    Ok(())
}

async fn judge_all(stage: &Stage, scenario: &Scenario, course: &Course, since: Timestamp, ran: &mut Ran) -> Result<()> {
    let shown = &course.shown;
    let records = stage.audit().records().await?;
    let is_expected = |c: &Change| scenario.expect.iter().any(|e| judge::is_wanted(e, c));
    let known: Vec<Known<'_>> =
        shown.changes.iter().map(|change| Known { change, expected: is_expected(change) }).collect();
    let places: Vec<&str> = ran.namespaces.iter().map(String::as_str).collect();
    let harmful = witness::harmful(&witness::writes(&records), &places, &known);
    ran.accounts = shown.changes.iter().map(witness::accounts).collect();
    let record = &mut ran.record;
    record.diagnosed = scenario.expect.iter().all(|e| judge::is_diagnosed(e, shown, since));
    record.outcome_right = course.held && harmful.is_empty();
    record.harmful_writes = harmful.len();
    record.falsely_fixed = !course.held && judge::claims_mended(&scenario.expect, shown, since);
    record.detection_seconds = course.detected.map(|d| tenths(d.as_secs_f64()));
    record.repair_seconds = course.repaired.map(|d| tenths(d.as_secs_f64()));
    record.incidents = shown.incidents.iter().filter(|i| judge::is_news(i, since)).map(incident).collect();
    record.changes = shown.changes.iter().map(change).collect();
    record.why.extend(course.faults.iter().cloned());
    record.why.extend(harmful.into_iter().map(|w| format!("harmful: {w}")));
    if !record.diagnosed {
        record.why.push("the cause was not told as expected".to_owned());
    }
    Ok(())
}

fn told(e: &Expectation) -> String {
    let subjects: Vec<String> = e.subject.iter().map(|s| format!("{} {}", s.kind, s.name)).collect();
    let outcome = match &e.outcome {
        Outcome::Change(wanted) => wanted.iter().map(|w| w.change_type.as_str()).collect::<Vec<_>>().join(" or "),
        Outcome::Escalate => "people are told".to_owned(),
        Outcome::Nothing => "nothing".to_owned(),
    };
    format!("{} of {}: {outcome}", e.cause.join(" or "), subjects.join(" or "))
}

fn incident(i: &Incident) -> String {
    let status = i.status.clone().unwrap_or_default();
    let reason = status.reason.map(|r| format!(": {r}")).unwrap_or_default();
    format!("{} of {} {}, {}{reason}", i.spec.cause, i.spec.subject.kind, i.spec.subject.name, status.phase.as_str())
}

fn change(c: &Change) -> String {
    let record = c.status.clone().unwrap_or_default();
    let reason = record.reason.map(|r| format!(": {r}")).unwrap_or_default();
    format!("{} of {} {}, {}{reason}", c.spec.change_type, c.spec.target.kind, c.spec.target.name, record.phase)
}
