//! Ingresses that nobody serves, or that lead nowhere.
//!
//! Owns the comparison of an Ingress with the classes and Services there are. Must never need a
//! right on Secrets: a missing certificate is told by the Ingress's controller; nor propose a class
//! or Service that is not the only one which can have been meant. No IO.

mod misroute;

use super::case::Case;
use super::earlier::shown;
use super::near::near;
use super::restore;
use super::text::{has_any, quote};
use crate::action::{Action, IngressSettings, Origin, Param, PathBackend};
use crate::finding::{Candidate, Cause, Finding, Severity};
use crate::index::{Backend, Ingress, ServicePort, Target, Thing, View};
use crate::names::{ObjectName, PortRef};
use crate::object::Kind;
use jiff::SignedDuration;

/// An Ingress is often made before what it names.
const GRACE: SignedDuration = SignedDuration::from_secs(30);
/// A complaint older than this is over, or would have been repeated.
const STILL_TOLD: SignedDuration = SignedDuration::from_mins(60);

/// What is wrong with an Ingress.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, ingress)) = case.thing.and_then(|t| Some((t, t.ingress()?))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() || !case.past(thing.head.created, GRACE) {
        return Vec::new();
    }
    let led = backend(case, thing, ingress).or_else(|| misroute::find(case, thing, ingress));
    let found = [class(case, ingress), led, secret(case, ingress)];
    found.into_iter().flatten().collect()
}

fn class(case: &Case<'_>, ingress: &Ingress) -> Option<Finding> {
    if !case.view.reads(Kind::IngressClass) {
        return None;
    }
    let known: Vec<&Thing> = case.view.things(Kind::IngressClass).collect();
    let names = || known.iter().map(|t| &*t.head.name);
    let text = match &ingress.class {
        Some(name) if names().any(|known| *known == **name) => return None,
        Some(name) => {
            let hint =
                near(name, names()).map_or_else(|| listed(names()), |like| format!("; there is {}", quote(like, 60)));
            format!("its class {} does not exist{hint}", quote(name, 60))
        }
        // The annotation is the controller's own matter, and whoever serves it has said so.
        None if ingress.old_class.is_some() || ingress.served => return None,
        None if known.iter().any(|t| t.ingress_class().is_some_and(|c| c.default)) => return None,
        None => format!("it names no class and there is no default one{}", listed(names())),
    };
    let shown = ingress.class.as_deref().unwrap_or("(none)");
    let severity = if ingress.served { Severity::Warning } else { Severity::Critical };
    let evidence = case.own("spec.ingressClassName", shown);
    let text = format!("nothing serves the Ingress: {text}");
    let candidates = only_class(case, ingress, &known).into_iter().collect();
    Some(Finding { evidence, candidates, ..case.draft(Cause::IngressClassMissing, severity, &text) })
}

/// The one class that there is, where the Ingress names one that is not.
fn only_class(case: &Case<'_>, ingress: &Ingress, known: &[&Thing]) -> Option<Candidate> {
    let [only] = known else { return None };
    ingress.class.as_ref()?;
    let class = Some(ObjectName::parse(&*only.head.name).ok()?);
    let why = format!("{} is the only class that there is", only.head.name);
    Some(patch(case, IngressSettings { class, backend: None }, why))
}

fn patch(case: &Case<'_>, settings: IngressSettings, why: String) -> Candidate {
    let settings = Param::new(settings, Origin::CurrentValue {});
    Candidate { action: Action::PatchIngress { settings }, target: case.subject.clone(), why }
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "; there is no class at all".to_owned()
    } else {
        format!("; there are: {}", names.join(", "))
    }
}

fn backend(case: &Case<'_>, thing: &Thing, ingress: &Ingress) -> Option<Finding> {
    let namespace = &*thing.head.namespace;
    let broken: Vec<(&Backend, String)> = ingress
        .backends
        .iter()
        .filter_map(|b| Some((b, trouble(case.view, namespace, &b.service, &b.port)?)))
        .collect();
    let (first, why) = broken.first()?;
    let more = match broken.len() - 1 {
        0 => String::new(),
        rest => format!("; {rest} more lead nowhere"),
    };
    let severity = if broken.len() == ingress.backends.len() { Severity::Critical } else { Severity::Warning };
    let text = format!("the Ingress leads {} to nothing: {why}{more}", quote(&first.place(), 80));
    let evidence = case.own("spec.rules", &format!("{}: Service {}", first.place(), first.service));
    let back = broken.iter().find_map(|(b, _)| restore::of(case.view, Kind::Service, (namespace, &b.service), None));
    let meant = broken.iter().find_map(|(b, _)| meant(case, namespace, b));
    let candidates = back.into_iter().chain(meant).collect();
    Some(Finding { evidence, candidates, ..case.draft(Cause::IngressBackendMissing, severity, &text) })
}

