//! From an action and the live object to a draft, and from dry-run results to a sealed plan.
//!
//! Owns what each action means in fields. Must never take a value from anywhere but the action's
//! parameters, the live object and the proved sources. No IO.

use super::object::{
    container_pointer, fingerprint, int_at, pruned, recreatable, text_at, without_controllers_words, without_free,
};
use super::{
    Baseline, Draft, DryRun, LARGEST_RESULT, Operation, Plan, Proposal, autoscaler, diff, ingress, node, parts, probe,
    restore, service, strategy,
};
use crate::action::{Action, Resources};
use crate::canonical;
use crate::catalogue::{self, Undo};
use crate::object::{Kind, ObjectRef};
use crate::reason::{Code, Reason};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub use super::undo::undo_draft;

/// What a plan is made from, read from the API server just before.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The live target, if it exists.
    pub target: Option<Value>,
    /// The ReplicaSet or ControllerRevision that a revision parameter names.
    pub revision: Option<Value>,
    /// The object that a kept copy holds.
    pub kept: Option<Value>,
    /// True if a HorizontalPodAutoscaler targets the workload.
    pub autoscaled: bool,
}

/// Builds the draft of a proposal.
///
/// # Errors
/// A typed reason where the target is not as the action needs it, or nothing would change.
pub fn draft(proposal: &Proposal, sources: &Sources) -> Result<Draft, Reason> {
    let change_type = proposal.action.change_type();
    let free = free_keys(&proposal.target, sources);
    let mut draft = Draft {
        operation: super::operation(&proposal.action, &proposal.target),
        target: proposal.target.clone(),
        patch: Vec::new(),
        body: None,
        before: sources.target.clone(),
        free,
        change_type,
    };
    match draft.operation {
        Operation::Update => {
            let before = live(sources)?;
            let after = updated(proposal, before, sources)?;
            draft.patch = update_patch(before, &after, &draft.free, proposal.target.kind)?;
        }
        Operation::Delete => {
            live(sources)?;
        }
        Operation::Create => {
            if sources.target.is_some() {
                return Err(Reason::plain(Code::TargetExists));
            }
            let kept = sources.kept.as_ref().ok_or_else(|| Reason::plain(Code::OriginUnproven))?;
            draft.target.uid = None;
            draft.body = Some(recreatable(kept));
        }
    }
    Ok(draft)
}

pub(super) fn live(sources: &Sources) -> Result<&Value, Reason> {
    sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))
}

pub(super) fn free_keys(target: &ObjectRef, sources: &Sources) -> Vec<String> {
    // The cluster itself writes a taint for each of a node's conditions, and one for a cordon.
    let taints = (target.kind == Kind::Node).then_some("taints");
    let replicas = (target.kind.is_workload() && sources.autoscaled).then_some("replicas");
    taints.into_iter().chain(replicas).map(str::to_owned).collect()
}

/// The live object with the action's fields set.
fn updated(proposal: &Proposal, before: &Value, sources: &Sources) -> Result<Value, Reason> {
    let mut after = before.clone();
    match &proposal.action {
        Action::RolloutUndo { .. } => {
            let template = revision_template(sources.revision.as_ref())?;
            set(&mut after, "/spec/template", template)?;
        }
        Action::SetImage { container, image } => {
            let pointer = known_container(before, container.as_str())?;
            set(&mut after, &format!("{pointer}/image"), json!(image.value))?;
        }
        Action::RolloutRestart {} => restart_mark(&mut after, &proposal.created.to_string())?,
        Action::Scale { replicas } => set(&mut after, "/spec/replicas", json!(replicas.value))?,
        Action::SetResources { container, resources } => {
            let pointer = known_container(before, container.as_str())?;
            let merged = merged_resources(before.pointer(&format!("{pointer}/resources")), &resources.value);
            set(&mut after, &format!("{pointer}/resources"), merged)?;
        }
        Action::SetProbe { container, probe, settings } => {
            probe::apply(&mut after, (container.as_str(), *probe), &settings.value)?;
        }
        Action::SetEnv { container, variable, .. } => {
            parts::variable(&mut after, (container.as_str(), variable.as_str()), sources.revision.as_ref())?;
        }
        Action::SetScheduling { part, .. } => parts::scheduling(&mut after, *part, sources.revision.as_ref())?,
        Action::SetVolumeRef { volume, .. } => {
            parts::volume(&mut after, volume.as_str(), sources.revision.as_ref())?;
        }
        Action::SetStrategy { strategy } => strategy::apply(&mut after, &strategy.value)?,
        Action::PatchService { settings } => service::apply(&mut after, &settings.value)?,
        Action::PatchIngress { settings } => ingress::apply(&mut after, &settings.value)?,
        Action::PatchHPA { settings } => autoscaler::apply(&mut after, &settings.value)?,
        Action::SuspendCronJob {} => set(&mut after, "/spec/suspend", json!(true))?,
        Action::ResumeCronJob {} => set(&mut after, "/spec/suspend", json!(false))?,
        Action::Cordon {} => node::apply(&mut after, false)?,
        Action::Uncordon {} => node::apply(&mut after, true)?,
        Action::RestoreObject { .. } => {
            let kept = sources.kept.as_ref().ok_or_else(|| Reason::plain(Code::OriginUnproven))?;
            restore::apply(&mut after, kept, proposal.target.kind)?;
        }
        Action::DeletePod {} | Action::DeleteResourceQuota {} => {
            return Err(Reason::plain(Code::InvalidSpec));
        }
    }
    if &after == before {
        return Err(Reason::plain(Code::NothingToChange));
    }
    Ok(after)
}

