//! The standing of every Mandate: what was observed of the parts it relies on.
//!
//! Owns the Mandates' conditions. Must never say that the fence holds because its policies exist:
//! it says so only after a forbidden request was refused. Talks to the API server.

use super::pass::FIELD_MANAGER;
use super::policies;
use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_api::Mandate;
use bailiwick_api::kinds::mandate::condition::{ACCEPTED, FENCE_PROVED, TERRITORY_READY};
use bailiwick_api::parse::parse_mandate;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::Condition;
use bailiwick_kit::said::said;
use jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

/// The last time the fence was seen to hold.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) at: Timestamp,
    pub(crate) refusal: String,
}

/// Looks at the policies and writes the conditions that changed.
pub(crate) async fn refresh(ctx: &Context) {
    policies::check(ctx).await;
    let Some(now) = ctx.clock.now() else { return };
    for guarded in ctx.stores.mandates.state() {
        let Ok(mandate) = &guarded.0 else { continue };
        let conditions = conditions(ctx, mandate, now);
        let before = mandate.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
        if before != conditions.as_slice()
            && let Err(error) = write(ctx, mandate, conditions).await
        {
            tracing::warn!(
                mandate.name = mandate.metadata.name,
                error = said(&error),
                "cannot write the conditions of a mandate"
            );
        }
    }
}

fn conditions(ctx: &Context, mandate: &Mandate, now: Timestamp) -> Vec<Condition> {
    let generation = mandate.metadata.generation.unwrap_or(0);
    let before = mandate.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    [accepted(mandate), territory(ctx), fence(ctx)]
        .into_iter()
        .map(|(kind, status, reason, message)| {
            let since =
                before.iter().find(|c| c.kind == kind && c.status == status).map_or(now, |c| c.last_transition_time);
            Condition {
                kind: kind.to_owned(),
                status: status.to_owned(),
                reason: reason.to_owned(),
                message,
                last_transition_time: since,
                observed_generation: generation,
            }
        })
        .collect()
}

type Claim = (&'static str, &'static str, &'static str, String);

fn accepted(mandate: &Mandate) -> Claim {
    match parse_mandate(mandate) {
        Ok(parsed) => (ACCEPTED, "True", "Read", format!("rules in force: {}", parsed.rules.len())),
        Err(error) => (ACCEPTED, "False", "Unreadable", error.to_string()),
    }
}

fn territory(ctx: &Context) -> Claim {
    let (key, value) = (&ctx.config.territory.key, &ctx.config.territory.value);
    let carries = |labels: &std::collections::BTreeMap<String, String>| labels.get(key) == Some(value);
    let count =
        ctx.stores.namespaces.state().iter().filter(|n| n.metadata.labels.as_ref().is_some_and(carries)).count();
    if count == 0 {
        return (TERRITORY_READY, "False", "Empty", format!("no namespace carries {key}={value}"));
    }
    (TERRITORY_READY, "True", "Labelled", format!("namespaces that carry {key}={value}: {count}"))
}

fn fence(ctx: &Context) -> Claim {
    if let Err(reason) = ctx.policies() {
        return (FENCE_PROVED, "False", "FenceAbsent", reason.message);
    }
    match ctx.proof() {
        Some(proof) => (
            FENCE_PROVED,
            "True",
            "Refused",
            format!("at {} a forbidden request was refused: {}", proof.at, proof.refusal),
        ),
        None => (
            FENCE_PROVED,
            "Unknown",
            "NotTried",
            "policies and bindings are as compiled in; no forbidden request was tried yet".to_owned(),
        ),
    }
}

async fn write(ctx: &Context, mandate: &Mandate, conditions: Vec<Condition>) -> Result<(), kube::Error> {
    let name = mandate.metadata.name.clone().unwrap_or_default();
    let patch = json!({
        "apiVersion": "bailiwick.dev/v1alpha1",
        "kind": "Mandate",
        "metadata": {"name": name},
        "status": {"observedGeneration": mandate.metadata.generation, "conditions": conditions},
    });
    let api: Api<Mandate> = Api::namespaced(ctx.client.clone(), SYSTEM_NAMESPACE);
    ctx.metrics.api(Call::Status, "patch");
    api.patch_status(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(&patch)).await.map(|_| ())
}
