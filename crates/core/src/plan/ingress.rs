//! `PatchIngress`: who serves an Ingress, and which Service answers one of its paths.
//!
//! Owns its bounds and what it means in fields. Must never name a class, a Service or a port that is
//! not there, nor, without a person, turn elsewhere what leads to something that is. No IO.

use super::bounds::{Facts, is_told, unproven};
use super::build::set;
use super::object::{name_of, text_at};
use crate::action::{IngressSettings, Param, PathBackend};
use crate::analyze::near::near;
use crate::object::Kind;
use crate::reason::{Code, Reason};
use serde_json::{Value, json};

fn out(why: impl Into<String>) -> Reason {
    Reason::new(Code::OutOfBounds, why)
}

/// The Ingress with the settings laid over it.
pub(super) fn apply(after: &mut Value, settings: &IngressSettings) -> Result<(), Reason> {
    if let Some(class) = &settings.class {
        set(after, "/spec/ingressClassName", json!(class))?;
    }
    if let Some(backend) = &settings.backend {
        let at = position(after, backend)?;
        let port = backend.port.value();
        let by = if port.is_number() { "number" } else { "name" };
        set(after, &at, json!({"name": backend.service, "port": {by: port}}))?;
    }
    Ok(())
}

/// Where the Service of the one path that is meant stands.
fn position(ingress: &Value, wanted: &PathBackend) -> Result<String, Reason> {
    let list = |object: &Value, at: &str| object.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut found = Vec::new();
    for (i, rule) in list(ingress, "/spec/rules").iter().enumerate() {
        let paths = list(rule, "/http/paths");
        let is_meant = |path: &Value| {
            text_at(rule, "/host").unwrap_or_default() == wanted.host
                && text_at(path, "/path").unwrap_or_default() == wanted.path
        };
        let meant = paths.iter().enumerate().filter(|(_, path)| is_meant(path));
        found.extend(meant.map(|(j, _)| format!("/spec/rules/{i}/http/paths/{j}/backend/service")));
    }
    let place = format!("{}{}", wanted.host, wanted.path);
    match found.as_slice() {
        [] => Err(Reason::new(Code::TargetMissing, format!("the Ingress has no path {place:?}"))),
        [one] if ingress.pointer(one).is_some() => Ok(one.clone()),
        [_] => Err(out(format!("{place:?} leads to something else than a Service"))),
        _ => Err(out(format!("several paths are written {place:?}"))),
    }
}

/// Checks the settings against the classes and Services that there are.
pub(super) fn check(settings: &Param<IngressSettings>, facts: &Facts) -> Result<(), Reason> {
    let ingress = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let wanted = &settings.value;
    if *wanted == IngressSettings::default() {
        return Err(out("nothing is named to be set"));
    }
    let told = is_told(&settings.origin, "an Ingress")?;
    if let Some(class) = &wanted.class {
        let known = facts.names(Kind::IngressClass);
        if !known.contains(&class.as_str()) {
            return Err(out(format!("there is no IngressClass {class}")));
        }
        if told {
            only_class(ingress, &known)?;
        }
    }
    if let Some(backend) = &wanted.backend {
        let at = position(ingress, backend)?;
        let service = served(backend, facts)?;
        if told {
            meant(ingress, &at, (backend, service), facts)?;
        }
    }
    Ok(())
}

/// The class that is named is not there, and one alone can have been meant.
fn only_class(ingress: &Value, known: &[&str]) -> Result<(), Reason> {
    match text_at(ingress, "/spec/ingressClassName") {
        None => Err(unproven("the Ingress names no class; only a person may give it one")),
        Some(now) if known.contains(&now) => {
            Err(unproven("the Ingress's class exists; only a person may give it another"))
        }
        Some(_) if known.len() > 1 => Err(unproven("there are several classes; only a person may choose one")),
        Some(_) => Ok(()),
    }
}

/// The Service that is to answer, which has the port.
fn served<'a>(backend: &PathBackend, facts: &'a Facts) -> Result<&'a Value, Reason> {
    let name = &backend.service;
    let found = facts.living(Kind::Service).find(|service| name_of(service) == name.as_str());
    let service = found.ok_or_else(|| out(format!("there is no Service {name}")))?;
    if port_of(service, &backend.port.value()).is_none() {
        return Err(out(format!("Service {name} has no port {}", backend.port)));
    }
    Ok(service)
}

/// The path leads to a Service that is not there, and the one that is wanted has nearly its name.
/// The port stays where the Service has it; where it does not, it must have but one.
fn meant(ingress: &Value, at: &str, wanted: (&PathBackend, &Value), facts: &Facts) -> Result<(), Reason> {
    let (backend, service) = wanted;
    let now = text_at(ingress, &format!("{at}/name")).unwrap_or_default();
    let known = facts.names(Kind::Service);
    if known.contains(&now) {
        return Err(unproven("the path leads to a Service that exists; only a person may have it lead elsewhere"));
    }
    if near(now, known.iter().copied()) != Some(backend.service.as_str()) {
        return Err(unproven(format!("{} is not the one Service whose name is nearly {now:?}", backend.service)));
    }
    let port = ["number", "name"].iter().find_map(|by| ingress.pointer(&format!("{at}/port/{by}")));
    let kept = port.filter(|port| port_of(service, port).is_some());
    let ports = service.pointer("/spec/ports").and_then(Value::as_array).map_or(0, Vec::len);
    match kept {
        Some(kept) if *kept != backend.port.value() => Err(unproven("the Service has the port that the path names")),
        None if ports > 1 => Err(unproven("the Service has several ports; only a person may choose one")),
        Some(_) | None => Ok(()),
    }
}

/// The port of a Service that has that number or name.
pub(crate) fn port_of<'a>(service: &'a Value, port: &Value) -> Option<&'a Value> {
    let ports = service.pointer("/spec/ports")?.as_array()?;
    ports.iter().find(|p| p.get("port") == Some(port) || p.get("name") == Some(port))
}
