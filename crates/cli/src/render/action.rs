//! An action with its parameters and their origins, in words.
//!
//! Owns those words. Must never leave out where a value came from. No IO.

use crate::words::count;
use bailiwick_core::action::{Action, Origin, Param, Resources};

/// What is to be done, in one line.
pub fn sentence(action: &Action) -> String {
    match action {
        Action::RolloutUndo { revision } => format!("go back to revision {}", revision.value),
        Action::SetImage { container, image } => format!("set the image of container {container} to {}", image.value),
        Action::RolloutRestart {} => "replace all pods".to_owned(),
        Action::DeletePod {} => "delete the pod".to_owned(),
        Action::Scale { replicas } => format!("scale to {}", count(replicas.value, "replica")),
        Action::SetResources { container, resources } => {
            format!("set the resources of container {container}: {}", amounts(&resources.value))
        }
        Action::DeleteResourceQuota {} => "delete the quota, keeping a copy".to_owned(),
        Action::RestoreObject { copy } => format!("create it again from the copy kept in change {}", copy.value),
    }
}

fn amounts(resources: &Resources) -> String {
    let part = |name: &str, values: &std::collections::BTreeMap<bailiwick_core::action::ResourceName, String>| {
        values.iter().map(|(resource, q)| format!("{name}.{}={q}", resource.as_str())).collect::<Vec<_>>()
    };
    let mut all = part("requests", &resources.requests);
    all.extend(part("limits", &resources.limits));
    if all.is_empty() { "none named".to_owned() } else { all.join(", ") }
}

/// Where a value came from.
pub fn origin(origin: &Origin) -> String {
    match origin {
        Origin::RevisionHistory { source, revision } => format!("from revision {revision} ({source})"),
        Origin::KeptCopy { change, .. } => format!("from the copy kept in change {change}"),
        Origin::MandateAllowlist { pattern } => format!("allowed by the mandate's pattern {pattern}"),
        Origin::CurrentValue {} => "computed from the live object".to_owned(),
        Origin::Human {} => "given by a person".to_owned(),
        Origin::Telemetry {} => "seen only in telemetry".to_owned(),
    }
}

/// Each parameter with its value and where it came from.
pub fn parameters(action: &Action) -> Vec<(&'static str, String, String)> {
    fn row<T>(name: &'static str, value: String, param: &Param<T>) -> (&'static str, String, String) {
        (name, value, origin(&param.origin))
    }
    match action {
        Action::RolloutUndo { revision } => vec![row("revision", revision.value.to_string(), revision)],
        Action::SetImage { image, .. } => vec![row("image", image.value.clone(), image)],
        Action::Scale { replicas } => vec![row("replicas", replicas.value.to_string(), replicas)],
        Action::SetResources { resources, .. } => vec![row("resources", amounts(&resources.value), resources)],
        Action::RestoreObject { copy } => vec![row("copy", copy.value.to_string(), copy)],
        Action::RolloutRestart {} | Action::DeletePod {} | Action::DeleteResourceQuota {} => Vec::new(),
    }
}