pub(super) fn known_container(workload: &Value, name: &str) -> Result<String, Reason> {
    container_pointer(workload, name)
        .ok_or_else(|| Reason::new(Code::TargetMissing, format!("the workload has no container {name:?}")))
}

/// The pod template that a ReplicaSet or ControllerRevision keeps.
pub(super) fn revision_template(revision: Option<&Value>) -> Result<Value, Reason> {
    let revision = revision.ok_or_else(|| Reason::plain(Code::OriginUnproven))?;
    let template = match text_at(revision, "/kind") {
        Some("ControllerRevision") => revision.pointer("/data/spec/template"),
        Some(_) | None => revision.pointer("/spec/template"),
    };
    let mut template = template.cloned().ok_or_else(|| Reason::plain(Code::OriginUnproven))?;
    if let Value::Object(map) = &mut template {
        map.remove("$patch");
    }
    if let Some(Value::Object(labels)) = template.pointer_mut("/metadata/labels") {
        labels.remove("pod-template-hash");
        labels.remove("controller-revision-hash");
        labels.remove("pod-template-generation");
    }
    Ok(template)
}

fn restart_mark(after: &mut Value, at: &str) -> Result<(), Reason> {
    let template = after.pointer_mut("/spec/template").ok_or_else(|| Reason::plain(Code::WrongKind))?;
    let mut node = template;
    for key in ["metadata", "annotations"] {
        let Value::Object(map) = node else {
            return Err(Reason::plain(Code::WrongKind));
        };
        node = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
        if node.is_null() {
            *node = Value::Object(Map::new());
        }
    }
    let Value::Object(annotations) = node else {
        return Err(Reason::plain(Code::WrongKind));
    };
    annotations.insert("kubectl.kubernetes.io/restartedAt".to_owned(), json!(at));
    Ok(())
}

fn merged_resources(current: Option<&Value>, wanted: &Resources) -> Value {
    let mut merged = current.cloned().unwrap_or_else(|| json!({}));
    for (part, values) in [("requests", &wanted.requests), ("limits", &wanted.limits)] {
        for (name, quantity) in values {
            if let Value::Object(map) = &mut merged
                && let Value::Object(entries) = map.entry(part).or_insert_with(|| Value::Object(Map::new()))
            {
                entries.insert(name.as_str().to_owned(), json!(quantity));
            }
        }
    }
    merged
}

/// Sets the value at a pointer whose parent exists.
pub(super) fn set(object: &mut Value, pointer: &str, value: Value) -> Result<(), Reason> {
    let wrong = || Reason::new(Code::WrongKind, format!("the object has no field {pointer}"));
    let (parent, key) = pointer.rsplit_once('/').ok_or_else(wrong)?;
    match object.pointer_mut(parent).ok_or_else(wrong)? {
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(wrong()),
    }
}

/// The guarded patch with tests of uid and, where the kind counts generations and no key is free,
/// of the generation.
pub(super) fn update_patch(before: &Value, after: &Value, free: &[String], kind: Kind) -> Result<Vec<Value>, Reason> {
    let uid = text_at(before, "/metadata/uid").ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let (guarded, _) = diff::guarded_patch(before, after);
    if guarded.is_empty() {
        return Err(Reason::plain(Code::NothingToChange));
    }
    let mut patch = vec![json!({"op": "test", "path": "/metadata/uid", "value": uid})];
    if free.is_empty() && catalogue::has_generation(kind) {
        let generation = int_at(before, "/metadata/generation", 0);
        patch.push(json!({"op": "test", "path": "/metadata/generation", "value": generation}));
    }
    patch.extend(guarded);
    Ok(patch)
}

/// What is known when the dry runs are back.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// The draft that was tried.
    pub draft: &'a Draft,
    /// The object that the first dry run returned (for DELETE: none).
    pub first: Option<&'a Value>,
    /// The object that the second dry run returned.
    pub second: Option<&'a Value>,
    /// Namespace labels that must still hold when the write arrives.
    pub live: BTreeMap<String, String>,
    /// How the workload is now.
    pub baseline: Baseline,
}

