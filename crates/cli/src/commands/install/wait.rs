//! Waiting for what was put in place to hold.
//!
//! Owns what "holds" means for each step. Must never take an applied policy for one in force.
//! Reads from the API server, and asks it dry runs that must be refused.

use crate::cluster::Cluster;
use crate::commands::Session;
use crate::commands::check::{is_established, running};
use crate::exit::{Failure, Outcomes};
use crate::installed;
use crate::objects::apply::{read, title};
use crate::probe::{self, Held};
use crate::render::check::State;
use crate::when;
use bailiwick_api::manifests::policies::deviation;
use bailiwick_api::manifests::{OPERATOR, Step};
use bailiwick_api::observe::{self, Scope};
use bailiwick_core::analyze::analyze_all;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use serde_json::Value;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(500);

/// Waits until a step holds.
///
/// # Errors
/// Where it does not in time.
pub(super) async fn after(session: &Session, cluster: &Cluster, step: &Step, deadline: Instant) -> Outcomes<()> {
    match step.name {
        "kinds" => established(cluster, step, deadline).await,
        "policies" => in_force(session, cluster, step, deadline).await,
        _ => Ok(()),
    }
}

fn late(what: &str) -> Failure {
    Failure::error(format!("{what} in time")).next("look at it: bailiwick check; installing again goes on from here")
}

async fn established(cluster: &Cluster, step: &Step, deadline: Instant) -> Outcomes<()> {
    for object in &step.objects {
        loop {
            if read(cluster, object).await?.is_some_and(|live| is_established(&live)) {
                break;
            }
            if Instant::now() >= deadline {
                return Err(late(&format!("{} was not established", title(object))));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Type-checked without a warning, and seen to refuse what they must refuse.
async fn in_force(session: &Session, cluster: &Cluster, step: &Step, deadline: Instant) -> Outcomes<()> {
    for object in &step.objects {
        loop {
            let live = read(cluster, object).await?;
            if let Some(found) = deviation(object, live.as_ref()) {
                return Err(Failure::error(format!("the policies do not hold: {found}"))
                    .next("nothing was given any right yet"));
            }
            if live.as_ref().is_none_or(is_checked) {
                break;
            }
            if Instant::now() >= deadline {
                return Err(late(&format!("{} was not type-checked", title(object))));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    loop {
        let held = probe::all(cluster).await;
        let Some((policy, _)) = held.iter().find(|(_, h)| *h == Held::No) else {
            for (policy, held) in held {
                match held {
                    Held::Yes(_) => session.out.progress('✔', &format!("{policy} is in force: it refused a dry run")),
                    Held::Unknown(why) => session.out.progress('!', &format!("{policy} could not be proved: {why}")),
                    Held::No => {}
                }
            }
            return Ok(());
        };
        if Instant::now() >= deadline {
            return Err(late(&format!("{policy} did not come into force")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// True where the API server has type-checked the policy as it is now; bindings are not checked.
fn is_checked(live: &Value) -> bool {
    if live.get("kind").and_then(Value::as_str) != Some("ValidatingAdmissionPolicy") {
        return true;
    }
    let observed = live.pointer("/status/observedGeneration").and_then(Value::as_i64);
    observed.is_some() && observed == live.pointer("/metadata/generation").and_then(Value::as_i64)
}

/// What the analyzers say of the operator's own Deployment; nothing where they cannot tell.
async fn wrong(cluster: &Cluster) -> Option<String> {
    let listing = observe::list_all(&cluster.client, &Scope::Namespace(SYSTEM_NAMESPACE.to_owned())).await;
    let found = analyze_all(&listing.index.view(), when::now());
    found.into_iter().find(|f| f.subject.name.as_str() == OPERATOR).map(|f| format!("{}: {}", f.cause, f.summary))
}

/// Waits until the operator is ready.
///
/// # Errors
/// Where it is not in time.
pub(super) async fn operator(session: &Session, cluster: &Cluster, deadline: Instant) -> Outcomes<()> {
    let mut told = String::new();
    loop {
        let found = installed::operator(cluster).await?;
        let item = found.as_ref().map(running);
        if let Some(item) = &item {
            if item.state == State::Good {
                session.out.progress('✔', &format!("operator: {}", item.seen));
                return Ok(());
            }
            let seen = match wrong(cluster).await {
                Some(why) => format!("{}: {why}", item.seen),
                None => item.seen.clone(),
            };
            if told != seen {
                told.clone_from(&seen);
                session.out.progress('►', &format!("operator: {told}"));
            }
        }
        if Instant::now() >= deadline {
            let next = item.and_then(|i| i.next).unwrap_or_default();
            return Err(Failure::error(format!("the operator is not ready in time: {told}"))
                .next(format!("{next}\neverything else is in place; once that is mended: bailiwick check --wait")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
