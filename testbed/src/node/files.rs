//! The configuration files of the node's components. Written by the owner into the cluster's directory before the node starts; everything here follows from the [`Spec`].

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::mounts::KUBELET_ROOT;
use crate::spec::{PAUSE, POD_RANGE, Spec};

/// containerd's socket, inside the node.
pub(super) const CONTAINERD: &str = "/run/containerd.sock";

/// Makes the cluster's directories and writes every file.
pub(crate) fn write_all(spec: &Spec) -> Result<()> {
    for dir in ["pki", "log", "etcd", "kubelet", "containerd", "registry", "net.d", "people"] {
        let dir = spec.dir.join(dir);
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    }
    let file = |name: &str, text: String| {
        let path = spec.dir.join(name);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("write {}", path.display()))
    };
    file("resolv.conf", format!("nameserver {}\n", spec.node_ip()))?;
    file("audit.yaml", pretty(&audit_policy()))?;
    file("authentication.yaml", pretty(&authentication()))?;
    file("kubelet.yaml", pretty(&kubelet(spec)))?;
    file("containerd/config.toml", containerd(spec))?;
    file("net.d/10-testbed.conflist", pretty(&pod_network()))?;
    file("Corefile", corefile(spec))?;
    file("registry.yaml", pretty(&registry(spec, &spec.registry(), None)))?;
    let accounts = spec.dir.join("registry/htpasswd");
    file("refusing-registry.yaml", pretty(&registry(spec, &spec.refusing_registry(), Some(&accounts))))?;
    for host in [spec.registry(), spec.refusing_registry()] {
        let plain_http =
            format!("server = \"http://{host}\"\n[host.\"http://{host}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
        file(&format!("certs.d/{host}/hosts.toml"), plain_http)?;
    }
    Ok(())
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// What reaches into a container or past the API server although its verb may be `get`.
const CONNECTIONS: [&str; 6] =
    ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"];

/// Every write by everyone but heartbeats, once, when its answer is complete.
fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {"level": "Metadata", "resources": [{"group": "", "resources": CONNECTIONS}]},
            {"level": "None", "verbs": ["get", "list", "watch"]},
            {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
            // A deletion says in its body that it is a dry run.
            {"level": "Request", "verbs": ["delete"]},
            {"level": "Metadata"},
        ],
    })
}

/// Nobody without a name, but for the health endpoints.
fn authentication() -> Value {
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": true, "conditions": [{"path": "/livez"}, {"path": "/readyz"}, {"path": "/healthz"}]},
    })
}

fn kubelet(spec: &Spec) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}, "x509": {"clientCAFile": spec.pki("ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": spec.pki("kubelet.crt"),
        "tlsPrivateKeyFile": spec.pki("kubelet.key"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", spec.cgroup()),
        "failCgroupV1": false,
        "failSwapOn": false,
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD}"),
        "clusterDNS": [spec.node_ip()],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "maxPods": 500,
        "podsPerCore": 0,
        "serializeImagePulls": false,
        "registryPullQPS": 0,
        "nodeStatusUpdateFrequency": "2s",
        "nodeStatusReportFrequency": "1m",
        "evictionHard": {"memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": "/var/log/pods",
        "volumePluginDir": format!("{KUBELET_ROOT}/volumeplugins"),
    })
}

/// `restrict_oom_score_adj`: without CAP_SYS_RESOURCE runc may not lower a container's score.
fn containerd(spec: &Spec) -> String {
    let (dir, bin) = (spec.dir.display(), spec.bin.display());
    format!(
        r#"version = 3
root = "{dir}/containerd/root"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{PAUSE}"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "{dir}/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{bin}/cni"]
  conf_dir = "{dir}/net.d"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "{bin}/runc"
"#
    )
}

/// `ptp`, not `bridge`: every packet of a pod is routed, so that the forward hook sees it without `br_netfilter`.
fn pod_network() -> Value {
    let ipam = json!({"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": POD_RANGE}]], "routes": [{"dst": "0.0.0.0/0"}]});
    json!({
        "cniVersion": "1.0.0",
        "name": "testbed",
        "plugins": [{"type": "ptp", "ipMasq": false, "ipam": ipam}, {"type": "portmap", "capabilities": {"portMappings": true}}],
    })
}

/// Names outside the cluster do not exist, as a resolver without a network would say.
fn corefile(spec: &Spec) -> String {
    let (ip, name) = (spec.node_ip(), &spec.name);
    let kubeconfig = spec.kubeconfig("admin");
    let kubeconfig = kubeconfig.display();
    format!(
        "cluster.local:53 in-addr.arpa:53 {{
  bind {ip}
  errors
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig} testbed-{name}
    pods verified
  }}
  cache 5
}}
.:53 {{
  bind {ip}
  errors
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"
    )
}

/// With `accounts` it refuses everyone who does not log in: the file is filled by the registry with a random password.
fn registry(spec: &Spec, address: &str, accounts: Option<&Path>) -> Value {
    let storage = spec.dir.join(if accounts.is_some() { "registry/refusing" } else { "registry/open" });
    let mut config = json!({
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": storage}, "delete": {"enabled": true}},
        "http": {"addr": address},
    });
    if let Some(accounts) = accounts {
        config["auth"] = json!({"htpasswd": {"realm": "testbed", "path": accounts}});
    }
    config
}
