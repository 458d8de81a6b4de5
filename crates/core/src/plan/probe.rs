//! `SetProbe`: where a probe asks and how patient it is.
//!
//! Owns its bounds and what it means in fields. Must never make a probe out of nothing, nor one
//! that hides a fault for long. No IO.

use super::Proposal;
use super::bounds::{Facts, proved_revision, revision_container, unproven};
use super::build::{known_container, set};
use crate::action::{Origin, Param, ProbeName, ProbeSettings};
use crate::reason::{Code, Reason};
use serde_json::{Value, json};

/// Kinds of probe that ask a port.
const ASKS_PORT: &[&str] = &["httpGet", "tcpSocket", "grpc"];

/// The least and the most of each number.
const RANGES: &[(&str, i32, i32)] = &[
    ("initialDelaySeconds", 0, 600),
    ("periodSeconds", 1, 300),
    ("timeoutSeconds", 1, 60),
    ("failureThreshold", 1, 60),
];

/// How often the present number a computed one may be.
pub(crate) const MOST_TIMES: i32 = 3;

/// How long, in seconds, a program may be given to start though nothing tells how long it takes. A fault
/// that comes later is noticed as soon as before.
pub(crate) const A_START: i64 = 120;

/// For how long, in seconds, a probe whose numbers are computed may let a fault go unnoticed.
const LONGEST_UNNOTICED: i64 = 1800;

fn out(why: String) -> Reason {
    Reason::new(Code::OutOfBounds, why)
}

/// The probe with the settings laid over it.
pub(super) fn apply(
    after: &mut Value,
    (container, probe): (&str, ProbeName),
    settings: &ProbeSettings,
) -> Result<(), Reason> {
    let at = live(after, container, probe)?;
    let asked = ASKS_PORT.iter().find(|kind| after.pointer(&format!("{at}/{kind}")).is_some());
    if let Some(path) = &settings.path {
        asked.filter(|kind| **kind == "httpGet").ok_or_else(|| out("only an HTTP probe has a path".to_owned()))?;
        set(after, &format!("{at}/httpGet/path"), json!(path))?;
    }
    if let Some(port) = &settings.port {
        let kind = asked.ok_or_else(|| out("a probe that runs a program asks no port".to_owned()))?;
        set(after, &format!("{at}/{kind}/port"), port.value())?;
    }
    for (name, number) in settings.numbers() {
        if let Some(number) = number {
            set(after, &format!("{at}/{name}"), json!(number))?;
        }
    }
    Ok(())
}

/// Where the probe stands.
fn live(workload: &Value, container: &str, probe: ProbeName) -> Result<String, Reason> {
    let at = format!("{}/{}", known_container(workload, container)?, probe.field());
    if workload.pointer(&at).is_some_and(Value::is_object) {
        return Ok(at);
    }
    let why = format!("container {container:?} has no {} probe", probe.as_str());
    Err(Reason::new(Code::TargetMissing, why))
}

/// Checks the settings of one probe.
pub(super) fn check(
    (container, probe): (&str, ProbeName),
    settings: &Param<ProbeSettings>,
    proposal: &Proposal,
    facts: &Facts,
) -> Result<(), Reason> {
    let target = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let at = live(target, container, probe)?;
    let wanted = &settings.value;
    if *wanted == ProbeSettings::default() {
        return Err(out("nothing is named to be set".to_owned()));
    }
    let is_path =
        |p: &String| p.starts_with('/') && p.len() <= 256 && !p.chars().any(|c| c.is_control() || c.is_whitespace());
    if wanted.path.as_ref().is_some_and(|path| !is_path(path)) {
        return Err(out("a path begins with '/' and has no blanks".to_owned()));
    }
    within_ranges(wanted, probe)?;
    match &settings.origin {
        Origin::RevisionHistory { .. } => {
            let revision = proved_revision(&settings.origin, proposal, facts)?;
            let had = revision_container(revision, container).and_then(|c| c.get(probe.field()));
            historic(had.ok_or_else(|| unproven("that revision had no such probe"))?, wanted)
        }
        Origin::CurrentValue {} => computed(target, (&at, probe), container, wanted),
        Origin::Human {} => Ok(()),
        Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::Earlier {}
        | Origin::Telemetry {} => Err(unproven("a probe cannot come from there")),
    }
}

