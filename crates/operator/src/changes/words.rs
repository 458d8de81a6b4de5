//! What Mandates and people say of a Change.
//!
//! Owns whether it is taken from the watches or from the API server itself. Must never let a watch have the
//! last word before a write: one that is silent keeps what was withdrawn. Talks to the API server.

use super::rest::RestError;
use super::stores::Guarded;
use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_api::parse::parse_mandate;
use bailiwick_api::{Approval, Change, Mandate};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::world::Ballot;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::mandate;
use kube::api::{Api, ListParams};

/// What is said.
pub(crate) struct Words {
    /// The mandates that parse, by name.
    pub(crate) mandates: Vec<mandate::Mandate>,
    /// The names of the others, and why they do not.
    pub(crate) unreadable: Vec<String>,
    /// What people decided on this Change.
    pub(crate) ballots: Vec<Ballot>,
}

impl Words {
    /// As the watches tell it; just before the write as the API server does.
    pub(crate) async fn heard(ctx: &Context, change: &Change, record: &Record) -> Result<Self, RestError> {
        if !is_about_to_write(record) {
            let (mandates, approvals) = (ctx.stores.mandates.state(), ctx.stores.approvals.state());
            return Ok(Self::of(change, mandates.iter().map(AsRef::as_ref), approvals.iter().map(AsRef::as_ref)));
        }
        let namespace = change.metadata.namespace.as_deref().unwrap_or_default();
        let mandates = Api::<Guarded<Mandate>>::namespaced(ctx.client.clone(), SYSTEM_NAMESPACE);
        let approvals = Api::<Guarded<Approval>>::namespaced(ctx.client.clone(), namespace);
        // Without a resourceVersion it is what etcd has, and not what a cache has.
        let all = ListParams::default();
        ctx.metrics.api(Call::Status, "list");
        ctx.metrics.api(Call::Status, "list");
        let (mandates, approvals) = futures::try_join!(mandates.list(&all), approvals.list(&all))?;
        Ok(Self::of(change, mandates.items.iter(), approvals.items.iter()))
    }

    fn of<'a>(
        change: &Change,
        mandates: impl Iterator<Item = &'a Guarded<Mandate>>,
        approvals: impl Iterator<Item = &'a Guarded<Approval>>,
    ) -> Self {
        let (mandates, unreadable) = readable(mandates);
        let (namespace, uid) = (change.metadata.namespace.as_deref(), change.metadata.uid.as_deref());
        let ours =
            |a: &&Approval| a.metadata.namespace.as_deref() == namespace && Some(a.spec.change_ref.uid.as_str()) == uid;
        let ballots = approvals.filter_map(|a| a.0.as_ref().ok()).filter(ours).filter_map(ballot).collect();
        Self { mandates, unreadable, ballots }
    }
}

/// The next decision may be the write: nothing else is asked before it.
fn is_about_to_write(record: &Record) -> bool {
    let proved = record.executions.last().is_some_and(|e| e.grant.proved_at.is_some() && e.outcome.is_none());
    record.phase == Phase::Granting && proved
}

fn readable<'a>(objects: impl Iterator<Item = &'a Guarded<Mandate>>) -> (Vec<mandate::Mandate>, Vec<String>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for object in objects {
        match &object.0 {
            Ok(mandate) => match parse_mandate(mandate) {
                Ok(mandate) => good.push(mandate),
                Err(error) => bad.push(format!("{}: {error}", mandate.metadata.name.as_deref().unwrap_or("?"))),
            },
            Err(error) => bad.push(format!("{}: {}", error.metadata.name.as_deref().unwrap_or("?"), error.error)),
        }
    }
    good.sort_by(|a, b| a.name.cmp(&b.name));
    (good, bad)
}

fn ballot(approval: &Approval) -> Option<Ballot> {
    Some(Ballot {
        name: approval.metadata.name.clone()?,
        approver: approval.spec.approver.clone(),
        groups: approval.spec.groups.clone(),
        decision: approval.spec.decision,
        at: approval.metadata.creation_timestamp.as_ref()?.0,
        digest: approval.spec.digest.clone(),
        reason: approval.spec.reason.clone(),
    })
}
