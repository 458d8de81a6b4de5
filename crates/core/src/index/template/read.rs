//! From a pod spec to its template, and whether a template at hand is already what a spec says.
//!
//! Owns the choice of what is read of a spec. Reading and comparing go through the same choice, so
//! that a template is never taken for a spec that would read otherwise. No IO.

use super::hosts;
use super::{Amounts, ConfigRef, Container, ContainerPort, Probe, RefKind, Role, Template};
use crate::index::hash::Print;
use crate::index::intern::{Intern, Text};
use crate::index::shape::{
    ContainerShape, EnvShape, KeyRefShape, PodSpecShape, Port, PortShape, ProbeShape, SourceShape,
};

type Ref<'a> = (RefKind, &'a KeyRefShape);

fn containers(spec: &PodSpecShape) -> impl Iterator<Item = (Role, &ContainerShape)> {
    let init = spec.init_containers.iter().map(|c| {
        let role = if c.restart_policy == "Always" { Role::Sidecar } else { Role::Init };
        (role, c)
    });
    init.chain(spec.containers.iter().map(|c| (Role::Main, c)))
}

fn mounts(spec: &PodSpecShape) -> impl Iterator<Item = Ref<'_>> {
    spec.volumes.iter().flat_map(|v| {
        let whole = v.config_map.iter().map(|r| (RefKind::ConfigMap, r));
        let secret = v.secret.iter().map(|r| (RefKind::Secret, r));
        whole.chain(secret).chain(v.projected.iter().flat_map(|p| &p.sources).filter_map(source))
    })
}

/// The claims' names, each in two parts.
fn claims<'a>(spec: &'a PodSpecShape, pod: &'a str) -> impl Iterator<Item = (&'a str, &'static str)> {
    let claims = spec.volumes.iter().filter_map(|v| v.persistent_volume_claim.as_ref());
    // A StatefulSet's claims end in the pod's name, which must not tell its pods apart.
    claims.map(move |claim| match claim.claim_name.strip_suffix(pod) {
        Some(head) if !pod.is_empty() && head.ends_with('-') => (head, "*"),
        Some(_) | None => (claim.claim_name.as_str(), ""),
    })
}

fn account(spec: &PodSpecShape) -> &str {
    if spec.service_account_name == "default" { "" } else { &spec.service_account_name }
}

/// The node's resolver, or one of the pod's own.
fn own_dns(spec: &PodSpecShape) -> bool {
    match spec.dns_policy.as_str() {
        "Default" | "None" => true,
        "ClusterFirst" => spec.host_network,
        _ => false,
    }
}

fn dns(spec: &PodSpecShape) -> Print {
    Print::of(&(spec.dns_policy.as_str(), spec.dns_config, spec.host_network))
}

fn pull_secrets(spec: &PodSpecShape) -> impl Iterator<Item = &str> {
    spec.image_pull_secrets.iter().map(|s| s.name.as_str())
}

/// Whether pods restart containers that end well too, and whether they never restart any.
fn restarts(spec: &PodSpecShape) -> (bool, bool) {
    (matches!(spec.restart_policy.as_str(), "" | "Always"), spec.restart_policy == "Never")
}

fn node_selector(spec: &PodSpecShape) -> impl Iterator<Item = (&str, &str)> {
    spec.node_selector.iter().map(|(k, v)| (k.as_str(), v.as_str()))
}

/// What is not read, but may be what two revisions differ in. Where a pod may go is told of templates
/// alone: a DaemonSet's pods differ in it.
fn rest(spec: &PodSpecShape, pod: &str) -> Print {
    let placing = if pod.is_empty() { [spec.affinity, spec.topology_spread_constraints] } else { Default::default() };
    Print::of(&(placing, spec.host_aliases, spec.security_context, spec.runtime_class_name, spec.host_network))
}

/// The same of a container.
fn container_rest(c: &ContainerShape) -> Print {
    let probes = [&c.liveness_probe, &c.readiness_probe, &c.startup_probe].map(|p| p.as_ref().map(|p| p.exec));
    let mut print = Print::of(&(&c.command, &c.args, c.working_dir, c.lifecycle, c.security_context, probes));
    for variable in &c.env {
        print = Print::of(&(print, variable.value));
    }
    print
}

fn source(source: &SourceShape) -> Option<Ref<'_>> {
    let (kind, r) = match (&source.config_map_ref, &source.secret_ref) {
        (Some(r), _) => (RefKind::ConfigMap, r),
        (None, Some(r)) => (RefKind::Secret, r),
        (None, None) => return None,
    };
    // Every pod has this one from the API server itself.
    (r.name != "kube-root-ca.crt").then_some((kind, r))
}

