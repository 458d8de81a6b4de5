//! A plan as people read it: the difference, whether the API server confirmed it, the digest.
//!
//! Owns those words. Must never show a plan without saying whether it was a dry run, or a digest
//! that is not that of the plan. No IO.

use crate::sheet::Sheet;
use crate::style::{Look, Role};
use bailiwick_core::catalogue::{Undo, entry};
use bailiwick_core::plan::{DryRun, Operation, Plan, rendered};
use serde_json::{Value, json};

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// How the result was found, in words.
pub const fn dry_run(plan: &Plan) -> (&'static str, Role) {
    match plan.dry_run {
        DryRun::Server => ("dry-run on the API server, twice, with equal results", Role::Good),
        DryRun::NotDryRun => {
            ("not dry-run: computed here, because no grant may exist; it is never executed", Role::Warn)
        }
    }
}

/// What the API server is asked to do.
pub const fn operation(plan: &Plan) -> &'static str {
    match plan.operation {
        Operation::Update => "change",
        Operation::Delete => "delete",
        Operation::Create => "create",
    }
}

/// The line diff that the plan amounts to.
pub fn diff(plan: &Plan) -> String {
    let nothing = json!({});
    let mut before = plan.before_object();
    let after = plan.result_object();
    if plan.operation == Operation::Update {
        // The result is sealed without uid, for a dry-run CREATE has a passing one; an update never takes it away.
        let metadata = before.as_mut().and_then(|b| b.pointer_mut("/metadata")).and_then(Value::as_object_mut);
        metadata.map(|m| m.remove("uid"));
    }
    let (before, after) = (before.as_ref().unwrap_or(&nothing), after.as_ref().unwrap_or(&nothing));
    let text = rendered(before, after, CONTEXT);
    // An object that appears or goes is shown without the empty stand-in for its absence.
    text.lines().filter(|l| l.trim_end() != "-  {}" && l.trim_end() != "+  {}").map(|l| format!("{l}\n")).collect()
}

/// How many lines appear and go.
pub fn counts(diff: &str) -> (usize, usize) {
    let of = |sign: char| diff.lines().filter(|l| l.starts_with(sign)).count();
    (of('+'), of('-'))
}

/// Puts the plan on a page.
pub fn put(sheet: &mut Sheet, plan: &Plan) {
    let (words, role) = dry_run(plan);
    sheet.line(2, Role::Plain, &format!("{} {}", operation(plan), plan.target));
    sheet.say(2, role, &format!("[{words}]"));
    sheet.diff(2, &diff(plan));
    if !plan.free.is_empty() {
        sheet.say(2, Role::Dim, &format!("left as it is, for others own it: spec.{}", plan.free.join(", spec.")));
    }
    let way_back = match (plan.undoable, entry(plan.change_type).way_back(plan.operation)) {
        (false, _) | (_, Undo::Nothing) => "none is needed or none exists",
        (true, Undo::PreviousFields) => "the previous fields",
        (true, Undo::KeptCopy) => "the kept copy is created again",
        (true, Undo::DeleteCreated) => "what was created is deleted",
    };
    sheet.field("Way back", way_back);
    digest(sheet, plan);
}

/// Puts the digest on a page, or says that it does not match.
pub fn digest(sheet: &mut Sheet, plan: &Plan) {
    if plan.is_intact() {
        sheet.field_as(Role::Key, "Digest", &plan.digest);
    } else {
        let why = format!("{} is recorded, but is not that of this plan: do not approve it", plan.digest);
        sheet.field_as(Role::Bad, "Digest", &why);
    }
}

/// `bailiwick diff`: the difference, the exact patch, the digest.
pub fn page(plan: &Plan, look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    let (words, role) = dry_run(plan);
    sheet.line(0, Role::Head, &format!("{} {}", operation(plan), plan.target));
    sheet.say(0, role, &format!("[{words}]"));
    sheet.diff(0, &diff(plan));
    if plan.operation == Operation::Update {
        sheet.heading("Patch (RFC 6902)");
        for step in plan.patch_operations().as_array().into_iter().flatten() {
            sheet.line(2, Role::Plain, &step.to_string());
        }
    }
    sheet.heading("Plan");
    digest(&mut sheet, plan);
    sheet.finish()
}

/// The plan for machines: the patch as a list instead of text.
pub fn value(plan: &Plan) -> Value {
    json!({
        "target": plan.target,
        "operation": plan.operation,
        "dryRun": plan.dry_run,
        "patch": plan.patch_operations(),
        "changed": plan.changed,
        "before": plan.before_object(),
        "result": plan.result_object(),
        "free": plan.free,
        "digest": plan.digest,
        "intact": plan.is_intact(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    #[test]
    fn a_diff_shows_what_where_and_under_which_digest() {
        let plan = fixtures::image_plan(DryRun::Server);
        insta::assert_snapshot!("diff", page(&plan, &fixtures::look(None)));
        let client = fixtures::image_plan(DryRun::NotDryRun);
        let text = page(&client, &fixtures::look(None));
        assert!(text.contains("[not dry-run"), "{text}");
    }

    #[test]
    fn a_deletion_shows_all_that_goes() {
        let text = diff(&fixtures::quota_plan());
        assert!(text.lines().all(|l| l.starts_with('-') || l.starts_with("  ")), "{text}");
        assert!(text.contains("hard") && !text.contains("{}"), "{text}");
    }

    #[test]
    fn an_altered_plan_is_called_so() {
        let mut plan = fixtures::image_plan(DryRun::Server);
        plan.digest = "0".repeat(64);
        let text = page(&plan, &fixtures::look(None));
        assert!(text.contains("do not approve it"), "{text}");
        assert_eq!(value(&plan)["intact"], false);
    }
}
