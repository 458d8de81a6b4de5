//! What several drills do alike: propose and approve as people type it, and tell a Change's life.
//!
//! Owns these command lines. Must never decide for a person in silence: each is shown. Starts
//! this program; watches the API server.

use crate::demo::ground::{Ground, name_of, record_of, stands};
use crate::demo::people::{ALICE, BOB};
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Stop, Told};
use crate::words::count;
use bailiwick_api::Change;
use bailiwick_core::life::{Phase, Purpose, Record};
use jiff::Timestamp;

/// Alice proposes a change and waits until it can be decided on; returns it with its plan.
pub(super) async fn propose(ground: &Ground, scene: &Scene<'_>, words: &[&str], namespace: &str) -> Told<Change> {
    let mut line = vec!["propose"];
    line.extend(words);
    line.extend(["-n", namespace, "--yes", "-o", "name"]);
    let name = ground.yourself.run(scene, Some(ALICE), &line).await?.name()?;
    planned(ground, scene, (namespace, &name)).await
}

/// Waits until a proposed change can be decided on.
pub(super) async fn planned(ground: &Ground, scene: &Scene<'_>, place: (&str, &str)) -> Told<Change> {
    let waits = scene.expect("it waits for a person", "planned by two equal dry runs, and AwaitingApproval");
    let change = waits.came(ground.phase(place, Phase::AwaitingApproval).await, |change| {
        format!("{}, digest {}", stands(&record_of(change)), short(&digest(&record_of(change))))
    })?;
    Ok(change)
}

/// Bob approves exactly this plan.
pub(super) async fn approve(ground: &Ground, scene: &Scene<'_>, change: &Change) -> Told {
    let (name, namespace) = (name_of(change), change.metadata.namespace.clone().unwrap_or_default());
    let digest = digest(&record_of(change));
    let line = ["approve", &name, "-n", &namespace, "--digest", short(&digest), "--yes"];
    let said = ground.yourself.run(scene, Some(BOB), &line).await?;
    if said.code == Some(0) { Ok(()) } else { Err(Stop::broken(format!("bob could not approve: {}", said.text()))) }
}

/// Waits until a change has recovered, and tells how.
pub(super) async fn recovered(ground: &Ground, scene: &Scene<'_>, place: (&str, &str)) -> Told<Change> {
    let expected = "Recovered: written once, by a one-shot account that the fence was proved for and that is revoked";
    let expectation = scene.expect("the change recovers", expected);
    let waited = ground.phase(place, Phase::Recovered).await;
    let change = match waited {
        Ok(change) => change,
        Err(missed) => {
            expectation.saw(Seen::Wrong(missed.to_string()));
            return Err(Stop::Counted);
        }
    };
    let record = record_of(&change);
    let seen = match written_once(&record) {
        Ok(()) => Seen::Right(life(&record)),
        Err(why) => Seen::Wrong(why),
    };
    let (seconds, workload) = times(&record);
    expectation.delayed(ground.limits.hold_seconds, "healthy").workload(workload).saw_after(seconds, seen);
    if let Some(proof) = record.executions.first().and_then(|e| e.grant.proof.as_deref()) {
        scene.quote(format!("fence proof: {proof}"));
    }
    Ok(change)
}

/// Seconds from the decision to the end, and of these from the write until the workload was healthy.
fn times(record: &Record) -> (f64, f64) {
    let entered = |phases: &[Phase]| record.timeline.iter().rev().find(|t| phases.contains(&t.phase)).map(|t| t.at);
    let span = |from: Option<Timestamp>, to: Option<Timestamp>| match (from, to) {
        (Some(from), Some(to)) => to.duration_since(from).as_secs_f64(),
        (_, None) | (None, _) => 0.0,
    };
    let written = record.executions.first().and_then(|e| e.applied_at);
    let healthy = record.verification.as_ref().and_then(|v| v.holding_since);
    (span(entered(&[Phase::Approved, Phase::PreApproved]), entered(&[record.phase])), span(written, healthy))
}

