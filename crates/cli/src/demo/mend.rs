//! What must be put back whatever happens: the operator's replicas, the switch, a policy.
//!
//! Owns the list. Each is noted before the act that makes it necessary, so that an interruption
//! between the two loses nothing; putting back twice changes nothing. Writes to the API server.

use super::ask::{delete, merge};
use super::ground::Ground;
use super::story::{Stop, Told};
use super::workload;
use crate::objects::apply::apply;
use bailiwick_api::manifests::OPERATOR;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SUSPEND_REVISION, SYSTEM_NAMESPACE};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};

/// Something to put back.
#[derive(Debug, Clone)]
pub(super) enum Mend {
    /// The operator's number of replicas.
    Operator(i64),
    /// The switch: the demo's own suspension ends.
    Resume,
    /// An object, as it was.
    Object(Box<Value>),
}

/// Everything to put back.
#[derive(Debug, Default)]
pub(super) struct Mends(Mutex<Vec<Mend>>);

impl Mends {
    /// Notes something before it is changed.
    pub(super) fn note(&self, mend: Mend) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mend);
    }

    /// Puts everything back, the last thing first.
    pub(super) async fn all(&self, ground: &Ground) -> Told {
        let mends = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut first = Ok(());
        for mend in mends.into_iter().rev() {
            let mended = one(ground, mend).await;
            first = first.and(mended);
        }
        first
    }
}

async fn one(ground: &Ground, mend: Mend) -> Told {
    match mend {
        Mend::Operator(replicas) => {
            let change = json!({"spec": {"replicas": replicas}});
            let path = workload::path(SYSTEM_NAMESPACE, OPERATOR);
            ground.must("give the operator its replicas back", merge(&ground.admin, &path, &change)).await.map(drop)
        }
        Mend::Resume => {
            let path = format!("/apis/apps/v1/namespaces/{GRANTS_NAMESPACE}/controllerrevisions/{SUSPEND_REVISION}");
            let answer = delete(&ground.admin, &path).await;
            if answer.is_yes() || answer.code == 404 {
                return Ok(());
            }
            Err(Stop::broken(format!("cannot end the demo's suspension (bailiwick resume): {}", answer.summary())))
        }
        Mend::Object(object) => {
            apply(&ground.cluster, &object, false).await.map_err(|failure| Stop::broken(failure.to_string()))
        }
    }
}
