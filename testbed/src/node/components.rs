//! The node's components: which program, with which flags. Pure.

use std::path::{Path, PathBuf};

use super::mounts::KUBELET_ROOT;
use crate::spec::{NODE, POD_RANGE, SERVICE_RANGE, Spec};

/// A program that runs as long as the node does.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
}

/// Builds components for one cluster.
pub(super) struct Components<'a>(pub(super) &'a Spec);

fn flag(name: &str, value: impl AsRef<Path>) -> String {
    format!("--{name}={}", value.as_ref().display())
}

impl Components<'_> {
    fn component(&self, name: &'static str, args: Vec<String>) -> Component {
        Component { name, program: self.0.bin.join(name), args }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.dir.join(name)
    }

    /// Its data is thrown away with the node, so nothing waits for the disk.
    pub(super) fn etcd(&self) -> Component {
        let args = vec![
            flag("data-dir", self.file("etcd")),
            "--unsafe-no-fsync".to_owned(),
            "--logger=zap".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        self.component("etcd", args)
    }

    pub(super) fn api_server(&self) -> Component {
        let spec = self.0;
        let mut args: Vec<String> = [
            "--etcd-servers=http://127.0.0.1:2379",
            "--bind-address=0.0.0.0",
            "--secure-port=6443",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            // Or exec, logs and port-forward hang on a look-up of the node's name.
            "--kubelet-preferred-address-types=InternalIP",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        ]
        .map(str::to_owned)
        .into();
        args.push(format!("--advertise-address={}", spec.node_ip()));
        args.push(format!("--service-cluster-ip-range={SERVICE_RANGE}"));
        let files = [
            ("client-ca-file", spec.pki("ca.crt")),
            ("tls-cert-file", spec.pki("apiserver.crt")),
            ("tls-private-key-file", spec.pki("apiserver.key")),
            ("service-account-key-file", spec.pki("sa.pub")),
            ("service-account-signing-key-file", spec.pki("sa.key")),
            ("kubelet-client-certificate", spec.pki("kubelet-client.crt")),
            ("kubelet-client-key", spec.pki("kubelet-client.key")),
            ("kubelet-certificate-authority", spec.pki("ca.crt")),
            ("requestheader-client-ca-file", spec.pki("ca.crt")),
            ("proxy-client-cert-file", spec.pki("front-proxy.crt")),
            ("proxy-client-key-file", spec.pki("front-proxy.key")),
            ("authentication-config", self.file("authentication.yaml")),
            ("audit-policy-file", self.file("audit.yaml")),
            ("audit-log-path", spec.log("audit.log")),
        ];
        args.extend(files.map(|(name, path)| flag(name, path)));
        self.component("kube-apiserver", args)
    }

    pub(super) fn controller_manager(&self) -> Component {
        let spec = self.0;
        let mut args = self.clients("kcm");
        let files = [
            ("service-account-private-key-file", spec.pki("sa.key")),
            ("root-ca-file", spec.pki("ca.crt")),
            ("cluster-signing-cert-file", spec.pki("ca.crt")),
            ("cluster-signing-key-file", spec.pki("ca.key")),
        ];
        args.extend(files.map(|(name, path)| flag(name, path)));
        args.extend(
            [
                "--use-service-account-credentials",
                "--allocate-node-cidrs",
                "--node-cidr-mask-size=22",
                // Every controller asks for its own token at the start: at the default rate that takes 5 s.
                "--kube-api-qps=300",
                "--kube-api-burst=600",
                // It creates this directory; the default would be one of the host's.
                "--flex-volume-plugin-dir=/run/volumeplugins",
            ]
            .map(str::to_owned),
        );
        args.push(format!("--cluster-cidr={POD_RANGE}"));
        self.component("kube-controller-manager", args)
    }

    pub(super) fn scheduler(&self) -> Component {
        self.component("kube-scheduler", self.clients("scheduler"))
    }

    fn clients(&self, user: &str) -> Vec<String> {
        let kubeconfig = self.0.kubeconfig(user);
        let mut args: Vec<String> = ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"]
            .map(|name| flag(name, &kubeconfig))
            .into();
        args.push("--leader-elect=false".to_owned());
        args
    }

    pub(super) fn kubelet(&self) -> Component {
        let spec = self.0;
        let args = vec![
            flag("config", self.file("kubelet.yaml")),
            flag("kubeconfig", spec.kubeconfig("kubelet")),
            flag("root-dir", KUBELET_ROOT),
            format!("--hostname-override={NODE}"),
            format!("--node-ip={}", spec.node_ip()),
        ];
        self.component("kubelet", args)
    }

    pub(super) fn proxy(&self) -> Component {
        let mut args: Vec<String> =
            ["--proxy-mode=nftables", "--conntrack-max-per-core=0", "--nodeport-addresses=primary"]
                .map(str::to_owned)
                .into();
        args.push(flag("kubeconfig", self.0.kubeconfig("proxy")));
        args.push(format!("--cluster-cidr={POD_RANGE}"));
        args.push(format!("--hostname-override={NODE}"));
        self.component("kube-proxy", args)
    }

    pub(super) fn containerd(&self) -> Component {
        self.component(
            "containerd",
            vec!["--config".to_owned(), self.file("containerd/config.toml").display().to_string()],
        )
    }

    pub(super) fn registry(&self) -> Component {
        self.component("registry", vec!["serve".to_owned(), self.file("registry.yaml").display().to_string()])
    }

    /// The same program, behind a password that nobody has.
    pub(super) fn refusing_registry(&self) -> Component {
        let args = vec!["serve".to_owned(), self.file("refusing-registry.yaml").display().to_string()];
        Component { name: "refusing-registry", program: self.0.bin.join("registry"), args }
    }

    pub(super) fn dns(&self) -> Component {
        self.component("coredns", vec!["-conf".to_owned(), self.file("Corefile").display().to_string()])
    }
}
