//! The Gateway API: classes and Gateways that are not accepted, routes that lead nowhere.
//!
//! Owns the reading of their conditions. Must never judge a kind the cluster does not have. No IO.

use super::case::Case;
use super::ingress::trouble;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{Conditions, Target};
use crate::object::Kind;
use jiff::SignedDuration;

/// A controller needs a moment to say what it thinks.
const GRACE: SignedDuration = SignedDuration::from_mins(2);

/// What is wrong with a GatewayClass, a Gateway or an HTTPRoute.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some(thing) = case.thing.filter(|t| !t.head.marks.deleting()) else {
        return Vec::new();
    };
    if let Some(conditions) = thing.gateway_class() {
        return refused(case, conditions, &["Accepted"]).into_iter().collect();
    }
    if let Some(gateway) = thing.gateway() {
        let class = class_missing(case, &gateway.class);
        return class.or_else(|| refused(case, &gateway.conditions, &["Accepted", "Programmed"])).into_iter().collect();
    }
    route(case)
}

fn refused(case: &Case<'_>, conditions: &Conditions, kinds: &[&str]) -> Option<Finding> {
    let no = kinds.iter().filter_map(|kind| conditions.get(kind)).find(|c| !c.holds && !c.reason.is_empty())?;
    // Until its controller has spoken, the API server's own default says `Unknown`.
    if &*no.reason == "Pending" || !case.past(no.since.or(case.thing?.head.created), GRACE) {
        return None;
    }
    let text = format!("the {} is not {}: {}", case.subject.kind, no.kind.to_lowercase(), quote(&no.message, 180));
    let mut finding = case.draft(Cause::GatewayRefused, Severity::Warning, &text);
    finding.since = no.since.unwrap_or(finding.since);
    finding.evidence = case.own(&format!("status.conditions[{}]", no.kind), &format!("{}: {}", no.reason, no.message));
    Some(finding)
}

fn class_missing(case: &Case<'_>, class: &str) -> Option<Finding> {
    let known = !case.view.reads(Kind::GatewayClass) || case.view.named(Kind::GatewayClass, "", class).is_some();
    if known || !case.past(case.thing?.head.created, GRACE) {
        return None;
    }
    let text = format!("nothing serves the Gateway: its class {} does not exist", quote(class, 80));
    let evidence = case.own("spec.gatewayClassName", class);
    Some(Finding { evidence, ..case.draft(Cause::GatewayRefused, Severity::Critical, &text) })
}

fn route(case: &Case<'_>) -> Vec<Finding> {
    let Some(route) =
        case.thing.and_then(|t| t.route()).filter(|_| case.past(case.thing.and_then(|t| t.head.created), GRACE))
    else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let absent = |(namespace, name): &&(crate::index::Text, crate::index::Text)| {
        case.view.reads_in(Kind::Gateway, namespace) && case.view.named(Kind::Gateway, namespace, name).is_none()
    };
    if let Some((namespace, name)) = route.gateways.iter().find(absent) {
        let text =
            format!("the route hangs on Gateway {}, which does not exist", quote(&format!("{namespace}/{name}"), 120));
        let evidence = case.own("spec.parentRefs", name);
        out.push(Finding { evidence, ..case.draft(Cause::RouteGatewayMissing, Severity::Warning, &text) });
    }
    let broken = route.backends.iter().find_map(|b| {
        let why = trouble(case.view, &b.namespace, &b.name, &Target::Number(b.port.unwrap_or(0)))?;
        Some((b, why))
    });
    if let Some((backend, why)) = broken {
        let text = format!("the route leads to nothing: {why}");
        let evidence = case.own("spec.rules", &format!("Service {}/{}", backend.namespace, backend.name));
        out.push(Finding { evidence, ..case.draft(Cause::RouteBackendMissing, Severity::Warning, &text) });
    }
    out
}

#[cfg(test)]
mod tests;
