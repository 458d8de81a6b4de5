//! Actions on parts of a template, on Services, Ingresses and autoscalers, from values.
//!
//! Owns how their values are spelled. Must never claim an origin that a value has not. No IO.

use super::action::{Known, Values, container, revision};
use crate::exit::Failure;
use bailiwick_core::action::{
    Action, ChangeType, HpaSettings, IngressSettings, Origin, Param, PathBackend, ProbeName, ProbeSettings,
    SchedulingPart, ServiceSettings, Strategy, TargetPort, TrafficPolicy,
};
use bailiwick_core::names::{Amount, NameError, ObjectName, PortRef, VariableName, VolumeName};
use serde_json::Value;
use std::collections::BTreeMap;

fn bad(key: &str, text: &str, wanted: &str) -> Failure {
    Failure::error(format!("{key}: {text:?} is not {wanted}"))
}

fn name(error: NameError) -> Failure {
    Failure::error(error.to_string())
}

/// The revision as a parameter that is its own value.
fn whole(values: &Values, known: &Known<'_>) -> Result<Param<i64>, Failure> {
    let revision = revision(values.get("revision"), known)?;
    Ok(Param::new(revision.number, revision.origin()))
}

/// One of a closed list, by name.
fn one_of<T: Copy>(key: &str, text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, Failure> {
    let found = all.iter().copied().find(|one| name(*one).eq_ignore_ascii_case(text));
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    found.ok_or_else(|| bad(key, text, &format!("one of {}", names.join(", "))))
}

fn number(values: &Values, key: &str) -> Result<Option<i32>, Failure> {
    let text = values.get(key);
    text.map(|text| text.parse().map_err(|_| bad(key, text, "a whole number"))).transpose()
}

pub(super) fn set_env(values: &Values, known: &Known<'_>) -> Result<Action, Failure> {
    let container = container(ChangeType::SetEnv, values, known)?;
    let variable = VariableName::parse(values.need(ChangeType::SetEnv, "variable", "NAME")?).map_err(name)?;
    Ok(Action::SetEnv { container, variable, revision: whole(values, known)? })
}

pub(super) fn set_scheduling(values: &Values, known: &Known<'_>) -> Result<Action, Failure> {
    let text = values.need(ChangeType::SetScheduling, "part", "nodeSelector")?;
    let part = one_of("part", text, SchedulingPart::ALL, SchedulingPart::as_str)?;
    Ok(Action::SetScheduling { part, revision: whole(values, known)? })
}

pub(super) fn set_volume_ref(values: &Values, known: &Known<'_>) -> Result<Action, Failure> {
    let volume = VolumeName::parse(values.need(ChangeType::SetVolumeRef, "volume", "NAME")?).map_err(name)?;
    Ok(Action::SetVolumeRef { volume, revision: whole(values, known)? })
}

pub(super) fn set_strategy(values: &Values) -> Result<Action, Failure> {
    let amount = |key| values.get(key).map(Amount::parse).transpose().map_err(name);
    let strategy = Strategy { max_surge: amount("maxSurge")?, max_unavailable: amount("maxUnavailable")? };
    if strategy == Strategy::default() {
        return Err(Failure::error("SetStrategy needs an amount").next("add --set maxSurge=1"));
    }
    Ok(Action::SetStrategy { strategy: Param::new(strategy, Origin::Human {}) })
}

pub(super) fn set_probe(values: &Values, known: &Known<'_>) -> Result<Action, Failure> {
    let container = container(ChangeType::SetProbe, values, known)?;
    let text = values.need(ChangeType::SetProbe, "probe", "readiness")?;
    let probe = one_of("probe", text, ProbeName::ALL, ProbeName::as_str)?;
    let given = ProbeSettings {
        path: values.get("path").map(str::to_owned),
        port: values.get("port").map(PortRef::parse).transpose().map_err(name)?,
        initial_delay_seconds: number(values, "initialDelaySeconds")?,
        period_seconds: number(values, "periodSeconds")?,
        timeout_seconds: number(values, "timeoutSeconds")?,
        failure_threshold: number(values, "failureThreshold")?,
    };
    let settings = match (values.get("revision"), given == ProbeSettings::default()) {
        (None, false) => Param::new(given, Origin::Human {}),
        (None, true) => return Err(Failure::error("SetProbe needs a value").next("add --set path=/healthz")),
        (Some(_), false) => return Err(Failure::error("a revision and values exclude each other")),
        (Some(text), true) => {
            let revision = revision(Some(text), known)?;
            let had = revision.container(container.as_str()).and_then(|c| c.get(probe.field()));
            let none = || Failure::error(format!("revision {} has no such probe", revision.number));
            Param::new(had_settings(had.ok_or_else(none)?), revision.origin())
        }
    };
    Ok(Action::SetProbe { container, probe, settings })
}

/// Everything of a probe that can be set.
fn had_settings(probe: &Value) -> ProbeSettings {
    let asked = |key: &str| ["httpGet", "tcpSocket", "grpc"].iter().find_map(|kind| probe.get(*kind)?.get(key));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = |key: &str| probe.get(key).and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok());
    ProbeSettings {
        path: asked("path").map(text),
        port: asked("port").and_then(|port| PortRef::parse(text(port)).ok()),
        initial_delay_seconds: number("initialDelaySeconds"),
        period_seconds: number("periodSeconds"),
        timeout_seconds: number("timeoutSeconds"),
        failure_threshold: number("failureThreshold"),
    }
}

