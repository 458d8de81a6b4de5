//! R21: many faults of two causes at once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bailiwick_api::{Change, Incident, IncidentPhase};
use bailiwick_core::fence::{SYSTEM_NAMESPACE, username};
use bailiwick_core::finding::Cause;
use bailiwick_core::life::{Phase, Purpose, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Result, Row, SECONDS, Seen, wait_for};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::kubelet::{ABSENT, CRASHING, GOOD};
use crate::scene::{LATER, Scene};

/// Faults of one workload: one for each container.
const FAULTS: usize = 5;
/// Incidents of one cause that are no storm yet.
const MOST: usize = 20;
/// Changes at the same time, and in an hour.
const AT_ONCE: usize = 3;
const CAP: usize = 6;
/// How far the operator's clock and the API server's may be apart, which the times of writes are of.
const SKEW: SignedDuration = SignedDuration::from_secs(1);
const CAUSES: [(Cause, &str); 2] = [(Cause::ImageNotFound, ABSENT), (Cause::CrashLoop, CRASHING)];

struct Storm {
    scene: Scene,
    workloads: usize,
    window: i64,
    since: Timestamp,
}

#[tokio::test]
async fn a_storm_is_told_once_and_nothing_is_changed_before_it_calms() -> Result<()> {
    let row = Row::of("R21", 1)?;
    let (workloads, window) = if row.is_torture() { (200, 60) } else { (12, 20) };
    for seed in row.seeds() {
        let limits = json!({
            "healthyDelaySeconds": 2, "stormIncidents": MOST, "stormWindowSeconds": window,
            "concurrent": AT_ONCE, "coolDownSeconds": 1800, "recoveryWindowSeconds": 600,
        });
        let Some(scene) = Box::pin(Scene::set("storm", limits)).await? else { return Ok(()) };
        let storm = Storm { scene, workloads, window, since: Timestamp::now() };
        let (rolled_out, told) = Box::pin(storm.run()).await?;
        ensure!(!row.is_torture() || rolled_out <= 60 * SECONDS, "it took {rolled_out:.1?} to break everything");
        row.held(seed, Some(told))?;
    }
    Ok(())
}

impl Storm {
    /// How long it took to break everything, and until there was an Incident for each fault.
    async fn run(&self) -> Result<(Duration, Duration)> {
        let before = self.written_lately().await?;
        self.scene.limit(json!({"perHour": CAP + before})).await?;
        self.each(async |name, _| self.scene.serving(&name, GOOD, FAULTS).await).await?;
        let _operator = self.scene.operator(ProcessOptions::default()).await?;
        let begin = Instant::now();
        self.each(async |name, image| self.scene.roll_out(&name, image).await).await?;
        let rolled_out = begin.elapsed();
        let late = Duration::from_secs(60 + u64::try_from(self.workloads)?);
        let all = self.workloads * FAULTS;
        let incidents = self.scene.until_incidents("an Incident for each fault", late, |i| i.len() == all).await?;
        let told = begin.elapsed();
        self.is_one_storm_for_each_cause(&incidents).await?;
        let changes = self.until_the_caps_are_reached(late * 4).await?;
        self.is_capped(&changes, &incidents).await?;
        self.is_told_once().await?;
        Ok((rolled_out, told))
    }

