//! The world of one decision.
//!
//! Owns which parts are read in which phase. Must never fill a part that could not be read with
//! one that permits. Talks to the API server.

use super::facts::{around, gather, owner_ref, selected};
use super::guarding;
use super::rest::RestError;
use super::words::Words;
use crate::changes::Context;
use crate::incidents::labels_of;
use crate::metrics::Call;
use bailiwick_api::Change;
use bailiwick_api::parse::parse_proposal;
use bailiwick_core::catalogue::{self, Oracle};
use bailiwick_core::life::world::{Ballot, TargetNow};
use bailiwick_core::life::{Execution, Phase, Purpose, Record, World};
use bailiwick_core::mandate::{Explanation, Outcome, Question, Verdict, explain};
use bailiwick_core::object::Kind;
use bailiwick_core::oracle::{self, Health, Observation};
use bailiwick_core::plan::bounds::Facts;
use bailiwick_core::plan::object::{fingerprint, selector_of, text_at};
use bailiwick_core::plan::{Plan, Proposal};
use bailiwick_core::reason::{Code, Reason};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that was read for one decision; `World` borrows from it.
pub(crate) struct Seen {
    pub(crate) proposal: Result<Proposal, Reason>,
    pub(crate) facts: Facts,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    ballots: Vec<Ballot>,
    verdict: Verdict,
    health: Option<Health>,
}

/// Reads what the record's phase needs.
pub(crate) async fn look(ctx: &Context, change: &Change, record: &Record, now: Timestamp) -> Result<Seen, RestError> {
    let proposal = parse_proposal(change).map_err(|e| e.reason());
    let labels = place(ctx, change);
    let words = Words::heard(ctx, change, record).await?;
    let facts = match &proposal {
        Ok(proposal) if needs_facts(record) => gather(ctx, proposal).await?,
        Ok(_) | Err(_) => Facts::default(),
    };
    let verdict = match &proposal {
        Ok(proposal) if needs_facts(record) => {
            let verdict = judge(ctx, (proposal, &facts), &words, labels.as_ref(), now).verdict;
            guarding::doubt(ctx, change, record, verdict, now)
        }
        Ok(_) => record.verdict.clone().unwrap_or_else(no_verdict),
        Err(_) => no_verdict(),
    };
    let health = match (&proposal, observed_plan(record)) {
        (Ok(proposal), Some((plan, execution))) => {
            Some(health(ctx, proposal, plan, execution, labels.is_some()).await?)
        }
        (Ok(_) | Err(_), _) => None,
    };
    Ok(Seen { proposal, facts, labels, ballots: words.ballots, verdict, health })
}

/// Labels by which the target is in the territory: those of its namespace, none if that is absent or terminating;
/// for what lives in none its own, of which it has none once it is gone.
fn place(ctx: &Context, change: &Change) -> Option<BTreeMap<String, String>> {
    match &change.spec.target.namespace {
        Some(_) => ctx.stores.namespace(change.metadata.namespace.as_deref().unwrap_or_default()),
        None => ctx.index.read(|view| labels_of(view, &change.spec.target)),
    }
}

/// Phases in which the verdict is made or made again.
fn needs_facts(record: &Record) -> bool {
    record.ending.is_none()
        && matches!(
            record.phase,
            Phase::Proposed
                | Phase::Planned
                | Phase::PreApproved
                | Phase::AwaitingApproval
                | Phase::Approved
                | Phase::Granting
        )
}

/// A verdict that permits nothing, for phases that ask none.
fn no_verdict() -> Verdict {
    Verdict {
        outcome: Outcome::Refused,
        reasons: vec![Reason::plain(Code::InvalidSpec)],
        mandate: None,
        approvers: bailiwick_core::mandate::Approvers::default(),
        quorum: 1,
        limits: bailiwick_core::mandate::Limits::default(),
    }
}

impl Seen {
    /// The world as the pure decision sees it.
    pub(crate) fn world<'a>(&'a self, ctx: &'a Context, change: &Change, record: &Record, now: Timestamp) -> World<'a> {
        let (key, value) = (&ctx.config.territory.key, &ctx.config.territory.value);
        World {
            now,
            generation: change.metadata.generation.unwrap_or(0),
            proposal: self.proposal.as_ref().map_err(Clone::clone),
            verdict: self.verdict.clone(),
            namespace_alive: self.labels.is_some(),
            in_territory: self.labels.as_ref().and_then(|l| l.get(key)).is_some_and(|v| v == value),
            target: self.target(record),
            ballots: &self.ballots,
            suspended: ctx.is_suspended(),
            fence: ctx.policies(),
            can_sign: super::receipts::load_signer(&ctx.config.signing_key_dir).is_ok(),
            guards: guarding::admit(ctx, change, record, now),
            health: self.health.clone(),
        }
    }

    fn target(&self, record: &Record) -> TargetNow {
        let Some(plan) = record.plan.as_ref().filter(|_| needs_facts(record)) else { return TargetNow::Unknown };
        match &self.facts.sources.target {
            Some(object) => TargetNow::Present(fingerprint(object, &plan.free)),
            None => TargetNow::Absent,
        }
    }

    /// Labels that the namespace must still carry when the write arrives: the territory's.
    pub(crate) fn live(&self, ctx: &Context) -> BTreeMap<String, String> {
        BTreeMap::from([(ctx.config.territory.key.clone(), ctx.config.territory.value.clone())])
    }
}

