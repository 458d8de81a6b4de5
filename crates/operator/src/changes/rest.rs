//! Requests on any object of the catalogue, as JSON.
//!
//! Owns the paths and bodies of reads and writes. Must never retry a write, and never turn a
//! lost reply into an answer. Talks to the API server.

use bailiwick_core::fence::EXECUTOR_MANAGER;
use bailiwick_core::object::{Kind, ObjectRef};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

/// How a request went, told apart by what may be concluded from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestError {
    /// The API server answered no: the request had no effect.
    #[error("{status} {reason}: {message}")]
    Refused {
        /// HTTP status code.
        status: u16,
        /// Machine-readable reason.
        reason: String,
        /// The API server's words.
        message: String,
    },
    /// It is not known whether the request had an effect.
    #[error("no clear reply: {0}")]
    Unclear(String),
}

impl RestError {
    /// True for 404.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// The status code of a clear refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            RestError::Refused { status, .. } => Some(*status),
            RestError::Unclear(_) => None,
        }
    }

    /// The API server's words, or what is known of the failure.
    pub(crate) fn message(&self) -> &str {
        match self {
            RestError::Refused { message, .. } | RestError::Unclear(message) => message,
        }
    }
}

impl From<kube::Error> for RestError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if is_definite(status.code) => RestError::Refused {
                status: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
            },
            other => RestError::Unclear(other.to_string()),
        }
    }
}

/// 4xx answers are given before anything is stored; 408 and 429 may come from a proxy in between.
const fn is_definite(code: u16) -> bool {
    code >= 400 && code < 500 && code != 408 && code != 429
}

/// A body together with its content type.
enum Body {
    None,
    Json(Value),
    JsonPatch(Value),
}

/// Requests with one identity.
#[derive(Clone)]
pub(crate) struct Rest {
    client: Client,
}

impl Rest {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The object, or `None` if it does not exist.
    pub(crate) async fn get(&self, target: &ObjectRef) -> Result<Option<Value>, RestError> {
        match self.send(Method::GET, &path_of(target), "", Body::None).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Objects of a namespace that match a label selector.
    pub(crate) async fn list(&self, kind: Kind, namespace: &str, labels: &str) -> Result<Vec<Value>, RestError> {
        let query: String = form_urlencode(labels);
        let list =
            self.send(Method::GET, &collection(kind, namespace), &format!("labelSelector={query}"), Body::None).await?;
        let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        // Items of a list carry no kind of their own.
        Ok(items.into_iter().map(|item| with_kind(item, kind)).collect())
    }

    /// JSON Patch.
    pub(crate) async fn patch(&self, target: &ObjectRef, patch: Value, dry_run: bool) -> Result<Value, RestError> {
        self.send(Method::PATCH, &path_of(target), &written(dry_run), Body::JsonPatch(patch)).await
    }

    /// Creation.
    pub(crate) async fn create(&self, target: &ObjectRef, body: Value, dry_run: bool) -> Result<Value, RestError> {
        let path = collection(target.kind, target.namespace_str());
        self.send(Method::POST, &path, &written(dry_run), Body::Json(body)).await
    }

    /// Deletion with a uid precondition. The dry run stands in the body: with a body, the API
    /// server ignores it in the URL and really deletes.
    pub(crate) async fn delete(&self, target: &ObjectRef, uid: &str, dry_run: bool) -> Result<Value, RestError> {
        self.send(Method::DELETE, &path_of(target), "", Body::Json(delete_options(uid, dry_run))).await
    }

    async fn send(&self, method: Method, path: &str, query: &str, body: Body) -> Result<Value, RestError> {
        let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let request = Request::builder().method(method).uri(uri);
        let built = match body {
            Body::None => request.body(Vec::new()),
            Body::Json(value) => {
                request.header("content-type", "application/json").body(value.to_string().into_bytes())
            }
            Body::JsonPatch(value) => {
                request.header("content-type", "application/json-patch+json").body(value.to_string().into_bytes())
            }
        };
        let request = built.map_err(|e| RestError::Unclear(e.to_string()))?;
        Ok(self.client.request::<Value>(request).await?)
    }
}

fn delete_options(uid: &str, dry_run: bool) -> Value {
    let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}});
    if dry_run && let Value::Object(map) = &mut options {
        map.insert("dryRun".to_owned(), json!(["All"]));
    }
    options
}

/// The query of a write: under the product's own name in the object's managed fields.
fn written(dry_run: bool) -> String {
    let dry = if dry_run { "&dryRun=All" } else { "" };
    format!("fieldManager={EXECUTOR_MANAGER}{dry}")
}

fn collection(kind: Kind, namespace: &str) -> String {
    let served = kind.served();
    let base = if served.group.is_empty() {
        format!("/api/{}", served.version)
    } else {
        format!("/apis/{}/{}", served.group, served.version)
    };
    if served.namespaced {
        format!("{base}/namespaces/{namespace}/{}", served.resource)
    } else {
        format!("{base}/{}", served.resource)
    }
}

fn path_of(target: &ObjectRef) -> String {
    format!("{}/{}", collection(target.kind, target.namespace_str()), target.name)
}

fn with_kind(mut item: Value, kind: Kind) -> Value {
    if let Value::Object(map) = &mut item {
        map.insert("kind".to_owned(), json!(kind.as_str()));
        map.insert("apiVersion".to_owned(), json!(kind.api_version()));
    }
    item
}

/// Percent-encodes a query value.
fn form_urlencode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::names::{Namespace, ObjectName};

    #[test]
    fn paths_follow_the_kind() {
        let target = |kind| {
            ObjectRef::namespaced(kind, Namespace::parse("shop").unwrap(), ObjectName::parse("web").unwrap(), None)
        };
        assert_eq!(path_of(&target(Kind::Deployment)), "/apis/apps/v1/namespaces/shop/deployments/web");
        assert_eq!(path_of(&target(Kind::ResourceQuota)), "/api/v1/namespaces/shop/resourcequotas/web");
        assert_eq!(collection(Kind::Node, ""), "/api/v1/nodes");
    }

    #[test]
    fn the_dry_run_of_a_deletion_stands_in_its_body() {
        assert_eq!(delete_options("u", true)["dryRun"], json!(["All"]));
        assert_eq!(delete_options("u", true)["preconditions"]["uid"], "u");
        assert_eq!(delete_options("u", false).get("dryRun"), None);
    }

    #[test]
    fn only_clear_refusals_are_definite() {
        for code in [400, 403, 404, 409, 422] {
            assert!(is_definite(code), "{code}");
        }
        for code in [408, 429, 500, 502, 503, 504] {
            assert!(!is_definite(code), "{code}");
        }
    }
}