    /// What is done to every workload, half of them for each cause.
    async fn each(&self, work: impl AsyncFn(String, &'static str) -> Result<()>) -> Result<()> {
        let name = |n: usize| (format!("web-{n}"), CAUSES[n % CAUSES.len()].1);
        let all = (0..self.workloads).map(name).map(|(name, image)| work(name, image));
        futures::stream::iter(all).buffer_unordered(16).try_collect::<Vec<()>>().await.map(|_| ())
    }

    /// Changes that wrote within the last hour, which the guards count and that stay: those of namespaces that are going are waited for.
    async fn written_lately(&self) -> Result<usize> {
        let changes: Api<Change> = Api::all(self.scene.cluster.admin());
        let namespaces: Api<Namespace> = Api::all(self.scene.cluster.admin());
        wait_for("what is going to be gone", LATER, async || {
            let places = namespaces.list(&ListParams::default()).await?;
            let going = places.iter().filter(|n| n.metadata.deletion_timestamp.is_some()).map(ResourceExt::name_any);
            let going: BTreeSet<String> = going.collect();
            let all = changes.list(&ListParams::default()).await?.items;
            let left = all.iter().filter(|c| c.namespace().is_some_and(|n| going.contains(&n))).count();
            let since = Timestamp::now() - SignedDuration::from_hours(1);
            let written = all.iter().filter_map(|c| c.status.as_ref()).filter(|r| wrote_after(r, since)).count();
            Ok(Seen::when(left == 0, written, format!("{left} Changes")))
        })
        .await
    }

    /// Nothing is dropped, and each cause has one Incident that stands for all of its faults.
    async fn is_one_storm_for_each_cause(&self, incidents: &[Incident]) -> Result<()> {
        for (cause, _) in CAUSES {
            let of = incidents.iter().filter(|i| i.spec.cause == cause).count();
            ensure!(of == self.workloads * FAULTS / CAUSES.len(), "{of} incidents of {cause}");
            let storm = self.storm_of(cause, IncidentPhase::Open).await?;
            let said = storm.status.unwrap_or_default();
            ensure!(said.reason.as_ref().is_some_and(|r| r.code == Code::Storm), "{said:#?}");
            ensure!(said.evidence.len() == 16, "{} of its incidents are named", said.evidence.len());
        }
        Ok(())
    }

    async fn storm_of(&self, cause: Cause, phase: IncidentPhase) -> Result<Incident> {
        let api: Api<Incident> = Api::namespaced(self.scene.cluster.admin(), SYSTEM_NAMESPACE);
        let name = format!("storm-{}", cause.as_str().to_lowercase());
        wait_for(&format!("{name} to be {}", phase.as_str()), 30 * SECONDS, async || {
            let storm = api.get(&name).await?;
            let now = storm.status.clone().unwrap_or_default().phase;
            Ok(if now == phase { Seen::Yes(storm) } else { Seen::NotYet(format!("{now:?}")) })
        })
        .await
    }

    /// One Change for each workload; as many as the cap lets through have recovered, the others wait and say for what.
    async fn until_the_caps_are_reached(&self, timeout: Duration) -> Result<Vec<Change>> {
        let phase = |c: &&Change, phase: Phase| c.status.as_ref().is_some_and(|r| r.phase == phase);
        let held =
            |c: &&Change, code: Code| phase(c, Phase::PreApproved) && c.status.as_ref().is_some_and(|r| says(r, code));
        let wanted = |changes: &[Change]| {
            let done = changes.iter().filter(|c| phase(c, Phase::Recovered)).count();
            // What asked while others were under way asks again later.
            let hourly = changes.iter().filter(|c| held(c, Code::TooManyPerHour)).count();
            let at_once = changes.iter().filter(|c| held(c, Code::TooManyAtOnce)).count();
            done == CAP && hourly > 0 && hourly + at_once == self.workloads - CAP
        };
        self.scene.until_changes("the caps to be reached", timeout, wanted).await
    }

    /// By the audit log: as many writes as the cap allows, none before the storm of its cause was over.
    async fn is_capped(&self, changes: &[Change], incidents: &[Incident]) -> Result<()> {
        let writes = self.scene.audit.writes_by(&username("bwk-")).await?;
        let here: Vec<_> = writes.iter().filter(|w| w.object.namespace == self.scene.namespace.name()).collect();
        ensure!(here.len() == CAP, "{} writes, {CAP} are allowed", here.len());
        for write in here {
            let (name, at) = (&write.object.name, write.request_received_timestamp);
            let of = incidents.iter().find(|i| i.spec.subject.name.as_str() == name.as_str());
            let cause =
                of.map(|i| i.spec.cause).with_context(|| format!("{name} was written to without an Incident"))?;
            let calm = self.calm(cause, incidents)?;
            ensure!(at + SKEW >= calm, "{name} was written to at {at}, until {calm} there was a storm of {cause}");
        }
        let spans = changes.iter().filter_map(|c| c.status.as_ref()).filter_map(span);
        let spans: Vec<(Timestamp, Timestamp)> = spans.collect();
        let busiest = spans.iter().map(|(at, _)| spans.iter().filter(|(from, to)| from <= at && at < to).count()).max();
        ensure!(busiest.is_some_and(|most| most <= AT_ONCE), "{busiest:?} at once, {AT_ONCE} are allowed: {spans:?}");
        Ok(())
    }

    /// When no more than the most were young enough.
    fn calm(&self, cause: Cause, incidents: &[Incident]) -> Result<Timestamp> {
        let of = incidents.iter().filter(|i| i.spec.cause == cause);
        let mut began: Vec<Timestamp> = of.filter_map(began).collect();
        began.sort();
        let last = began.len().checked_sub(MOST + 1).context("no storm")?;
        Ok(began[last] + SignedDuration::from_secs(self.window))
    }

    /// Of each storm people hear once, and of its incidents only as long as there was none.
    async fn is_told_once(&self) -> Result<()> {
        for (cause, _) in CAUSES {
            self.storm_of(cause, IncidentPhase::Resolved).await?;
        }
        let all: Api<Event> = Api::all(self.scene.cluster.admin());
        let events = all.list(&ListParams::default()).await.context("list the Events")?.items;
        let recent = events.iter().filter(|e| e.event_time.as_ref().is_some_and(|at| at.0 >= self.since));
        let reasons: Vec<(&str, &str)> =
            recent.filter_map(|e| Some((e.metadata.namespace.as_deref()?, e.reason.as_deref()?))).collect();
        let count = |namespace: &str, reason: &str| reasons.iter().filter(|r| **r == (namespace, reason)).count();
        let (storms, here) = (count(SYSTEM_NAMESPACE, "Storm"), self.scene.namespace.name());
        ensure!(storms == CAUSES.len(), "{storms} storms were told");
        let opened = count(here, "Opened");
        ensure!(opened <= MOST * CAUSES.len(), "{opened} incidents were told one by one");
        ensure!(count(here, "Escalated") == 0, "people were called for one of them");
        Ok(())
    }
}

fn began(incident: &Incident) -> Option<Timestamp> {
    let status = incident.status.as_ref()?;
    status.conditions.iter().find(|c| c.kind == "Begun").map(|c| c.last_transition_time)
}

fn says(record: &Record, code: Code) -> bool {
    record.reason.as_ref().is_some_and(|r| r.code == code)
}

fn wrote_after(record: &Record, since: Timestamp) -> bool {
    let mut own = record.executions.iter().filter(|e| e.purpose == Purpose::Apply);
    own.any(|e| e.applied_at.is_some_and(|at| at > since))
}

/// From the grant to the end.
fn span(record: &Record) -> Option<(Timestamp, Timestamp)> {
    let from = record.executions.first()?.grant.granted_at;
    Some((from, record.timeline.last().filter(|t| t.phase.is_terminal())?.at))
}
