//! Hosts that a program cannot find.
//!
//! Owns the way from a resolver's complaint to the Service that is meant, and to what keeps its name
//! from being resolved. Must never take a host outside the cluster for a Service. No IO.

use super::case::Case;
use super::history::History;
use super::policy::dns_blocked_by;
use super::text::{has_any, quote};
use crate::finding::Cause;
use crate::index::{Now, Pod, Thing};
use crate::object::Kind;

/// The words before a host in the complaints of the usual resolvers: Go's, glibc's users', Node's,
/// Java's, curl's, BusyBox's.
const BEFORE: [&str; 10] = [
    "lookup ",
    "getaddrinfo ENOTFOUND ",
    "getaddrinfo EAI_AGAIN ",
    "could not translate host name ",
    "Could not resolve host: ",
    "UnknownHostException: ",
    "bad address ",
    "can't resolve ",
    "Failed to resolve ",
    "failed to lookup address information for ",
];
/// Complaints that name no host, or not where it can be found.
const COMPLAINTS: [&str; 6] = [
    "no such host",
    "name or service not known",
    "temporary failure in name resolution",
    "server misbehaving",
    "enotfound",
    "nxdomain",
];

/// How programs say in their own words that they did not find a host.
const DENIALS: [&str; 6] = [
    "cannot resolve ",
    "can't resolve ",
    "could not resolve ",
    "couldn't resolve ",
    "unable to resolve ",
    "failed to resolve ",
];
/// What they call it.
const NOUNS: [&str; 5] = ["host name ", "hostname ", "host address ", "host ", "address "];

/// What a termination message says of names that cannot be resolved, and why that is.
pub(crate) fn verdict(case: &Case<'_>, pod: &Pod<'_>, message: &str) -> Option<(Cause, String)> {
    // Much else is resolved, or not, than hosts: a program's own words count where they name a Service.
    let own_words = || own_words(message).filter(|host| is_service(case, pod, host));
    let host = host(message).or_else(own_words);
    if host.is_none() && !has_any(message, &COMPLAINTS) {
        return None;
    }
    if let Some(name) = host.and_then(|host| absent_service(case, pod, host)) {
        return Some((Cause::ServiceMissing, format!("speaks to Service {}, which does not exist", quote(name, 80))));
    }
    if pod.template().own_dns && host.is_none_or(|host| service_name(case, pod, host).is_some()) {
        let why = "its DNS policy asks the node's name server, which knows no Service";
        return Some((Cause::NameNotResolved, format!("cannot resolve names: {why}")));
    }
    let policy = dns_blocked_by(case.view, pod);
    let blocked = policy.map(|p| format!("network policy {} allows it no egress to port 53", quote(&p.head.name, 80)));
    let why = blocked.or_else(|| host.filter(|host| is_service(case, pod, host)).and_then(|_| other_dns(case, pod)))?;
    Some((Cause::NameNotResolved, format!("cannot resolve names: {why}")))
}

/// True where the newest revision looks names up in another way than the last that served.
fn other_dns(case: &Case<'_>, pod: &Pod<'_>) -> Option<String> {
    let history = History::of(case);
    let newest = history.newest().filter(|_| history.is_newest(pod))?;
    let good = history.good(case, |_| true).filter(|good| good.template.dns != newest.template.dns)?;
    Some(format!("its DNS settings are not those of revision {}, which served", good.number))
}

/// The host in a resolver's complaint.
fn host(message: &str) -> Option<&str> {
    let rest = BEFORE.iter().find_map(|words| message.split_once(words)).map(|(_, rest)| rest)?;
    word(rest)
}

/// The host that a program names behind words of its own.
fn own_words(message: &str) -> Option<&str> {
    let lower = message.to_ascii_lowercase();
    let at = DENIALS.iter().find_map(|words| Some(lower.find(words)? + words.len()))?;
    let noun = NOUNS.iter().find(|noun| lower.get(at..).is_some_and(|rest| rest.starts_with(**noun)));
    word(message.get(at + noun.map_or(0, |noun| noun.len())..)?)
}

/// The first word that may be a host.
fn word(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(['"', '\'', '`', '\u{2018}', ' ']);
    let end =
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_')).unwrap_or(rest.len());
    rest.get(..end).map(|host| host.trim_end_matches('.')).filter(|host| host.len() > 1)
}

/// The Service's namespace and name that a host means inside the cluster: one word, `name.namespace`
/// of a namespace there is, or what ends in `svc`.
fn service_name<'h>(case: &Case<'_>, pod: &Pod<'_>, host: &'h str) -> Option<(String, &'h str)> {
    let mut labels = host.split('.');
    let name = labels.next().filter(|name| !name.is_empty())?;
    match (labels.next(), labels.next()) {
        (None, _) if name == "localhost" => None,
        (None, _) => Some((pod.namespace().to_owned(), name)),
        (Some(namespace), Some("svc")) => Some((namespace.to_owned(), name)),
        (Some(namespace), None) => case.view.namespace(namespace).map(|_| (namespace.to_owned(), name)),
        (Some(_), Some(_)) => None,
    }
}

/// The Service that a host means, where there is none of that name.
pub(crate) fn absent_service<'h>(case: &Case<'_>, pod: &Pod<'_>, host: &'h str) -> Option<&'h str> {
    let (namespace, name) = service_name(case, pod, host)?;
    let known = !case.view.reads_in(Kind::Service, &namespace)
        || case.view.named(Kind::Service, &namespace, name).is_some()
        // A pod of a StatefulSet, or one with a subdomain, has a name of its own.
        || case.view.pod_named(&namespace, name).is_some();
    (!known).then_some(name)
}

/// The Service of the pod's namespace that a container's last words, or its command, mean and that is not there.
pub(crate) fn missing_service<'a>(case: &Case<'a>, pod: &Pod<'a>, container: &str) -> Option<&'a str> {
    let state = pod.odd()?.containers.iter().find(|c| &*c.name == container)?;
    let ended = match &state.now {
        Now::Ended(exit) => Some(exit),
        Now::Waiting { .. } | Now::Running { .. } => state.last.as_ref(),
    };
    let said = ended.and_then(|exit| host(&exit.message).or_else(|| own_words(&exit.message)));
    let hosts = pod.template().container(container).map_or(&[][..], |c| &*c.hosts).iter().map(|host| &**host);
    let absent = said.into_iter().chain(hosts).filter(|host| absent_service(case, pod, host).is_some());
    let mut own = absent.filter_map(|host| service_name(case, pod, host)).filter(|(ns, _)| *ns == pod.namespace());
    own.next().map(|(_, name)| name)
}

/// True where a host means a Service that there is.
fn is_service(case: &Case<'_>, pod: &Pod<'_>, host: &str) -> bool {
    service_name(case, pod, host)
        .is_some_and(|(namespace, name)| case.view.named(Kind::Service, &namespace, name).is_some())
}

/// True where the Service that a host means is there and has no ready endpoint: its own finding.
pub(crate) fn is_unserved(case: &Case<'_>, pod: &Pod<'_>, host: &str) -> bool {
    let Some((namespace, name)) = service_name(case, pod, host) else { return false };
    let mut slices = case.view.things_in(Kind::EndpointSlice, &namespace).filter_map(Thing::slice);
    let served = slices.any(|s| s.ready > 0 && s.service.as_deref() == Some(name));
    case.view.named(Kind::Service, &namespace, name).is_some() && !served
}

#[cfg(test)]
mod tests;
