//! The way back of a change that was applied, as an action of its own.
//!
//! Owns what undoing means for each type. Must never guess a value: each comes from the plan and
//! names where the cluster still holds it. No IO.

use super::flat;
use crate::exit::Failure;
use crate::objects::history::{Revision, bare, container_of, holding};
use bailiwick_core::action::{Action, Origin, Param, ResourceName, Resources};
use bailiwick_core::life::{Phase, Purpose, Record};
use bailiwick_core::names::{ObjectName, Uid};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::plan::Plan;
use bailiwick_core::plan::object::text_at;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the way back is computed from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    /// The change's name and uid.
    pub change: (&'a ObjectName, &'a Uid),
    /// What it did.
    pub action: &'a Action,
    /// Its plan.
    pub plan: &'a Plan,
    /// The target as it is now.
    pub live: Option<&'a Value>,
    /// The target's revisions.
    pub revisions: &'a [Revision],
}

/// The plan of a change that was applied and not put back yet.
///
/// # Errors
/// Where nothing was written, it was put back already, or the record is not intact.
pub(super) fn applied(record: Option<&Record>) -> Result<&Plan, Failure> {
    let nothing = || Failure::error("nothing was written by this change, so there is nothing to undo");
    let record = record.ok_or_else(nothing)?;
    if !record.executions.iter().any(|e| e.purpose == Purpose::Apply && e.is_applied()) {
        return Err(nothing());
    }
    if record.phase == Phase::RolledBack {
        return Err(Failure::error("this change was rolled back already"));
    }
    if !record.phase.is_terminal() {
        return Err(Failure::error(format!("this change has not ended yet: it is {}", record.phase))
            .next("wait for it: bailiwick show CHANGE -w"));
    }
    let plan = record.plan.as_ref().ok_or_else(nothing)?;
    if plan.is_intact() {
        Ok(plan)
    } else {
        Err(Failure::refused("the recorded plan does not match its digest: nothing in it can be trusted"))
    }
}

/// The action that puts the change back, and its target.
///
/// # Errors
/// Where there is no way back, or it is no longer there.
pub(super) fn inverse(given: &Given<'_>) -> Result<(Action, ObjectRef), Failure> {
    let action = match given.action {
        Action::RolloutRestart {} | Action::DeletePod {} => {
            return Err(Failure::error(format!("a {} leaves nothing to put back", given.plan.change_type)));
        }
        Action::DeleteResourceQuota {} => return restore(given),
        Action::RestoreObject { .. } => return remove(given),
        Action::Scale { .. } => scale(given)?,
        Action::SetImage { container, .. } => set_image(given, container)?,
        Action::SetResources { container, resources } => set_resources(given, container, &resources.value)?,
        Action::RolloutUndo { .. }
        | Action::SetProbe { .. }
        | Action::SetEnv { .. }
        | Action::SetScheduling { .. }
        | Action::SetVolumeRef { .. } => roll(given)?,
        Action::SetStrategy { strategy } => flat::strategy(given, &strategy.value)?,
        Action::PatchService { settings } => flat::service(given, &settings.value)?,
        Action::PatchIngress { settings } => flat::ingress(given, &settings.value)?,
        Action::PatchHPA { settings } => flat::hpa(given, &settings.value)?,
        Action::SuspendCronJob {} => flat::switch(given, "/spec/suspend", Action::ResumeCronJob {})?,
        Action::ResumeCronJob {} => flat::switch(given, "/spec/suspend", Action::SuspendCronJob {})?,
        Action::Cordon {} => flat::switch(given, "/spec/unschedulable", Action::Uncordon {})?,
        Action::Uncordon {} => flat::switch(given, "/spec/unschedulable", Action::Cordon {})?,
    };
    Ok((action, given.plan.target.clone()))
}

fn restore(given: &Given<'_>) -> Result<(Action, ObjectRef), Failure> {
    if given.live.is_some() {
        return Err(Failure::error(format!("{} exists again already", given.plan.target)));
    }
    let (name, uid) = given.change;
    let origin = Origin::KeptCopy { change: name.clone(), uid: uid.clone() };
    let target = ObjectRef { uid: None, ..given.plan.target.clone() };
    Ok((Action::RestoreObject { copy: Param::new(name.clone(), origin) }, target))
}

fn remove(given: &Given<'_>) -> Result<(Action, ObjectRef), Failure> {
    if given.plan.target.kind != Kind::ResourceQuota {
        let target = &given.plan.target;
        return Err(Failure::error(format!(
            "no type of change takes back what was restored of {target}: do it by hand"
        )));
    }
    let live = live(given)?;
    let uid = text_at(live, "/metadata/uid").and_then(|uid| Uid::parse(uid).ok());
    Ok((Action::DeleteResourceQuota {}, ObjectRef { uid, ..given.plan.target.clone() }))
}

