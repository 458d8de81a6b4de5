//! The cluster that is measured: its API, its operator's measures, its audit log.
//!
//! Owns every way in. The measures are read through the API server's pod proxy, or from an address
//! where the operator runs outside; the audit log only where it is a file of this machine.

use crate::Setup;
use anyhow::{Context as _, Result, ensure};
use bailiwick_api::manifests::OPERATOR;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_testbed::Cluster;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ADMIN_PORT: u16 = 9090;
const PATIENCE: Duration = Duration::from_secs(5);

/// A cluster with Bailiwick in it.
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) kubeconfig: PathBuf,
    metrics: Option<String>,
    audit: Option<PathBuf>,
}

impl Place {
    pub(crate) async fn open(setup: &Setup) -> Result<Self> {
        let (kubeconfig, audit) = match (&setup.cluster, &setup.kubeconfig) {
            (Some(name), _) => {
                let cluster = Cluster::open(name)?;
                (cluster.kubeconfig(), Some(cluster.audit_log()))
            }
            (None, Some(file)) => (file.clone(), None),
            (None, None) => anyhow::bail!("no cluster was named"),
        };
        let client = connect(&kubeconfig).await?;
        Ok(Self { client, kubeconfig, metrics: setup.metrics.clone(), audit })
    }

    /// What the operator has measured so far; the texts of its replicas one after another.
    pub(crate) async fn measures(&self) -> Result<String> {
        if let Some(address) = &self.metrics {
            return fetch(address);
        }
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), SYSTEM_NAMESPACE);
        let selector = ListParams::default().labels(&format!("app.kubernetes.io/name={OPERATOR}"));
        let pods = pods.list(&selector).await.context("list the operator's pods")?;
        ensure!(!pods.items.is_empty(), "no operator runs in {SYSTEM_NAMESPACE}: install it, or give --metrics");
        let mut text = String::new();
        for pod in pods.items {
            let name = pod.name_any();
            let path = format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods/{name}:{ADMIN_PORT}/proxy/metrics");
            let request = http::Request::get(path).body(Vec::new())?;
            let answer = self.client.request_text(request).await;
            text += &answer.with_context(|| format!("read the measures of {name}"))?;
            text.push('\n');
        }
        Ok(text)
    }

    /// Where the audit log ends now.
    pub(crate) fn audit_end(&self) -> Result<u64> {
        let Some(path) = &self.audit else { return Ok(0) };
        Ok(std::fs::metadata(path).context("look at the audit log")?.len())
    }

    /// The audit log's lines since then; nothing where it cannot be read.
    pub(crate) fn audit_since(&self, offset: u64) -> Result<Option<String>> {
        let Some(path) = &self.audit else { return Ok(None) };
        let mut file = File::open(path).context("open the audit log")?;
        ensure!(file.metadata()?.len() >= offset, "the audit log was rotated meanwhile");
        file.seek(SeekFrom::Start(offset))?;
        let mut text = String::new();
        file.read_to_string(&mut text).context("read the audit log")?;
        // The last line may be half written.
        text.truncate(text.rfind('\n').unwrap_or(0));
        Ok(Some(text))
    }
}

async fn connect(kubeconfig: &Path) -> Result<Client> {
    let _it_was_chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let file = Kubeconfig::read_from(kubeconfig).with_context(|| format!("read {}", kubeconfig.display()))?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    Client::try_from(config.context("use the kubeconfig")?).context("make a client")
}

/// `HOST:PORT` of an operator outside of the cluster.
fn fetch(address: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("reach the operator at {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("read the operator's measures")?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the operator does not give its measures");
    Ok(answer)
}
