//! A grant as the operator makes one, made by the demo itself with the operator's identity.
//!
//! Owns the thief's window: a real grant lives for a fraction of a second, too short to show a
//! theft in. Must never be used while the operator runs, must say that it is the demo's doing, and
//! must take away all it made. Talks to the API server as the operator.

use super::ask::{Answer, create, delete, get};
use super::ground::Ground;
use super::story::{Stop, Told};
use bailiwick_core::catalogue::Right;
use bailiwick_core::fence::{
    ACCOUNT_PREFIX, Entry, FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION, revision_data, username,
};
use bailiwick_core::plan::Plan;
use kube::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces";

/// A live grant.
pub(super) struct Grant {
    operator: Client,
    /// The one-shot account.
    pub(super) account: String,
    namespace: String,
    revision: i64,
    /// The token that is stolen.
    pub(super) token: String,
}

fn revisions() -> String {
    format!("/apis/apps/v1/namespaces/{GRANTS_NAMESPACE}/controllerrevisions")
}

fn core(resource: &str) -> String {
    format!("/api/v1/namespaces/{GRANTS_NAMESPACE}/{resource}")
}

fn revision_name(number: i64) -> String {
    format!("fence-{number:010}")
}

/// Makes account, Secret, RoleBinding, token and fence entry for a plan.
pub(super) async fn arm(ground: &Ground, plan: &Plan, uid: &str) -> Told<Grant> {
    let operator = ground.people.operator()?;
    let namespace = plan.target.namespace_str().to_owned();
    let account = format!("{ACCOUNT_PREFIX}{}-d0", uid.get(..8).unwrap_or(uid));
    let entry = Entry::executing(plan).ok_or_else(|| Stop::broken("the plan is not executable"))?;
    let metadata = json!({
        "name": account,
        "labels": {"bailiwick.dev/grant": "true", "app.kubernetes.io/managed-by": "bailiwick"},
        "annotations": {"bailiwick.dev/change": format!("{namespace}/demo"), "bailiwick.dev/change-uid": uid},
    });
    let must = |doing: &'static str, answer: Answer| ground.must(doing, std::future::ready(answer));
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": false});
    must("create the account", create(&operator, &core("serviceaccounts"), &object).await).await?;
    let object = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata});
    must("create its Secret", create(&operator, &core("secrets"), &object).await).await?;
    let right = Right { operation: plan.operation, kind: plan.target.kind };
    let object = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": right.role()},
        "subjects": [{"kind": "ServiceAccount", "namespace": GRANTS_NAMESPACE, "name": account}],
    });
    must("bind it", create(&operator, &format!("{RBAC}/{namespace}/rolebindings"), &object).await).await?;
    let token = must(
        "request its token",
        create(&operator, &core(&format!("serviceaccounts/{account}/token")), &token_request(&account)).await,
    )
    .await?;
    let token = token.pointer("/status/token").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut grant = Grant { operator, account, namespace, revision: 0, token };
    grant.fence(ground, Some(entry)).await?;
    Ok(grant)
}

/// What the operator asks for: the least lifetime that the API allows, bound to the Secret.
pub(super) fn token_request(account: &str) -> Value {
    json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "expirationSeconds": 600,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": account},
        },
    })
}

impl Grant {
    /// Replaces the fence by a revision with this entry alone, or with none.
    async fn fence(&mut self, ground: &Ground, entry: Option<Entry>) -> Told {
        let live = live_revisions(ground).await?;
        let next = live.iter().max().copied().unwrap_or_default() + 1;
        let grants: BTreeMap<String, Entry> = entry.into_iter().map(|e| (username(&self.account), e)).collect();
        let data = revision_data(&grants).map_err(|e| Stop::broken(e.to_string()))?;
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": revision_name(next),
                "labels": {FENCE_LABEL: FENCE_VALUE, "app.kubernetes.io/managed-by": "bailiwick"},
            },
            "revision": next,
            "data": data,
        });
        ground.must("write the fence", create(&self.operator, &revisions(), &object)).await?;
        self.revision = next;
        for old in live {
            let path = format!("{}/{}", revisions(), revision_name(old));
            ground.must("delete the fence of before", delete(&self.operator, &path)).await?;
        }
        Ok(())
    }

    /// Takes the entry out of the fence.
    pub(super) async fn unfence(&mut self, ground: &Ground) -> Told {
        self.fence(ground, None).await
    }

    /// Deletes the RoleBinding.
    pub(super) async fn unbind(&self, ground: &Ground) -> Told {
        let path = format!("{RBAC}/{}/rolebindings/{}", self.namespace, self.account);
        ground.must("delete the RoleBinding", delete(&self.operator, &path)).await.map(drop)
    }

    /// Takes everything away, whatever of it is still there.
    pub(super) async fn remove(&mut self, ground: &Ground) -> Told {
        self.unfence(ground).await?;
        let binding = format!("{RBAC}/{}/rolebindings/{}", self.namespace, self.account);
        for path in
            [binding, core(&format!("secrets/{}", self.account)), core(&format!("serviceaccounts/{}", self.account))]
        {
            let answer = delete(&self.operator, &path).await;
            if !answer.is_yes() && answer.code != 404 {
                return Err(Stop::broken(format!("cannot take the demo's own grant away: {}", answer.summary())));
            }
        }
        Ok(())
    }
}

/// Numbers of the fence's revisions.
async fn live_revisions(ground: &Ground) -> Told<Vec<i64>> {
    let path = format!("{}?labelSelector={FENCE_LABEL}%3D{FENCE_VALUE}", revisions());
    let list = ground.must("list the fence's revisions", get(&ground.admin, &path)).await?;
    let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let ours = |item: &&Value| item.pointer("/metadata/name").and_then(Value::as_str) != Some(SUSPEND_REVISION);
    Ok(items.iter().filter(ours).filter_map(|item| item.get("revision").and_then(Value::as_i64)).collect())
}