pub(super) fn live<'a>(given: &Given<'a>) -> Result<&'a Value, Failure> {
    let gone = || Failure::error(format!("{} does not exist any more", given.plan.target));
    let live = given.live.ok_or_else(gone)?;
    let uid = given.plan.target.uid.as_ref().map(Uid::as_str);
    if uid.is_some() && text_at(live, "/metadata/uid") != uid {
        return Err(Failure::error(format!("{} was deleted and made again since", given.plan.target)));
    }
    Ok(live)
}

pub(super) fn again(given: &Given<'_>, what: &str, instead: &str) -> Failure {
    Failure::error(format!("{what} of {} was changed again since", given.plan.target)).next(format!(
        "undoing would put that back, too; if you mean it, propose it yourself: bailiwick propose {instead}"
    ))
}

fn scale(given: &Given<'_>) -> Result<Action, Failure> {
    let replicas = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_i64);
    let before = given.plan.before_object().as_ref().and_then(replicas).and_then(|n| i32::try_from(n).ok());
    let before = before.ok_or_else(|| Failure::error("the plan does not hold the earlier number of replicas"))?;
    if replicas(live(given)?) != given.plan.result_object().as_ref().and_then(replicas) {
        return Err(again(given, "the number of replicas", "Scale --set replicas=N"));
    }
    // No revision keeps a number of replicas, so a person has to stand for it.
    Ok(Action::Scale { replicas: Param::new(before, Origin::Human {}) })
}

fn earlier<'a>(given: &Given<'a>) -> Result<(&'a Revision, Value), Failure> {
    let before = given.plan.before_object();
    let template = before.as_ref().and_then(|b| b.pointer("/spec/template")).cloned();
    let template = template.ok_or_else(|| Failure::error("the plan does not hold the earlier pod template"))?;
    match holding(given.revisions, &template) {
        Some(revision) => Ok((revision, template)),
        None => {
            Err(Failure::error(format!("no revision of {} holds the earlier pod template any more", given.plan.target))
                .next("propose what you want instead: bailiwick propose --help"))
        }
    }
}

fn set_image(given: &Given<'_>, container: &bailiwick_core::names::ContainerName) -> Result<Action, Failure> {
    let (revision, _) = earlier(given)?;
    let image = |c: &Value| text_at(c, "/image").map(str::to_owned);
    let now = live(given)?.pointer("/spec/template").and_then(|t| container_of(t, container.as_str())).and_then(image);
    let result = given.plan.result_object();
    let set = result
        .as_ref()
        .and_then(|r| r.pointer("/spec/template"))
        .and_then(|t| container_of(t, container.as_str()))
        .and_then(image);
    if now != set {
        return Err(again(given, "the image", "SetImage --set container=NAME --set revision=N"));
    }
    let value = revision.container(container.as_str()).and_then(image);
    let value = value.ok_or_else(|| Failure::error(format!("the earlier template has no container {container}")))?;
    Ok(Action::SetImage { container: container.clone(), image: Param::new(value, revision.origin()) })
}

fn set_resources(
    given: &Given<'_>,
    container: &bailiwick_core::names::ContainerName,
    set: &Resources,
) -> Result<Action, Failure> {
    let (revision, _) = earlier(given)?;
    let of = |part: &str, names: &BTreeMap<ResourceName, String>| -> Option<BTreeMap<ResourceName, String>> {
        let had = revision.container(container.as_str());
        let value = |name: ResourceName| had.and_then(|c| text_at(c, &format!("/resources/{part}/{}", name.as_str())));
        names.keys().map(|name| Some((*name, value(*name)?.to_owned()))).collect()
    };
    match (of("requests", &set.requests), of("limits", &set.limits)) {
        (Some(requests), Some(limits)) => {
            let value = Resources { requests, limits };
            Ok(Action::SetResources { container: container.clone(), resources: Param::new(value, revision.origin()) })
        }
        // What was not set before cannot be set back by value, only by the whole template.
        (None, _) | (_, None) => roll(given),
    }
}

fn roll(given: &Given<'_>) -> Result<Action, Failure> {
    let (revision, _) = earlier(given)?;
    let template = |object: &Value| object.pointer("/spec/template").map(bare);
    if template(live(given)?) != given.plan.result_object().as_ref().and_then(template) {
        let instead = format!("RolloutUndo --set revision={}", revision.number);
        return Err(again(given, "the pod template", &instead));
    }
    Ok(Action::RolloutUndo { revision: Param::new(revision.number, revision.origin()) })
}

#[cfg(test)]
#[path = "inverse_tests.rs"]
mod tests;
