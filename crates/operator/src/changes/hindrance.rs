//! What keeps passes over a Change from getting through, told on the Change itself.
//!
//! Owns when it is told and how it is called. Must never tell what a single failure was: the next
//! pass may get through. Talks to the API server.

use super::Context;
use super::clock::not_before;
use super::driver::{Key, is_live};
use super::pass::{PassError, persist};
use crate::metrics::Call;
use bailiwick_api::Change;
use bailiwick_api::conditions::hinder;
use bailiwick_kit::said::said;
use kube::api::Api;

/// So many passes fail in a row before it is told.
const TOLD_FROM: u32 = 3;

/// Tells the Change why a pass over it failed, as so many before did; the version that this left.
pub(crate) async fn tell(ctx: &Context, key: &Key, error: &PassError, before: u32) -> Option<u64> {
    let passing = matches!(error, PassError::NoTime | PassError::Overtaken | PassError::Gone);
    if passing || before + 1 < TOLD_FROM {
        return None;
    }
    match written(ctx, key, &said(error)).await {
        Ok(change) => change?.metadata.resource_version?.parse().ok(),
        Err(error) => {
            let error = said(&error);
            tracing::debug!(change.namespace = key.0, change.name = key.1, error, "cannot tell what hinders");
            None
        }
    }
}

async fn written(ctx: &Context, key: &Key, message: &str) -> Result<Option<Change>, PassError> {
    let api: Api<Change> = Api::namespaced(ctx.client.clone(), &key.0);
    ctx.metrics.api(Call::Status, "get");
    let found = api.get_opt(&key.1).await.map_err(|e| PassError::Change { step: "read", source: Box::new(e) })?;
    let Some(change) = found.filter(is_live) else { return Ok(None) };
    let before = change.status.clone().unwrap_or_default();
    let now = not_before(&before, ctx.clock.now().ok_or(PassError::NoTime)?);
    let mut record = before.clone();
    hinder(&mut record, kind_of(message), message, now);
    persist(ctx, change, &before, record, now).await.map(Some)
}

/// What it is called, by the API server's own words.
fn kind_of(message: &str) -> &'static str {
    let kinds = [
        ("is forbidden: User ", "NotPermitted"),
        // Where it may not give a right away.
        ("is forbidden: user ", "NotPermitted"),
        ("failed calling webhook", "WebhookFailed"),
    ];
    kinds.iter().find(|(words, _)| message.contains(words)).map_or("RequestFailed", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_and_a_failing_webhook_have_names() {
        let right =
            "cannot make the account: 403 Forbidden: serviceaccounts is forbidden: User \"system:x\" cannot create";
        assert_eq!(kind_of(right), "NotPermitted");
        let bind =
            "rolebindings \"b\" is forbidden: user \"system:x\" (groups=[]) is attempting to grant RBAC permissions";
        assert_eq!(kind_of(bind), "NotPermitted");
        let webhook =
            "no clear reply: ApiError: Internal error occurred: failed calling webhook \"a.example\": no answer";
        assert_eq!(kind_of(webhook), "WebhookFailed");
        assert_eq!(kind_of("no clear reply: connection reset"), "RequestFailed");
    }
}
