//! One pass over one Change: decide, persist, act, until there is nothing to do now.
//!
//! Owns persistence and the running of effects. Must never run an effect before the record that
//! announces it was accepted by the API server. Talks to the API server.

use super::Context;
use super::clock::not_before;
use super::driver::{Key, is_live};
use super::effects::{self, EffectError, Subject};
use super::observe::{self, Seen};
use super::standing::Proof;
use crate::metrics::Call;
use bailiwick_api::Change;
use bailiwick_api::conditions::{conditions, free};
use bailiwick_core::life::{Decision, Effect, Phase, Purpose, Record, Report, decide, fold};
use bailiwick_core::plan::build;
use bailiwick_core::plan::{self, Operation, Plan, Proposal};
use bailiwick_core::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use std::time::Duration;

/// Field manager of every status this operator writes.
pub(crate) const FIELD_MANAGER: &str = "bailiwick-operator";
/// Steps of one pass before others get a turn.
const MOST_STEPS: u32 = 64;

/// Why a pass ended early; it is repeated with back-off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PassError {
    /// The API server's time is not known.
    #[error("the API server's time is not known")]
    NoTime,
    /// Somebody else wrote the status; the pass begins anew from what they wrote.
    #[error("the status was written by another operator")]
    Overtaken,
    /// The Change, or its namespace, is gone since it was read.
    #[error("the Change is gone")]
    Gone,
    /// Reading the world.
    #[error("cannot observe: {0}")]
    Observe(#[from] super::rest::RestError),
    /// Reading or writing the Change itself.
    #[error("cannot {step} the Change: {source}")]
    Change {
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        source: Box<kube::Error>,
    },
    /// An effect.
    #[error(transparent)]
    Effect(#[from] EffectError),
}

/// How a pass ended.
pub(crate) struct Ended {
    /// When to look again without being woken.
    pub(crate) recheck: Option<SignedDuration>,
    /// The Change's resourceVersion as it was left.
    pub(crate) version: Option<u64>,
}

fn ended(change: &Change, recheck: Option<SignedDuration>) -> Ended {
    Ended { recheck, version: change.metadata.resource_version.as_ref().and_then(|v| v.parse().ok()) }
}

/// The longest time from looking at the world to persisting what was decided of it, and to
/// beginning with its effect.
const LONGEST_THOUGHT: SignedDuration = SignedDuration::from_secs(10);

/// True where the process was frozen since it looked: what was decided rests on a time that has
/// passed. A record without its effect is what a crash leaves as well, and is resolved in the same way.
fn is_stale(ctx: &Context, looked: Timestamp) -> bool {
    ctx.clock.now().is_none_or(|now| now.duration_since(looked) > LONGEST_THOUGHT)
}

/// One pass: decide, persist, act, until there is nothing to do now.
pub(crate) async fn pass(ctx: &Context, key: &Key) -> Result<Ended, PassError> {
    let api: Api<Change> = Api::namespaced(ctx.client.clone(), &key.0);
    ctx.metrics.api(Call::Status, "get");
    let found = api.get_opt(&key.1).await.map_err(|e| PassError::Change { step: "read", source: Box::new(e) })?;
    let Some(mut change) = found else { return Ok(Ended { recheck: None, version: None }) };
    if change.status.is_none() {
        ctx.receipts.begun(change.metadata.uid.as_deref().unwrap_or_default()).await;
    }
    for _ in 0..MOST_STEPS {
        if !is_live(&change) {
            return Ok(ended(&change, None));
        }
        let record = change.status.clone().unwrap_or_default();
        let now = not_before(&record, ctx.clock.now().ok_or(PassError::NoTime)?);
        let seen = observe::look(ctx, &change, &record, now).await?;
        let decision = decide(&record, &seen.world(ctx, &change, &record, now));
        if is_stale(ctx, now) {
            return Ok(ended(&change, Some(SignedDuration::ZERO)));
        }
        let mut decided = decision.record.clone();
        if decision.effect.is_none() {
            // The world could be read and nothing is to be asked for.
            free(&mut decided);
        }
        change = persist(ctx, change, &record, decided, now).await?;
        match next_step(ctx, &change, &seen, decision, now).await? {
            Next::Record(record) => {
                let before = change.status.clone().unwrap_or_default();
                change = persist(ctx, change, &before, *record, now).await?;
            }
            Next::Again => {}
            Next::Wait(recheck) => return Ok(ended(&change, recheck)),
        }
    }
    Ok(ended(&change, Some(SignedDuration::ZERO)))
}

/// What follows a persisted decision.
enum Next {
    /// An effect reported; its record must be persisted.
    Record(Box<Record>),
    /// Decide again at once.
    Again,
    /// Nothing to do for now.
    Wait(Option<SignedDuration>),
}

async fn next_step(
    ctx: &Context,
    change: &Change,
    seen: &Seen,
    decision: Decision,
    now: Timestamp,
) -> Result<Next, PassError> {
    let Some(effect) = decision.effect else {
        let again = decision.recheck == Some(SignedDuration::ZERO);
        return Ok(if again { Next::Again } else { Next::Wait(decision.recheck) });
    };
    crate::failpoint!("effect-before");
    if is_stale(ctx, now) {
        return Ok(Next::Wait(Some(SignedDuration::ZERO)));
    }
    let report = run_effect(ctx, change, seen, &decision.record, effect).await?;
    crate::failpoint!("effect-after");
    let now = ctx.clock.now().unwrap_or(now).max(now);
    measure(ctx, &decision.record, &report, now);
    let mut record = fold(&decision.record, report, now);
    free(&mut record);
    Ok(Next::Record(Box::new(record)))
}

/// Server-side apply of the status, accepted only if nobody wrote since it was read.
pub(super) async fn persist(
    ctx: &Context,
    change: Change,
    before: &Record,
    mut record: Record,
    now: Timestamp,
) -> Result<Change, PassError> {
    record.conditions = conditions(&record, now);
    if record == *before {
        return Ok(change);
    }
    ctx.ledger.begin(&change, &record);
    let stored = store(ctx, &change, &record).await;
    match &stored {
        Ok(written) => ctx.ledger.stored(written),
        Err(_) => ctx.ledger.failed(&change),
    }
    let written = stored?;
    announce(ctx, &written, before, now);
    Ok(written)
}

async fn store(ctx: &Context, change: &Change, record: &Record) -> Result<Change, PassError> {
    crate::failpoint!("persist-before");
    let name = change.metadata.name.clone().unwrap_or_default();
    let patch = json!({
        "apiVersion": "bailiwick.dev/v1alpha1",
        "kind": "Change",
        "metadata": {"name": name, "resourceVersion": change.metadata.resource_version},
        "status": record,
    });
    ctx.metrics.api(Call::Status, "patch");
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let api = Api::<Change>::namespaced(ctx.client.clone(), change.metadata.namespace.as_deref().unwrap_or_default());
    let written = api.patch_status(&name, &params, &Patch::Apply(&patch)).await.map_err(|error| match error {
        kube::Error::Api(status) if status.code == 409 => PassError::Overtaken,
        kube::Error::Api(status) if status.code == 404 => PassError::Gone,
        other => PassError::Change { step: "record", source: Box::new(other) },
    })?;
    crate::failpoint!("persist-after");
    Ok(written)
}

/// One log line and the counters of a phase that was entered.
fn announce(ctx: &Context, change: &Change, before: &Record, now: Timestamp) {
    let Some(record) = &change.status else { return };
    let code = record.reason.as_ref().map(|r| r.code);
    if let Some(code) = code.filter(|_| code != before.reason.as_ref().map(|r| r.code) || record.phase != before.phase)
    {
        ctx.metrics.decision(code);
    }
    if record.phase == before.phase {
        return;
    }
    tracing::info!(
        change.namespace = change.metadata.namespace, change.name = change.metadata.name,
        change.r#type = %change.spec.change_type, from = %before.phase, to = %record.phase,
        reason = code.map(Code::as_str), "the Change entered a phase"
    );
    let written = before.executions.last().and_then(|e| e.applied_at);
    let took = written.and_then(|at| Duration::try_from(now.duration_since(at)).ok());
    if let (Phase::Verifying, Some(code), Some(took)) = (before.phase, code, took) {
        ctx.metrics.verified(code, took);
    }
    if record.phase.is_terminal() {
        ctx.metrics.change_ended(change.spec.change_type, record.phase);
    }
}

fn measure(ctx: &Context, record: &Record, report: &Report, now: Timestamp) {
    match report {
        Report::Proved { refusal, .. } => {
            ctx.set_proof(Proof { at: now, refusal: refusal.clone() });
        }
        Report::Revoked { account } => {
            let grants = record.planning.iter().chain(record.executions.iter().map(|e| &e.grant));
            for grant in grants.filter(|g| g.account == *account && g.proved_at.is_some() && g.purpose != Purpose::Plan)
            {
                let lifetime = Duration::try_from(now.duration_since(grant.granted_at)).unwrap_or_default();
                ctx.metrics
                    .grant_closed(if grant.purpose == Purpose::RollBack { "rollback" } else { "apply" }, lifetime);
            }
        }
        Report::Planned(_)
        | Report::PlanRefused(_)
        | Report::NotProved { .. }
        | Report::Applied { .. }
        | Report::NotApplied { .. }
        | Report::Receipted(_) => {}
    }
}

async fn run_effect(
    ctx: &Context,
    change: &Change,
    seen: &Seen,
    record: &Record,
    effect: Effect,
) -> Result<Report, EffectError> {
    let proposal = match (&seen.proposal, &effect) {
        (_, Effect::Receipt { about }) => {
            let receipt = ctx.receipts.make(ctx, change, about).await.map_err(|e| EffectError::Other(e.to_string()))?;
            return Ok(Report::Receipted(receipt));
        }
        (Ok(proposal), _) => proposal,
        (Err(reason), _) => return Ok(Report::PlanRefused(reason.clone())),
    };
    let live = seen.live(ctx);
    let subject = Subject { proposal, sources: &seen.facts.sources, live: &live };
    match effect {
        Effect::Plan { account } => {
            effects::plan(ctx, &subject, &account, build::draft(proposal, subject.sources)).await
        }
        Effect::PlanUnconfirmed => Ok(effects::plan_unconfirmed(&subject)),
        Effect::PlanUndo { account } => plan_undo(ctx, &subject, record, &account).await,
        Effect::Arm { execution } => {
            let (account, plan) = armed(record, execution)?;
            effects::arm(ctx, &subject, account, plan, execution).await
        }
        Effect::Write { execution } => {
            let (account, plan) = armed(record, execution)?;
            effects::write(ctx, &subject, account, plan, execution).await
        }
        Effect::ReadBack { execution } => {
            let (_, plan) = armed(record, execution)?;
            effects::read_back(ctx, &subject, plan, execution).await
        }
        Effect::Revoke { account } => {
            effects::revoke(ctx, proposal, &account, operation_of(record, proposal, &account)).await
        }
        Effect::Receipt { .. } => Err(EffectError::Other("a receipt was already handled".to_owned())),
    }
}

/// The account and the plan of an execution.
fn armed(record: &Record, index: usize) -> Result<(&str, &Plan), EffectError> {
    let execution = record.executions.get(index);
    let plan = execution.and_then(|e| match e.purpose {
        Purpose::RollBack => record.undo_plan.as_ref(),
        Purpose::Apply | Purpose::Plan => record.plan.as_ref(),
    });
    match (execution, plan) {
        (Some(execution), Some(plan)) => Ok((&execution.grant.account, plan)),
        (Some(_) | None, Some(_) | None) => Err(EffectError::Other(Reason::plain(Code::PlanAltered).to_string())),
    }
}

fn operation_of(record: &Record, proposal: &Proposal, account: &str) -> Operation {
    let back = record.executions.iter().any(|e| e.grant.account == account && e.purpose == Purpose::RollBack);
    let planned = record.undo_plan.as_ref().filter(|_| back).map(|p| p.operation);
    planned.unwrap_or_else(|| plan::operation(&proposal.action, &proposal.target))
}

async fn plan_undo(
    ctx: &Context,
    subject: &Subject<'_>,
    record: &Record,
    account: &str,
) -> Result<Report, EffectError> {
    let Some(plan) = &record.plan else { return Ok(Report::PlanRefused(Reason::plain(Code::NoUndo))) };
    let facts = super::facts::gather(ctx, subject.proposal)
        .await
        .map_err(|source| EffectError::Request { step: "read the target", source })?;
    let draft = build::undo_draft(plan, &facts.sources);
    let subject = Subject { proposal: subject.proposal, sources: &facts.sources, live: subject.live };
    effects::plan(ctx, &subject, account, draft).await
}