/// The Service whose name is nearly that of one which is not there, at the same port or its only one.
fn meant(case: &Case<'_>, namespace: &str, backend: &Backend) -> Option<Candidate> {
    let named = |name: &str| case.view.named(Kind::Service, namespace, name);
    if named(&backend.service).is_some() {
        return None;
    }
    let others = case.view.things_in(Kind::Service, namespace).map(|t| &*t.head.name);
    let like = near(&backend.service, others)?;
    let ports = &named(like)?.service().filter(|s| !s.external)?.ports;
    let port = match (ports.iter().find(|p| fits(p, &backend.port)), &**ports) {
        (Some(_), _) => shown(&backend.port),
        (None, [only]) => only.port.to_string(),
        (None, _) => return None,
    };
    let backend = PathBackend {
        host: backend.host.as_deref()?.to_owned(),
        path: backend.path.to_string(),
        service: ObjectName::parse(like).ok()?,
        port: PortRef::parse(port).ok()?,
    };
    let why = format!("no Service is called as the path has it, and only {like} nearly so");
    Some(patch(case, IngressSettings { class: None, backend: Some(backend) }, why))
}

fn fits(port: &ServicePort, wanted: &Target) -> bool {
    match wanted {
        Target::Number(number) => port.port == *number,
        Target::Name(name) => port.name.as_ref() == Some(name),
    }
}

/// Why requests for a Service's port get nowhere, as far as the Service itself tells.
pub(crate) fn trouble(view: View<'_>, namespace: &str, name: &str, port: &Target) -> Option<String> {
    if !view.reads_in(Kind::Service, namespace) {
        return None;
    }
    let Some(thing) = view.named(Kind::Service, namespace, name) else {
        let others = view.things_in(Kind::Service, namespace).map(|t| &*t.head.name);
        let hint = near(name, others).map_or_else(String::new, |like| format!("; there is {}", quote(like, 60)));
        return Some(format!("Service {} does not exist{hint}", quote(name, 80)));
    };
    let service = thing.service().filter(|s| !s.external)?;
    if service.ports.is_empty() || *port == Target::Number(0) || service.ports.iter().any(|p| fits(p, port)) {
        return None;
    }
    let wanted = match port {
        Target::Number(number) => number.to_string(),
        Target::Name(name) => quote(name, 40),
    };
    let has: Vec<String> = service.ports.iter().map(|p| p.port.to_string()).collect();
    Some(format!("Service {} has no port {wanted}, only {}", quote(name, 80), has.join(", ")))
}

/// The controller's complaint about a Secret that the Ingress itself names.
fn secret(case: &Case<'_>, ingress: &Ingress) -> Option<Finding> {
    let complains = |m: &str| has_any(m, &["not found", "does not exist", "no such", "error getting"]);
    let events = case.view.events_of(case.thing?.head.uid).iter();
    let recent = events.filter(|e| complains(&e.message) && e.last.is_some_and(|at| case.age(at) < STILL_TOLD));
    let named = recent.filter_map(|e| Some((e, ingress.secrets.iter().find(|name| speaks_of(&e.message, name))?)));
    let (event, name) = named.max_by_key(|(e, _)| e.last)?;
    let text = format!(
        "the certificate's Secret {} is missing, as its controller says: {}",
        quote(name, 80),
        quote(&event.message, 140)
    );
    let mut finding = case.draft(Cause::IngressSecretMissing, Severity::Warning, &text);
    finding.since = event.first.unwrap_or(finding.since);
    finding.evidence = case.in_event(event, Some(case.subject.clone())).into_iter().collect();
    Some(finding)
}

/// True where a name stands in a message by itself, and not as part of a longer one.
pub(crate) fn speaks_of(message: &str, name: &str) -> bool {
    message
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))
        .any(|word| word.trim_matches('.') == name)
}

#[cfg(test)]
mod tests;
