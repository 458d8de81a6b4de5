//! What is known of a pod template: the containers with all that a diagnosis needs.
//!
//! Owns the compact form of pod specs, shared by all pods of a revision. Must never hold what
//! differs from pod to pod, nor the value of an environment variable: only a print of it. No IO.

mod hosts;
mod read;

use super::hash::Print;
use super::intern::{Labels, Text};
use super::shape::Port;

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
    /// The Secrets that images are pulled with.
    pub pull_secrets: Box<[Text]>,
    /// True where names are not looked up in the cluster's DNS.
    pub own_dns: bool,
    /// How names are looked up.
    pub dns: Print,
    /// True where pods restart containers that end well too (`Always`).
    pub restarts_always: bool,
    /// True where pods never restart a container.
    pub restarts_never: bool,
    /// What else its pods are made with. Two templates that differ in nothing else differ in this.
    pub rest: Print,
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
    /// For init containers: the hosts that its command speaks of.
    pub hosts: Box<[Text]>,
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
    /// What else it is made with: its command, its variables' values and the like.
    pub rest: Print,
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

    pub(crate) fn heap_bytes(&self) -> usize {
        let containers = self.containers.iter().map(|c| {
            let probes = [&c.liveness, &c.readiness, &c.startup].into_iter().flatten().count() * size_of::<Probe>();
            size_of::<Container>()
                + size_of_val(&*c.ports)
                + size_of_val(&*c.env)
                + size_of_val(&*c.env_from)
                + size_of_val(&*c.hosts)
                + probes
        });
        let named = size_of_val(&*self.claims) + size_of_val(&*self.pull_secrets);
        containers.sum::<usize>() + size_of_val(&*self.mounts) + named
    }
}
