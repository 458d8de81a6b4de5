//! One-shot accounts: ServiceAccount, Secret, binding and the token bound to the Secret.
//!
//! Owns making and removing them. Must never use an account whose objects it did not make for
//! this very Change: a look-alike aborts. Talks to the API server; tokens live in memory only.

use super::rest::{Rest, RestError};
use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_core::catalogue::Right;
use bailiwick_core::fence::{ACCOUNT_PREFIX, GRANTS_NAMESPACE};
use bailiwick_core::plan::Proposal;
use bailiwick_core::reason::{Code, Reason};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use kube::Resource;
use kube::api::{Api, DeleteParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Mutex;

/// Annotation that names the Change an object was made for.
pub(crate) const CHANGE_ANNOTATION: &str = "bailiwick.dev/change";
/// Annotation that carries that Change's uid.
pub(crate) const CHANGE_UID_ANNOTATION: &str = "bailiwick.dev/change-uid";
/// Label of every object of a grant.
pub(crate) const GRANT_LABEL: &str = "bailiwick.dev/grant";
/// Seconds a token lives: the least that the API allows.
const TOKEN_SECONDS: i64 = 600;

/// Clients of one-shot accounts, by account name.
#[derive(Default)]
pub(crate) struct Accounts {
    clients: Mutex<HashMap<String, Rest>>,
}

/// Why an account cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// A refusal that ends the attempt.
    #[error("{0}")]
    Refused(Reason),
    /// A failure that may pass.
    #[error("cannot {step}: {source}")]
    Failed {
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        source: RestError,
    },
}

fn failed(step: &'static str) -> impl Fn(kube::Error) -> AccountError {
    move |error| AccountError::Failed { step, source: error.into() }
}

impl Accounts {
    /// Makes the account with its one right, in the target's namespace where that has one, and a client for it.
    pub(crate) async fn ensure(
        &self,
        ctx: &Context,
        account: &str,
        proposal: &Proposal,
        right: Right,
    ) -> Result<Rest, AccountError> {
        if let Some(client) = self.held(account) {
            return Ok(client);
        }
        let meta = metadata(account, proposal);
        create_service_account(ctx, account, &meta).await?;
        create_secret(ctx, account, &meta).await?;
        create_binding(ctx, account, proposal, right, &meta).await?;
        self.mint(ctx, account).await
    }

    /// A client for an account that exists, with a new token if none is held.
    pub(crate) async fn mint(&self, ctx: &Context, account: &str) -> Result<Rest, AccountError> {
        if let Some(client) = self.held(account) {
            return Ok(client);
        }
        crate::failpoint!("account-token");
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                audiences: None,
                expiration_seconds: Some(TOKEN_SECONDS),
                bound_object_ref: Some(BoundObjectReference {
                    api_version: Some("v1".to_owned()),
                    kind: Some("Secret".to_owned()),
                    name: Some(account.to_owned()),
                    uid: None,
                }),
            }),
            ..TokenRequest::default()
        };
        let accounts: Api<ServiceAccount> = Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE);
        ctx.metrics.api(Call::Grant, "create");
        let token = accounts
            .create_token_request(account, &PostParams::default(), &request)
            .await
            .map_err(failed("request the one-shot token"))?;
        let token = token.status.and_then(|s| s.token).unwrap_or_default();
        let client = ctx.client_for(&token).map_err(|message| AccountError::Failed {
            step: "build the one-shot client",
            source: RestError::Unclear(message),
        })?;
        let rest = Rest::new(client);
        if let Ok(mut clients) = self.clients.lock() {
            clients.insert(account.to_owned(), rest.clone());
        }
        Ok(rest)
    }

    fn held(&self, account: &str) -> Option<Rest> {
        self.clients.lock().ok()?.get(account).cloned()
    }

    /// Removes the binding, from a namespace or from none: effective within milliseconds.
    pub(crate) async fn unbind(&self, ctx: &Context, account: &str, place: Option<&str>) -> Result<(), AccountError> {
        let params = DeleteParams::default();
        ctx.metrics.api(Call::Revoke, "delete");
        let deleted = match place {
            Some(namespace) => {
                let bindings: Api<RoleBinding> = Api::namespaced(ctx.client.clone(), namespace);
                bindings.delete(account, &params).await.map(|_| ())
            }
            None => {
                let bindings: Api<ClusterRoleBinding> = Api::all(ctx.client.clone());
                bindings.delete(account, &params).await.map(|_| ())
            }
        };
        gone(deleted).map_err(failed("delete the binding"))
    }

    /// Removes the Secret, with which the token dies, and the ServiceAccount; forgets the token.
    pub(crate) async fn remove(&self, ctx: &Context, account: &str) -> Result<(), AccountError> {
        let secrets: Api<Secret> = Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE);
        let accounts: Api<ServiceAccount> = Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE);
        ctx.metrics.api(Call::Revoke, "delete");
        gone(secrets.delete(account, &DeleteParams::default()).await.map(|_| ()))
            .map_err(failed("delete the Secret"))?;
        crate::failpoint!("revoke-secret-deleted");
        ctx.metrics.api(Call::Revoke, "delete");
        gone(accounts.delete(account, &DeleteParams::default()).await.map(|_| ()))
            .map_err(failed("delete the ServiceAccount"))?;
        if let Ok(mut clients) = self.clients.lock() {
            clients.remove(account);
        }
        Ok(())
    }

    /// True if the ServiceAccount exists.
    pub(crate) async fn exists(&self, ctx: &Context, account: &str) -> Result<bool, AccountError> {
        let accounts: Api<ServiceAccount> = Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE);
        ctx.metrics.api(Call::Revoke, "get");
        let found = accounts.get_opt(account).await.map_err(failed("read the ServiceAccount"))?;
        Ok(found.is_some())
    }
}

