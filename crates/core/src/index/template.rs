//! What is known of a pod template: the containers with all that a diagnosis needs.
//!
//! Owns the compact form of pod specs, shared by all pods of a revision. Must never hold what
//! differs from pod to pod, nor the value of an environment variable. No IO.

use super::intern::{Intern, Labels, Text};
use super::shape::{ContainerShape, KeyRefShape, PodSpecShape, Port, ProbeShape, SourceShape};

/// A pod template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    /// Init containers first, in order.
    pub containers: Box<[Container]>,
    /// ConfigMaps and Secrets that are mounted.
    pub mounts: Box<[ConfigRef]>,
    /// Claims that are mounted.
    pub claims: Box<[Text]>,
    /// The node selector.
    pub node_selector: Labels,
    /// The ServiceAccount's name; empty for `default`.
    pub service_account: Text,
    /// True where pods restart containers that end well too (`Always`).
    pub restarts_always: bool,
    /// True where pods never restart a container.
    pub restarts_never: bool,
}

/// When a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Before the main containers, to its end.
    Init,
    /// Started before the main containers, runs beside them.
    Sidecar,
    /// A main container.
    Main,
}

/// A container of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Container {
    /// Its name.
    pub name: Text,
    /// Its image reference.
    pub image: Text,
    /// When it runs.
    pub role: Role,
    /// Declared ports.
    pub ports: Box<[ContainerPort]>,
    /// Environment variables by name; where from, if from elsewhere.
    pub env: Box<[(Text, Option<ConfigRef>)]>,
    /// Objects whose every key becomes a variable.
    pub env_from: Box<[ConfigRef]>,
    /// Requests.
    pub requests: Amounts,
    /// Limits.
    pub limits: Amounts,
    /// Whether the process lives.
    pub liveness: Option<Box<Probe>>,
    /// Whether it can serve.
    pub readiness: Option<Box<Probe>>,
    /// Whether it has started.
    pub startup: Option<Box<Probe>>,
}

/// A declared port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerPort {
    /// Its name, if it has one.
    pub name: Option<Text>,
    /// Its number.
    pub number: u16,
    /// The node's port it wants; 0 for none.
    pub host: u16,
    /// True for UDP or SCTP.
    pub other_protocol: bool,
}

/// CPU and memory, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Amounts {
    /// CPU.
    pub cpu: Option<Text>,
    /// Memory.
    pub memory: Option<Text>,
}

/// The kind of object that configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// A reference to a ConfigMap or Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConfigRef {
    /// Which kind.
    pub kind: RefKind,
    /// The object's name.
    pub name: Text,
    /// The keys that must exist.
    pub keys: Box<[Text]>,
    /// True where it may be absent.
    pub optional: bool,
}

/// A probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Probe {
    /// What is asked, as `http:/path`, `tcp`, `grpc` or `exec`.
    pub asks: Text,
    /// The port, by number or name.
    pub port: Option<Port>,
    /// Seconds before the first probe.
    pub initial_delay: i32,
    /// Seconds between probes.
    pub period: i32,
    /// Seconds until a probe has failed.
    pub timeout: i32,
    /// How many failures in a row count.
    pub failures: i32,
}

impl Probe {
    /// The seconds from a container's start until a process that never answers has failed.
    pub fn verdict_after(&self) -> i64 {
        i64::from(self.initial_delay.max(0)) + i64::from(self.period.max(1)) * i64::from(self.failures.max(1))
    }
}

