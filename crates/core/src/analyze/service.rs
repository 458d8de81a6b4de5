//! Services that reach nothing.
//!
//! Owns the comparison of selector and target ports with the pods there are. Must never report a
//! Service whose pods have a finding of their own, or whose workload is scaled to zero. No IO.

use super::text::{EVIDENCE_CAP, SUMMARY_CAP, plain, quote};
use crate::finding::{Cause, Evidence, Finding, Severity};
use crate::index::{Labels, Phase, Pod, Service, ServicePort, Target, Thing, UidKey, View};
use crate::names::Uid;
use crate::object::{Kind, ObjectRef};
use jiff::{SignedDuration, Timestamp};

/// A Service and its pods are often made together.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// A Service under examination.
struct Case<'a> {
    view: View<'a>,
    thing: &'a Thing,
    service: &'a Service,
    subject: &'a ObjectRef,
    now: Timestamp,
}

/// What is wrong with a Service, and when to look again.
pub(crate) fn find(view: View<'_>, subject: &ObjectRef, now: Timestamp) -> (Vec<Finding>, Option<Timestamp>) {
    let nothing = (Vec::new(), None);
    let Some(thing) = view.thing(UidKey::of(subject.uid.as_ref().map_or("", Uid::as_str))) else {
        return nothing;
    };
    let Some(service) = thing.service() else {
        return nothing;
    };
    if service.external || service.selector.is_empty() || thing.head.marks.deleting() || !view.reads(Kind::Pod) {
        return nothing;
    }
    let case = Case { view, thing, service, subject, now };
    let mut pods = view.pods_selected(&thing.head.namespace, &service.selector);
    pods.retain(|pod| !matches!(pod.phase(), Phase::Succeeded | Phase::Failed));
    if pods.is_empty() {
        return case.after(thing.head.created, || case.selects_nothing());
    }
    if let Some(finding) = case.port_mismatch(&pods) {
        return case.after(thing.head.created, || Some(finding));
    }
    if pods.iter().any(|pod| pod.ready() && !pod.deleting()) || service.publishes_unready {
        return case.after(thing.head.created, || case.selects_others(&pods));
    }
    let since = pods.iter().filter_map(Pod::ready_since).max().or(thing.head.created);
    case.after(since, || case.none_ready(&pods, since))
}

