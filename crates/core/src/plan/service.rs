//! `PatchService`: which pods serve, and at which of their ports.
//!
//! Owns its bounds and what it means in fields. Must never lead a Service to pods or ports that
//! are not there, nor, without a person, one that leads somewhere or may do so. No IO.

use super::bounds::{Facts, is_told, unproven};
use super::build::set;
use super::object::{is_ready, label, name_of, text_at};
use crate::action::{Param, ServiceSettings, TargetPort};
use crate::index::names::SERVICE_NAME;
use crate::object::Kind;
use crate::reason::{Code, Reason};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Kinds whose pods a Service may be meant for although there are none now.
pub(super) const SELECTED: &[Kind] =
    &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::Job, Kind::CronJob];

fn out(why: impl Into<String>) -> Reason {
    Reason::new(Code::OutOfBounds, why)
}

/// The Service with the settings laid over it.
pub(super) fn apply(after: &mut Value, settings: &ServiceSettings) -> Result<(), Reason> {
    if !settings.selector.is_empty() {
        set(after, "/spec/selector", json!(settings.selector))?;
    }
    if let Some(port) = &settings.target_port {
        let at = position(after, port)?;
        set(after, &format!("/spec/ports/{at}/targetPort"), port.target.value())?;
    }
    if let Some(policy) = settings.internal_traffic_policy {
        set(after, "/spec/internalTrafficPolicy", json!(policy.as_str()))?;
    }
    Ok(())
}

/// Where the Service's port stands.
fn position(service: &Value, wanted: &TargetPort) -> Result<usize, Reason> {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array);
    let number = Some(i64::from(wanted.port));
    let at = ports.and_then(|all| all.iter().position(|p| p.get("port").and_then(Value::as_i64) == number));
    at.ok_or_else(|| Reason::new(Code::TargetMissing, format!("the Service has no port {}", wanted.port)))
}

/// Checks the settings against the pods that there are.
pub(super) fn check(settings: &Param<ServiceSettings>, facts: &Facts) -> Result<(), Reason> {
    let service = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let wanted = &settings.value;
    if *wanted == ServiceSettings::default() {
        return Err(out("nothing is named to be set"));
    }
    if text_at(service, "/spec/type") == Some("ExternalName") {
        return Err(out("the Service leads to a name and not to pods"));
    }
    let serving: Vec<&Value> = facts.selected.iter().filter(|pod| is_ready(pod)).collect();
    if serving.is_empty() {
        return Err(out("no pod that is ready would serve"));
    }
    if let Some(port) = &wanted.target_port {
        position(service, port)?;
        let target = port.target.value();
        if !serving.iter().all(|pod| declares(pod, &target)) {
            return Err(out(format!("not every pod that would serve declares port {}", port.target)));
        }
    }
    if is_told(&settings.origin, "a Service")? { leads_nowhere(service, wanted, facts) } else { Ok(()) }
}

/// What is told from the live objects may mend what is broken, and not turn what works elsewhere.
fn leads_nowhere(service: &Value, wanted: &ServiceSettings, facts: &Facts) -> Result<(), Reason> {
    if !wanted.selector.is_empty() {
        if !facts.selected_now.is_empty() {
            return Err(unproven("the Service selects pods already; only a person may have it select others"));
        }
        if let Some(meant) = meant(service, facts) {
            return Err(unproven(format!("the Service selects the pods of {meant}, which has none now")));
        }
        if has_endpoints(service, facts) {
            return Err(unproven("somebody else says where the Service leads; only a person may have it select pods"));
        }
        if !has_keys(service, &wanted.selector) {
            return Err(unproven("only a person may have the Service select by other labels than it does"));
        }
        if text_at(service, "/spec/type").is_some_and(|t| t != "ClusterIP")
            || service.pointer("/spec/externalIPs").is_some()
        {
            return Err(unproven("only a person may have other pods reached from outside of the cluster"));
        }
    }
    if let Some(port) = &wanted.target_port {
        let now = service.pointer(&format!("/spec/ports/{}/targetPort", position(service, port)?));
        let may_serve = |pod: &Value, now: &Value| declares(pod, now) || now.is_number() && has_silent(pod);
        if facts.selected.iter().any(|pod| now.is_some_and(|now| may_serve(pod, now))) {
            return Err(unproven(
                "the port leads to one that a pod may serve; only a person may have it lead elsewhere",
            ));
        }
        let mut ports = service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
        if ports.any(|p| p.get("targetPort") == Some(&port.target.value())) {
            return Err(unproven("another port of the Service leads there; only a person may say that both shall"));
        }
    }
    if wanted.internal_traffic_policy.is_some() {
        return Err(unproven("only a person may set whose clients reach which pods"));
    }
    Ok(())
}

/// The workload that the Service is made for: scaled to zero, or its pods are refused.
fn meant(service: &Value, facts: &Facts) -> Option<String> {
    let selector = service.pointer("/spec/selector").and_then(Value::as_object)?;
    let template = |w: &Value| {
        let at = ["/spec/template/metadata/labels", "/spec/jobTemplate/spec/template/metadata/labels"];
        at.iter().find_map(|at| w.pointer(at)).cloned()
    };
    let fits = |w: &&Value| template(w).is_some_and(|labels| selector.iter().all(|(k, v)| labels.get(k) == Some(v)));
    let found = SELECTED.iter().find_map(|kind| Some((kind, facts.living(*kind).find(fits)?)));
    found.map(|(kind, workload)| format!("{kind} {}", name_of(workload)))
}

/// True where an EndpointSlice names addresses that serve, though no pod is selected.
fn has_endpoints(service: &Value, facts: &Facts) -> bool {
    let own = |slice: &&Value| label(slice, SERVICE_NAME) == Some(name_of(service));
    let mut endpoints = facts.living(Kind::EndpointSlice).filter(own).flat_map(|slice| {
        let all = slice.get("endpoints").and_then(Value::as_array);
        all.into_iter().flatten()
    });
    endpoints.any(|e| e.pointer("/conditions/ready").and_then(Value::as_bool) != Some(false))
}

/// True where the Service selects by these labels already, with other values.
fn has_keys(service: &Value, wanted: &BTreeMap<String, String>) -> bool {
    let now = service.pointer("/spec/selector").and_then(Value::as_object);
    now.is_some_and(|now| now.len() == wanted.len() && wanted.keys().all(|key| now.contains_key(key)))
}

/// Containers that serve as long as the pod runs.
fn lasting(pod: &Value) -> impl Iterator<Item = &Value> {
    let list = |at: &str| pod.pointer(at).and_then(Value::as_array).into_iter().flatten();
    let sidecar = |c: &&Value| text_at(c, "/restartPolicy") == Some("Always");
    list("/spec/containers").chain(list("/spec/initContainers").filter(sidecar))
}

/// True if a container of the pod declares no port at all, and so may serve any.
fn has_silent(pod: &Value) -> bool {
    lasting(pod).any(|c| c.get("ports").and_then(Value::as_array).is_none_or(Vec::is_empty))
}

/// True if a container of the pod declares the port, by number or name.
fn declares(pod: &Value, port: &Value) -> bool {
    let mut ports = lasting(pod).filter_map(|c| c.get("ports")?.as_array()).flatten();
    ports.any(|p| p.get("containerPort") == Some(port) || p.get("name") == Some(port))
}
