//! Who acts in the demo: people, the operator's identity, and whoever holds a stolen token.
//!
//! Owns clients of these identities. Must never be used to lend a person rights: those are bound
//! by the stage, openly. Reads the kubeconfig.
//!
//! People are impersonated with the caller's own kubeconfig. Admission and RBAC see the effective
//! user only, so for the API server these *are* the people.

use super::story::{Stop, Told};
use crate::args::Global;
use crate::fault;
use bailiwick_api::manifests::OPERATOR_USER;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::time::Duration;

/// Works on the workloads, and breaks them.
pub(super) const ERIN: &str = "erin@demo";
/// Proposes changes; may create Approvals, but lacks the verb `approve`.
pub(super) const ALICE: &str = "alice@demo";
/// Approves changes.
pub(super) const BOB: &str = "bob@demo";
/// May propose and approve, so that only the rule against one's own proposal is left.
pub(super) const DANA: &str = "dana@demo";
/// Edits namespaces, and forges what she can.
pub(super) const MALLORY: &str = "mallory@demo";
/// Looks, and may do nothing else.
pub(super) const VIC: &str = "vic@demo";
/// Throws the switch.
pub(super) const SUE: &str = "sue@demo";

/// How long a single answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// Makes clients.
#[derive(Clone)]
pub(super) struct People {
    config: Config,
}

impl People {
    /// Reads the kubeconfig that the flags name.
    pub(super) async fn read(global: &Global) -> Told<Self> {
        let read = match &global.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let bad = |e: &dyn std::error::Error| Stop::broken(format!("cannot use the kubeconfig: {}", fault::chain(e)));
        let file = read.map_err(|e| bad(&e))?;
        let options = KubeConfigOptions { context: global.context.clone(), ..KubeConfigOptions::default() };
        let mut config = Config::from_custom_kubeconfig(file, &options).await.map_err(|e| bad(&e))?;
        // A refusal is to be seen once, and as it was.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        config.read_timeout = Some(ANSWER);
        Ok(Self { config })
    }

    /// The caller, whose every refusal is seen once.
    pub(super) fn caller(&self) -> Told<Client> {
        client(self.config.clone())
    }

    /// A person, or a service account by its user name.
    pub(super) fn named(&self, user: &str) -> Told<Client> {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(user.to_owned());
        config.auth_info.impersonate_groups = None;
        client(config)
    }

    /// Whoever has the operator's identity.
    pub(super) fn operator(&self) -> Told<Client> {
        self.named(OPERATOR_USER)
    }

    /// Whoever holds a token, with nothing else of the caller's.
    pub(super) fn holder(&self, token: &str) -> Told<Client> {
        let mut config = self.config.clone();
        config.auth_info = AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() };
        client(config)
    }
}

fn client(config: Config) -> Told<Client> {
    Client::try_from(config).map_err(|e| Stop::broken(format!("cannot make a client: {}", fault::chain(&e))))
}
