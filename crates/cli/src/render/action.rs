//! An action with its parameters and their origins, in words.
//!
//! Owns those words. Must never leave out where a value came from. No IO.

use crate::words::count;
use bailiwick_core::action::{
    Action, HpaSettings, IngressSettings, Origin, Param, ProbeSettings, Resources, ServiceSettings, Strategy,
};

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
        Action::RestoreObject { copy } if matches!(copy.origin, Origin::LastKnownGood { .. }) => {
            format!("put it back as it last was good, from the operator's copy {}", copy.value)
        }
        Action::RestoreObject { copy } => format!("create it again from the copy kept in change {}", copy.value),
        Action::PatchService { settings } => format!("set what the Service leads to: {}", service(&settings.value)),
        Action::PatchIngress { settings } => format!("set where the Ingress leads: {}", ingress(&settings.value)),
        Action::PatchHPA { settings } => format!("set how the autoscaler scales: {}", scaling(&settings.value)),
        Action::SetProbe { container, probe, settings } => {
            format!("set the {} probe of container {container}: {}", probe.as_str(), probing(&settings.value))
        }
        Action::SetEnv { container, variable, revision } => {
            format!("put variable {variable} of container {container} back to what revision {} has", revision.value)
        }
        Action::SetScheduling { part, revision } => {
            format!("put {} back to what revision {} has", part.as_str(), revision.value)
        }
        Action::SetVolumeRef { volume, revision } => {
            format!("have volume {volume} refer to what it refers to in revision {}", revision.value)
        }
        Action::SetStrategy { strategy } => format!("set how pods are replaced: {}", replacing(&strategy.value)),
        Action::SuspendCronJob {} => "stop it from starting Jobs".to_owned(),
        Action::ResumeCronJob {} => "let it start Jobs again".to_owned(),
        Action::Cordon {} => "keep new pods from it".to_owned(),
        Action::Uncordon {} => "let it take pods again".to_owned(),
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

fn pairs<const N: usize>(all: [(&str, Option<String>); N]) -> String {
    let named: Vec<String> = all.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))).collect();
    if named.is_empty() { "nothing named".to_owned() } else { named.join(", ") }
}

fn probing(settings: &ProbeSettings) -> String {
    let [delay, period, timeout, threshold] = settings.numbers().map(|(key, n)| (key, n.map(|n| n.to_string())));
    let port = settings.port.as_ref().map(ToString::to_string);
    pairs([("path", settings.path.clone()), ("port", port), delay, period, timeout, threshold])
}

fn replacing(strategy: &Strategy) -> String {
    let text = |amount: &Option<bailiwick_core::names::Amount>| amount.as_ref().map(ToString::to_string);
    pairs([("maxSurge", text(&strategy.max_surge)), ("maxUnavailable", text(&strategy.max_unavailable))])
}

fn service(settings: &ServiceSettings) -> String {
    let labels: Vec<String> = settings.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let selector = (!labels.is_empty()).then(|| labels.join(","));
    let port = settings.target_port.as_ref().map(|p| format!("{} for port {}", p.target, p.port));
    let policy = settings.internal_traffic_policy.map(|p| p.as_str().to_owned());
    pairs([("selector", selector), ("targetPort", port), ("internalTrafficPolicy", policy)])
}

fn ingress(settings: &IngressSettings) -> String {
    let class = settings.class.as_ref().map(ToString::to_string);
    let backend = settings
        .backend
        .as_ref()
        .map(|b| format!("{}:{} for {:?}", b.service, b.port, format!("{}{}", b.host, b.path)));
    pairs([("class", class), ("service", backend)])
}

fn scaling(settings: &HpaSettings) -> String {
    let number = |n: Option<i32>| n.map(|n| n.to_string());
    let target = settings.target.as_ref().map(ToString::to_string);
    pairs([
        ("minReplicas", number(settings.min_replicas)),
        ("maxReplicas", number(settings.max_replicas)),
        ("target", target),
    ])
}

/// Where a value came from.
pub fn origin(origin: &Origin) -> String {
    match origin {
        Origin::RevisionHistory { source, revision } => format!("from revision {revision} ({source})"),
        Origin::KeptCopy { change, .. } => format!("from the copy kept in change {change}"),
        Origin::LastKnownGood { digest } => format!("from the operator's last-known-good copy, sha256 {digest}"),
        Origin::MandateAllowlist { pattern } => format!("allowed by the mandate's pattern {pattern}"),
        Origin::CurrentValue {} => "computed from the live object".to_owned(),
        Origin::Earlier {} => "as the operator saw it before it was changed".to_owned(),
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
        Action::PatchService { settings } => vec![row("settings", service(&settings.value), settings)],
        Action::PatchIngress { settings } => vec![row("settings", ingress(&settings.value), settings)],
        Action::PatchHPA { settings } => vec![row("settings", scaling(&settings.value), settings)],
        Action::SetProbe { settings, .. } => vec![row("settings", probing(&settings.value), settings)],
        Action::SetStrategy { strategy } => vec![row("strategy", replacing(&strategy.value), strategy)],
        Action::SetEnv { revision, .. }
        | Action::SetScheduling { revision, .. }
        | Action::SetVolumeRef { revision, .. } => vec![row("revision", revision.value.to_string(), revision)],
        Action::RolloutRestart {}
        | Action::DeletePod {}
        | Action::DeleteResourceQuota {}
        | Action::SuspendCronJob {}
        | Action::ResumeCronJob {}
        | Action::Cordon {}
        | Action::Uncordon {} => Vec::new(),
    }
}
