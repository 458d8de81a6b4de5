//! The way back of changes whose values no revision keeps.
//!
//! Owns it for strategies, Services, Ingresses, autoscalers, CronJobs and nodes: the earlier values stand in the plan, and a person
//! stands for them. Must never put back what was changed again since. No IO.

use super::inverse::{Given, again, live};
use crate::exit::Failure;
use bailiwick_core::action::{
    Action, HpaSettings, IngressSettings, Origin, Param, PathBackend, ServiceSettings, Strategy, TargetPort,
    TrafficPolicy,
};
use bailiwick_core::names::{Amount, ObjectName, PortRef};
use serde_json::Value;
use std::collections::BTreeMap;

/// The earlier value of what a change has set, if the live object still has what was set.
fn earlier(given: &Given<'_>, pointer: &str, instead: &str) -> Result<Value, Failure> {
    let at = |object: &Value| object.pointer(pointer).cloned().unwrap_or(Value::Null);
    let (before, result) = (given.plan.before_object(), given.plan.result_object());
    if Some(at(live(given)?)) != result.as_ref().map(at) {
        return Err(again(given, pointer, instead));
    }
    before.as_ref().map(at).ok_or_else(|| Failure::error("the plan does not hold the earlier object"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn named(value: &Value) -> Option<ObjectName> {
    ObjectName::parse(value.as_str()?).ok()
}

fn unset(what: &str) -> Failure {
    Failure::error(format!("{what} was not set before, and no change takes it away"))
}

/// The other position of what has two, of which the field tells.
pub(super) fn switch(given: &Given<'_>, field: &str, back: Action) -> Result<Action, Failure> {
    earlier(given, field, back.change_type().as_str())?;
    Ok(back)
}

pub(super) fn strategy(given: &Given<'_>, set: &Strategy) -> Result<Action, Failure> {
    let amount = |was_set: bool, key: &str| -> Result<Option<Amount>, Failure> {
        if !was_set {
            return Ok(None);
        }
        let before = earlier(given, &format!("/spec/strategy/rollingUpdate/{key}"), "SetStrategy")?;
        Amount::parse(text(&before)).map(Some).map_err(|_| unset(key))
    };
    let value = Strategy {
        max_surge: amount(set.max_surge.is_some(), "maxSurge")?,
        max_unavailable: amount(set.max_unavailable.is_some(), "maxUnavailable")?,
    };
    Ok(Action::SetStrategy { strategy: Param::new(value, Origin::Human {}) })
}

pub(super) fn service(given: &Given<'_>, set: &ServiceSettings) -> Result<Action, Failure> {
    let mut value = ServiceSettings::default();
    if !set.selector.is_empty() {
        let before = earlier(given, "/spec/selector", "PatchService")?;
        value.selector =
            serde_json::from_value::<BTreeMap<String, String>>(before).map_err(|_| unset("the selector"))?;
    }
    if let Some(port) = &set.target_port {
        let ports = earlier(given, "/spec/ports", "PatchService")?;
        let had = ports.as_array().into_iter().flatten();
        let had = had.filter(|p| p.get("port").and_then(Value::as_i64) == Some(i64::from(port.port)));
        let had = had.filter_map(|p| p.get("targetPort")).next().map(text);
        let target = had.and_then(|t| PortRef::parse(t).ok()).ok_or_else(|| unset("targetPort"))?;
        value.target_port = Some(TargetPort { port: port.port, target });
    }
    if set.internal_traffic_policy.is_some() {
        let before = earlier(given, "/spec/internalTrafficPolicy", "PatchService")?;
        let local = before.as_str() == Some(TrafficPolicy::Local.as_str());
        value.internal_traffic_policy = Some(if local { TrafficPolicy::Local } else { TrafficPolicy::Cluster });
    }
    Ok(Action::PatchService { settings: Param::new(value, Origin::Human {}) })
}

/// An object that is not there any more cannot be named again: the planned change is then refused, and says so.
pub(super) fn ingress(given: &Given<'_>, set: &IngressSettings) -> Result<Action, Failure> {
    let mut value = IngressSettings::default();
    if set.class.is_some() {
        let before = earlier(given, "/spec/ingressClassName", "PatchIngress")?;
        value.class = Some(named(&before).ok_or_else(|| unset("the class"))?);
    }
    if let Some(backend) = &set.backend {
        earlier(given, "/spec/rules", "PatchIngress")?;
        let pointer = given.plan.changed.iter().find_map(|p| p.split_once("/backend/service"));
        let pointer = pointer.map(|(path, _)| format!("{path}/backend/service"));
        let before = pointer.and_then(|p| given.plan.before_object()?.pointer(&p).cloned()).unwrap_or_default();
        let port = ["/port/number", "/port/name"].iter().find_map(|at| before.pointer(at)).map(text);
        let port = port.and_then(|port| PortRef::parse(port).ok()).ok_or_else(|| unset("the port"))?;
        let service = before.get("name").and_then(named).ok_or_else(|| unset("the Service"))?;
        value.backend = Some(PathBackend { service, port, ..backend.clone() });
    }
    Ok(Action::PatchIngress { settings: Param::new(value, Origin::Human {}) })
}

pub(super) fn hpa(given: &Given<'_>, set: &HpaSettings) -> Result<Action, Failure> {
    let replicas = |was_set: Option<i32>, key: &str| -> Result<Option<i32>, Failure> {
        if was_set.is_none() {
            return Ok(None);
        }
        let before = earlier(given, &format!("/spec/{key}"), "PatchHPA")?;
        before.as_i64().and_then(|n| i32::try_from(n).ok()).map(Some).ok_or_else(|| unset(key))
    };
    let target = match &set.target {
        Some(_) => {
            let before = earlier(given, "/spec/scaleTargetRef/name", "PatchHPA")?;
            Some(named(&before).ok_or_else(|| unset("the target"))?)
        }
        None => None,
    };
    let value = HpaSettings {
        min_replicas: replicas(set.min_replicas, "minReplicas")?,
        max_replicas: replicas(set.max_replicas, "maxReplicas")?,
        target,
    };
    Ok(Action::PatchHPA { settings: Param::new(value, Origin::Human {}) })
}

#[cfg(test)]
#[path = "flat_tests.rs"]
mod tests;
