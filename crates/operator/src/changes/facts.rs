//! Facts about the cluster that bounds are checked against.
//!
//! Owns reading them, from the index where it holds them and live where it does not. Must never
//! guess: what is unknown stays absent. Talks to the API server.

use super::rest::{Rest, RestError};
use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_api::Change;
use bailiwick_core::action::{Action, Origin, ResourceName};
use bailiwick_core::analyze::earlier::put_back;
use bailiwick_core::copies::Copy;
use bailiwick_core::fence::GRANTS_NAMESPACE;
use bailiwick_core::index::{Body, Thing, View};
use bailiwick_core::names::{Namespace, ObjectName};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::plan::Proposal;
use bailiwick_core::plan::bounds::{Facts, kinds_around};
use bailiwick_core::plan::build::Sources;
use bailiwick_core::plan::object::{controller, selector_of, selector_text};
use bailiwick_core::quantity::Quantity;
use kube::api::Api;
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads the sources of a plan and the facts beside them.
pub(crate) async fn gather(ctx: &Context, proposal: &Proposal) -> Result<Facts, RestError> {
    ctx.metrics.api(Call::Plan, "get");
    let target = ctx.rest.get(&proposal.target).await?;
    let owner_alive = match (&proposal.action, &target) {
        (Action::DeletePod {}, Some(pod)) => owner_alive(&ctx.rest, pod, &proposal.namespace).await?,
        _ => false,
    };
    let sources = Sources {
        revision: revision(ctx, proposal).await?,
        kept: kept(ctx, proposal).await?,
        autoscaled: is_autoscaled(ctx, &proposal.target),
        target,
    };
    let (selected, selected_now) = match &proposal.action {
        Action::PatchService { settings } => {
            let now = sources.target.as_ref().and_then(selector_of);
            let then = selector_text(&settings.value.selector).or_else(|| now.clone());
            (selected(ctx, proposal, then.as_deref()).await?, selected(ctx, proposal, now.as_deref()).await?)
        }
        _ => (Vec::new(), Vec::new()),
    };
    let largest_free = match &proposal.action {
        Action::SetResources { .. } => ctx.index.read(|view| largest_free(view, &proposal.target)),
        _ => BTreeMap::new(),
    };
    let takers = ctx.index.read(|view| takers(view, &proposal.target));
    let around = around(ctx, &kinds_around(&proposal.action), &proposal.namespace).await?;
    let earlier = ctx.index.read(|view| put_back(view, &proposal.target));
    Ok(Facts { sources, owner_alive, selected, selected_now, largest_free, takers, around, earlier })
}

/// All objects of these kinds, those of the namespace where the kind has one.
pub(crate) async fn around(
    ctx: &Context,
    kinds: &[Kind],
    namespace: &Namespace,
) -> Result<BTreeMap<Kind, Vec<Value>>, RestError> {
    let mut all = BTreeMap::new();
    for kind in kinds {
        ctx.metrics.api(Call::Plan, "list");
        all.insert(*kind, ctx.rest.list(*kind, namespace.as_str(), "").await?);
    }
    Ok(all)
}

/// Pods of the Change's namespace with these labels; none without labels.
pub(crate) async fn selected(
    ctx: &Context,
    proposal: &Proposal,
    labels: Option<&str>,
) -> Result<Vec<Value>, RestError> {
    let Some(labels) = labels else { return Ok(Vec::new()) };
    ctx.metrics.api(Call::Plan, "list");
    ctx.rest.list(Kind::Pod, proposal.namespace.as_str(), labels).await
}

fn is_autoscaled(ctx: &Context, target: &ObjectRef) -> bool {
    ctx.index.read(|view| view.autoscaler_of(target.kind, target.namespace_str(), target.name.as_str()).is_some())
}

async fn revision(ctx: &Context, proposal: &Proposal) -> Result<Option<Value>, RestError> {
    let source = proposal.action.origins().into_iter().find_map(|(_, origin)| match origin {
        Origin::RevisionHistory { source, .. } => Some(source.clone()),
        Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::CurrentValue {}
        | Origin::Earlier {}
        | Origin::Human {}
        | Origin::Telemetry {} => None,
    });
    let Some(source) = source else { return Ok(None) };
    let kind = if proposal.target.kind == Kind::Deployment { Kind::ReplicaSet } else { Kind::ControllerRevision };
    ctx.metrics.api(Call::Plan, "get");
    ctx.rest.get(&ObjectRef::namespaced(kind, proposal.namespace.clone(), source, None)).await
}

/// The copy that an earlier Change keeps, if its plan is intact and its write is known.
async fn kept(ctx: &Context, proposal: &Proposal) -> Result<Option<Value>, RestError> {
    let Action::RestoreObject { copy } = &proposal.action else { return Ok(None) };
    if let Origin::LastKnownGood { digest } = &copy.origin {
        return recorded(ctx, &copy.value, digest).await;
    }
    let Origin::KeptCopy { change, uid } = &copy.origin else { return Ok(None) };
    let api: Api<Change> = Api::namespaced(ctx.client.clone(), proposal.namespace.as_str());
    ctx.metrics.api(Call::Plan, "get");
    let Some(found) = api.get_opt(change.as_str()).await? else { return Ok(None) };
    let same = found.metadata.uid.as_deref() == Some(uid.as_str());
    let record = found.status.filter(|_| same);
    let written =
        |r: &bailiwick_core::life::Record| r.executions.iter().any(bailiwick_core::life::Execution::is_applied);
    let plan = record.filter(written).and_then(|r| r.plan).filter(bailiwick_core::plan::Plan::is_intact);
    Ok(plan.and_then(|p| p.before_object()))
}

