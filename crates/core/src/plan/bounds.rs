//! Bounds, protection and proof of origin: what is refused whoever asks.
//!
//! Owns the validator that stands beside RBAC and the fence. Must never trust a proposal's word
//! for where a value came from: each origin is compared with the object it names. No IO.

use super::build::Sources;
use super::object::{annotation, container_pointer, controller, is_live, label, name_of, text_at};
use super::{Operation, Proposal};
use crate::action::{Action, ChangeType, Origin, Param, ResourceName, Resources};
use crate::catalogue;
use crate::mandate::{Bounds, image_allowed};
use crate::object::{Kind, ObjectRef};
use crate::quantity::Quantity;
use crate::reason::{Code, Reason};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the cluster says, beside the sources of the plan.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Objects the plan is made from.
    pub sources: Sources,
    /// True if the pod's controller exists and is not being deleted.
    pub owner_alive: bool,
    /// Pods that a Service would select after the change.
    pub selected: Vec<Value>,
    /// Pods that it selects now.
    pub selected_now: Vec<Value>,
    /// The most free allocatable resources that one node has.
    pub largest_free: BTreeMap<ResourceName, Quantity>,
    /// How many other nodes are ready and take pods.
    pub takers: usize,
    /// Objects of each kind of [`kinds_around`], those of the Change's namespace where the kind has one.
    pub around: BTreeMap<Kind, Vec<Value>>,
    /// What takes the target back to what it was seen to be before.
    pub earlier: Vec<Action>,
}

impl Facts {
    /// The objects of a kind around the target that are not being deleted.
    pub(super) fn living(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.around.get(&kind).into_iter().flatten().filter(|object| is_live(object))
    }

    /// Their names.
    pub(super) fn names(&self, kind: Kind) -> Vec<&str> {
        self.living(kind).map(name_of).collect()
    }
}

/// Kinds whose objects a value of the action may name: all of them must be known.
pub fn kinds_around(action: &Action) -> Vec<Kind> {
    match action {
        Action::PatchIngress { settings } => {
            let class = settings.value.class.as_ref().map(|_| Kind::IngressClass);
            let service = settings.value.backend.as_ref().map(|_| Kind::Service);
            class.into_iter().chain(service).collect()
        }
        Action::SetResources { resources, .. } if resources.origin == (Origin::CurrentValue {}) => {
            vec![Kind::ResourceQuota]
        }
        Action::PatchHPA { settings } if settings.value.target.is_some() => {
            let workloads = super::autoscaler::SCALED.iter().copied();
            workloads.chain([Kind::HorizontalPodAutoscaler]).collect()
        }
        Action::PatchService { settings } if !settings.value.selector.is_empty() => {
            super::service::SELECTED.iter().copied().chain([Kind::EndpointSlice]).collect()
        }
        Action::RolloutUndo { .. }
        | Action::SetImage { .. }
        | Action::RolloutRestart {}
        | Action::DeletePod {}
        | Action::Scale { .. }
        | Action::SetResources { .. }
        | Action::DeleteResourceQuota {}
        | Action::RestoreObject { .. }
        | Action::PatchService { .. }
        | Action::SetProbe { .. }
        | Action::SetEnv { .. }
        | Action::SetScheduling { .. }
        | Action::SetVolumeRef { .. }
        | Action::SetStrategy { .. }
        | Action::SuspendCronJob {}
        | Action::ResumeCronJob {}
        | Action::Cordon {}
        | Action::Uncordon {}
        | Action::PatchHPA { .. } => Vec::new(),
    }
}

/// Whether values are told from the live objects, and not by a person: of `what` no history is kept.
pub(super) fn is_told(origin: &Origin, what: &str) -> Result<bool, Reason> {
    match origin {
        // What was there before is proved for every type alike.
        Origin::Human {} | Origin::Earlier {} => Ok(false),
        Origin::CurrentValue {} => Ok(true),
        Origin::RevisionHistory { .. }
        | Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::Telemetry {} => Err(unproven(format!("no history of {what} is kept"))),
    }
}

/// Field managers of controllers that keep objects as some other place says.
pub const KEEPING_MANAGERS: &[&str] =
    &["argocd-controller", "argocd-application-controller", "kustomize-controller", "helm-controller"];