pub(super) fn patch_service(values: &Values) -> Result<Action, Failure> {
    let pairs = values.get("selector").into_iter().flat_map(|text| text.split(','));
    let pair = |text: &str| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err(bad("selector", text, "KEY=VALUE")),
    };
    let selector = pairs.map(pair).collect::<Result<BTreeMap<_, _>, _>>()?;
    let target_port = match (number(values, "port")?, values.get("targetPort")) {
        (Some(port), Some(target)) => Some(TargetPort { port, target: PortRef::parse(target).map_err(name)? }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(Failure::error("port and targetPort belong together")),
    };
    let policies = [TrafficPolicy::Cluster, TrafficPolicy::Local];
    let policy = values.get("internalTrafficPolicy");
    let policy =
        policy.map(|text| one_of("internalTrafficPolicy", text, &policies, TrafficPolicy::as_str)).transpose()?;
    let settings = ServiceSettings { selector, target_port, internal_traffic_policy: policy };
    if settings == ServiceSettings::default() {
        return Err(Failure::error("PatchService needs a value").next("add --set selector=app=web"));
    }
    Ok(Action::PatchService { settings: Param::new(settings, Origin::Human {}) })
}

pub(super) fn patch_ingress(values: &Values) -> Result<Action, Failure> {
    let text = |key| values.get(key).unwrap_or_default().to_owned();
    let backend = match (values.get("service"), values.get("port")) {
        (Some(service), Some(port)) => Some(PathBackend {
            host: text("host"),
            path: text("path"),
            service: ObjectName::parse(service).map_err(name)?,
            port: PortRef::parse(port).map_err(name)?,
        }),
        (None, None) if values.get("host").is_none() && values.get("path").is_none() => None,
        (_, _) => return Err(Failure::error("host and path say which path leads to service and port: name both")),
    };
    let class = values.get("class").map(ObjectName::parse).transpose().map_err(name)?;
    let settings = IngressSettings { class, backend };
    if settings == IngressSettings::default() {
        return Err(Failure::error("PatchIngress needs a value").next("add --set class=nginx"));
    }
    Ok(Action::PatchIngress { settings: Param::new(settings, Origin::Human {}) })
}

pub(super) fn patch_hpa(values: &Values) -> Result<Action, Failure> {
    let settings = HpaSettings {
        min_replicas: number(values, "minReplicas")?,
        max_replicas: number(values, "maxReplicas")?,
        target: values.get("target").map(ObjectName::parse).transpose().map_err(name)?,
    };
    if settings == HpaSettings::default() {
        return Err(Failure::error("PatchHPA needs a value").next("add --set maxReplicas=6"));
    }
    Ok(Action::PatchHPA { settings: Param::new(settings, Origin::Human {}) })
}