fn env_ref(e: &EnvShape) -> Option<Ref<'_>> {
    match (&e.value_from.config_map_key_ref, &e.value_from.secret_key_ref) {
        (Some(r), _) => Some((RefKind::ConfigMap, r)),
        (None, Some(r)) => Some((RefKind::Secret, r)),
        (None, None) => None,
    }
}

fn keys(r: &KeyRefShape) -> impl Iterator<Item = &str> {
    r.items.iter().map(|i| i.key.as_str()).chain((!r.key.is_empty()).then_some(r.key.as_str()))
}

fn amount<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
}

fn other_protocol(p: &PortShape) -> bool {
    matches!(p.protocol.as_str(), "UDP" | "SCTP")
}

/// What a probe asks, in two parts, and its port.
fn asks(p: &ProbeShape) -> ((&'static str, &str), Option<&Port>) {
    match (&p.http_get, &p.tcp_socket, &p.grpc) {
        (Some(h), _, _) => (("http:", h.path.as_str()), h.port.as_ref()),
        (None, Some(h), _) => (("tcp", ""), h.port.as_ref()),
        (None, None, Some(h)) => (("grpc", ""), h.port.as_ref()),
        (None, None, None) => (("exec", ""), None),
    }
}

/// Initial delay, period, timeout and failures.
fn timing(p: &ProbeShape) -> [i32; 4] {
    // The API server fills these in; a shape that lacks them gets the same defaults.
    let or = |value: i32, default: i32| if value > 0 { value } else { default };
    let delay = p.initial_delay_seconds.max(0);
    [delay, or(p.period_seconds, 10), or(p.timeout_seconds, 1), or(p.failure_threshold, 3)]
}

impl Template {
    pub(crate) fn read(intern: &mut Intern, spec: &PodSpecShape, pod: &str) -> Self {
        let (restarts_always, restarts_never) = restarts(spec);
        Self {
            containers: containers(spec).map(|(role, c)| read_container(intern, role, c)).collect(),
            mounts: mounts(spec).map(|r| read_ref(intern, r)).collect(),
            claims: claims(spec, pod).map(|name| read_parts(intern, name)).collect(),
            node_selector: intern.labels(node_selector(spec)),
            service_account: intern.text(account(spec)),
            pull_secrets: pull_secrets(spec).map(|name| intern.text(name)).collect(),
            own_dns: own_dns(spec),
            dns: dns(spec),
            restarts_always,
            restarts_never,
            rest: rest(spec, pod),
        }
    }

    /// True where reading that spec would give this template. Builds nothing.
    pub(crate) fn is_of(&self, spec: &PodSpecShape, pod: &str) -> bool {
        // Taken apart, so that a new field cannot be forgotten here; the same below.
        let Self {
            containers: known,
            mounts: refs,
            claims: names,
            node_selector: nodes,
            service_account,
            pull_secrets: secrets,
            own_dns: elsewhere,
            dns: looked_up,
            restarts_always,
            restarts_never,
            rest: print,
        } = self;
        (*restarts_always, *restarts_never) == restarts(spec)
            && *print == rest(spec, pod)
            && **service_account == *account(spec)
            && *elsewhere == own_dns(spec)
            && *looked_up == dns(spec)
            && all(secrets, pull_secrets(spec), |known, name| **known == *name)
            && all(known, containers(spec), |known, (role, c)| is_container(known, role, c))
            && all(refs, mounts(spec), is_ref)
            && all(names, claims(spec, pod), |known, name| is_parts(known, name))
            && nodes.iter().eq(node_selector(spec))
    }
}

fn read_parts(intern: &mut Intern, parts: (&str, &str)) -> Text {
    match parts {
        (whole, "") => intern.text(whole),
        (head, end) => intern.text(&format!("{head}{end}")),
    }
}

fn read_ref(intern: &mut Intern, (kind, r): Ref<'_>) -> ConfigRef {
    ConfigRef {
        kind,
        keys: keys(r).map(|k| intern.text(k)).collect(),
        name: intern.text(&r.name),
        optional: r.optional,
    }
}

fn read_container(intern: &mut Intern, role: Role, c: &ContainerShape) -> Container {
    let ports = c.ports.iter().map(|p| ContainerPort {
        name: intern.some_text(&p.name),
        number: p.container_port,
        host: p.host_port,
        other_protocol: other_protocol(p),
    });
    let ports = ports.collect();
    let mut env: Vec<_> = Vec::with_capacity(c.env.len());
    for e in &c.env {
        let from = env_ref(e).map(|r| read_ref(intern, r));
        env.push((intern.text(&e.name), from));
    }
    Container {
        name: intern.text(&c.name),
        image: intern.text(&c.image),
        role,
        hosts: hosts::of(role, c).iter().map(|host| intern.text(host)).collect(),
        ports,
        env: env.into(),
        env_from: c.env_from.iter().filter_map(source).map(|r| read_ref(intern, r)).collect(),
        requests: read_amounts(intern, &c.resources.requests),
        limits: read_amounts(intern, &c.resources.limits),
        liveness: c.liveness_probe.as_ref().map(|p| read_probe(intern, p)),
        readiness: c.readiness_probe.as_ref().map(|p| read_probe(intern, p)),
        startup: c.startup_probe.as_ref().map(|p| read_probe(intern, p)),
        rest: container_rest(c),
    }
}

fn read_amounts(intern: &mut Intern, pairs: &[(String, String)]) -> Amounts {
    let mut of = |name: &str| amount(pairs, name).map(|v| intern.text(v));
    Amounts { cpu: of("cpu"), memory: of("memory") }
}

fn read_probe(intern: &mut Intern, p: &ProbeShape) -> Box<Probe> {
    let (question, port) = asks(p);
    let [initial_delay, period, timeout, failures] = timing(p);
    let asks = read_parts(intern, question);
    Box::new(Probe { asks, port: port.cloned(), initial_delay, period, timeout, failures })
}

/// True where as many are known as are told, and each is the same as its counterpart.
fn all<K, T>(known: &[K], mut told: impl Iterator<Item = T>, same: impl Fn(&K, T) -> bool) -> bool {
    known.iter().all(|k| told.next().is_some_and(|t| same(k, t))) && told.next().is_none()
}

fn is_text(known: Option<&Text>, told: Option<&str>) -> bool {
    known.map(|t| &**t) == told
}

fn is_parts(known: &str, (head, end): (&str, &str)) -> bool {
    known.strip_prefix(head) == Some(end)
}

fn is_ref(known: &ConfigRef, (of, r): Ref<'_>) -> bool {
    let ConfigRef { kind, name, keys: wanted, optional } = known;
    *kind == of && **name == *r.name && *optional == r.optional && all(wanted, keys(r), |known, key| **known == *key)
}

fn is_container(known: &Container, told: Role, c: &ContainerShape) -> bool {
    let Container {
        name,
        image,
        role,
        hosts: spoken,
        ports,
        env,
        env_from,
        requests,
        limits,
        liveness,
        readiness,
        startup,
        rest: print,
    } = known;
    *role == told
        && **name == *c.name
        && *print == container_rest(c)
        && **image == *c.image
        && all(spoken, hosts::of(told, c).into_iter(), |known, host| **known == *host)
        && all(ports, c.ports.iter(), is_port)
        && all(env, c.env.iter(), |(name, from), e| **name == *e.name && is_same(from.as_ref(), env_ref(e), is_ref))
        && all(env_from, c.env_from.iter().filter_map(source), is_ref)
        && is_amounts(requests, &c.resources.requests)
        && is_amounts(limits, &c.resources.limits)
        && is_same(liveness.as_deref(), c.liveness_probe.as_ref(), is_probe)
        && is_same(readiness.as_deref(), c.readiness_probe.as_ref(), is_probe)
        && is_same(startup.as_deref(), c.startup_probe.as_ref(), is_probe)
}

fn is_same<K, T>(known: Option<&K>, told: Option<T>, same: impl Fn(&K, T) -> bool) -> bool {
    match (known, told) {
        (Some(known), Some(told)) => same(known, told),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn is_port(known: &ContainerPort, p: &PortShape) -> bool {
    let ContainerPort { name, number, host, other_protocol: other } = known;
    is_text(name.as_ref(), Some(p.name.as_str()).filter(|n| !n.is_empty()))
        && (*number, *host, *other) == (p.container_port, p.host_port, other_protocol(p))
}

fn is_amounts(known: &Amounts, pairs: &[(String, String)]) -> bool {
    let Amounts { cpu, memory } = known;
    is_text(cpu.as_ref(), amount(pairs, "cpu")) && is_text(memory.as_ref(), amount(pairs, "memory"))
}

fn is_probe(known: &Probe, p: &ProbeShape) -> bool {
    let Probe { asks: question, port, initial_delay, period, timeout, failures } = known;
    let (told, at) = asks(p);
    is_parts(question, told) && port.as_ref() == at && [*initial_delay, *period, *timeout, *failures] == timing(p)
}

#[cfg(test)]
mod tests;
