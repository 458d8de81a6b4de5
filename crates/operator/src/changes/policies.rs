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
    let wanted = manifests::policies::objects(&territory);
    let mut live = list(ctx, "validatingadmissionpolicies").await.map_err(&absent)?;
    live.extend(list(ctx, "validatingadmissionpolicybindings").await.map_err(&absent)?);
    for object in &wanted {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let bound = kind.ends_with("Binding");
        let same = |o: &&Value| {
            o.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
                && o.pointer("/spec/policyName").is_some() == bound
        };
        let Some(found) = live.iter().find(same) else {
            return Err(absent(format!("{kind} {name} is absent")));
        };
        if let Some(path) =
            object.get("spec").and_then(|spec| differs(spec, found.get("spec").unwrap_or(&Value::Null), "spec"))
        {
            return Err(absent(format!("{kind} {name} was altered at {path}")));
        }
        if found.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(absent(format!("{kind} {name} is being deleted")));
        }
    }
    Ok(())
}

async fn list(ctx: &Context, resource: &str) -> Result<Vec<Value>, String> {
    let request = Request::get(format!("/apis/admissionregistration.k8s.io/v1/{resource}"))
        .body(Vec::new())
        .map_err(|e| e.to_string())?;
    ctx.metrics.api(Call::Detect, "list");
    let list: Value = ctx.client.request(request).await.map_err(|e| format!("cannot list {resource}: {e}"))?;
    Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
}

/// The first path at which the live value is not what was compiled in. Fields that only the live
/// object has are the API server's defaults; lists must have the same length.
fn differs(wanted: &Value, live: &Value, path: &str) -> Option<String> {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            let missing = Value::Null;
            let known = wanted
                .iter()
                .find_map(|(key, value)| differs(value, live.get(key).unwrap_or(&missing), &format!("{path}.{key}")));
            known.or_else(|| {
                live.iter()
                    .find(|(key, value)| !wanted.contains_key(*key) && !is_default(key, value))
                    .map(|(key, _)| format!("{path}.{key}"))
            })
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            wanted.iter().zip(live).enumerate().find_map(|(i, (w, l))| differs(w, l, &format!("{path}[{i}]")))
        }
        (wanted, live) if wanted == live => None,
        _ => Some(path.to_owned()),
    }
}

/// The defaults that the API server fills in and that mean what absence means.
fn is_default(key: &str, value: &Value) -> bool {
    match key {
        "matchPolicy" => value == "Equivalent",
        "failurePolicy" => value == "Fail",
        "scope" => value == "*",
        "namespaceSelector" | "objectSelector" => value.as_object().is_some_and(serde_json::Map::is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_equal_and_anything_else_is_not() {
        let wanted = json!({"a": 1, "rules": [{"resources": ["x"]}]});
        let live = json!({"a": 1, "matchPolicy": "Equivalent", "rules": [{"resources": ["x"], "scope": "*"}]});
        assert_eq!(differs(&wanted, &live, "spec"), None);
        for (pointer, value, at) in [
            ("/a", json!(2), "spec.a"),
            ("/matchPolicy", json!("Exact"), "spec.matchPolicy"),
            ("/rules/0/scope", json!("Namespaced"), "spec.rules[0].scope"),
            ("/rules", json!([]), "spec.rules"),
        ] {
            let mut altered = live.clone();
            *altered.pointer_mut(pointer).unwrap() = value;
            assert_eq!(differs(&wanted, &altered, "spec").as_deref(), Some(at));
        }
        let excluded = json!({"a": 1, "rules": [{"resources": ["x"]}], "excludeResourceRules": [{"resources": ["x"]}]});
        assert_eq!(differs(&wanted, &excluded, "spec").as_deref(), Some("spec.excludeResourceRules"));
    }
}
