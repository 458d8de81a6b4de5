//! One request and the words for its answer: who refused, and why.

use std::borrow::Borrow;
use std::time::Duration;

use anyhow::Context as _;
use bailiwick_core::names::Uid;
use bailiwick_core::plan::{Draft, Operation};
use bailiwick_testkit::{Answer, JSON_PATCH, Result, Seen, TestCluster, path_of, send, wait_for};
use http::Method;
use serde_json::{Value, json};

use crate::scene::Scene;

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

/// One request, to be sent by whoever.
#[derive(Debug, Clone)]
pub(crate) struct Shot {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<(&'static str, Value)>,
}

impl Shot {
    /// The request of a draft, as the operator would send it.
    pub(crate) fn of(draft: &Draft) -> Self {
        let target = &draft.target;
        let path = path_of(target.kind, target.namespace_str(), target.name.as_str());
        match draft.operation {
            Operation::Update => Self::new(Method::PATCH, path, Some((JSON_PATCH, json!(draft.patch)))),
            Operation::Delete => {
                let uid = target.uid.as_ref().map(Uid::as_str);
                let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}});
                Self::new(Method::DELETE, path, Some((JSON, options)))
            }
            Operation::Create => {
                let path = path_of(target.kind, target.namespace_str(), "");
                Self::new(Method::POST, path, draft.body.clone().map(|body| (JSON, body)))
            }
        }
    }

    pub(crate) fn new(method: Method, path: impl Into<String>, body: Option<(&'static str, Value)>) -> Self {
        Self { method, path: path.into(), body }
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path, Some((JSON, body)))
    }

    pub(crate) fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PUT, path, Some((JSON, body)))
    }

    pub(crate) fn merge(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, Some((MERGE, body)))
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, None)
    }

    /// The same as a dry run; a deletion says so in its body.
    #[must_use]
    pub(crate) fn dry(&self) -> Self {
        let mut dry = self.clone();
        match (&self.method, &mut dry.body) {
            (&Method::DELETE, Some((_, options))) => options["dryRun"] = json!(["All"]),
            _ => dry.path += "?dryRun=All",
        }
        dry
    }

    /// A patch with more operations after its own.
    #[must_use]
    pub(crate) fn and(&self, more: &[Value]) -> Self {
        let mut both = self.clone();
        if let Some((_, Value::Array(operations))) = &mut both.body {
            operations.extend(more.iter().cloned());
        }
        both
    }

    pub(crate) async fn sent(&self, client: &kube::Client) -> Result<Answer> {
        send(client, self.method.clone(), &self.path, self.body.as_ref().map(|(kind, body)| (*kind, body))).await
    }

    pub(crate) async fn by<C: Borrow<TestCluster>>(&self, scene: &Scene<C>) -> Result<Answer> {
        self.sent(scene.account.client()).await
    }
}

/// Fails unless `policy` refused with these words.
#[track_caller]
pub(crate) fn assert_refused(what: &str, answer: &Answer, policy: &str, words: &str) {
    assert!(answer.code == 403 && answer.refused_by(policy), "{what}: {policy} should have refused, but: {answer:?}");
    assert!(answer.message().contains(words), "{what}: refused for another reason than {words:?}: {answer:?}");
}

/// Returns when the policy refuses the request as a dry run with these words: what was just written takes milliseconds to be seen.
pub(crate) async fn refused_meanwhile<C: Borrow<TestCluster>>(
    scene: &Scene<C>,
    shot: &Shot,
    policy: &str,
    words: &str,
) -> Result<()> {
    wait_for(&format!("the refusal {words:?}"), Duration::from_secs(30), async || {
        let answer = shot.dry().by(scene).await?;
        Ok(Seen::when(answer.refused_by(policy) && answer.message().contains(words), (), answer))
    })
    .await
}

#[track_caller]
pub(crate) fn assert_rbac(what: &str, answer: &Answer) {
    assert!(answer.refused_by_rbac(), "{what}: RBAC should have refused, but: {answer:?}");
}

#[track_caller]
pub(crate) fn assert_done(what: &str, answer: &Answer) {
    assert!(answer.is_success(), "{what}: should have passed, but: {answer:?}");
}

/// Lets a user do what `rules` say in a namespace, as an administrator would; returns when RBAC has noticed.
pub(crate) async fn allow(cluster: &TestCluster, namespace: &str, user: &str, rules: Value) -> Result<()> {
    let name: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let rbac = "rbac.authorization.k8s.io";
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules});
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}],
    });
    for object in [role, binding] {
        bailiwick_testkit::apply(&cluster.admin(), &object, Some(namespace)).await?;
    }
    let last = rules.as_array().and_then(|all| all.last()).context("no rules")?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": {
            "namespace": namespace, "verb": last["verbs"][0], "group": last["apiGroups"][0], "resource": last["resources"][0],
        }},
    });
    let review = Shot::post("/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
    wait_for("RBAC to notice", Duration::from_secs(10), async || {
        let answer = review.sent(&cluster.admin()).await?;
        Ok(Seen::when(answer.body["status"]["allowed"] == true, (), answer.body))
    })
    .await
}

/// Every verb on everything.
pub(crate) fn everything() -> Value {
    json!([{"apiGroups": ["*"], "resources": ["*", "*/*"], "verbs": ["*"]}])
}

/// Sets every key of `more` in `object`.
pub(crate) fn extend(object: &mut Value, more: &Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more.clone());
    }
}