/// The operator's own copy of that name, if it is signed, of that digest, and the one that counts of its object. Of a
/// planted one nothing is read.
async fn recorded(ctx: &Context, name: &ObjectName, digest: &str) -> Result<Option<Value>, RestError> {
    let Ok(signer) = super::receipts::load_signer(&ctx.config.signing_key_dir) else { return Ok(None) };
    let Ok(grants) = Namespace::parse(GRANTS_NAMESPACE) else { return Ok(None) };
    ctx.metrics.api(Call::Plan, "get");
    let kept = ctx.rest.get(&ObjectRef::namespaced(Kind::ControllerRevision, grants, name.clone(), None)).await?;
    let data = kept.and_then(|revision| revision.get("data").cloned()).unwrap_or(Value::Null);
    let counts = |of: &ObjectRef| {
        ctx.index.read(|view| {
            view.copy_of(of.kind, of.namespace_str(), of.name.as_str()).is_some_and(|row| row.digest == digest)
        })
    };
    let copy = Copy::open(name.as_str(), &data, signer.public()).ok().filter(|copy| copy.digest() == digest);
    Ok(copy.filter(|copy| copy.target().is_some_and(|of| counts(&of))).map(|copy| copy.object))
}

async fn owner_alive(rest: &Rest, pod: &Value, namespace: &Namespace) -> Result<bool, RestError> {
    let Some(owner) = owner_ref(pod, namespace) else { return Ok(false) };
    let found = rest.get(&owner).await?;
    Ok(found.is_some_and(|o| o.pointer("/metadata/deletionTimestamp").is_none()))
}

/// The controller of an object, as a reference.
pub(crate) fn owner_ref(object: &Value, namespace: &Namespace) -> Option<ObjectRef> {
    let (kind, name, uid) = controller(object)?;
    let uid = bailiwick_core::names::Uid::parse(uid).ok()?;
    Some(ObjectRef::namespaced(Kind::parse(kind)?, namespace.clone(), ObjectName::parse(name).ok()?, Some(uid)))
}

/// How many nodes beside the target are ready and take pods, any pods: a taint keeps most of them away.
fn takers(view: &View<'_>, target: &ObjectRef) -> usize {
    let others = view.things(Kind::Node).filter(|thing| *thing.head.name != *target.name.as_str());
    others.filter_map(Thing::node).filter(|node| node.ready && !node.cordoned && node.taints.is_empty()).count()
}

/// The most CPU and memory that one schedulable node has left, not counting the pods of the
/// workload itself, which are replaced.
fn largest_free(view: &View<'_>, target: &ObjectRef) -> BTreeMap<ResourceName, Quantity> {
    let own = target.uid.as_ref().and_then(|uid| {
        view.named(target.kind, target.namespace_str(), target.name.as_str())
            .filter(|t| view.uid_text(t.head.uid) == uid.as_str())
    });
    let mut largest: BTreeMap<ResourceName, Quantity> = BTreeMap::new();
    for node in view.things(Kind::Node) {
        let Body::Node(row) = &node.body else { continue };
        if row.cordoned || !row.ready {
            continue;
        }
        let used = used_on(view, &node.head.name, own.map(|t| t.head.uid));
        for (name, whole) in [(ResourceName::Cpu, row.cpu), (ResourceName::Memory, row.memory)] {
            let taken = used.get(&name).copied();
            let free = whole.and_then(|whole| taken.map_or(Some(whole), |taken| whole.checked_sub(taken)));
            if let Some(free) = free.filter(|free| largest.get(&name).is_none_or(|most| free > most)) {
                largest.insert(name, free);
            }
        }
    }
    largest
}

fn used_on(
    view: &View<'_>,
    node: &str,
    own: Option<bailiwick_core::index::UidKey>,
) -> BTreeMap<ResourceName, Quantity> {
    let mut used: BTreeMap<ResourceName, Quantity> = BTreeMap::new();
    let own: Vec<_> = own.map(|uid| view.pods_of(uid).map(|p| p.key()).collect()).unwrap_or_default();
    let namespaces = view.things(Kind::Namespace).flat_map(|n| view.pods_in(&n.head.name));
    for pod in namespaces.filter(|p| p.node() == Some(node) && !own.contains(&p.key())) {
        for container in pod.template().containers.iter() {
            for (name, amount) in
                [(ResourceName::Cpu, &container.requests.cpu), (ResourceName::Memory, &container.requests.memory)]
            {
                let Some(amount) = amount.as_deref().and_then(|text| Quantity::parse(text).ok()) else { continue };
                let sum = used.get(&name).map_or(Some(amount), |sum| sum.checked_add(amount));
                if let Some(sum) = sum {
                    used.insert(name, sum);
                }
            }
        }
    }
    used
}
