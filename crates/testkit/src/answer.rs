//! What the API server said no with.
//!
//! A test that expects a refusal must name who refused: RBAC, a policy, or validation. A 403 from RBAC in place of one from a policy proves nothing about the policy.

use anyhow::{Context as _, Result};
use http::{Method, Request};
use kube::Client;
use serde_json::Value;

/// An answer of the API server, good or bad.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub code: u16,
    /// The `Status` or the object.
    pub body: Value,
}

impl Answer {
    /// Whether the request was carried out (or would have been, in a dry run).
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The message of a `Status`; empty for an object.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// Whether `policy` refused it.
    pub fn refused_by(&self, policy: &str) -> bool {
        !self.is_success() && names_policy(self.message(), policy)
    }

    /// Whether RBAC refused it, before any policy was asked.
    pub fn refused_by_rbac(&self) -> bool {
        self.code == 403 && is_rbac(self.message())
    }
}

/// Sends one request exactly as it is; a refusal is an answer, not an error. For what typed clients cannot say: subresources, odd bodies, `dryRun` in the wrong place.
///
/// # Errors
/// Fails where no answer came.
pub async fn send(client: &Client, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Answer> {
    let mut request = Request::builder().method(method).uri(path);
    let bytes = match body {
        Some((content_type, value)) => {
            request = request.header(http::header::CONTENT_TYPE, content_type);
            serde_json::to_vec(value)?
        }
        None => Vec::new(),
    };
    let request = request.body(kube::client::Body::from(bytes)).context("build a request")?;
    let response = client.send(request).await.with_context(|| format!("send a request to {path}"))?;
    let code = response.status().as_u16();
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.context("read an answer")?.to_bytes();
    let body =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    Ok(Answer { code, body })
}

/// The API server's refusal behind an error; `None` if the error is of another kind.
pub fn refusal(error: &anyhow::Error) -> Option<Answer> {
    error.chain().find_map(|cause| match cause.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => {
            Some(Answer { code: status.code, body: serde_json::to_value(status.as_ref()).unwrap_or(Value::Null) })
        }
        _ => None,
    })
}

/// Whether `outcome` failed because `policy` refused it.
///
/// # Errors
/// Fails where it succeeded, or failed for another reason, which is named.
pub fn refused_by<T>(policy: &str, outcome: Result<T>) -> Result<String> {
    let Err(error) = outcome else {
        anyhow::bail!("{policy} should have refused this, but it was admitted");
    };
    match refusal(&error) {
        Some(answer) if answer.refused_by(policy) => Ok(answer.message().to_owned()),
        _ => Err(error.context(format!("{policy} should have refused this, but something else did"))),
    }
}

/// "ValidatingAdmissionPolicy 'x' with binding 'y' denied request: …".
fn names_policy(message: &str, policy: &str) -> bool {
    message.contains(&format!("ValidatingAdmissionPolicy '{policy}'"))
}

/// `User "x" cannot patch resource "deployments" in API group "apps" …`, and the like of it for attempts to give away rights.
fn is_rbac(message: &str) -> bool {
    message.contains("\" cannot ") || message.contains("is attempting to grant RBAC permissions not currently held")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(message: &str) -> Answer {
        Answer { code: 403, body: json!({ "message": message }) }
    }

    #[test]
    fn who_refused_is_told_apart() {
        let rbac = answer(
            r#"deployments.apps "web" is forbidden: User "anna" cannot patch resource "deployments" in API group "apps" in the namespace "x""#,
        );
        let policy = answer(
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'bailiwick-executor-fence' with binding 'bailiwick-executor-fence' denied request: no live grant",
        );
        assert!(rbac.refused_by_rbac() && !rbac.refused_by("bailiwick-executor-fence"));
        assert!(!policy.refused_by_rbac() && policy.refused_by("bailiwick-executor-fence"));
        assert!(!policy.refused_by("bailiwick-executor"));
    }

    #[test]
    fn success_is_no_refusal() {
        let error = refused_by("p", Ok(())).unwrap_err().to_string();
        assert!(error.contains("admitted"), "{error}");
        let error = refused_by::<()>("p", Err(anyhow::anyhow!("timed out"))).unwrap_err();
        assert!(format!("{error:#}").contains("something else did: timed out"));
    }
}