fn gone(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other,
    }
}

fn metadata(account: &str, proposal: &Proposal) -> Value {
    json!({
        "name": account,
        "labels": { GRANT_LABEL: "true", "app.kubernetes.io/managed-by": "bailiwick" },
        "annotations": {
            CHANGE_ANNOTATION: format!("{}/{}", proposal.namespace, proposal.name),
            CHANGE_UID_ANNOTATION: proposal.uid.as_str(),
        },
    })
}

fn forged(what: &str) -> AccountError {
    AccountError::Refused(Reason::new(Code::GrantForged, format!("{what} exists and was not made for this Change")))
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, AccountError> {
    serde_json::from_value(value)
        .map_err(|e| AccountError::Failed { step: "build a grant object", source: RestError::Unclear(e.to_string()) })
}

fn is_taken(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.reason == "AlreadyExists")
}

fn made_for(annotations: Option<&std::collections::BTreeMap<String, String>>, meta: &Value) -> bool {
    let wanted = meta.pointer("/annotations").and_then(|a| a.get(CHANGE_UID_ANNOTATION)).and_then(Value::as_str);
    annotations.and_then(|a| a.get(CHANGE_UID_ANNOTATION)).map(String::as_str) == wanted
}

async fn create_service_account(ctx: &Context, account: &str, meta: &Value) -> Result<(), AccountError> {
    crate::failpoint!("account-create");
    let api: Api<ServiceAccount> = Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE);
    let object = typed(json!({"metadata": meta, "automountServiceAccountToken": false}))?;
    ctx.metrics.api(Call::Grant, "create");
    match api.create(&PostParams::default(), &object).await {
        Err(error) if is_taken(&error) => {
            let found = api.get(account).await.map_err(failed("read the ServiceAccount"))?;
            if made_for(found.metadata.annotations.as_ref(), meta) {
                Ok(())
            } else {
                Err(forged("a ServiceAccount of the grant's name"))
            }
        }
        other => other.map(|_| ()).map_err(failed("create the ServiceAccount")),
    }
}

async fn create_secret(ctx: &Context, _account: &str, meta: &Value) -> Result<(), AccountError> {
    crate::failpoint!("account-secret");
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE);
    let object = typed(json!({"metadata": meta, "type": "Opaque"}))?;
    ctx.metrics.api(Call::Grant, "create");
    match api.create(&PostParams::default(), &object).await {
        // The operator may not read Secrets. Only it may create one here, and this one is empty.
        Err(error) if is_taken(&error) => Ok(()),
        other => other.map(|_| ()).map_err(failed("create the Secret")),
    }
}

async fn create_binding(
    ctx: &Context,
    account: &str,
    proposal: &Proposal,
    right: Right,
    meta: &Value,
) -> Result<(), AccountError> {
    crate::failpoint!("account-binding");
    debug_assert!(account.starts_with(ACCOUNT_PREFIX));
    let object = json!({
        "metadata": meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": right.role()},
        "subjects": [{"kind": "ServiceAccount", "namespace": GRANTS_NAMESPACE, "name": account}],
    });
    match &proposal.target.namespace {
        Some(namespace) => {
            let api: Api<RoleBinding> = Api::namespaced(ctx.client.clone(), namespace.as_str());
            bind(ctx, &api, typed(object)?, meta).await
        }
        None => bind(ctx, &Api::<ClusterRoleBinding>::all(ctx.client.clone()), typed(object)?, meta).await,
    }
}

/// A binding in a namespace, or everywhere.
trait Binding: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned {
    /// Which role to whom.
    fn parts(&self) -> (&RoleRef, Option<&Vec<Subject>>);
}

impl Binding for RoleBinding {
    fn parts(&self) -> (&RoleRef, Option<&Vec<Subject>>) {
        (&self.role_ref, self.subjects.as_ref())
    }
}

impl Binding for ClusterRoleBinding {
    fn parts(&self) -> (&RoleRef, Option<&Vec<Subject>>) {
        (&self.role_ref, self.subjects.as_ref())
    }
}

async fn bind<B: Binding>(ctx: &Context, api: &Api<B>, object: B, meta: &Value) -> Result<(), AccountError> {
    ctx.metrics.api(Call::Grant, "create");
    match api.create(&PostParams::default(), &object).await {
        Err(error) if is_taken(&error) => {
            let name = object.meta().name.as_deref().unwrap_or_default();
            let found = api.get(name).await.map_err(failed("read the binding"))?;
            if found.parts() == object.parts() && made_for(found.meta().annotations.as_ref(), meta) {
                Ok(())
            } else {
                Err(forged("a binding of the grant's name"))
            }
        }
        other => other.map(|_| ()).map_err(failed("create the binding")),
    }
}
