//! Kubeconfig files, self-contained: certificates are embedded, so that a file can be copied anywhere on this machine. Pure but for [`write`].

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::{pki::Identity, spec::Spec};

/// Writes the kubeconfig of `user` to `path` in one step: another test may be about to read or write the same person's.
pub(crate) fn write(spec: &Spec, user: &str, identity: &Identity, path: &Path) -> Result<()> {
    let authority = std::fs::read_to_string(spec.pki("ca.crt")).context("read the authority's certificate")?;
    let text = render(spec, user, identity, &authority);
    static WRITTEN: AtomicU32 = AtomicU32::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let partial = path.with_extension(format!("{}-{number}.partial", std::process::id()));
    std::fs::write(&partial, text).with_context(|| format!("write {}", partial.display()))?;
    std::fs::rename(&partial, path).with_context(|| format!("move {} into place", path.display()))
}

/// Writes the kubeconfigs of the cluster's own components.
pub(crate) fn write_components(spec: &Spec) -> Result<()> {
    for user in ["admin", "kcm", "scheduler", "kubelet", "proxy"] {
        let read = |suffix: &str| {
            std::fs::read_to_string(spec.pki(&format!("{user}.{suffix}")))
                .with_context(|| format!("read the certificate of {user}"))
        };
        let identity = Identity { certificate: read("crt")?, key: read("key")? };
        write(spec, user, &identity, &spec.kubeconfig(user))?;
    }
    Ok(())
}

/// JSON, which every reader of kubeconfigs takes as the YAML it is.
fn render(spec: &Spec, user: &str, identity: &Identity, authority: &str) -> String {
    let name = format!("testbed-{}", spec.name);
    let encode = |text: &str| STANDARD.encode(text);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": format!("https://{}:6443", spec.node_ip()), "certificate-authority-data": encode(authority)}}],
        "users": [{"name": user, "user": {"client-certificate-data": encode(&identity.certificate), "client-key-data": encode(&identity.key)}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    });
    format!("{config:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_needs_no_other_file() {
        let spec =
            Spec { name: "x".into(), index: 7, ephemeral: true, dir: "/d".into(), bin: "/b".into(), images: vec![] };
        let identity = Identity { certificate: "C".into(), key: "K".into() };
        let config: serde_json::Value = serde_json::from_str(&render(&spec, "o'brien: \"x\"", &identity, "A")).unwrap();
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://10.213.7.2:6443");
        assert_eq!(config["users"][0]["user"]["client-key-data"], STANDARD.encode("K"));
        assert_eq!(config["contexts"][0]["context"]["user"], "o'brien: \"x\"");
        assert_eq!(config["current-context"], "testbed-x");
    }
}