/// Names of the object's keepers that would revert a change, by label, annotation, owner or field manager.
pub fn managed_elsewhere(object: &Value) -> Option<String> {
    const LABELS: &[&str] =
        &["argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"];
    const BUILT_IN: &[&str] =
        &["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController", "Node"];
    if let Some(key) = LABELS.iter().find(|key| label(object, key).is_some()) {
        return Some(format!("label {key}"));
    }
    if annotation(object, "argocd.argoproj.io/tracking-id").is_some() {
        return Some("annotation argocd.argoproj.io/tracking-id".to_owned());
    }
    if let Some((kind, name, _)) = controller(object)
        && !(BUILT_IN.contains(&kind) && is_built_in(owner_group(object)))
    {
        return Some(format!("owner {kind}/{name}"));
    }
    let managers = object.pointer("/metadata/managedFields")?.as_array()?;
    let name = managers.iter().filter_map(|m| text_at(m, "/manager")).find(|m| KEEPING_MANAGERS.contains(m))?;
    Some(format!("field manager {name}"))
}

/// The API group of the controlling owner; other operators have kinds of the built-in names too.
fn owner_group(object: &Value) -> &str {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let mut owners = owners.into_iter().flatten();
    let owner = owners.find(|o| o.get("controller").and_then(Value::as_bool) == Some(true));
    let version = owner.and_then(|o| text_at(o, "/apiVersion")).unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

fn is_built_in(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch")
}

/// Why an object may never be changed, wherever it is. What lives in no namespace has labels of its own in its place.
pub fn protected(target: &ObjectRef, object: Option<&Value>, namespace: &BTreeMap<String, String>) -> Option<Reason> {
    const MARK: &str = "bailiwick.dev/protected";
    let no = |why: String| Some(Reason::new(Code::Protected, why));
    let name = target.namespace_str();
    let marked = namespace.get(MARK).is_some_and(|v| v == "true");
    if name.starts_with("kube-") || name.starts_with("bailiwick-") {
        return no(format!("namespace {name} is protected"));
    }
    if marked && target.namespace.is_some() {
        return no(format!("namespace {name} is labelled {MARK}=true"));
    }
    if marked || object.is_some_and(|o| label(o, MARK) == Some("true")) {
        return no(format!("{target} is labelled {MARK}=true"));
    }
    None
}

/// Checks kind, origins and bounds of a proposal against the live objects.
///
/// # Errors
/// The first reason that holds.
pub fn check(proposal: &Proposal, facts: &Facts, bounds: &Bounds) -> Result<(), Reason> {
    let change_type = proposal.action.change_type();
    let entry = catalogue::entry(change_type);
    if !entry.targets.contains(&proposal.target.kind) {
        return Err(Reason::new(Code::WrongKind, format!("{change_type} does not apply to {}", proposal.target.kind)));
    }
    check_identity(proposal, facts)?;
    for (parameter, origin) in proposal.action.origins() {
        if matches!(origin, Origin::Telemetry {}) {
            return Err(Reason::new(Code::UntrustedOrigin, format!("{parameter} was seen only in telemetry")));
        }
        if matches!(origin, Origin::Earlier {}) && !facts.earlier.contains(&proposal.action) {
            return Err(unproven(format!("nobody here saw the object with this value as its {parameter}")));
        }
    }
    match &proposal.action {
        Action::RolloutUndo { revision } => undo(revision, proposal, facts),
        Action::SetImage { container, image } => set_image(container.as_str(), image, facts, proposal, bounds),
        Action::Scale { replicas } => scale(replicas, facts, bounds),
        Action::SetResources { container, resources } => {
            super::resources::check(container.as_str(), resources, facts, proposal, bounds)
        }
        Action::DeletePod {} => delete_pod(facts),
        Action::DeleteResourceQuota {} => delete_quota(facts),
        Action::RestoreObject { copy } => super::restore::check(copy, proposal, facts),
        Action::SetProbe { container, probe, settings } => {
            super::probe::check((container.as_str(), *probe), settings, proposal, facts)
        }
        Action::SetEnv { revision, .. }
        | Action::SetScheduling { revision, .. }
        | Action::SetVolumeRef { revision, .. } => undo(revision, proposal, facts),
        Action::SetStrategy { strategy } => super::strategy::check(strategy, facts),
        Action::PatchService { settings } => super::service::check(settings, facts),
        Action::PatchIngress { settings } => super::ingress::check(settings, facts),
        Action::PatchHPA { settings } => super::autoscaler::check(settings, facts, bounds),
        Action::Cordon {} => super::node::check(facts).and_then(|()| super::node::check_cordon(facts)),
        Action::Uncordon {} => super::node::check(facts),
        Action::RolloutRestart {} | Action::SuspendCronJob {} | Action::ResumeCronJob {} => Ok(()),
    }
}

fn check_identity(proposal: &Proposal, facts: &Facts) -> Result<(), Reason> {
    let target = &proposal.target;
    if proposal.namespace.as_str() != target.home() || target.kind.served().namespaced != target.namespace.is_some() {
        return Err(Reason::new(Code::InvalidSpec, "a Change lives in the namespace of its target"));
    }
    let creates = super::operation(&proposal.action, &proposal.target) == Operation::Create;
    match (&facts.sources.target, creates) {
        (None, false) => Err(Reason::new(Code::TargetMissing, format!("{} does not exist", proposal.target))),
        (Some(_), true) => Err(Reason::new(Code::TargetExists, format!("{} exists already", proposal.target))),
        (None, true) => Ok(()),
        (Some(live), false) => {
            let uid = text_at(live, "/metadata/uid");
            let wanted = proposal.target.uid.as_ref().map(crate::names::Uid::as_str);
            if wanted.is_none() || uid != wanted {
                let (uid, wanted) = (uid.unwrap_or("none"), wanted.unwrap_or("none"));
                return Err(Reason::new(
                    Code::TargetReplaced,
                    format!("the live uid is {uid}, the Change names {wanted}"),
                ));
            }
            Ok(())
        }
    }
}

pub(super) fn unproven(why: impl Into<String>) -> Reason {
    Reason::new(Code::OriginUnproven, why)
}

/// The revision object, proved to be the one that the origin names and to belong to the target.
pub(super) fn proved_revision<'a>(origin: &Origin, proposal: &Proposal, facts: &'a Facts) -> Result<&'a Value, Reason> {
    let Origin::RevisionHistory { source, revision } = origin else {
        return Err(unproven("this value must come from the revision history"));
    };
    let object =
        facts.sources.revision.as_ref().ok_or_else(|| unproven(format!("revision object {source} does not exist")))?;
    let owner = controller(object).map(|(_, _, uid)| uid);
    if owner.is_none() || owner != proposal.target.uid.as_ref().map(crate::names::Uid::as_str) {
        return Err(unproven(format!("{source} does not belong to {}", proposal.target)));
    }
    let number = match text_at(object, "/kind") {
        Some("ControllerRevision") => object.pointer("/revision").and_then(Value::as_i64),
        Some(_) | None => annotation(object, "deployment.kubernetes.io/revision").and_then(|r| r.parse().ok()),
    };
    if text_at(object, "/metadata/name") != Some(source.as_str()) || number != Some(*revision) {
        return Err(unproven(format!("{source} is not revision {revision}")));
    }
    Ok(object)
}

