//! The way to the API server.
//!
//! Owns the client's settings. Must never let credentials into the settings that one-shot clients
//! are made from. Reads a kubeconfig, or what the kubelet mounts.

use crate::config::Config;
use bailiwick_kit::client::{self, ClientError};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config as Settings};

/// A client with the operator's own identity, and the settings without any.
pub struct Connection {
    /// The operator's own client.
    pub client: Client,
    /// The connection's settings without credentials.
    pub anonymous: Settings,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error("--kubeconfig")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// What the kubelet mounts cannot be used.
    #[error("not in a cluster, and no --kubeconfig is given")]
    InCluster(#[from] kube::config::InClusterError),
    /// The settings make no client.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Connects.
///
/// # Errors
/// Names what cannot be used.
pub async fn connect(config: &Config) -> Result<Connection, ConnectError> {
    let mut settings = settings(config).await?;
    settings.read_timeout = Some(config.silence);
    let mut anonymous = settings.clone();
    anonymous.auth_info = AuthInfo::default();
    let client = client::patient(settings)?;
    Ok(Connection { client, anonymous })
}

async fn settings(config: &Config) -> Result<Settings, ConnectError> {
    let Some(path) = &config.kubeconfig else { return Ok(Settings::incluster()?) };
    let kubeconfig = Kubeconfig::read_from(path)?;
    let options = KubeConfigOptions { context: config.context.clone(), ..KubeConfigOptions::default() };
    Ok(Settings::from_custom_kubeconfig(kubeconfig, &options).await?)
}
