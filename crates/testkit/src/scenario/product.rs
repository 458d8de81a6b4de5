//! The product as people see it: its Incidents and Changes, and what a person answers to a Change that asks.
//!
//! Reads as the administrator; decides as the approver and as nobody else.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use bailiwick_api::{Change, Incident};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::Phase;
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::json;

use super::format::Expectation;
use super::judge::is_wanted;
use super::parts::APPROVER;
use crate::apply::create;

/// What the product shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    pub(super) incidents: Vec<Incident>,
    pub(super) changes: Vec<Change>,
}

/// Reads what the product shows of a namespace, and of objects without one.
pub(super) async fn look(admin: &Client, namespace: &str, expect: &[Expectation]) -> Result<Shown> {
    let mut shown = Shown { incidents: incidents(admin, namespace).await?, changes: changes(admin, namespace).await? };
    // What is about objects without a namespace stands elsewhere, beside what is none of this scenario's.
    let named = |kind: &str, name: &str| expect.iter().flat_map(Expectation::objects).any(|o| o.is(kind, name));
    let about = |i: &Incident| named(i.spec.subject.kind.as_str(), i.spec.subject.name.as_str());
    shown.incidents.extend(incidents(admin, SYSTEM_NAMESPACE).await?.into_iter().filter(about));
    let about = |c: &Change| named(c.spec.target.kind.as_str(), c.spec.target.name.as_str());
    shown.changes.extend(changes(admin, SYSTEM_NAMESPACE).await?.into_iter().filter(about));
    Ok(shown)
}

async fn incidents(admin: &Client, namespace: &str) -> Result<Vec<Incident>> {
    let api: Api<Incident> = Api::namespaced(admin.clone(), namespace);
    Ok(api.list(&ListParams::default()).await.context("list the Incidents")?.items)
}

async fn changes(admin: &Client, namespace: &str) -> Result<Vec<Change>> {
    let api: Api<Change> = Api::namespaced(admin.clone(), namespace);
    Ok(api.list(&ListParams::default()).await.context("list the Changes")?.items)
}

/// The person who approves what a scenario expects, and rejects the rest.
pub(super) struct Approver {
    client: Client,
    decided: BTreeSet<String>,
}

impl Approver {
    pub(super) fn new(client: Client) -> Self {
        Self { client, decided: BTreeSet::new() }
    }

    /// Answers every Change that asks and was not answered yet, plan by plan.
    pub(super) async fn answer(&mut self, shown: &Shown, expect: &[Expectation]) -> Result<()> {
        for change in &shown.changes {
            let Some(record) = change.status.as_ref().filter(|s| s.phase == Phase::AwaitingApproval) else { continue };
            let Some(plan) = &record.plan else { continue };
            if self.decided.contains(&plan.digest) {
                continue;
            }
            let wanted = expect.iter().any(|e| is_wanted(e, change));
            self.decide(change, &plan.digest, if wanted { "Approve" } else { "Reject" }).await?;
            self.decided.insert(plan.digest.clone());
        }
        Ok(())
    }

    async fn decide(&self, change: &Change, digest: &str, decision: &str) -> Result<()> {
        let meta = &change.metadata;
        let name = meta.name.as_deref().context("a Change without a name")?;
        let approval = json!({
            "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Approval", "metadata": {"generateName": format!("{name}-")},
            "spec": {
                "changeRef": {"name": name, "uid": meta.uid}, "digest": digest,
                "approver": APPROVER, "groups": [], "decision": decision,
            },
        });
        create(&self.client, &approval, meta.namespace.as_deref()).await.map(|_| ()).context("decide on a Change")
    }
}
