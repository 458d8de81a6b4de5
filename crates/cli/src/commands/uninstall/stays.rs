//! What an uninstallation leaves in place.
//!
//! Owns the answer for every install object. Must never leave data without the policies that guard
//! it: whoever could write an Approval in another's name meanwhile would be counted after the next
//! installation. No IO.

use bailiwick_api::GROUP;
use bailiwick_api::manifests::Step;
use bailiwick_api::manifests::policies::is_lasting;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use serde_json::Value;
use std::collections::BTreeSet;

/// The objects that stay.
pub(super) struct Stays {
    keep_data: bool,
    /// Names of the policies, and so of their bindings, on our own kinds.
    guards: BTreeSet<String>,
}

impl Stays {
    /// Of an installation of these steps.
    pub(super) fn of(steps: &[Step], keep_data: bool) -> Self {
        let policies = steps.iter().filter(|s| s.name == "policies").flat_map(|s| &s.objects);
        let guards = policies.filter(|o| is_on_our_kinds(o)).map(|o| name(o).to_owned()).collect();
        Self { keep_data, guards }
    }

    /// Whether an object of a step stays.
    pub(super) fn has(&self, step: &str, object: &Value) -> bool {
        let is_data = match step {
            "kinds" => true,
            "namespaces" => name(object) == SYSTEM_NAMESPACE,
            "policies" => self.guards.contains(name(object)),
            _ => false,
        };
        is_lasting(object) || (self.keep_data && is_data)
    }
}

fn name(object: &Value) -> &str {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

fn is_on_our_kinds(policy: &Value) -> bool {
    let rules = policy.pointer("/spec/matchConstraints/resourceRules").and_then(Value::as_array);
    rules.is_some_and(|rules| {
        let groups = |rule: &Value| rule.get("apiGroups").and_then(Value::as_array).cloned().unwrap_or_default();
        rules.iter().all(|rule| groups(rule).iter().all(|group| group == GROUP))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_api::manifests::{InstallOptions, install};

    fn staying(keep_data: bool) -> Vec<String> {
        let steps = install(&InstallOptions::new("x").unwrap());
        let stays = Stays::of(&steps, keep_data);
        let all = steps.iter().flat_map(|s| s.objects.iter().filter(|o| stays.has(s.name, o)));
        let mut names: Vec<String> = all.map(|o| name(o).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    #[test]
    fn data_stays_with_the_policies_that_guard_it_and_nothing_else_does() {
        assert_eq!(staying(false), ["bailiwick-fence-keeper"]);
        let kept = [
            "approvals.bailiwick.dev",
            "bailiwick-approval-identity",
            "bailiwick-change-author",
            "bailiwick-fence-keeper",
            "bailiwick-receipt-log",
            "bailiwick-status-author",
            "bailiwick-system",
            "changes.bailiwick.dev",
            "incidents.bailiwick.dev",
            "mandates.bailiwick.dev",
            "receipts.bailiwick.dev",
        ];
        assert_eq!(staying(true), kept);
    }
}