/// A container as a revision object keeps it.
pub(super) fn revision_container<'a>(revision: &'a Value, name: &str) -> Option<&'a Value> {
    let template =
        if text_at(revision, "/kind") == Some("ControllerRevision") { "/data/spec/template" } else { "/spec/template" };
    ["containers", "initContainers"].iter().find_map(|list| {
        let containers = revision.pointer(&format!("{template}/spec/{list}"))?.as_array()?;
        containers.iter().find(|c| text_at(c, "/name") == Some(name))
    })
}

fn undo(revision: &Param<i64>, proposal: &Proposal, facts: &Facts) -> Result<(), Reason> {
    proved_revision(&revision.origin, proposal, facts)?;
    let same =
        matches!(&revision.origin, Origin::RevisionHistory { revision: number, .. } if *number == revision.value);
    if same { Ok(()) } else { Err(unproven("value and origin name different revisions")) }
}

fn set_image(
    container: &str,
    image: &Param<String>,
    facts: &Facts,
    proposal: &Proposal,
    bounds: &Bounds,
) -> Result<(), Reason> {
    let live = facts.sources.target.as_ref();
    if live.and_then(|l| container_pointer(l, container)).is_none() {
        return Err(Reason::new(Code::TargetMissing, format!("the workload has no container {container:?}")));
    }
    if image.value.is_empty()
        || image.value.len() > 512
        || image.value.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(Reason::new(Code::OutOfBounds, "the image reference is empty, too long or has blanks"));
    }
    let listed = image_allowed(&image.value, &bounds.images);
    match &image.origin {
        Origin::RevisionHistory { .. } => {
            let revision = proved_revision(&image.origin, proposal, facts)?;
            let had = revision_container(revision, container).and_then(|c| text_at(c, "/image"));
            if had == Some(image.value.as_str()) { Ok(()) } else { Err(unproven("that revision had another image")) }
        }
        Origin::MandateAllowlist { pattern } if listed => {
            let named = bounds.images.contains(pattern) && image_allowed(&image.value, std::slice::from_ref(pattern));
            if named { Ok(()) } else { Err(unproven(format!("the mandate has no pattern {pattern:?} that matches"))) }
        }
        Origin::Human {} if listed || bounds.images.is_empty() => Ok(()),
        Origin::MandateAllowlist { .. } | Origin::Human {} => Err(Reason::new(
            Code::ImageNotAllowed,
            format!("{:?} matches no image pattern of the mandate", image.value),
        )),
        Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::CurrentValue {}
        | Origin::Earlier {}
        | Origin::Telemetry {} => Err(unproven("an image cannot come from there")),
    }
}

