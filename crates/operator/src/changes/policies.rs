//! The self-check of the fence: every policy and binding present and as compiled in.
//!
//! Owns the comparison. Must never report a policy as present that was not just read. Talks to
//! the API server.

use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_api::manifests::{self, Territory};
use bailiwick_core::reason::{Code, Reason};
use http::Request;
use serde_json::Value;

/// Reads the policies and notes what was found; logs it where it is news.
pub(crate) async fn check(ctx: &Context) {
    let (known, found) = (ctx.policies(), look(ctx).await);
    match &found {
        Err(reason) if known.as_ref().err() != Some(reason) => {
            tracing::error!(reason = %reason, "the fence is not as compiled in: nothing will be executed");
        }
        Ok(()) if known.is_err() => tracing::info!("every policy of the fence is as compiled in"),
        Ok(()) | Err(_) => {}
    }
    ctx.set_policies(found);
}

async fn look(ctx: &Context) -> Result<(), Reason> {
    let absent = |why: String| Reason::new(Code::FenceAbsent, why);
    let territory =
        Territory::parse(&ctx.config.territory.key, &ctx.config.territory.value).map_err(|e| absent(e.to_string()))?;
    let mut live = list(ctx, "validatingadmissionpolicies").await.map_err(&absent)?;
    live.extend(list(ctx, "validatingadmissionpolicybindings").await.map_err(&absent)?);
    for object in &manifests::policies::objects(&territory) {
        let found = live.iter().find(|o| identity(o) == identity(object));
        if let Some(deviation) = manifests::policies::deviation(object, found) {
            return Err(absent(deviation.to_string()));
        }
    }
    Ok(())
}

/// The name, and whether it is a binding: items of a list carry no kind.
fn identity(object: &Value) -> (Option<&str>, bool) {
    (object.pointer("/metadata/name").and_then(Value::as_str), object.pointer("/spec/policyName").is_some())
}

async fn list(ctx: &Context, resource: &str) -> Result<Vec<Value>, String> {
    let request = Request::get(format!("/apis/admissionregistration.k8s.io/v1/{resource}"))
        .body(Vec::new())
        .map_err(|e| e.to_string())?;
    ctx.metrics.api(Call::Detect, "list");
    let list: Value = ctx.client.request(request).await.map_err(|e| format!("cannot list {resource}: {e}"))?;
    Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
}
