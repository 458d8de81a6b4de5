//! One-shot accounts and fence revisions as the operator makes them, with its identity and no other rights, where no operator runs.
//!
//! For suites that attack the enforcement itself. Owns no assertion. Talks to the API server as the operator's account, and as the administrator only where a test gives an account more than the operator ever could.

mod fence;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bailiwick_api::manifests::{OPERATOR, OPERATOR_USER};
use bailiwick_core::catalogue::Right;
use bailiwick_core::fence::{ACCOUNT_PREFIX, Entry, GRANTS_NAMESPACE, SYSTEM_NAMESPACE, username};
use bailiwick_core::object::Kind;
use http::Method;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::answer::{Answer, send};
use crate::apply::create;
use crate::cluster::TestCluster;
use crate::wait::{Seen, wait_for};

pub use fence::Fence;

/// Content type of a JSON Patch.
pub const JSON_PATCH: &str = "application/json-patch+json";

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl TestCluster {
    /// The operator's own account, with a token and the rights that the installation gives it.
    ///
    /// # Errors
    /// Fails where nothing is installed.
    pub async fn operator_account(&self) -> Result<Client> {
        self.token_client(&self.token(SYSTEM_NAMESPACE, OPERATOR).await?)
    }

    /// Someone who has taken over the operator's name and holds every right of RBAC: what refuses it is admission alone.
    ///
    /// # Errors
    /// Fails where the cluster's certificates are of no use.
    pub fn operator_unbounded(&self) -> Result<Client> {
        self.impersonating(OPERATOR_USER, &["system:masters", "system:authenticated"])
    }

    /// The fence of this cluster, kept with the operator's identity.
    ///
    /// # Errors
    /// Fails where nothing is installed.
    pub async fn fence(&self) -> Result<Fence> {
        Ok(Fence::new(self.operator_account().await?))
    }

    /// A one-shot account made by the operator's identity: ServiceAccount, empty Secret, token bound to it and, if a right is named, the binding to its catalogue role.
    ///
    /// # Errors
    /// Fails where the API server refuses one of them.
    pub async fn one_shot(&self, namespace: &str, right: Option<Right>) -> Result<OneShot> {
        let operator = self.operator_account().await?;
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{ACCOUNT_PREFIX}{:x}-{number}", std::process::id());
        let meta = json!({"name": name, "labels": {"bailiwick.dev/grant": "true"}});
        for kind in ["ServiceAccount", "Secret"] {
            let object = json!({"apiVersion": "v1", "kind": kind, "metadata": meta});
            create(&operator, &object, Some(GRANTS_NAMESPACE)).await?;
        }
        if let Some(right) = right {
            create(&operator, &binding(&name, right), right.is_namespaced().then_some(namespace)).await?;
        }
        let token = bound_token(&operator, &name).await?;
        Ok(OneShot {
            client: self.token_client(&token)?,
            fence: Fence::new(operator),
            cluster: self.clone(),
            namespace: namespace.to_owned(),
            name,
        })
    }
}

fn binding(name: &str, right: Right) -> Value {
    let kind = if right.is_namespaced() { "RoleBinding" } else { "ClusterRoleBinding" };
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
        "metadata": {"name": name, "labels": {"bailiwick.dev/grant": "true"}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": right.role()},
        "subjects": [{"kind": "ServiceAccount", "namespace": GRANTS_NAMESPACE, "name": name}],
    })
}

async fn bound_token(operator: &Client, name: &str) -> Result<String> {
    let request = token_request(name, 600);
    let typed: TokenRequest = serde_json::from_value(request).context("build a token request")?;
    let api: Api<ServiceAccount> = Api::namespaced(operator.clone(), GRANTS_NAMESPACE);
    let answer = api.create_token_request(name, &PostParams::default(), &typed).await.context("make a token")?;
    answer.status.and_then(|status| status.token).context("a token request brought no token")
}

/// The token request of the operator: bound to the account's Secret.
pub fn token_request(account: &str, seconds: i64) -> Value {
    json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {
            "audiences": [],
            "expirationSeconds": seconds,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": account},
        },
    })
}

/// The path of an object's resource, or with an empty name that of its collection.
pub fn path_of(kind: Kind, namespace: &str, name: &str) -> String {
    let served = kind.served();
    let base = if served.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", served.group) };
    let place = if served.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
    let path = format!("{base}/{}{place}/{}", served.version, served.resource);
    if name.is_empty() { path } else { format!("{path}/{name}") }
}

/// A one-shot account with its token.
pub struct OneShot {
    client: Client,
    fence: Fence,
    cluster: TestCluster,
    namespace: String,
    name: String,
}

impl OneShot {
    /// A client that shows its token.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its name, which its Secret and RoleBinding have as well.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts its grant into the fence.
    ///
    /// # Errors
    /// Fails where the API server refuses the revision.
    pub async fn grant(&self, entry: Entry) -> Result<()> {
        self.fence.put(&self.name, entry).await
    }

    /// Takes its grant out of the fence.
    ///
    /// # Errors
    /// Fails where the API server refuses the revision.
    pub async fn revoke(&self) -> Result<()> {
        self.fence.take(&self.name).await
    }

    /// Sends one request as this account.
    ///
    /// # Errors
    /// Fails where no answer came.
    pub async fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Answer> {
        send(&self.client, method, path, body).await
    }

    /// Gives it every right of RBAC, so that what refuses it is admission alone; returns when RBAC has noticed.
    ///
    /// # Errors
    /// Fails where the administrator is refused.
    pub async fn with_every_right(self) -> Result<Self> {
        let object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": self.name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "namespace": GRANTS_NAMESPACE, "name": self.name}],
        });
        create(&self.cluster.admin(), &object, None).await?;
        wait_for("the binding to cluster-admin", Duration::from_secs(10), async || {
            let answer = self.send(Method::GET, "/api/v1/namespaces", None).await?;
            Ok(Seen::when(answer.is_success(), (), answer.code))
        })
        .await?;
        Ok(self)
    }

    /// Removes everything of it.
    ///
    /// # Errors
    /// Fails where the API server refuses.
    pub async fn retire(self) -> Result<()> {
        self.revoke().await?;
        let operator = self.fence.operator();
        let params = DeleteParams::default();
        let bindings: Api<RoleBinding> = Api::namespaced(operator.clone(), &self.namespace);
        gone(bindings.delete(&self.name, &params).await)?;
        let everywhere: Api<ClusterRoleBinding> = Api::all(self.cluster.admin());
        gone(everywhere.delete(&self.name, &params).await)?;
        let secrets: Api<Secret> = Api::namespaced(operator.clone(), GRANTS_NAMESPACE);
        gone(secrets.delete(&self.name, &params).await)?;
        let accounts: Api<ServiceAccount> = Api::namespaced(operator, GRANTS_NAMESPACE);
        gone(accounts.delete(&self.name, &params).await)
    }

    /// Its name as admission sees it.
    pub fn user(&self) -> String {
        username(&self.name)
    }
}

fn gone<T>(outcome: kube::Result<T>) -> Result<()> {
    match outcome {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(|_| ()).context("remove a one-shot account"),
    }
}
