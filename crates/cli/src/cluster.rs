//! The connection to a cluster, as the user's kubeconfig and flags say.
//!
//! Owns clients and the scope of a run. Must never hold authority but the user's own. Reads the
//! kubeconfig; speaks to the API server.

use crate::args::Global;
use crate::exit::{Failure, Outcomes};
use crate::fault::{self, Place};
use kube::api::DynamicObject;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::core::{ApiResource, NamespaceResourceScope};
use kube::{Api, Client, Config, Resource};
use std::time::Duration;

/// Connecting takes no longer than this.
const CONNECT: Duration = Duration::from_secs(10);
/// A single answer takes no longer than this, unless `--request-timeout` says otherwise.
const ANSWER: Duration = Duration::from_secs(30);

/// A cluster one may talk to.
#[derive(Clone)]
pub struct Cluster {
    /// For requests that end.
    pub client: Client,
    /// For watches: the same, without a limit on how long an answer may take.
    pub watching: Client,
    /// Which cluster this is.
    pub place: Place,
    /// The namespace to look in.
    pub namespace: String,
    /// True where all namespaces are meant.
    pub all: bool,
}

/// Connects as the flags say. Nothing is sent yet.
///
/// # Errors
/// Where there is no usable kubeconfig.
pub async fn connect(global: &Global) -> Outcomes<Cluster> {
    let (mut config, context) = load(global).await?;
    if let Some(user) = &global.as_user {
        config.auth_info.impersonate = Some(user.clone());
    }
    if !global.as_group.is_empty() {
        if config.auth_info.impersonate.is_none() {
            return Err(Failure::error("--as-group needs --as, for groups are claimed beside a user"));
        }
        config.auth_info.impersonate_groups = Some(global.as_group.clone());
    }
    config.connect_timeout = Some(CONNECT);
    let mut endless = config.clone();
    endless.read_timeout = None;
    config.read_timeout = match global.request_timeout {
        None => Some(ANSWER),
        Some(Duration::ZERO) => None,
        Some(limit) => Some(limit),
    };
    let place = Place { context, server: config.cluster_url.to_string().trim_end_matches('/').to_owned() };
    let namespace = global.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = |config| Client::try_from(config).map_err(|e| fault::explain(&place, "use the kubeconfig", &e));
    Ok(Cluster {
        client: client(config)?,
        watching: client(endless)?,
        namespace,
        all: global.all_namespaces,
        place: place.clone(),
    })
}

async fn load(global: &Global) -> Outcomes<(Config, String)> {
    let read = match &global.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let file = match read {
        Ok(file) => file,
        Err(error) if global.kubeconfig.is_none() && is_missing(&error) => {
            let inside = Config::incluster().map_err(|_| no_kubeconfig())?;
            return Ok((inside, String::new()));
        }
        Err(error) => return Err(unreadable(&error)),
    };
    let context = global.context.clone().or_else(|| file.current_context.clone()).unwrap_or_default();
    let known: Vec<String> = file.contexts.iter().map(|c| c.name.clone()).collect();
    let options = KubeConfigOptions { context: global.context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(file, &options).await.map_err(|error| match error {
        KubeconfigError::LoadContext(name) => {
            let failure = Failure::error(format!("the kubeconfig has no context {name:?}"));
            failure.next(
                crate::suggest::among(&name, &known)
                    .unwrap_or_else(|| "list them: kubectl config get-contexts".to_owned()),
            )
        }
        other => unreadable(&other),
    })?;
    Ok((config, context))
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(io, _) => io.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn no_kubeconfig() -> Failure {
    Failure::error("no kubeconfig was found")
        .next("name one with --kubeconfig or KUBECONFIG, or log in to your cluster first")
}

fn unreadable(error: &KubeconfigError) -> Failure {
    Failure::error(format!("cannot use the kubeconfig: {}", crate::secretive::kubeconfig(error)))
        .next("name another one with --kubeconfig, or another context with --context")
}

impl Cluster {
    /// The failure of doing something here.
    pub fn fault(&self, doing: &str, error: &kube::Error) -> Failure {
        fault::explain(&self.place, doing, error)
    }

    /// Objects of a namespaced kind, in the scope of this run.
    pub fn scoped<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        if self.all { Api::all(self.client.clone()) } else { Api::namespaced(self.client.clone(), &self.namespace) }
    }

    /// Objects of a namespaced kind, in one namespace.
    pub fn within<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Objects of any kind, whole, in the scope of this run.
    pub fn dynamic(&self, resource: &ApiResource, watching: bool) -> Api<DynamicObject> {
        let client = if watching { &self.watching } else { &self.client };
        if self.all {
            Api::all_with(client.clone(), resource)
        } else {
            Api::namespaced_with(client.clone(), &self.namespace, resource)
        }
    }

    /// Where this run looks, in words.
    pub fn where_words(&self) -> String {
        if self.all { "any namespace".to_owned() } else { format!("{} namespace", self.namespace) }
    }
}
