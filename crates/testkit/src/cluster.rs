//! The cluster that tests run on.
//!
//! Owns the administrator's client and the way to the cluster's parts. Must never create or remove a cluster: `cargo xtask test` does. Blocking work of the testbed runs on threads of its own, so that a load that a test makes goes on meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bailiwick_testbed::{Cluster, Progress, Signal, prepare_images};
use kube::config::Kubeconfig;
use kube::{Client, Config};
use tokio::sync::OnceCell;

use crate::audit::Audit;
use crate::env::{Env, Images, Place};
use crate::identity::{client, config_of};
use crate::namespace::NewNamespace;
use crate::need::{self, Need};

const READY: Duration = Duration::from_secs(60);

/// A cluster, with the administrator's rights.
#[derive(Clone)]
pub struct TestCluster {
    env: Arc<Env>,
    testbed: Option<Arc<Cluster>>,
    kubeconfig: PathBuf,
    config: Config,
    client: Client,
    images: Option<Images>,
}

/// Pushed once per process where `cargo xtask test` did not.
static IMAGES: OnceCell<Images> = OnceCell::const_new();

impl TestCluster {
    /// The cluster that the environment names.
    ///
    /// # Errors
    /// Fails where none is named, saying what to run, or where it cannot be reached.
    pub async fn from_env() -> Result<Self> {
        Self::open(Env::read()?).await
    }

    /// The same, if it offers what the test needs; else the skip is noted and the test has to return.
    ///
    /// # Errors
    /// As [`TestCluster::from_env`]; and on a testbed cluster, where nothing may be skipped.
    pub async fn needing(needs: &[Need]) -> Result<Option<Self>> {
        let env = Env::read()?;
        if !need::met(&env, needs)? {
            return Ok(None);
        }
        let wants_images = needs.contains(&Need::Images);
        let mut cluster = Self::open(env).await?;
        if wants_images {
            cluster.images = Some(cluster.find_images().await?);
        }
        Ok(Some(cluster))
    }

    async fn open(env: Env) -> Result<Self> {
        let (testbed, kubeconfig, context) = match &env.place {
            Place::Testbed(name) => {
                let cluster = Cluster::open(name)?;
                let kubeconfig = cluster.kubeconfig();
                (Some(Arc::new(cluster)), kubeconfig, None)
            }
            Place::Own { kubeconfig, context } => (None, kubeconfig.clone(), context.clone()),
        };
        let file = Kubeconfig::read_from(&kubeconfig).with_context(|| format!("read {}", kubeconfig.display()))?;
        let config = config_of(file, context.as_deref()).await?;
        Ok(Self {
            client: client(config.clone())?,
            images: env.images.clone(),
            env: Arc::new(env),
            testbed,
            kubeconfig,
            config,
        })
    }

    async fn find_images(&self) -> Result<Images> {
        if let Some(images) = &self.images {
            return Ok(images.clone());
        }
        let cluster = self.testbed.clone().context("only a testbed cluster has the workload image")?;
        let push = async || {
            let push = move || prepare_images(&cluster, &Progress::silent());
            let images = tokio::task::spawn_blocking(push).await.context("push the workload image")??;
            anyhow::Ok(Images::from(images))
        };
        IMAGES.get_or_try_init(push).await.cloned()
    }

    /// A client of the administrator.
    pub fn admin(&self) -> Client {
        self.client.clone()
    }

    /// References of the workload image.
    ///
    /// # Errors
    /// Fails where the test did not say that it needs [`Need::Images`].
    pub fn images(&self) -> Result<&Images> {
        self.images.as_ref().context("no workload image here: ask for it with TestCluster::needing(&[Need::Images])")
    }

    /// A namespace for one test, whose name begins with `prefix`.
    pub fn namespace(&self, prefix: &str) -> NewNamespace {
        NewNamespace::new(self.clone(), prefix)
    }

    /// The audit log from now on.
    ///
    /// # Errors
    /// Fails where there is none, as on a user's own cluster: see [`Need::Audit`].
    pub fn audit(&self) -> Result<Audit> {
        let testbed = self.testbed.as_ref().context("this cluster's audit log cannot be read")?;
        Audit::from_now(testbed.audit_log(), self.admin())
    }

    /// Kills the API server as `kill -9` does, starts it again after `down_for`, and returns when it is ready. What the test's other tasks do goes on meanwhile.
    ///
    /// # Errors
    /// Fails on a user's own cluster, or where it does not become ready.
    pub async fn restart_apiserver(&self, down_for: Duration) -> Result<()> {
        self.restart("kube-apiserver", down_for).await
    }

    /// The same for any component of the node.
    ///
    /// # Errors
    /// Fails on a user's own cluster, or where the API server does not become ready.
    pub async fn restart(&self, component: &str, down_for: Duration) -> Result<()> {
        let component = component.to_owned();
        self.blocking(move |cluster| {
            cluster.restart(&component, Signal::Kill, down_for)?;
            cluster.wait_ready(READY)
        })
        .await
    }

    /// Runs a command inside the node and returns its stdout.
    ///
    /// # Errors
    /// Fails on a user's own cluster, or where the command fails.
    pub async fn node_output(&self, argv: &[&str]) -> Result<String> {
        let argv: Vec<String> = argv.iter().map(|a| (*a).to_owned()).collect();
        self.blocking(move |cluster| cluster.output(&argv)).await
    }

    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cluster) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let cluster = self.testbed.clone().context("only a testbed cluster has a node to reach into")?;
        tokio::task::spawn_blocking(move || work(&cluster)).await.context("run a blocking step")?
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The program `bailiwick`, for tests of the command line.
    ///
    /// # Errors
    /// Fails where the test did not say that it needs [`Need::Cli`].
    pub fn cli(&self) -> Result<&Path> {
        self.env.cli.as_deref().context("no program `bailiwick`: ask for it with Need::Cli")
    }

    /// A directory for what explains a failure; `cargo xtask test` keeps it if the suite fails.
    ///
    /// # Errors
    /// Fails where it cannot be made.
    pub fn artifacts(&self, part: &str) -> Result<PathBuf> {
        let dir = self.env.artifacts.join(part);
        std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(dir)
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn testbed(&self) -> Option<&Cluster> {
        self.testbed.as_deref()
    }
}