/// Seals a plan from two dry runs.
///
/// # Errors
/// [`Code::PlanNotReproducible`] where the two differ, [`Code::PlanTooLarge`] above 128 KiB,
/// [`Code::DryRunRefused`] where there is no result,
/// [`Code::OutOfBounds`] where the result changes fields that the type may not touch.
pub fn seal(outcome: &Outcome<'_>) -> Result<Plan, Reason> {
    let (first, second) = (outcome.first.map(pruned), outcome.second.map(pruned));
    // What others own may move between one look and the next.
    let comparable = |v: &Option<Value>| v.as_ref().map(|v| without_free(&without_assigned(v), &outcome.draft.free));
    if comparable(&first) != comparable(&second) {
        return Err(Reason::plain(Code::PlanNotReproducible));
    }
    let result = first.as_ref().map(without_assigned);
    if result.is_none() && outcome.draft.operation != Operation::Delete {
        return Err(Reason::new(Code::DryRunRefused, "the dry run returned no object"));
    }
    let plan = assemble(outcome.draft, result.as_ref(), DryRun::Server, outcome)?;
    // What the fence will hold: of a deletion the object as it was seen.
    let (what, fenced) = match plan.operation {
        Operation::Delete => ("object", plan.before.len()),
        Operation::Update | Operation::Create => ("result", plan.result.len()),
    };
    if fenced > LARGEST_RESULT {
        return Err(Reason::new(Code::PlanTooLarge, format!("the {what} has {fenced} bytes")));
    }
    Ok(plan)
}

/// Seals a plan that no API server confirmed; it can be shown but never executed.
///
/// # Errors
/// [`Code::DryRunRefused`] where the patch does not apply to the live object.
pub fn seal_unconfirmed(outcome: &Outcome<'_>) -> Result<Plan, Reason> {
    let draft = outcome.draft;
    let result = match draft.operation {
        Operation::Update => {
            let mut after = draft.before.clone().unwrap_or(Value::Null);
            let patch: json_patch::Patch = serde_json::from_value(json!(draft.patch))
                .map_err(|e| Reason::new(Code::InvalidSpec, e.to_string()))?;
            json_patch::patch(&mut after, &patch).map_err(|e| Reason::new(Code::DryRunRefused, e.to_string()))?;
            Some(pruned(&after))
        }
        Operation::Create => draft.body.clone(),
        Operation::Delete => None,
    };
    assemble(draft, result.as_ref(), DryRun::NotDryRun, outcome)
}

/// A dry-run CREATE carries a uid that the real object will not have.
fn without_assigned(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("uid");
    }
    object
}

fn assemble(draft: &Draft, result: Option<&Value>, dry_run: DryRun, outcome: &Outcome<'_>) -> Result<Plan, Reason> {
    let text = |v: &Value| String::from_utf8_lossy(&canonical::to_bytes(v)).into_owned();
    let before = draft.before.as_ref().map(pruned);
    let changed = match (&before, result, draft.operation) {
        (Some(before), Some(after), Operation::Update) => changed_pointers(before, after, draft)?,
        (_, _, Operation::Update | Operation::Delete | Operation::Create) => Vec::new(),
    };
    let undo = catalogue::entry(draft.change_type).way_back(draft.operation);
    Ok(Plan {
        change_type: draft.change_type,
        operation: draft.operation,
        target: draft.target.clone(),
        dry_run,
        patch: if draft.patch.is_empty() { String::new() } else { text(&json!(draft.patch)) },
        changed,
        before: before.as_ref().map(text).unwrap_or_default(),
        result: result.map(|r| text(&without_assigned(r))).unwrap_or_default(),
        free: draft.free.clone(),
        live: outcome.live.clone(),
        fingerprint: draft.before.as_ref().map(|b| fingerprint(b, &draft.free)).unwrap_or_default(),
        baseline: outcome.baseline.clone(),
        undoable: undo != Undo::Nothing,
        digest: String::new(),
    }
    .sealed())
}

/// The pointers that differ between the pruned objects; each must be one the type may touch.
fn changed_pointers(before: &Value, after: &Value, draft: &Draft) -> Result<Vec<String>, Reason> {
    // A controller may write its own annotations, or what it owns, between the read and the dry run.
    let compared = |object: &Value| without_free(&without_controllers_words(&without_assigned(object)), &draft.free);
    let (_, changed) = diff::guarded_patch(&compared(before), &compared(after));
    let allowed = catalogue::entry(draft.change_type).fields_of(draft.operation, draft.target.kind);
    match changed.iter().find(|p| !within(p, allowed)) {
        Some(outside) => Err(Reason::new(
            Code::OutOfBounds,
            format!("{} may not change {outside} (a webhook or a default adds it)", draft.change_type),
        )),
        None => Ok(changed),
    }
}

/// True if the pointer lies at or below an allowed field.
fn within(pointer: &str, allowed: &[&str]) -> bool {
    catalogue::field_allowed(pointer, allowed)
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
