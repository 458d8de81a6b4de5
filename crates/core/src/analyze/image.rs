//! Images that cannot be pulled.
//!
//! Owns the reading of the kubelet's pull errors. Must never take an image from a message: the
//! image is the template's, the message only says what became of it. No IO.

use super::case::{Case, Sign};
use super::history::{self, History};
use super::text::{has_any, quote, quoted_after};
use crate::finding::{Candidate, Cause};
use crate::index::{ContainerState, Event, Now, Pod};
use jiff::SignedDuration;

/// A registry that does not answer may answer the next time.
const UNREACHABLE_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// What a container waiting for its image shows.
pub(crate) fn sign<'a>(case: &Case<'a>, pod: Pod<'a>, state: &ContainerState) -> Option<Sign<'a>> {
    let Now::Waiting { reason, message } = &state.now else {
        return None;
    };
    let told = match &**reason {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "RegistryUnavailable"
        | "ImageInspectError"
        | "SignatureValidationFailed"
        | "InvalidImageName"
        | "ErrImageNeverPull" => message,
        _ => return None,
    };
    let failed = case.event(&pod, Some(&state.name), "Failed", is_pull_error);
    // The back-off alternates with the error and may not repeat it: the event then has it.
    let text = if is_pull_error(told) { told } else { failed.map_or(&**told, |e| &e.message) };
    let cause = cause(reason, text);
    let since = failed.and_then(|e| e.first).or(pod.created());
    if cause == Cause::RegistryUnreachable && !case.past(since, UNREACHABLE_GRACE) {
        return None;
    }
    let image = pod.template().container(&state.name).map_or("", |c| &c.image);
    let path = format!("status.{}[{}].state.waiting", super::statuses(state), state.name);
    let mut evidence: Vec<_> = case.in_pod(&pod, &path, &format!("{reason}: {told}")).into_iter().collect();
    evidence.extend(failed.and_then(|e| case.in_event(e, pod.reference())));
    let detail = format!("image {} {}: {}", quote(image, 90), verdict(cause, text), quote(telling(text), 120));
    // Without its Secret the kubelet asks as nobody, and registries tell nobody what they have.
    let asked_as_nobody = matches!(cause, Cause::ImagePullRefused | Cause::ImageNotFound | Cause::ImagePullFailed);
    let secret = pull_secret(case, &pod).filter(|_| asked_as_nobody);
    let (cause, detail) = match secret {
        Some((event, name)) => {
            evidence.extend(case.in_event(event, pod.reference()));
            (Cause::ImagePullSecretMissing, format!("{detail}; its pull secret {} does not exist", quote(name, 70)))
        }
        None => (cause, detail),
    };
    Some(Sign { cause, container: Some(state.name.clone()), pod, since, detail, evidence, mend: candidates })
}

/// The kubelet's and the runtimes' words for an attempt that failed.
fn is_pull_error(text: &str) -> bool {
    has_any(
        text,
        &[
            "failed to pull",
            "rpc error",
            "failed to resolve",
            "not present with pull policy",
            "invalidimagename",
            "couldn't parse image",
        ],
    )
}

fn cause(reason: &str, text: &str) -> Cause {
    if reason == "InvalidImageName" || has_any(text, &["invalid reference format", "couldn't parse image"]) {
        return Cause::ImageNameInvalid;
    }
    let unreachable = [
        "dial tcp",
        "no such host",
        "connection refused",
        "connection reset",
        "i/o timeout",
        "no route to host",
        "network is unreachable",
        "tls handshake",
        "x509:",
        "deadline exceeded",
        "server gave http response",
        "500 internal server",
        "502 bad gateway",
        "503 service unavailable",
        "504 gateway",
        ": eof",
    ];
    if reason == "RegistryUnavailable" || has_any(text, &unreachable) {
        return Cause::RegistryUnreachable;
    }
    let refused = [
        "401 unauthorized",
        "403 forbidden",
        "pull access denied",
        "access to the resource is denied",
        ": unauthorized",
        "unauthorized: ",
        "authorization failed",
        "authentication required",
        "no basic auth credentials",
        "permission denied",
        "429 too many requests",
        "toomanyrequests",
    ];
    if reason == "SignatureValidationFailed" || has_any(text, &refused) {
        return Cause::ImagePullRefused;
    }
    let absent = [
        "not found",
        "manifest unknown",
        "name unknown",
        "no such manifest",
        "does not exist",
        "not present with pull policy",
    ];
    if reason == "ErrImageNeverPull" || has_any(text, &absent) {
        return Cause::ImageNotFound;
    }
    Cause::ImagePullFailed
}

fn verdict(cause: Cause, text: &str) -> &'static str {
    if cause == Cause::ImageNotFound && text.contains("no match for platform") {
        "does not exist for the node's platform"
    } else if cause == Cause::ImageNotFound && text.contains("pull policy of Never") {
        "is not on the node and may not be pulled"
    } else if cause == Cause::ImageNotFound {
        "does not exist"
    } else if cause == Cause::ImagePullRefused {
        "is refused by its registry"
    } else if cause == Cause::ImageNameInvalid {
        "is not a valid image name"
    } else if cause == Cause::RegistryUnreachable {
        "is in a registry that cannot be reached"
    } else {
        "cannot be pulled"
    }
}

/// The last link of a chain of wrapped errors says what happened, all before it only where.
fn telling(text: &str) -> &str {
    let at = [
        "failed to authorize",
        "failed to fetch",
        "unexpected status",
        "dial tcp",
        "invalid reference",
        "pull access denied",
    ];
    let named = at.iter().filter_map(|part| text.find(part)).min();
    match named {
        Some(at) => text.get(at..).unwrap_or(text),
        None => super::text::root(text),
    }
}

fn pull_secret<'a>(case: &Case<'a>, pod: &Pod<'a>) -> Option<(&'a Event, &'a str)> {
    let event = case.event(pod, None, "FailedToRetrieveImagePullSecret", |_| true)?;
    let named = event.message.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(names, _)| names);
    Some((event, named.or_else(|| quoted_after(&event.message, "secret "))?))
}

/// Back to the newest revision whose pods served with another image.
fn candidates<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let name = sign.container.as_deref().unwrap_or_default();
    let Some(newest) = history.newest().filter(|_| pods.iter().any(|pod| history.is_newest(pod))) else {
        return Vec::new();
    };
    let bad = newest.template.container(name).map(|c| &c.image);
    let Some(good) = history.good(case, |old| old.container(name).map(|c| &c.image) != bad) else {
        return Vec::new();
    };
    let undo = history::undo(case, good, "served with another image");
    undo.into_iter().chain(history::set_image(case, good, name)).collect()
}

#[cfg(test)]
mod tests;
