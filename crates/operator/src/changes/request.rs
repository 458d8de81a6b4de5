//! The one request of a plan, and the requests that prove what the fence refuses.
//!
//! Owns how a draft or plan becomes a request. Must never send anything but a dry run, except in
//! `write`. Talks to the API server as a one-shot account.

use super::rest::{Rest, RestError};
use bailiwick_core::names::{ObjectName, Uid};
use bailiwick_core::object::ObjectRef;
use bailiwick_core::plan::{Draft, Operation, Plan};
use serde_json::{Value, json};

/// Label that a probe tries to set; no plan ever contains it.
const PROBE_LABEL: &str = "bailiwick.dev/fence-probe";

/// A request in the three forms it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    operation: Operation,
    target: ObjectRef,
    patch: Vec<Value>,
    body: Value,
}

impl Request {
    /// The request of a draft.
    pub(crate) fn of_draft(draft: &Draft) -> Self {
        Self {
            operation: draft.operation,
            target: draft.target.clone(),
            patch: draft.patch.clone(),
            body: draft.body.clone().unwrap_or(Value::Null),
        }
    }

    /// The request of a plan.
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let patch = plan.patch_operations().as_array().cloned().unwrap_or_default();
        Self {
            operation: plan.operation,
            target: plan.target.clone(),
            patch,
            body: plan.result_object().unwrap_or(Value::Null),
        }
    }

    /// The request as a dry run; the resulting object for UPDATE and CREATE.
    pub(crate) async fn dry_run(&self, account: &Rest) -> Result<Option<Value>, RestError> {
        self.send(account, true).await
    }

    /// The request itself. The only call in the product that changes a user's object.
    pub(crate) async fn write(&self, account: &Rest) -> Result<Option<Value>, RestError> {
        self.send(account, false).await
    }

    async fn send(&self, account: &Rest, dry_run: bool) -> Result<Option<Value>, RestError> {
        match self.operation {
            Operation::Update => account.patch(&self.target, json!(self.patch), dry_run).await.map(Some),
            Operation::Create => account.create(&self.target, self.body.clone(), dry_run).await.map(Some),
            Operation::Delete => account.delete(&self.target, self.uid(), dry_run).await.map(|_| None),
        }
    }

    fn uid(&self) -> &str {
        self.target.uid.as_ref().map_or("", Uid::as_str)
    }

    /// The same request with one forbidden field, as a dry run; `None` for DELETE, which has no
    /// content and is probed before its grant exists.
    pub(crate) async fn forbidden(&self, account: &Rest) -> Option<Result<Option<Value>, RestError>> {
        let mut probe = self.clone();
        match self.operation {
            Operation::Delete => return None,
            Operation::Create => {
                if let Some(Value::Object(metadata)) = probe.body.get_mut("metadata") {
                    metadata.insert("labels".to_owned(), json!({ PROBE_LABEL: "true" }));
                }
            }
            Operation::Update => {
                // `add` on an absent parent fails, so the whole map is set; this is a dry run that must be refused.
                probe.patch.push(json!({"op": "add", "path": "/metadata/labels", "value": { PROBE_LABEL: "true" }}));
            }
        }
        Some(probe.send(account, true).await)
    }

    /// A request that can have no effect whatever it is answered: with authority it fails on a
    /// wrong uid or name, without authority it is forbidden.
    pub(crate) async fn powerless(&self, account: &Rest) -> Result<Option<Value>, RestError> {
        let mut probe = self.clone();
        match self.operation {
            Operation::Update => {
                probe.patch = vec![json!({"op": "test", "path": "/metadata/uid", "value": "bailiwick-probe"})]
            }
            Operation::Delete => probe.target.uid = Uid::parse("bailiwick-probe").ok(),
            Operation::Create => {
                if let Ok(name) = ObjectName::parse("bailiwick-probe") {
                    probe.target.name = name;
                }
                probe.body = json!({"metadata": {"name": "bailiwick-probe"}});
            }
        }
        probe.send(account, true).await
    }
}

/// True if the refusal came from one of the fence's policies.
pub(crate) fn refused_by_fence(error: &RestError) -> bool {
    error.message().contains("bailiwick-executor-f")
}

/// True if the refusal says that the fence is suspended or has no grant for the account.
pub(crate) fn refused_for_lack_of_grant(error: &RestError) -> bool {
    refused_by_fence(error) && error.message().contains("no live grant")
}
