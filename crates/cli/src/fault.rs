//! From what the client library reports to one message that says what is missing and what to do.
//!
//! Owns the wording of every failure to reach or use a cluster. Must never print a token or a
//! key, and never hide the API server's own words. No IO.

use crate::exit::Failure;
use crate::safe;
use kube::Error;
use kube::core::Status;

/// Which cluster is meant, for messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The kubeconfig's context; empty inside a cluster.
    pub context: String,
    /// The API server's URL.
    pub server: String,
}

impl Place {
    /// The place in words.
    pub fn words(&self) -> String {
        if self.context.is_empty() {
            self.server.clone()
        } else {
            format!("{} (context {})", self.server, self.context)
        }
    }
}

/// The failure of doing something.
pub fn explain(place: &Place, doing: &str, error: &Error) -> Failure {
    match error {
        Error::Api(status) => api(place, doing, status),
        Error::Auth(auth) => {
            let why = crate::secretive::login(auth);
            Failure::error(format!("cannot get credentials for {}: {why}", place.words()))
                .next("log in again, or choose another context with --context")
        }
        Error::SerdeError(parse) => Failure::error(format!(
            "cannot {doing}: the server's answer does not parse: {parse}"
        ))
        .next("this bailiwick and the installed one may be of different versions: compare with `bailiwick version`"),
        Error::Service(_) | Error::HyperError(_) | Error::ReadEvents(_) => unreachable(place, doing, &chain(error)),
        other => Failure::error(format!("cannot {doing} at {}: {}", place.words(), chain(other))),
    }
}

/// The error with each of its causes that says something new.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    for noise in ["ServiceError: ", "HyperError: ", "client error (Connect): "] {
        text = text.replace(noise, "");
    }
    safe::line(&text)
}

fn unreachable(place: &Place, doing: &str, text: &str) -> Failure {
    let lower = text.to_lowercase();
    let has = |needle: &str| lower.contains(needle);
    if has("certificate") || has("unknownissuer") || has("badsignature") {
        return Failure::error(format!("cannot trust the server at {}: {text}", place.words()))
            .next("the kubeconfig is for another cluster, or its certificates have expired: fetch a fresh one");
    }
    let why = if has("connection refused") {
        "nothing listens there"
    } else if has("dns error") || has("lookup") || has("name or service not known") {
        "its name does not resolve"
    } else if has("timed out") || has("timeout") || has("elapsed") {
        "it did not answer in time"
    } else if has("unreachable") {
        "the network does not lead there"
    } else {
        return Failure::error(format!("cannot {doing} at {}: {text}", place.words()))
            .next("check the cluster and the context: kubectl config get-contexts");
    };
    Failure::error(format!("cannot reach the server at {}: {why}", place.words()))
        .next("check that the cluster runs and that this is the context you mean: kubectl config get-contexts")
}

fn api(place: &Place, doing: &str, status: &Status) -> Failure {
    let message = safe::line(&status.message);
    if let Some(refusal) = policy_refusal(status) {
        return Failure::refused(format!("refused by policy: {refusal}"));
    }
    match status.code {
        401 => Failure::error(format!("{} does not accept your credentials (401)", place.words()))
            .next("they have expired or belong to another cluster: log in again, or choose another context with --context"),
        403 => Failure::error(format!("not permitted to {doing}: {message}"))
            .next("ask whoever administers the cluster for exactly that verb on that resource, or act as someone else with --as"),
        404 if is_kind_missing(status) => not_installed(),
        404 => Failure::not_found(message),
        409 => Failure::error(format!("cannot {doing}: {message}")),
        422 | 400 => Failure::error(format!("the API server does not accept this: {message}")),
        code => Failure::error(format!("cannot {doing}: the API server answered {code}: {message}")),
    }
}

/// What to say where our kinds are not served.
pub fn not_installed() -> Failure {
    Failure::error("Bailiwick is not installed in this cluster")
        .next("install it: bailiwick install (bailiwick diagnose works without)")
}

/// True where the server does not know the kind at all.
pub fn is_kind_missing(status: &Status) -> bool {
    let named = status.details.as_ref().is_some_and(|d| !d.name.is_empty());
    status.code == 404
        && !named
        && (status.message.contains("could not find the requested resource")
            || status.message.contains("page not found"))
}

/// True where the server does not know the kind, or the object does not exist.
pub fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

/// True for a refusal by RBAC.
pub fn is_forbidden(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 403 && policy_refusal(status).is_none())
}

/// The words of an admission policy or webhook that refused a request.
pub fn policy_refusal(status: &Status) -> Option<String> {
    let text = &status.message;
    let (_, policy) = match text.split_once("ValidatingAdmissionPolicy '") {
        Some(found) => found,
        None => {
            let at = text.find("admission webhook")?;
            return Some(safe::line(&text[at..]));
        }
    };
    let (name, rest) = policy.split_once('\'')?;
    let why = rest.split_once("denied request:").map_or(rest, |(_, why)| why);
    Some(safe::line(&format!("{} (policy {name})", why.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn place() -> Place {
        Place { context: "dev".into(), server: "https://10.0.0.1:6443".into() }
    }

    fn status(code: u16, message: &str) -> Error {
        Error::Api(Box::new(Status { code, message: message.into(), ..Status::default() }))
    }

    #[test]
    fn each_refusal_says_what_is_missing_and_what_to_do() {
        let of = |code, message: &str| explain(&place(), "list changes", &status(code, message));
        let expired = of(401, "Unauthorized");
        assert!(expired.what.contains("credentials") && expired.next.is_some());
        assert_eq!(expired.exit, Exit::Error);
        let rbac = of(403, "changes.bailiwick.dev is forbidden: User \"ann\" cannot list resource \"changes\"");
        assert!(rbac.what.contains("cannot list resource") && rbac.exit == Exit::Error);
        let absent = of(404, "the server could not find the requested resource");
        assert!(
            absent.what.contains("not installed")
                && absent.next.as_ref().is_some_and(|n| n.contains("bailiwick install"))
        );
        assert_eq!(absent.exit, Exit::Error);
        assert_eq!(of(404, "changes.bailiwick.dev \"x\" not found").exit, Exit::Finding);
    }

    #[test]
    fn a_policy_speaks_for_itself() {
        let text = "approvals.bailiwick.dev \"a\" is forbidden: ValidatingAdmissionPolicy 'bailiwick-approval-identity' with binding 'x' denied request: spec.approver must be you";
        let failure = explain(&place(), "approve", &status(422, text));
        assert_eq!(failure.exit, Exit::Refused);
        assert_eq!(failure.what, "refused by policy: spec.approver must be you (policy bailiwick-approval-identity)");
        let webhook = "admission webhook \"x.example\" denied the request: no\u{1b}[2J";
        let failure = explain(&place(), "approve", &status(403, webhook));
        assert!(failure.what.ends_with("no\\u{1b}[2J"), "{}", failure.what);
    }

    #[test]
    fn an_unreachable_server_is_named_with_its_context() {
        let error =
            Error::Service("error trying to connect: tcp connect error: Connection refused (os error 111)".into());
        let failure = explain(&place(), "list changes", &error);
        assert_eq!(
            failure.what,
            "cannot reach the server at https://10.0.0.1:6443 (context dev): nothing listens there"
        );
        let foreign = Error::Service("invalid peer certificate: UnknownIssuer".into());
        assert!(explain(&place(), "x", &foreign).what.starts_with("cannot trust the server"));
    }
}