/// The verdict with its steps.
fn judge(
    ctx: &Context,
    (proposal, facts): (&Proposal, &Facts),
    words: &Words,
    labels: Option<&BTreeMap<String, String>>,
    now: Timestamp,
) -> Explanation {
    explain(&Question {
        proposer: &proposal.proposer,
        operator: &ctx.config.username,
        change_type: proposal.action.change_type(),
        target: &proposal.target,
        object: facts.sources.target.as_ref(),
        namespace: labels,
        territory: (&ctx.config.territory.key, &ctx.config.territory.value),
        mandates: &words.mandates,
        unreadable: &words.unreadable,
        proposal: Some((proposal, facts)),
        now,
    })
}

/// The plan whose effect is being watched, with the execution that wrote it.
fn observed_plan(record: &Record) -> Option<(&Plan, &Execution)> {
    if record.ending.is_some() || !matches!(record.phase, Phase::Verifying | Phase::Failed) {
        return None;
    }
    let execution = record.executions.iter().rev().find(|e| e.purpose == Purpose::Apply && e.is_applied())?;
    Some((record.plan.as_ref()?, execution))
}

async fn health(
    ctx: &Context,
    proposal: &Proposal,
    plan: &Plan,
    execution: &Execution,
    namespace: bool,
) -> Result<Health, RestError> {
    let mut seen = Observation { namespace, ..Observation::default() };
    ctx.metrics.api(Call::Verify, "get");
    seen.target = ctx.rest.get(&proposal.target).await?;
    match catalogue::entry(plan.change_type).oracle {
        Oracle::RolloutComplete | Oracle::ReplicasAvailable => {
            if let Some(target) = seen.target.as_ref().filter(|t| worth_counting(t)) {
                seen.pods = pods_of(ctx, proposal, target).await?;
            }
        }
        Oracle::OwnerComplete => own_complete(ctx, proposal, plan, &mut seen).await?,
        Oracle::QuotaGone => seen.refused = short_of_pods(ctx, proposal).await?,
        Oracle::ServiceServes => behind(ctx, proposal, &mut seen).await?,
        Oracle::ObjectRestored if proposal.target.kind == Kind::Service => behind(ctx, proposal, &mut seen).await?,
        Oracle::ObjectRestored if proposal.target.kind == Kind::ConfigMap => {
            ctx.metrics.api(Call::Verify, "list");
            seen.pods = ctx.rest.list(Kind::Pod, proposal.namespace.as_str(), "").await?;
        }
        Oracle::IngressLeads => {
            seen.around = around(ctx, &[Kind::IngressClass, Kind::Service], &proposal.namespace).await?;
            ctx.metrics.api(Call::Verify, "list");
            seen.slices = ctx.rest.list(Kind::EndpointSlice, proposal.namespace.as_str(), "").await?;
        }
        Oracle::ObjectRestored | Oracle::FieldsHold | Oracle::AutoscalerScales | Oracle::NodeFollows => {}
    }
    Ok(oracle::judge(plan, execution, &seen))
}

/// The pods that a Service selects, and the endpoints behind it.
async fn behind(ctx: &Context, proposal: &Proposal, seen: &mut Observation) -> Result<(), RestError> {
    let selector = seen.target.as_ref().and_then(selector_of);
    seen.pods = selected(ctx, proposal, selector.as_deref()).await?;
    let named = format!("kubernetes.io/service-name={}", proposal.target.name);
    ctx.metrics.api(Call::Verify, "list");
    seen.slices = ctx.rest.list(Kind::EndpointSlice, proposal.namespace.as_str(), &named).await?;
    Ok(())
}

/// Pods are counted only once the controller has seen the write.
fn worth_counting(target: &Value) -> bool {
    let at = |pointer| target.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    at("/status/observedGeneration") >= at("/metadata/generation")
}

async fn pods_of(ctx: &Context, proposal: &Proposal, workload: &Value) -> Result<Vec<Value>, RestError> {
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let Some(labels) = labels.filter(|l| !l.is_empty()) else { return Ok(Vec::new()) };
    let selector: Vec<String> = labels.iter().filter_map(|(k, v)| Some(format!("{k}={}", v.as_str()?))).collect();
    ctx.metrics.api(Call::Verify, "list");
    ctx.rest.list(Kind::Pod, proposal.namespace.as_str(), &selector.join(",")).await
}

/// The workload above a deleted pod: its controller, or that one's controller.
async fn own_complete(
    ctx: &Context,
    proposal: &Proposal,
    plan: &Plan,
    seen: &mut Observation,
) -> Result<(), RestError> {
    let Some(mut owner) = plan.before_object().as_ref().and_then(|pod| owner_ref(pod, &proposal.namespace)) else {
        return Ok(());
    };
    for _ in 0..2 {
        ctx.metrics.api(Call::Verify, "get");
        let Some(object) = ctx.rest.get(&owner).await? else { return Ok(()) };
        match owner_ref(&object, &proposal.namespace) {
            Some(above) => owner = above,
            None => {
                seen.pods = pods_of(ctx, proposal, &object).await?;
                seen.owner = Some(object);
                break;
            }
        }
    }
    Ok(())
}

/// Workloads of the namespace that want more pods than they have.
async fn short_of_pods(ctx: &Context, proposal: &Proposal) -> Result<Vec<String>, RestError> {
    let mut short = Vec::new();
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        ctx.metrics.api(Call::Verify, "list");
        for workload in ctx.rest.list(kind, proposal.namespace.as_str(), "").await? {
            let now = oracle::baseline(&workload);
            if now.available < now.desired {
                let name = text_at(&workload, "/metadata/name").unwrap_or("?");
                short.push(format!("{kind} {name} has {} of {} pods available", now.available, now.desired));
            }
        }
    }
    Ok(short)
}
