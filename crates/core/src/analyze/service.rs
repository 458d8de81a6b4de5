//! Services that reach nothing.
//!
//! Owns the comparison of selector and target ports with the pods there are. Must never report a
//! Service whose pods have a finding of their own, or whose workload is scaled to zero. No IO.

use super::near::near;
use super::text::{EVIDENCE_CAP, SUMMARY_CAP, plain, quote};
use crate::action::{Action, Origin, Param, ServiceSettings, TargetPort};
use crate::finding::{Candidate, Cause, Evidence, Finding, Severity};
use crate::index::{Container, Labels, Phase, Pod, Role, Service, ServicePort, Target, Thing, UidKey, View};
use crate::names::{PortRef, Uid};
use crate::object::{Kind, ObjectRef};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

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
        let mut finding = self.finding(
            Cause::ServiceSelectsNothing,
            Severity::Critical,
            &format!("selects {} but no pod has these labels{near}", quote(&selector, 100)),
            self.own("spec.selector", &selector),
        );
        finding.candidates = self.other_selector().into_iter().collect();
        Some(finding)
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
        let mut finding = self.finding(Cause::ServicePortMismatch, severity, &text, evidence);
        finding.candidates = self.other_port(port, pods).into_iter().collect();
        Some(finding)
    }

    /// The selector's own keys with other values, where ready pods leave no doubt which ones are meant.
    fn other_selector(&self) -> Option<Candidate> {
        let ready = self.view.pods_in(&self.thing.head.namespace).filter(|pod| pod.ready() && !pod.deleting());
        let meant: BTreeSet<BTreeMap<String, String>> = ready.filter_map(|pod| self.meant(&pod)).collect();
        let mut all = meant.into_iter();
        let selector = all.next().filter(|_| all.next().is_none())?;
        let shown: Vec<String> = selector.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let why = format!("ready pods have {}, and nothing else is as near", shown.join(","));
        Some(self.patch(ServiceSettings { selector, ..ServiceSettings::default() }, why))
    }

    /// The pod's values for the selector's keys, where each is the wanted one, nearly that, or the Service's name.
    fn meant(&self, pod: &Pod<'_>) -> Option<BTreeMap<String, String>> {
        let pair = |(key, wanted): (&str, &str)| {
            let has = pod.labels().get(key)?;
            let is_meant = has == wanted || has == &*self.thing.head.name || alike(has, wanted);
            is_meant.then(|| (key.to_owned(), has.to_owned()))
        };
        self.service.selector.iter().map(pair).collect()
    }

    /// The one port that every pod declares, where there is but one.
    fn other_port(&self, port: &ServicePort, pods: &[Pod<'_>]) -> Option<Candidate> {
        let mut numbers = pods.iter().flat_map(|pod| {
            let ports = pod.template().containers.iter().flat_map(|c| &c.ports);
            ports.filter(|p| p.other_protocol == port.other_protocol).map(|p| p.number)
        });
        let only = numbers.next()?;
        // Where another port leads there, this one was meant for something else.
        let taken = self.service.ports.iter().any(|p| p.target == Target::Number(only));
        if taken || numbers.any(|number| number != only) || !pods.iter().any(Pod::ready) {
            return None;
        }
        let target = TargetPort { port: i32::from(port.port), target: PortRef::parse(only.to_string()).ok()? };
        let why = format!("{only} is the only port that its pods declare");
        Some(self.patch(ServiceSettings { target_port: Some(target), ..ServiceSettings::default() }, why))
    }

    fn patch(&self, settings: ServiceSettings, why: String) -> Candidate {
        let settings = Param::new(settings, Origin::CurrentValue {});
        Candidate {
            action: Action::PatchService { settings },
            target: self.subject.clone(),
            why: plain(&why, SUMMARY_CAP),
        }
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

/// True for a slip of the pen, and where one is the other with more behind a dash.
fn alike(one: &str, other: &str) -> bool {
    let more = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with(['-', '_', '.']));
    near(other, std::iter::once(one)).is_some() || more(one, other) || more(other, one)
}

/// True where a pod may listen on a Service's target port. A declared port is only a statement:
/// where a container declares none of that protocol, or a probe asks that number, nothing is known against it.
fn offers(pod: &Pod<'_>, port: &ServicePort) -> bool {
    let mut lasting = pod.template().containers.iter().filter(|c| c.role != Role::Init);
    let same = |p: &&crate::index::ContainerPort| p.other_protocol == port.other_protocol;
    match &port.target {
        Target::Name(name) => lasting.any(|c| c.ports.iter().any(|p| p.name.as_ref() == Some(name))),
        Target::Number(number) => {
            let may = |c: &Container| {
                let mut numbers = c.ports.iter().filter(same).map(|p| p.number).peekable();
                numbers.peek().is_none() || numbers.any(|n| n == *number)
            };
            lasting.any(may) || probed(pod, *number)
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