/// Whether a record shows one write under a proved and revoked grant, and a receipt of its end.
fn written_once(record: &Record) -> Result<(), String> {
    let [execution] = record.executions.as_slice() else {
        return Err(count(record.executions.len(), "execution"));
    };
    let grant = &execution.grant;
    let proved = grant.proof.as_deref().is_some_and(|p| p.contains("bailiwick-executor-fence"));
    let checks = [
        (execution.purpose == Purpose::Apply && execution.is_applied(), "no write is recorded"),
        (execution.attempts == 1, "it was begun more than once"),
        (grant.proved_at.is_some() && proved, "the fence was not proved"),
        (grant.revoked_at.is_some(), "its account was not revoked"),
        (record.receipts.iter().any(|r| r.about == record.phase.as_str()), "no receipt states it"),
    ];
    checks.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err((*why).to_owned()))
}

/// The steps of a change with the seconds since it was first looked at.
pub(super) fn life(record: &Record) -> String {
    let Some(begun) = record.timeline.first().map(|t| t.at) else { return "nothing happened yet".to_owned() };
    let after = |at: Timestamp| format!("{:.2}", at.duration_since(begun).as_secs_f64());
    let mut steps: Vec<(Timestamp, String)> = record.timeline.iter().map(|t| (t.at, t.phase.to_string())).collect();
    for execution in &record.executions {
        steps.extend(execution.applied_at.map(|at| (at, "written".to_owned())));
        steps.extend(execution.grant.revoked_at.map(|at| (at, "revoked".to_owned())));
    }
    steps.sort_by_key(|(at, _)| *at);
    let told: Vec<String> = steps.into_iter().map(|(at, what)| format!("{what} {}", after(at))).collect();
    format!("{} s", told.join(" · "))
}

/// The digest of a record's plan; empty where there is none.
pub(super) fn digest(record: &Record) -> String {
    record.plan.as_ref().map(|p| p.digest.clone()).unwrap_or_default()
}

/// As much of a digest as people compare.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::life::{Execution, Grant, ReceiptRef, Transition, Verification};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn record() -> Record {
        let grant = Grant {
            account: "bwk-a".into(),
            purpose: Purpose::Apply,
            granted_at: at(1),
            proved_at: Some(at(2)),
            proof: Some("ValidatingAdmissionPolicy 'bailiwick-executor-fence' denied".into()),
            revoked_at: Some(at(4)),
        };
        let execution = Execution {
            key: "k".into(),
            purpose: Purpose::Apply,
            digest: String::new(),
            grant,
            started_at: Some(at(2)),
            applied_at: Some(at(3)),
            attempts: 1,
            resource_version: None,
            generation: None,
            outcome: None,
        };
        let entered = |phase, second| Transition { phase, at: at(second), reason: None };
        Record {
            phase: Phase::Recovered,
            executions: vec![execution],
            verification: Some(Verification { holding_since: Some(at(8)), ..Verification::default() }),
            receipts: vec![ReceiptRef { name: "000000000000".into(), about: "Recovered".into(), hash: String::new() }],
            timeline: vec![entered(Phase::Proposed, 0), entered(Phase::PreApproved, 1), entered(Phase::Recovered, 14)],
            ..Record::default()
        }
    }

    #[test]
    fn a_record_is_believed_only_if_nothing_is_missing() {
        assert_eq!(written_once(&record()), Ok(()));
        let mut twice = record();
        twice.executions.push(twice.executions[0].clone());
        let mut unproved = record();
        unproved.executions[0].grant.proof = Some("forbidden".into());
        let mut live = record();
        live.executions[0].grant.revoked_at = None;
        let mut begun = record();
        begun.executions[0].attempts = 2;
        let mut unstated = record();
        unstated.receipts.clear();
        for bad in [twice, unproved, live, begun, unstated] {
            assert!(written_once(&bad).is_err());
        }
    }

    #[test]
    fn times_are_counted_from_the_decision_and_the_workload_s_own_are_told_apart() {
        assert_eq!(times(&record()), (13.0, 5.0));
        assert_eq!(
            life(&record()),
            "Proposed 0.00 · PreApproved 1.00 · written 3.00 · revoked 4.00 · Recovered 14.00 s"
        );
    }
}
