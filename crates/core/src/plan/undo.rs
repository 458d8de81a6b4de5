//! The way back from a plan that was applied.
//!
//! Owns what each kind of undoing means in fields. Must never put back what somebody else changed
//! after the write. No IO.

use super::build::{Sources, free_keys, live, update_patch};
use super::object::{recreatable, text_at};
use super::restore::put_fields;
use super::{Draft, Operation, Plan};
use crate::catalogue::{self, Undo};
use crate::reason::{Code, Reason};
use serde_json::Value;

/// Builds the draft of the way back from a plan that was applied.
///
/// # Errors
/// [`Code::NoUndo`] where the type has none, or where the live object no longer is what was written.
pub fn undo_draft(plan: &Plan, sources: &Sources) -> Result<Draft, Reason> {
    let no_undo = || Reason::plain(Code::NoUndo);
    let mut draft = Draft {
        operation: Operation::Update,
        target: plan.target.clone(),
        patch: Vec::new(),
        body: None,
        before: sources.target.clone(),
        free: free_keys(&plan.target, sources),
        change_type: plan.change_type,
    };
    match catalogue::entry(plan.change_type).way_back(plan.operation) {
        Undo::Nothing => return Err(no_undo()),
        Undo::PreviousFields => {
            let (live, before) = (live(sources)?, plan.before_object().ok_or_else(no_undo)?);
            let result = plan.result_object().ok_or_else(no_undo)?;
            still_ours(live, &result, &draft.free)?;
            let uid = plan.target.uid.as_ref().map(crate::names::Uid::as_str);
            if text_at(live, "/metadata/uid") != uid {
                return Err(Reason::plain(Code::TargetReplaced));
            }
            let mut after = live.clone();
            put_back(&mut after, &before, &draft.free);
            put_fields(&mut after, &before, catalogue::rewritten(plan.target.kind));
            draft.patch = update_patch(live, &after, &draft.free, plan.target.kind)?;
        }
        Undo::KeptCopy => {
            if sources.target.is_some() {
                return Err(Reason::plain(Code::TargetExists));
            }
            draft.operation = Operation::Create;
            draft.target.uid = None;
            draft.body = Some(recreatable(&plan.before_object().ok_or_else(no_undo)?));
        }
        Undo::DeleteCreated => {
            let live = live(sources)?;
            still_ours(live, &plan.result_object().ok_or_else(no_undo)?, &draft.free)?;
            draft.operation = Operation::Delete;
            draft.target.uid = text_at(live, "/metadata/uid").and_then(|u| crate::names::Uid::parse(u).ok());
        }
    }
    Ok(draft)
}

/// What somebody else changed after the write is not put back, nor what somebody else keeps by now.
fn still_ours(live: &Value, result: &Value, free: &[String]) -> Result<(), Reason> {
    if let Some(by) = super::bounds::managed_elsewhere(live) {
        return Err(Reason::new(Code::ManagedElsewhere, format!("the object is kept by {by} since the write")));
    }
    if super::object::shows(live, result, free) {
        return Ok(());
    }
    Err(Reason::new(Code::NoUndo, "the object was changed again after the write"))
}

/// Replaces `.spec` of `after` by that of `before`, free keys aside.
fn put_back(after: &mut Value, before: &Value, free: &[String]) {
    let Some(mut spec) = before.get("spec").cloned() else {
        return;
    };
    if let (Value::Object(spec), Some(Value::Object(now))) = (&mut spec, after.get("spec")) {
        for key in free {
            match now.get(key) {
                Some(value) => spec.insert(key.clone(), value.clone()),
                None => spec.remove(key),
            };
        }
    }
    if let Value::Object(map) = after {
        map.insert("spec".to_owned(), spec);
    }
}
