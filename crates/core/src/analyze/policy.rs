//! Network policies that select nothing, keep names from being resolved, or admit nobody.
//!
//! Owns the reading of policies against the pods and namespaces there are. Must never propose a
//! change: a policy is a security control. No IO.

use super::budget::is_known;
use super::case::Case;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{NetworkPolicy, Peer, Pod, PolicyPort, PolicyRule, Thing, View};
use crate::object::Kind;
use jiff::SignedDuration;

/// Policies that add up are often made together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(30);
/// A policy is often made before its pods.
const GRACE: SignedDuration = SignedDuration::from_mins(1);
/// Pods and labels of other namespaces come and go without news of the policy.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// Where name servers listen, on OpenShift behind their Service.
const DNS: [u16; 2] = [53, 5353];

/// What is wrong with a network policy.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, policy)) = case.thing.and_then(|t| Some((t, t.network_policy()?))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() || !case.view.reads(Kind::Pod) || !case.past(thing.head.created, TOGETHER) {
        return Vec::new();
    }
    case.look_again(case.now.checked_add(AGAIN).unwrap_or(case.now));
    let blocked = blocks_dns(case, thing, policy);
    if !case.past(thing.head.created, GRACE) {
        return blocked.into_iter().collect();
    }
    let namespace = &*thing.head.namespace;
    if !policy.selector.is_empty() && !is_known(case.view, namespace, &policy.selector) {
        let shown = policy.selector.text();
        let text = format!("the policy is about nothing: no pod has {}", quote(&shown, 160));
        let evidence = case.own("spec.podSelector", &shown);
        return vec![Finding { evidence, ..case.draft(Cause::PolicySelectsNothing, Severity::Info, &text) }];
    }
    blocked.into_iter().chain(admits_nobody(case, thing, policy)).collect()
}

/// The policies that say something of what a pod may reach, by name.
fn egress_of<'a>(view: View<'a>, pod: &Pod<'a>) -> Vec<(&'a Thing, &'a [PolicyRule])> {
    let policies = view.things_in(Kind::NetworkPolicy, pod.namespace());
    let about = |t: &'a Thing| {
        let policy = t.network_policy().filter(|p| pod.matches(&p.selector))?;
        Some((t, &*policy.egress.as_ref()?.0))
    };
    policies.filter_map(about).collect()
}

/// The first of the policies that together keep a pod from any name server; none where it may ask one.
pub(crate) fn dns_blocked_by<'a>(view: View<'a>, pod: &Pod<'a>) -> Option<&'a Thing> {
    let policies = egress_of(view, pod);
    let asks = |rule: &PolicyRule| rule.ports.is_empty() || rule.ports.iter().any(opens_dns);
    let open = policies.iter().any(|(_, rules)| rules.iter().any(asks));
    policies.first().map(|(thing, _)| *thing).filter(|_| !open)
}

fn opens_dns(port: &PolicyPort) -> bool {
    let every = port.from == 0 && port.name.is_none();
    let named = port.name.as_ref().is_some_and(|name| name.starts_with("dns"));
    (port.udp || port.tcp) && (every || named || DNS.iter().any(|dns| (port.from..=port.to).contains(dns)))
}

fn blocks_dns(case: &Case<'_>, thing: &Thing, policy: &NetworkPolicy) -> Option<Finding> {
    let rules = &policy.egress.as_ref()?.0;
    let selected = case.view.pods_matching(&thing.head.namespace, &policy.selector);
    let blocked: Vec<Pod<'_>> = selected
        .filter(|pod| !pod.deleting() && !pod.template().own_dns)
        .filter(|pod| dns_blocked_by(case.view, pod).is_some_and(|by| by.head.uid == thing.head.uid))
        .collect();
    let first = blocked.first()?;
    // Whoever opens a way to pods or to everybody means to be found by name; to open nothing, or
    // addresses alone, may be meant.
    let by_name = |rule: &PolicyRule| rule.peers.is_empty() || rule.peers.iter().any(|peer| !peer.block);
    let meant = blocked.iter().flat_map(|pod| egress_of(case.view, pod)).any(|(_, rules)| rules.iter().any(by_name));
    let suffers = blocked.iter().any(|pod| !pod.ready() && pod.odd().is_some());
    let severity = if meant || suffers { Severity::Warning } else { Severity::Info };
    let who = match blocked.len() {
        1 => format!("pod {}", quote(&first.name(), 70)),
        count => format!("{count} pods"),
    };
    let text = format!("{who} cannot resolve names: no policy about them allows egress to port 53");
    let mut evidence = case.own("spec.egress", &format!("{} rules, none of which opens port 53", rules.len()));
    evidence.extend(case.in_pod(first, "metadata.labels", &policy.selector.text()));
    Some(Finding { evidence, ..case.draft(Cause::PolicyBlocksDns, severity, &text) })
}

fn admits_nobody(case: &Case<'_>, thing: &Thing, policy: &NetworkPolicy) -> Option<Finding> {
    let rules = &policy.ingress.as_ref()?.0;
    let dead: Vec<&PolicyRule> = rules.iter().filter(|rule| is_dead(case.view, thing, rule)).collect();
    let peer = dead.first()?.peers.first()?;
    let severity = if dead.len() == rules.len() { Severity::Warning } else { Severity::Info };
    let shown = show(peer);
    let text = format!("the policy admits only pods that do not exist: {}", quote(&shown, 180));
    let evidence = case.own("spec.ingress", &shown);
    Some(Finding { evidence, ..case.draft(Cause::PolicyAdmitsNobody, severity, &text) })
}

/// True where a rule names pods, and none of them exists or would be made by a workload.
fn is_dead(view: View<'_>, thing: &Thing, rule: &PolicyRule) -> bool {
    !rule.peers.is_empty() && rule.peers.iter().all(|peer| is_nobody(view, thing, peer))
}

fn is_nobody(view: View<'_>, thing: &Thing, peer: &Peer) -> bool {
    if peer.block {
        return false;
    }
    let Some(namespaces) = &peer.namespaces else {
        return peer.pods.as_ref().is_some_and(|pods| !pods.is_empty() && !is_known(view, &thing.head.namespace, pods));
    };
    if !view.reads_everywhere() || !view.reads(Kind::Namespace) {
        return false;
    }
    let named = view.things(Kind::Namespace).filter(|ns| namespaces.matches(&ns.head.labels));
    let known =
        |ns: &Thing| peer.pods.as_ref().is_none_or(|pods| pods.is_empty() || is_known(view, &ns.head.name, pods));
    !named.into_iter().any(known)
}

fn show(peer: &Peer) -> String {
    let pods = peer.pods.as_ref().filter(|p| !p.is_empty()).map(|p| format!("pods {}", p.text()));
    let namespaces = peer.namespaces.as_ref().filter(|n| !n.is_empty()).map(|n| format!("namespaces {}", n.text()));
    let parts: Vec<String> = pods.into_iter().chain(namespaces).collect();
    parts.join(" of ")
}

#[cfg(test)]
mod tests;