fn scale(replicas: &Param<i32>, facts: &Facts, bounds: &Bounds) -> Result<(), Reason> {
    if facts.sources.autoscaled {
        return Err(Reason::plain(Code::ReplicasOwnedByAutoscaler));
    }
    let (low, high) = (bounds.min_replicas, bounds.max_replicas);
    if !(low..=high).contains(&replicas.value) {
        return Err(Reason::new(
            Code::OutOfBounds,
            format!("{} replicas are not within {low} to {high}", replicas.value),
        ));
    }
    match replicas.origin {
        Origin::Human {} | Origin::Earlier {} => Ok(()),
        Origin::RevisionHistory { .. }
        | Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::CurrentValue {}
        | Origin::Telemetry {} => Err(unproven("no revision keeps a number of replicas")),
    }
}

fn delete_pod(facts: &Facts) -> Result<(), Reason> {
    let pod = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let owner = controller(pod).ok_or_else(|| Reason::plain(Code::BarePod))?;
    if owner.0 == "Node" || !facts.owner_alive {
        return Err(Reason::new(Code::BarePod, format!("{} {} would not replace the pod", owner.0, owner.1)));
    }
    Ok(())
}

/// True for a StatefulSet's pod that keeps data on its node: deleting it is of tier 2.
pub fn keeps_local_data(pod: &Value) -> bool {
    let local = |v: &Value| v.get("hostPath").is_some() || v.get("emptyDir").is_some();
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    controller(pod).is_some_and(|(kind, ..)| kind == "StatefulSet") && volumes.is_some_and(|v| v.iter().any(local))
}

fn delete_quota(facts: &Facts) -> Result<(), Reason> {
    let quota = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    match label(quota, "app.kubernetes.io/managed-by") {
        Some(by) => Err(Reason::new(Code::ManagedElsewhere, format!("the quota is managed by {by:?}"))),
        None => Ok(()),
    }
}

/// The tier that holds for this very object. A pod that was not seen may keep local data.
pub fn effective_tier(change_type: ChangeType, target: &ObjectRef, object: Option<&Value>) -> u8 {
    let base = change_type.tier();
    if target.kind == Kind::Pod && object.is_none_or(keeps_local_data) { base.max(2) } else { base }
}

/// The container's current quantity of a resource, as written.
pub(super) fn current<'a>(live: &'a Value, container: &str, part: &str, name: ResourceName) -> Option<&'a str> {
    let pointer = container_pointer(live, container)?;
    text_at(live, &format!("{pointer}/resources/{part}/{}", name.as_str()))
}

/// Both parts of the wanted resources, with their names.
pub(super) fn parts(resources: &Resources) -> [(&'static str, &BTreeMap<ResourceName, String>); 2] {
    [("requests", &resources.requests), ("limits", &resources.limits)]
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
