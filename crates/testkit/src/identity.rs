//! Clients for whoever a test wants to be.
//!
//! People get certificates on a testbed cluster and are impersonated elsewhere. No client retries: a refusal is seen once and as it was.

use std::path::PathBuf;
use std::sync::Once;

use anyhow::{Context as _, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

use crate::apply::apply;
use crate::cluster::TestCluster;
use crate::env::Place;

const TOKEN_SECONDS: i64 = 3600;

static PROVIDER: Once = Once::new();

/// A client of `config` that tries nothing twice.
pub(crate) fn client(mut config: Config) -> Result<Client> {
    PROVIDER.call_once(|| {
        let _another_test_was_first = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    config.default_retry = false;
    Client::try_from(config).context("make a client")
}

pub(crate) async fn config_of(kubeconfig: Kubeconfig, context: Option<&str>) -> Result<Config> {
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await.context("use a kubeconfig")
}

impl TestCluster {
    /// A client of the person `user` in `groups`, who has no rights until some are bound.
    ///
    /// # Errors
    /// Fails where no certificate can be made or no kubeconfig be read.
    pub async fn person(&self, user: &str, groups: &[&str]) -> Result<Client> {
        let file = Kubeconfig::read_from(self.person_kubeconfig(user, groups)?).context("read a kubeconfig")?;
        client(config_of(file, None).await?)
    }

    /// A kubeconfig of that person, for the command line.
    ///
    /// # Errors
    /// Fails where no certificate can be made or no file be written.
    pub fn person_kubeconfig(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
        if let Some(testbed) = self.testbed() {
            return testbed.kubeconfig_for(user, &groups);
        }
        let mut file = self.own_kubeconfig()?;
        for named in &mut file.auth_infos {
            let info = named.auth_info.get_or_insert_with(AuthInfo::default);
            info.impersonate = Some(user.to_owned());
            info.impersonate_groups = Some([groups.clone(), vec!["system:authenticated".to_owned()]].concat());
        }
        self.write_kubeconfig(&format!("{user}-{}", groups.join("-")), &file)
    }

    /// A client with the ServiceAccount's token; the account is made if it is not there.
    ///
    /// # Errors
    /// Fails where the account or the token cannot be made.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<Client> {
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}});
        apply(&self.admin(), &account, None).await?;
        self.token_client(&self.token(namespace, name).await?)
    }

    /// A token of the ServiceAccount, good for an hour.
    ///
    /// # Errors
    /// Fails where the account does not exist.
    pub async fn token(&self, namespace: &str, name: &str) -> Result<String> {
        let api: Api<ServiceAccount> = Api::namespaced(self.admin(), namespace);
        let request = TokenRequest {
            spec: Some(TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() }),
            ..TokenRequest::default()
        };
        let answer = api
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .with_context(|| format!("make a token of {namespace}/{name}"))?;
        let token = answer.status.and_then(|status| status.token);
        token.context("a token request brought no token")
    }

    /// A client that shows `token` and nothing else.
    ///
    /// # Errors
    /// Fails where the cluster's certificates are of no use.
    pub fn token_client(&self, token: &str) -> Result<Client> {
        let mut config = self.config().clone();
        config.auth_info = AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() };
        client(config)
    }

    /// A client of the administrator that acts as somebody else, in these groups and no others.
    ///
    /// # Errors
    /// Fails where the cluster's certificates are of no use.
    pub fn impersonating(&self, user: &str, groups: &[&str]) -> Result<Client> {
        let mut config = self.config().clone();
        config.auth_info.impersonate = Some(user.to_owned());
        config.auth_info.impersonate_groups = Some(groups.iter().map(|g| (*g).to_owned()).collect());
        client(config)
    }

    /// A client that shows nothing at all.
    ///
    /// # Errors
    /// Fails where the cluster's certificates are of no use.
    pub fn anonymous(&self) -> Result<Client> {
        let mut config = self.config().clone();
        config.auth_info = AuthInfo::default();
        client(config)
    }

    /// A kubeconfig that shows a token of the ServiceAccount, for a program that runs outside of the cluster.
    ///
    /// # Errors
    /// Fails where the token cannot be made or the file not be written.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let token = self.token(namespace, name).await?;
        let mut file = self.own_kubeconfig()?;
        for named in &mut file.auth_infos {
            named.auth_info = Some(AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() });
        }
        self.write_kubeconfig(&format!("{namespace}-{name}"), &file)
    }

    /// The administrator's kubeconfig, with the context of this run as its current one.
    pub(crate) fn own_kubeconfig(&self) -> Result<Kubeconfig> {
        let mut file = Kubeconfig::read_from(self.kubeconfig()).context("read the administrator's kubeconfig")?;
        if let Place::Own { context: Some(context), .. } = &self.env().place {
            file.current_context = Some(context.clone());
        }
        Ok(file)
    }

    fn write_kubeconfig(&self, name: &str, file: &Kubeconfig) -> Result<PathBuf> {
        let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let dir = self.artifacts("people")?;
        let path = dir.join(format!("{safe}.kubeconfig"));
        let text = serde_saphyr::to_string(file).context("write a kubeconfig")?;
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}
