//! Whether an Ingress leads somewhere.
//!
//! Owns what counts as that: the class is there, and behind its paths stand Services with ready
//! pods. Must never conclude it from the fields alone. No IO.

use super::{Health, Observation};
use crate::object::Kind;
use crate::plan::Plan;
use crate::plan::ingress::port_of;
use crate::plan::object::{is_live, label, name_of, text_at};
use serde_json::Value;

/// The field below a path that names its Service.
const SERVICE: &str = "/backend/service";

/// How many addresses it is served at, as its controller says.
pub(super) fn addresses(ingress: &Value) -> usize {
    ingress.pointer("/status/loadBalancer/ingress").and_then(Value::as_array).map_or(0, Vec::len)
}

/// Judges an Ingress that still is as it was set.
pub(super) fn leads(plan: &Plan, ingress: &Value, seen: &Observation) -> Health {
    let class = text_at(ingress, "/spec/ingressClassName");
    let is_there = |class: &str| living(seen, Kind::IngressClass).any(|known| name_of(known) == class);
    if let Some(class) = class.filter(|class| !is_there(class)) {
        return Health::NotYet(format!("its class {class} is not there"));
    }
    if plan.baseline.available > 0 && addresses(ingress) == 0 {
        return Health::NotYet("it is served at no address any more".to_owned());
    }
    let changed: Vec<&Value> = plan.changed.iter().filter_map(|pointer| of_path(ingress, pointer)).collect();
    if let Some(why) = changed.iter().find_map(|backend| trouble(backend, seen)) {
        return Health::NotYet(why);
    }
    // Where no path was changed, one of them that answers shows that there is something to serve.
    let answering = backends(ingress).into_iter().filter(|backend| trouble(backend, seen).is_none()).count();
    if answering == 0 {
        return Health::NotYet("behind none of its paths stands a Service with ready pods".to_owned());
    }
    Health::Healthy(format!("{answering} of its paths lead to Services with ready pods"))
}

fn living(seen: &Observation, kind: Kind) -> impl Iterator<Item = &Value> {
    seen.around.get(&kind).into_iter().flatten().filter(|object| is_live(object))
}

/// The Service of the path below which a pointer lies.
fn of_path<'a>(ingress: &'a Value, pointer: &str) -> Option<&'a Value> {
    let (path, _) = pointer.split_once(SERVICE)?;
    ingress.pointer(&format!("{path}{SERVICE}"))
}

/// The Services of all paths and the one for the rest.
fn backends(ingress: &Value) -> Vec<&Value> {
    let rules = ingress.pointer("/spec/rules").and_then(Value::as_array).into_iter().flatten();
    let paths = rules.filter_map(|rule| rule.pointer("/http/paths")?.as_array()).flatten();
    let rest = ingress.pointer("/spec/defaultBackend/service");
    paths.filter_map(|path| path.pointer(SERVICE)).chain(rest).collect()
}

/// Why requests to a backend get no answer.
fn trouble(backend: &Value, seen: &Observation) -> Option<String> {
    let name = text_at(backend, "/name").unwrap_or_default();
    let Some(service) = living(seen, Kind::Service).find(|service| name_of(service) == name) else {
        return Some(format!("Service {name} is not there"));
    };
    let wanted = ["/port/number", "/port/name"].iter().find_map(|at| backend.pointer(at));
    let Some(port) = wanted.and_then(|wanted| port_of(service, wanted)) else {
        return Some(format!("Service {name} has not the port that the path names"));
    };
    let own = |slice: &&Value| label(slice, "kubernetes.io/service-name") == Some(name);
    let answers = seen.slices.iter().filter(own).any(|slice| has_port(slice, port) && has_ready(slice));
    (!answers).then(|| format!("no ready pod stands behind Service {name} at that port"))
}

/// A slice has the ports under the names that the Service gives them.
fn has_port(slice: &Value, port: &Value) -> bool {
    let named = |port: &Value| text_at(port, "/name").unwrap_or_default().to_owned();
    let ports = slice.get("ports").and_then(Value::as_array);
    ports.is_some_and(|all| all.iter().any(|p| named(p) == named(port)))
}

fn has_ready(slice: &Value) -> bool {
    let endpoints = slice.get("endpoints").and_then(Value::as_array);
    let is_ready = |e: &Value| e.pointer("/conditions/ready").and_then(Value::as_bool) == Some(true);
    endpoints.is_some_and(|all| all.iter().any(is_ready))
}
