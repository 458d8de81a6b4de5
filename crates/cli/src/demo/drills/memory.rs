//! Drill 3: the kernel kills two containers. One needs more memory; the other would need any.
//!
//! Owns the namespace `memory`. Talks to the API server.

use super::life::{life, recovered};
use crate::demo::ground::{Ground, LATER, name_of, record_of, stands};
use crate::demo::scene::{Expectation, Scene};
use crate::demo::story::{Seen, Stop, Told};
use crate::demo::wait::{Look, Missed, any, poll};
use crate::demo::workload::{self, Memory};
use bailiwick_api::kinds::incident::IncidentPhase;
use bailiwick_core::finding::Cause;
use bailiwick_core::life::{Execution, Phase, Purpose, Record};
use bailiwick_core::reason::Code;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use kube::runtime::watcher;
use std::time::{Duration, Instant};

const CACHE: &str = "cache";
const LEAK: &str = "leak";
const SMALL: Memory = Memory { request: "16Mi", limit: "32Mi" };
const DOUBLED: &str = "64Mi";

/// Runs the drill.
pub(in crate::demo) async fn run(ground: &Ground, scene: &Scene<'_>) -> Told {
    let namespace = ground.ns("memory");
    let namespace = namespace.as_str();
    scene.step(format!(
        "erin runs {CACHE}, which needs 40 MiB, and {LEAK}, which takes 16 MiB more each second; both may have {}",
        SMALL.limit
    ));
    let cache = workload::deployment((namespace, CACHE), &ground.images.good, &["--allocate-mib", "40"], Some(SMALL));
    let leak =
        workload::deployment((namespace, LEAK), &ground.images.good, &["--grow-mib-per-second", "16"], Some(SMALL));
    ground.deploy(&cache).await?;
    ground.deploy(&leak).await?;
    let mut changes = Vec::new();
    let both = futures::join!(killed(ground, namespace, CACHE), killed(ground, namespace, LEAK));
    for (name, killed) in [(CACHE, both.0), (LEAK, both.1)] {
        let expectation = scene.expect(&format!("{name}: killed"), "by the kernel: OOMKilled");
        let (_, since) = expectation.came(killed, |(text, _)| text.clone())?;
        changes.push(proposed(ground, scene, (namespace, name), since).await?);
    }
    let [cache, leak] = changes.as_slice() else { return Err(Stop::broken("two changes were waited for")) };
    repaired(ground, scene, namespace, cache).await?;
    given_up(ground, scene, namespace, leak).await
}

/// Waits until a container was killed for its memory.
async fn killed(ground: &Ground, namespace: &str, name: &str) -> Result<(String, Instant), Missed> {
    let pods: Api<Pod> = Api::namespaced(ground.cluster.watching.clone(), namespace);
    any(&pods, watcher::Config::default().labels(&format!("app={name}")), LATER, |pod: &Pod| {
        let states = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
        let ended = states
            .flat_map(|c| [c.state.as_ref(), c.last_state.as_ref()])
            .flatten()
            .filter_map(|s| s.terminated.as_ref());
        let mut killed = ended.filter(|t| t.reason.as_deref() == Some("OOMKilled"));
        match killed.next() {
            Some(end) => Look::Yes((format!("OOMKilled, exit code {}", end.exit_code), Instant::now())),
            None => Look::NotYet("no container was killed".to_owned()),
        }
    })
    .await
}

async fn proposed(ground: &Ground, scene: &Scene<'_>, place: (&str, &str), since: Instant) -> Told<String> {
    let incident = ground.incident(place, |i| match i.spec.cause {
        Cause::OomKilled => Look::Yes(i.metadata.name.clone().unwrap_or_default()),
        other => Look::NotYet(format!("an incident {other}")),
    });
    let incident = incident.await.map_err(|missed| Stop::broken(format!("no Incident OomKilled: {missed}")))?;
    let expectation =
        scene.expect(&format!("{}: proposed", place.1), "SetResources to twice the limit, pre-approved within 128Mi");
    let expectation = expectation.since(since).delayed(ground.limits.healthy_delay_seconds, "delay");
    let change = expectation.came(ground.proposal((place.0, &incident), &[]).await, |c| {
        format!("{}: {}", c.spec.change_type, c.spec.reason.text)
    })?;
    Ok(name_of(&change))
}