impl Template {
    /// The container of that name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|c| &*c.name == name)
    }

    /// Every ConfigMap and Secret that is referred to, with the container that needs it
    /// (none for a volume).
    pub fn config_refs(&self) -> impl Iterator<Item = (Option<&Text>, &ConfigRef)> {
        let mounts = self.mounts.iter().map(|r| (None, r));
        let used = self.containers.iter().flat_map(|c| {
            let single = c.env.iter().filter_map(|(_, from)| from.as_ref());
            c.env_from.iter().chain(single).map(|r| (Some(&c.name), r))
        });
        mounts.chain(used)
    }

    pub(crate) fn read(intern: &mut Intern, spec: &PodSpecShape, pod: &str) -> Self {
        let init = spec.init_containers.iter().map(|c| {
            let role = if c.restart_policy == "Always" { Role::Sidecar } else { Role::Init };
            (role, c)
        });
        let main = spec.containers.iter().map(|c| (Role::Main, c));
        let containers = init.chain(main).map(|(role, c)| read_container(intern, role, c)).collect();
        let (mounts, claims) = read_volumes(intern, spec, pod);
        let service_account = if spec.service_account_name == "default" { "" } else { &spec.service_account_name };
        Self {
            containers,
            mounts,
            claims,
            node_selector: intern.labels(spec.node_selector.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            service_account: intern.text(service_account),
            restarts_always: matches!(spec.restart_policy.as_str(), "" | "Always"),
            restarts_never: spec.restart_policy == "Never",
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let containers = self.containers.iter().map(|c| {
            let probes = [&c.liveness, &c.readiness, &c.startup].into_iter().flatten().count() * size_of::<Probe>();
            size_of::<Container>() + size_of_val(&*c.ports) + size_of_val(&*c.env) + size_of_val(&*c.env_from) + probes
        });
        containers.sum::<usize>() + size_of_val(&*self.mounts) + size_of_val(&*self.claims)
    }
}

fn read_volumes(intern: &mut Intern, spec: &PodSpecShape, pod: &str) -> (Box<[ConfigRef]>, Box<[Text]>) {
    let mut mounts = Vec::new();
    let mut claims = Vec::new();
    for volume in &spec.volumes {
        if let Some(r) = &volume.config_map {
            mounts.push(read_ref(intern, RefKind::ConfigMap, r));
        }
        if let Some(r) = &volume.secret {
            mounts.push(read_ref(intern, RefKind::Secret, r));
        }
        for source in volume.projected.iter().flat_map(|p| &p.sources) {
            mounts.extend(read_source(intern, source));
        }
        if let Some(claim) = &volume.persistent_volume_claim {
            // A StatefulSet's claims end in the pod's name, which must not tell its pods apart.
            let name = match claim.claim_name.strip_suffix(pod) {
                Some(head) if !pod.is_empty() && head.ends_with('-') => format!("{head}*"),
                Some(_) | None => claim.claim_name.clone(),
            };
            claims.push(intern.text(&name));
        }
    }
    (mounts.into(), claims.into())
}

fn read_source(intern: &mut Intern, source: &SourceShape) -> Option<ConfigRef> {
    let (kind, r) = match (&source.config_map_ref, &source.secret_ref) {
        (Some(r), _) => (RefKind::ConfigMap, r),
        (None, Some(r)) => (RefKind::Secret, r),
        (None, None) => return None,
    };
    // Every pod has this one from the API server itself.
    (r.name != "kube-root-ca.crt").then(|| read_ref(intern, kind, r))
}

fn read_ref(intern: &mut Intern, kind: RefKind, r: &KeyRefShape) -> ConfigRef {
    let keys = r.items.iter().map(|i| i.key.as_str()).chain((!r.key.is_empty()).then_some(r.key.as_str()));
    ConfigRef { kind, keys: keys.map(|k| intern.text(k)).collect(), name: intern.text(&r.name), optional: r.optional }
}

fn read_container(intern: &mut Intern, role: Role, c: &ContainerShape) -> Container {
    let ports = c.ports.iter().map(|p| ContainerPort {
        name: intern.some_text(&p.name),
        number: p.container_port,
        host: p.host_port,
        other_protocol: matches!(p.protocol.as_str(), "UDP" | "SCTP"),
    });
    let ports = ports.collect();
    let mut env: Vec<_> = Vec::with_capacity(c.env.len());
    for e in &c.env {
        let from = match (&e.value_from.config_map_key_ref, &e.value_from.secret_key_ref) {
            (Some(r), _) => Some(read_ref(intern, RefKind::ConfigMap, r)),
            (None, Some(r)) => Some(read_ref(intern, RefKind::Secret, r)),
            (None, None) => None,
        };
        env.push((intern.text(&e.name), from));
    }
    Container {
        name: intern.text(&c.name),
        image: intern.text(&c.image),
        role,
        ports,
        env: env.into(),
        env_from: c.env_from.iter().filter_map(|s| read_source(intern, s)).collect(),
        requests: read_amounts(intern, &c.resources.requests),
        limits: read_amounts(intern, &c.resources.limits),
        liveness: c.liveness_probe.as_ref().map(|p| read_probe(intern, p)),
        readiness: c.readiness_probe.as_ref().map(|p| read_probe(intern, p)),
        startup: c.startup_probe.as_ref().map(|p| read_probe(intern, p)),
    }
}

fn read_amounts(intern: &mut Intern, pairs: &[(String, String)]) -> Amounts {
    let mut of = |name: &str| pairs.iter().find(|(k, _)| k == name).map(|(_, v)| intern.text(v));
    Amounts { cpu: of("cpu"), memory: of("memory") }
}

fn read_probe(intern: &mut Intern, p: &ProbeShape) -> Box<Probe> {
    let (asks, port) = match (&p.http_get, &p.tcp_socket, &p.grpc) {
        (Some(h), _, _) => (format!("http:{}", h.path), h.port.clone()),
        (None, Some(h), _) => ("tcp".to_owned(), h.port.clone()),
        (None, None, Some(h)) => ("grpc".to_owned(), h.port.clone()),
        (None, None, None) => ("exec".to_owned(), None),
    };
    // The API server fills these in; a shape that lacks them gets the same defaults.
    let or = |value: i32, default: i32| if value > 0 { value } else { default };
    Box::new(Probe {
        asks: intern.text(&asks),
        port,
        initial_delay: p.initial_delay_seconds.max(0),
        period: or(p.period_seconds, 10),
        timeout: or(p.timeout_seconds, 1),
        failures: or(p.failure_threshold, 3),
    })
}