impl Case<'_> {
    /// Holds a verdict back until it has stood for the grace.
    fn after(
        &self,
        since: Option<Timestamp>,
        verdict: impl FnOnce() -> Option<Finding>,
    ) -> (Vec<Finding>, Option<Timestamp>) {
        match since.and_then(|s| s.checked_add(GRACE).ok()) {
            Some(due) if due > self.now => (Vec::new(), Some(due)),
            Some(_) | None => (verdict().into_iter().collect(), None),
        }
    }

    fn selects_nothing(&self) -> Option<Finding> {
        let namespace = &self.thing.head.namespace;
        // The selector fits a workload that has no pods now: scaled to zero, or refused pods.
        let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::Job, Kind::CronJob];
        let mut workloads = kinds.into_iter().flat_map(|kind| self.view.things_in(kind, namespace));
        let fits = |t: &Thing| t.workload().is_some_and(|w| covers(&self.service.selector, &w.template_labels));
        if workloads.any(fits) || self.has_endpoints() {
            return None;
        }
        let selector = show(&self.service.selector);
        let near = self.nearest().map_or_else(String::new, |pod| {
            format!("; pod {} has {}", quote(&pod.name(), 70), quote(&shared(&self.service.selector, pod.labels()), 70))
        });
        Some(self.finding(
            Cause::ServiceSelectsNothing,
            Severity::Critical,
            &format!("selects {} but no pod has these labels{near}", quote(&selector, 100)),
            self.own("spec.selector", &selector),
        ))
    }

    /// Someone else may write the EndpointSlices of a Service with a selector that fits nothing.
    fn has_endpoints(&self) -> bool {
        let mut slices = self.view.things_in(Kind::EndpointSlice, &self.thing.head.namespace).filter_map(Thing::slice);
        slices.any(|s| s.ready > 0 && s.service.as_ref() == Some(&self.thing.head.name))
    }

    /// The pod that comes closest: one that has some of the selector's pairs, or, where the pods
    /// of the namespace all have the same values for its keys, any of them.
    fn nearest(&self) -> Option<Pod<'_>> {
        let selector = &self.service.selector;
        let matching = |pod: &Pod<'_>| selector.iter().filter(|(k, v)| pod.labels().get(k) == Some(*v)).count();
        let keyed: Vec<Pod<'_>> = self
            .view
            .pods_in(&self.thing.head.namespace)
            .filter(|pod| selector.iter().any(|(k, _)| pod.labels().get(k).is_some()))
            .collect();
        let best = keyed.iter().max_by_key(|pod| (matching(pod), std::cmp::Reverse(pod.name())))?;
        let values = shared(selector, best.labels());
        let alike = keyed.iter().all(|pod| shared(selector, pod.labels()) == values);
        (alike || matching(best) > 0).then_some(*best)
    }

    fn port_mismatch(&self, pods: &[Pod<'_>]) -> Option<Finding> {
        let port = self.service.ports.iter().find(|port| pods.iter().all(|pod| !offers(pod, port)))?;
        let (severity, target) = match &port.target {
            Target::Name(name) => (Severity::Critical, format!("named {}", quote(name, 40))),
            Target::Number(number) => (Severity::Warning, number.to_string()),
        };
        let pod = pods.first()?;
        let declared = declared(pod);
        let text =
            format!("sends port {} to target port {target}, but its pods declare {}", port.port, quote(&declared, 120));
        let mut evidence = self.own("spec.ports", &format!("{}: target port {target}", port.port));
        evidence.extend(self.of_pod(pod, "spec.containers", &declared));
        Some(self.finding(Cause::ServicePortMismatch, severity, &text, evidence))
    }

    /// Ready pods of one workload serve a port, and ready ones of another, which declare others, do not.
    fn selects_others(&self, pods: &[Pod<'_>]) -> Option<Finding> {
        let ready: Vec<&Pod<'_>> = pods.iter().filter(|pod| pod.ready() && !pod.deleting()).collect();
        let port = self.service.ports.iter().find(|port| ready.iter().any(|pod| !offers(pod, port)))?;
        let stray = ready.iter().find(|pod| !offers(pod, port))?;
        let home = ready.iter().find(|pod| offers(pod, port) && pod.subject() != stray.subject())?;
        let (other, own) = (stray.subject()?, home.subject()?);
        let target = match &port.target {
            Target::Name(name) => quote(name, 40),
            Target::Number(number) => number.to_string(),
        };
        let text = format!(
            "selects pods of {} {} and of {} {}, and the latter do not serve its port {target}: a part of the requests fails",
            own.kind, own.name, other.kind, other.name
        );
        let mut evidence = self.own("spec.selector", &show(&self.service.selector));
        evidence.extend(self.of_pod(stray, "spec.containers", &declared(stray)));
        Some(self.finding(Cause::ServiceSelectsOthers, Severity::Warning, &text, evidence))
    }

    fn none_ready(&self, pods: &[Pod<'_>], since: Option<Timestamp>) -> Option<Finding> {
        let batch = |pod: &Pod<'_>| pod.owner().is_some_and(|o| o.kind == Some(Kind::Job));
        let away = |pod: &Pod<'_>| pod.node().is_some_and(|node| super::node::is_down(self.view, node));
        if pods.iter().all(|pod| pod.deleting() || batch(pod) || away(pod)) {
            return None;
        }
        // A finding about the pods says why; this would only say so again.
        let explained = |pod: &Pod<'_>| {
            pod.subject().is_some_and(|s| !super::workload(self.view, &s, self.now).findings.is_empty())
        };
        if pods.iter().any(explained) {
            return None;
        }
        let text = match pods.len() {
            1 => "selects one pod, which is not ready".to_owned(),
            count => format!("selects {count} pods, none of which is ready"),
        };
        let shown = pods.iter().take(3).filter_map(|pod| self.of_pod(pod, "status.conditions[Ready].status", "False"));
        let mut finding = self.finding(Cause::ServiceWithoutEndpoints, Severity::Critical, &text, shown.collect());
        finding.since = since.unwrap_or(self.now);
        Some(finding)
    }

    fn finding(&self, cause: Cause, severity: Severity, text: &str, evidence: Vec<Evidence>) -> Finding {
        Finding {
            cause,
            severity,
            subject: self.subject.clone(),
            container: None,
            summary: plain(&format!("the Service {text}"), SUMMARY_CAP),
            since: self.thing.head.created.unwrap_or(self.now),
            evidence,
            candidates: Vec::new(),
        }
    }

    fn own(&self, path: &str, value: &str) -> Vec<Evidence> {
        let uid = self.view.uid_text(self.thing.head.uid);
        let id = format!("object:{uid}@{}#{path}", self.thing.head.rv);
        vec![Evidence { id, object: self.subject.clone(), value: plain(value, EVIDENCE_CAP) }]
    }

    fn of_pod(&self, pod: &Pod<'_>, path: &str, value: &str) -> Option<Evidence> {
        let id = format!("object:{}@{}#{path}", self.view.uid_text(pod.key()), pod.rv());
        Some(Evidence { id, object: pod.reference()?, value: plain(value, EVIDENCE_CAP) })
    }
}

fn covers(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn show(labels: &Labels) -> String {
    labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// The pod's own values of the selector's keys.
fn shared(selector: &Labels, labels: &Labels) -> String {
    let found = selector.iter().filter_map(|(key, _)| labels.get(key).map(|value| format!("{key}={value}")));
    found.collect::<Vec<_>>().join(",")
}

/// True where a pod may listen on a Service's target port. A declared port is only a statement:
/// where a pod declares none of that protocol, or asks a probe on that number, nothing is known against it.
fn offers(pod: &Pod<'_>, port: &ServicePort) -> bool {
    let mut declared = pod.template().containers.iter().flat_map(|c| &c.ports);
    let same = |p: &&crate::index::ContainerPort| p.other_protocol == port.other_protocol;
    match &port.target {
        Target::Name(name) => declared.any(|p| p.name.as_ref() == Some(name)),
        Target::Number(number) => {
            let numbers: Vec<u16> = declared.filter(same).map(|p| p.number).collect();
            numbers.is_empty() || numbers.contains(number) || probed(pod, *number)
        }
    }
}

fn probed(pod: &Pod<'_>, number: u16) -> bool {
    let probes = pod.template().containers.iter().flat_map(|c| [&c.liveness, &c.readiness, &c.startup]);
    let port = crate::index::shape::Port::Number(number);
    probes.flatten().any(|probe| probe.port.as_ref() == Some(&port))
}

fn declared(pod: &Pod<'_>) -> String {
    let ports = pod.template().containers.iter().flat_map(|c| &c.ports).map(|p| match &p.name {
        Some(name) => format!("{name} {}", p.number),
        None => p.number.to_string(),
    });
    let ports: Vec<String> = ports.collect();
    if ports.is_empty() { "no port".to_owned() } else { ports.join(", ") }
}

#[cfg(test)]
mod tests;
