//! Whether something can be seen of the cluster.
//!
//! Reads as the administrator. An object that cannot be read is an answer like any other: not so.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use http::Method;
use kube::Client;
use serde_json::{Value, json};

use super::format::{Check, State, Target};
use crate::answer::send;
use crate::apply::api_for;
use crate::wait::{Seen, wait_for};

/// Where to look.
#[derive(Clone)]
pub(super) struct Eye {
    pub(super) client: Client,
    pub(super) namespace: String,
}

impl Eye {
    /// What does not hold of all the checks; `None` if all hold.
    pub(super) async fn fault(&self, checks: &[Check]) -> Option<String> {
        for check in checks {
            if let Err(why) = self.look(check).await {
                return Some(why);
            }
        }
        None
    }

    /// Whether it holds now; else what is there instead.
    pub(super) async fn look(&self, check: &Check) -> Result<(), String> {
        let what = format!("{} {}", check.kind, check.name);
        let found = self.read(&check.target()).await.map_err(|error| format!("{what}: {error:#}"))?;
        let Some(object) = found else {
            return if check.is == Some(State::Absent) { Ok(()) } else { Err(format!("{what} does not exist")) };
        };
        self.state(check, &object).await.map_err(|why| format!("{what} {why}"))?;
        values(check, &object).map_err(|why| format!("{what}: {why}"))
    }

    /// Waits until it holds, and has held for as long as it says.
    pub(super) async fn until(&self, check: &Check, timeout: Duration) -> Result<()> {
        let enough = Duration::from_secs(check.lasts);
        let mut since: Option<Instant> = None;
        wait_for(&format!("{} {} to be as wanted", check.kind, check.name), timeout, async || {
            match self.look(check).await {
                Ok(()) => {
                    let begin = *since.get_or_insert_with(Instant::now);
                    Ok(Seen::when(begin.elapsed() >= enough, (), "it holds, but not for long enough"))
                }
                Err(why) => {
                    since = None;
                    Ok(Seen::NotYet(why))
                }
            }
        })
        .await
    }

    /// The object as it is, if it exists.
    pub(super) async fn read(&self, target: &Target) -> Result<Option<Value>> {
        let api = api_for(&self.client, &reference(target)?, Some(&self.namespace)).await?;
        let found = api.get_opt(&target.name).await.with_context(|| format!("read {} {}", target.kind, target.name))?;
        found.map(|object| serde_json::to_value(object).context("read an object")).transpose()
    }

    async fn state(&self, check: &Check, object: &Value) -> Result<(), String> {
        match check.is {
            None | Some(State::Present) => Ok(()),
            Some(State::Absent) => Err("exists".to_owned()),
            Some(State::Ready) => condition(object, "Ready", "True"),
            Some(State::Available) => available(&check.kind, object),
            Some(State::Serving) => self.serving(object).await,
        }
    }

    /// Through the API server, which asks one of the Service's endpoints.
    async fn serving(&self, service: &Value) -> Result<(), String> {
        let text = |pointer: &str| service.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let port = service.pointer("/spec/ports/0/port").and_then(Value::as_u64).unwrap_or(80);
        let path = format!("/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy/");
        match send(&self.client, Method::GET, &path, None).await {
            Ok(answer) if answer.is_success() => Ok(()),
            Ok(answer) => Err(format!("answers {}: {}", answer.code, answer.message())),
            Err(error) => Err(format!("does not answer: {error:#}")),
        }
    }
}

/// Enough of an object to find its API.
pub(super) fn reference(target: &Target) -> Result<Value> {
    Ok(json!({
        "apiVersion": target.api()?, "kind": target.kind,
        "metadata": {"name": target.name, "namespace": target.namespace},
    }))
}

fn available(kind: &str, object: &Value) -> Result<(), String> {
    let at = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let (wanted, counts) = if kind == "DaemonSet" {
        (at("/status/desiredNumberScheduled"), ["updatedNumberScheduled", "numberAvailable", "currentNumberScheduled"])
    } else {
        (at("/spec/replicas"), ["updatedReplicas", "availableReplicas", "replicas"])
    };
    let seen = at("/status/observedGeneration") >= at("/metadata/generation");
    let complete = counts.iter().all(|count| at(&format!("/status/{count}")) == wanted);
    if seen && complete && wanted > 0 { Ok(()) } else { Err(format!("is not available: {}", object["status"])) }
}

fn condition(object: &Value, kind: &str, status: &str) -> Result<(), String> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = all.into_iter().flatten().find(|c| c["type"] == kind).map(|c| &c["status"]);
    match found {
        Some(is) if is == status => Ok(()),
        other => Err(format!("has {kind}={}", other.and_then(Value::as_str).unwrap_or("(nothing)"))),
    }
}

fn values(check: &Check, object: &Value) -> Result<(), String> {
    for (pointer, wanted) in &check.has {
        let found = object.pointer(pointer).unwrap_or(&Value::Null);
        if found != wanted {
            return Err(format!("{pointer} is {found}, not {wanted}"));
        }
    }
    check.conditions.iter().try_for_each(|(kind, status)| condition(object, kind, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str) -> Check {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn null_is_for_what_is_not_there() {
        let object = json!({"spec": {"a": 1}, "status": {"conditions": [{"type": "Bound", "status": "True"}]}});
        let good = check("{kind: Pod, name: p, has: {/spec/a: 1, /spec/b: null}, conditions: {Bound: 'True'}}");
        assert_eq!(values(&good, &object), Ok(()));
        let bad = check("{kind: Pod, name: p, has: {/spec/a: null}}");
        assert_eq!(values(&bad, &object), Err("/spec/a is 1, not null".to_owned()));
        assert!(values(&check("{kind: Pod, name: p, conditions: {Ready: 'True'}}"), &object).is_err());
    }

    #[test]
    fn a_workload_without_replicas_is_not_available() {
        let object = json!({
            "metadata": {"generation": 1}, "spec": {"replicas": 0, "selector": {}, "template": {}},
            "status": {"observedGeneration": 1},
        });
        assert!(available("Deployment", &object).is_err());
    }
}
