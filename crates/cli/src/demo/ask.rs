//! Requests exactly as an attacker or an administrator would send them, and who said no to them.
//!
//! Owns the reading of refusals. Must never take a refusal by RBAC for one by a policy: the first
//! proves nothing about the second. Talks to the API server.

use crate::fault;
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};
use std::fmt;

/// Content type of a JSON Patch.
pub(super) const JSON_PATCH: &str = "application/json-patch+json";
/// Content type of a merge patch.
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";
/// Content type of whole objects.
pub(super) const WHOLE: &str = "application/json";

/// Who said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refuser {
    /// The identity has no such right at all.
    Rbac,
    /// An admission policy, by name.
    Policy(String),
    /// The credentials are not accepted.
    Authentication,
    /// The request does not fit the object: a test of a patch failed, or a value is wrong.
    Object,
    /// Somebody else.
    Other,
}

impl fmt::Display for Refuser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refuser::Rbac => f.write_str("RBAC"),
            Refuser::Policy(name) => write!(f, "policy {name}"),
            Refuser::Authentication => f.write_str("authentication"),
            Refuser::Object => f.write_str("the object itself"),
            Refuser::Other => f.write_str("the API server"),
        }
    }
}

impl Refuser {
    /// A policy of Bailiwick's, by what follows its common prefix.
    pub(super) fn policy(name: &str) -> Self {
        Refuser::Policy(format!("bailiwick-{name}"))
    }
}

/// An answer of the API server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// HTTP status; 0 where no answer came.
    pub(super) code: u16,
    /// The object, or nothing.
    pub(super) body: Value,
    /// The API server's words, where it said no.
    pub(super) words: String,
}

impl Answer {
    /// True where the request was carried out, or would have been.
    pub(super) fn is_yes(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Who said no; nobody where it was carried out.
    pub(super) fn refuser(&self) -> Option<Refuser> {
        if self.is_yes() {
            return None;
        }
        if let Some((_, rest)) = self.words.split_once("ValidatingAdmissionPolicy '") {
            return Some(Refuser::Policy(rest.split('\'').next().unwrap_or_default().to_owned()));
        }
        Some(match self.code {
            401 => Refuser::Authentication,
            403 if self.words.contains("\" cannot ") => Refuser::Rbac,
            409 | 422 => Refuser::Object,
            _ => Refuser::Other,
        })
    }

    /// The answer in a few words.
    pub(super) fn summary(&self) -> String {
        match self.refuser() {
            None => format!("admitted ({})", self.code),
            Some(by) => format!("{} by {by}: {}", self.code, self.reason()),
        }
    }

    /// The refusal without what stands before it in every refusal of that kind.
    pub(super) fn reason(&self) -> &str {
        let tail = self.words.split_once("denied request: ").map(|(_, tail)| tail);
        tail.unwrap_or(&self.words)
    }
}

/// Sends one request as it is; a refusal is an answer like any other.
pub(super) async fn ask(client: &Client, method: Method, path: &str, body: Option<(&str, &Value)>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some((kind, _)) = body {
        request = request.header(http::header::CONTENT_TYPE, kind);
    }
    let bytes = body.map(|(_, value)| value.to_string().into_bytes()).unwrap_or_default();
    let request = match request.body(bytes) {
        Ok(request) => request,
        Err(error) => return Answer { code: 0, body: Value::Null, words: error.to_string() },
    };
    match client.request::<Value>(request).await {
        Ok(body) => Answer { code: 200, body, words: String::new() },
        Err(kube::Error::Api(status)) => Answer { code: status.code, body: Value::Null, words: status.message.clone() },
        Err(error) => Answer { code: 0, body: Value::Null, words: fault::chain(&error) },
    }
}

/// Reads an object.
pub(super) async fn get(client: &Client, path: &str) -> Answer {
    ask(client, Method::GET, path, None).await
}

/// Changes an object by a JSON Patch.
pub(super) async fn patch(client: &Client, path: &str, operations: &Value) -> Answer {
    ask(client, Method::PATCH, path, Some((JSON_PATCH, operations))).await
}

/// Changes an object by a merge patch.
pub(super) async fn merge(client: &Client, path: &str, change: &Value) -> Answer {
    ask(client, Method::PATCH, path, Some((MERGE_PATCH, change))).await
}

/// Creates an object.
pub(super) async fn create(client: &Client, collection: &str, object: &Value) -> Answer {
    ask(client, Method::POST, collection, Some((WHOLE, object))).await
}

/// Deletes an object at once.
pub(super) async fn delete(client: &Client, path: &str) -> Answer {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    ask(client, Method::DELETE, path, Some((WHOLE, &options))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, words: &str) -> Answer {
        Answer { code, body: Value::Null, words: words.to_owned() }
    }

    #[test]
    fn who_refused_is_told_apart() {
        let rbac =
            answer(403, r#"deployments.apps "web" is forbidden: User "anna" cannot patch resource "deployments""#);
        assert_eq!(rbac.refuser(), Some(Refuser::Rbac));
        let policy = answer(
            403,
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'bailiwick-executor-fence' with binding 'b' denied request: no live grant",
        );
        assert_eq!(policy.refuser(), Some(Refuser::Policy("bailiwick-executor-fence".into())));
        assert_eq!(policy.summary(), "403 by policy bailiwick-executor-fence: no live grant");
        assert_eq!(answer(401, "Unauthorized").refuser(), Some(Refuser::Authentication));
        assert_eq!(answer(422, "the test failed").refuser(), Some(Refuser::Object));
        assert_eq!(answer(201, "").refuser(), None);
    }
}