async fn limit(ground: &Ground, place: (&str, &str)) -> Told<String> {
    let deployment = ground.deployment(place).await?;
    let limit = deployment.pointer("/spec/template/spec/containers/0/resources/limits/memory");
    Ok(limit.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
}

async fn repaired(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &str) -> Told {
    scene.step(format!("{CACHE}: a change within the bounds"));
    recovered(ground, scene, (namespace, change)).await?;
    let expectation = scene.expect("cache: repaired", format!("available, with a limit of {DOUBLED}"));
    let up = ground.available((namespace, CACHE)).await;
    let now = limit(ground, (namespace, CACHE)).await?;
    let seen = match up {
        Ok(_) => Seen::when(now == DOUBLED, format!("available, limit {now}")),
        Err(missed) => Seen::Wrong(missed.to_string()),
    };
    expectation.saw(seen);
    Ok(())
}

async fn given_up(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &str) -> Told {
    scene.step(format!("{LEAK}: twice the limit does not help, and nothing would"));
    let expectation = scene.expect(
        "leak: put back",
        format!("RolledBack: written, seen to fail, and the limit of {} written back", SMALL.limit),
    );
    let ended = ground.phase((namespace, change), Phase::RolledBack).await;
    let now = limit(ground, (namespace, LEAK)).await?;
    match ended {
        Ok(change) => put_back(ground, scene, expectation, (&record_of(&change), &now))?,
        Err(missed) => expectation.need(Seen::Wrong(missed.to_string()))?,
    }
    let expectation = scene.expect("leak: escalated", "the Incident ends Escalated, for people to look at");
    let escalated = ground.incident_in((namespace, LEAK), IncidentPhase::Escalated).await;
    expectation.came(escalated, |i| {
        i.status.as_ref().and_then(|s| s.reason.as_ref()).map(ToString::to_string).unwrap_or_default()
    })?;
    not_again(ground, scene, namespace, change).await
}

/// Looks at the record of a change that was rolled back, and at the limit there is now.
fn put_back(
    ground: &Ground,
    scene: &Scene<'_>,
    expectation: Expectation<'_, '_>,
    (record, limit): (&Record, &str),
) -> Told {
    let applied: Vec<&Execution> = record.executions.iter().filter(|e| e.is_applied()).collect();
    let purposes: Vec<Purpose> = applied.iter().map(|e| e.purpose).collect();
    let receipted = record.receipts.iter().any(|r| r.about == "RollBack");
    let right = purposes == [Purpose::Apply, Purpose::RollBack] && limit == SMALL.limit && receipted;
    let text = format!("{}; limit {limit}, executions {purposes:?}, receipted: {receipted}", stands(record));
    scene.quote(life(record));
    let written = applied.first().and_then(|e| e.applied_at);
    let turned = record.timeline.iter().find(|t| t.phase == Phase::RollingBack);
    let span = |to: Option<Timestamp>| written.zip(to).map_or(0.0, |(from, to)| to.duration_since(from).as_secs_f64());
    let watched = span(turned.map(|t| t.at));
    let over = turned.and_then(|t| t.reason.as_ref()).is_some_and(|r| r.code == Code::WindowEnded);
    // Either it was seen to be worse than before, or the time to recover in ran out.
    let expectation = if over {
        expectation.delayed(ground.limits.recovery_window_seconds, "to recover in")
    } else {
        expectation.workload(watched)
    };
    let seconds = span(record.timeline.last().map(|t| t.at));
    if expectation.saw_after(seconds, Seen::when(right, text)) { Ok(()) } else { Err(Stop::Counted) }
}

/// It goes on being killed, and nothing more is tried.
async fn not_again(ground: &Ground, scene: &Scene<'_>, namespace: &str, first: &str) -> Told {
    let patience = Duration::from_secs(u64::from(ground.limits.healthy_delay_seconds) * 3);
    let expectation = scene.expect(
        "leak: not retried",
        format!("no second change within three times the delay ({} s), while it is killed on", patience.as_secs()),
    );
    let changes = ground.changes(namespace);
    let again = poll(patience, async || match changes.list(&ListParams::default()).await {
        Ok(list) => {
            let others = list.items.iter().filter(|c| c.spec.target.name.as_str() == LEAK && name_of(c) != first);
            others.map(name_of).next().map_or_else(|| Look::NotYet("only the first".to_owned()), Look::Yes)
        }
        Err(error) => Look::Yes(format!("the changes cannot be listed: {error}")),
    });
    expectation.saw(match again.await {
        Ok(name) => Seen::Wrong(name),
        Err(_) => Seen::Right(format!("only {first}")),
    });
    Ok(())
}