fn within_ranges(wanted: &ProbeSettings, probe: ProbeName) -> Result<(), Reason> {
    for ((name, number), (_, least, most)) in wanted.numbers().into_iter().zip(RANGES) {
        if number.is_some_and(|n| !(*least..=*most).contains(&n)) {
            return Err(out(format!("{} {name} is not within {least} to {most}", probe.as_str())));
        }
    }
    Ok(())
}

/// Every named value is the one that the revision had.
fn historic(had: &Value, wanted: &ProbeSettings) -> Result<(), Reason> {
    let asked = |field: &str| ASKS_PORT.iter().find_map(|kind| had.get(*kind)?.get(field)).cloned();
    let mut pairs = vec![
        ("path", wanted.path.as_ref().map(|p| json!(p)), asked("path")),
        ("port", wanted.port.as_ref().map(|p| p.value()), asked("port")),
    ];
    pairs.extend(wanted.numbers().map(|(name, n)| (name, n.map(|n| json!(n)), had.get(name).cloned())));
    match pairs.into_iter().find(|(_, wanted, had)| wanted.is_some() && wanted != had) {
        Some((name, ..)) => Err(unproven(format!("that revision had another {name}"))),
        None => Ok(()),
    }
}

/// The time that a fault goes unnoticed grows with both numbers; each within its bound is not enough.
fn patient(probe: Option<&Value>, which: ProbeName, wanted: &ProbeSettings) -> Result<(), Reason> {
    let numbers = wanted.numbers();
    let product = |of: &dyn Fn(&str) -> i64| of("periodSeconds").saturating_mul(of("failureThreshold"));
    let now = |name: &str| probe.and_then(|p| p.get(name)).and_then(Value::as_i64).unwrap_or(0);
    let then = |name: &str| {
        let set = numbers.iter().find(|(n, _)| *n == name).and_then(|(_, number)| *number);
        set.map_or_else(|| now(name), i64::from)
    };
    let most = most(product(&now), which == ProbeName::Startup).min(LONGEST_UNNOTICED);
    let next = product(&then);
    if next > most && next > product(&now) {
        return Err(out(format!("periodSeconds times failureThreshold would be {next} s, more than {most} s")));
    }
    Ok(())
}

/// Three times of what there is; enough for a start, where nothing but that is waited for.
fn most(now: i64, of_start: bool) -> i64 {
    now.saturating_mul(MOST_TIMES.into()).max(if of_start { A_START } else { 0 })
}

/// A port that the container declares, and more patience.
fn computed(
    target: &Value,
    (at, probe): (&str, ProbeName),
    container: &str,
    wanted: &ProbeSettings,
) -> Result<(), Reason> {
    if wanted.path.is_some() {
        return Err(unproven("no path can be told from the live object"));
    }
    let pointer = known_container(target, container)?;
    let declared = target.pointer(&format!("{pointer}/ports")).and_then(Value::as_array);
    let is_declared = |port: &Value| {
        declared
            .is_some_and(|all| all.iter().any(|p| p.get("containerPort") == Some(port) || p.get("name") == Some(port)))
    };
    if wanted.port.as_ref().is_some_and(|port| !is_declared(&port.value())) {
        return Err(out(format!("container {container:?} declares no such port")));
    }
    patient(target.pointer(at), probe, wanted)?;
    for (name, number) in wanted.numbers() {
        let now = target.pointer(&format!("{at}/{name}")).and_then(Value::as_i64).unwrap_or(0);
        let of_start = [(ProbeName::Liveness, "initialDelaySeconds"), (ProbeName::Startup, "failureThreshold")];
        let most = most(now, of_start.contains(&(probe, name)));
        if number.is_some_and(|n| i64::from(n) < now || i64::from(n) > most) {
            return Err(out(format!("{name} is not within {now} and {most}")));
        }
    }
    Ok(())
}
