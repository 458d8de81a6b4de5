//! Changes proposed and decided on by people, and looks at where they stand.
//!
//! Owns no assertion but that a Change does not end otherwise than waited for. Talks to the API server.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bailiwick_api::Change;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::object::Kind;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::apply::{apply, create};
use crate::cluster::TestCluster;
use crate::namespace::Namespace;
use crate::wait::{Seen, wait_for};

/// The groups of every [`Proposer`].
const GROUP: &str = "bailiwick-test";

/// A person who may propose and approve in one namespace.
#[derive(Clone)]
pub struct Proposer {
    client: Client,
    user: String,
    namespace: String,
}

/// A Change that somebody proposed.
#[derive(Clone)]
pub struct Proposal {
    api: Api<Change>,
    name: String,
    uid: String,
}

impl TestCluster {
    /// A person with the product's roles for proposing and approving in that namespace.
    ///
    /// # Errors
    /// Fails where the roles cannot be bound.
    pub async fn proposer(&self, namespace: &str, user: &str) -> Result<Proposer> {
        for role in ["bailiwick:proposer", "bailiwick:approver"] {
            let name = format!("{user}-{role}").replace([':', '@'], "-");
            let binding = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
            });
            apply(&self.admin(), &binding, Some(namespace)).await?;
        }
        let client = self.person(user, &[GROUP]).await?;
        Ok(Proposer { client, user: user.to_owned(), namespace: namespace.to_owned() })
    }
}

impl Namespace {
    /// A person with the product's roles for proposing and approving in this namespace.
    ///
    /// # Errors
    /// Fails where the roles cannot be bound.
    pub async fn proposer(&self, cluster: &TestCluster, user: &str) -> Result<Proposer> {
        cluster.proposer(self.name(), user).await
    }

    /// A Change of this namespace that is there already.
    pub fn proposal(&self, change: &Change) -> Proposal {
        let meta = &change.metadata;
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        Proposal { api: self.api(), name: text(&meta.name), uid: text(&meta.uid) }
    }
}

impl Proposer {
    /// Their name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// A client that is them.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Proposes `action` for `target`, an object as it was read.
    ///
    /// # Errors
    /// Fails where the API server refuses it.
    pub async fn propose(&self, name: &str, action: Value, target: &Value) -> Result<Proposal> {
        let key = action.as_object().and_then(|a| a.keys().next()).context("an action without a name")?;
        let (first, rest) = key.split_at(1);
        let creates = key == "restoreObject";
        let mut reference = json!({
            "apiVersion": target["apiVersion"], "kind": target["kind"],
            "name": target["metadata"]["name"],
        });
        let kind = target["kind"].as_str().and_then(Kind::parse);
        if kind.is_none_or(|kind| kind.served().namespaced) {
            reference["namespace"] = json!(self.namespace);
        }
        if !creates {
            reference["uid"] = target["metadata"]["uid"].clone();
        }
        let object = json!({
            "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change", "metadata": {"name": name},
            "spec": {
                "proposer": self.user, "type": format!("{}{rest}", first.to_uppercase()), "action": action,
                "target": reference, "reason": {"text": "a test asks for it"},
            },
        });
        // RBAC takes a moment to notice a new binding.
        let made = wait_for("the proposal to be admitted", Duration::from_secs(30), async || {
            Ok(Seen::Yes(create(&self.client, &object, Some(&self.namespace)).await?))
        })
        .await?;
        let uid = made.metadata.uid.context("a Change without uid")?;
        Ok(Proposal { api: Api::namespaced(self.client.clone(), &self.namespace), name: name.to_owned(), uid })
    }

    /// Decides on a digest; returns the Approval's name.
    ///
    /// # Errors
    /// Fails where the API server refuses it.
    pub async fn decide(&self, proposal: &Proposal, digest: &str, decision: &str) -> Result<String> {
        let object = json!({
            "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Approval",
            "metadata": {"generateName": format!("{}-", proposal.name)},
            "spec": {
                "changeRef": {"name": proposal.name, "uid": proposal.uid}, "digest": digest,
                "approver": self.user, "groups": [GROUP], "decision": decision,
            },
        });
        let made = create(&self.client, &object, Some(&self.namespace)).await?;
        made.metadata.name.context("an Approval without a name")
    }

    /// Waits until the Change waits for people, and approves its plan as it stands.
    ///
    /// # Errors
    /// Fails where it does not come to that, or the API server refuses.
    pub async fn approve(&self, proposal: &Proposal) -> Result<String> {
        let record = proposal.phase(Phase::AwaitingApproval, Duration::from_secs(60)).await?;
        let digest = record.plan.context("no plan to approve")?.digest;
        self.decide(proposal, &digest, "Approve").await
    }
}

impl Proposal {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The user names of its one-shot accounts begin so.
    pub fn accounts(&self) -> String {
        bailiwick_core::fence::username(&format!("bwk-{}", self.uid.get(..8).unwrap_or(&self.uid)))
    }

    /// The Change as it is.
    ///
    /// # Errors
    /// Fails where it cannot be read.
    pub async fn read(&self) -> Result<Change> {
        self.api.get(&self.name).await.with_context(|| format!("read the Change {}", self.name))
    }

    /// Its record as it is.
    ///
    /// # Errors
    /// Fails where it cannot be read.
    pub async fn record(&self) -> Result<Record> {
        Ok(self.read().await?.status.unwrap_or_default())
    }

    /// Waits until its record is as wanted.
    ///
    /// # Errors
    /// Fails when the time is over, with where it stands.
    pub async fn until(&self, what: &str, timeout: Duration, wanted: impl Fn(&Record) -> bool) -> Result<Record> {
        wait_for(&format!("{} to have {what}", self.name), timeout, async || {
            let record = self.record().await?;
            let stands = stands(&record);
            Ok(if wanted(&record) { Seen::Yes(record) } else { Seen::NotYet(stands) })
        })
        .await
    }

    /// Waits until it is in `phase`; gives up as soon as it has ended otherwise.
    ///
    /// # Errors
    /// Fails when the time is over or it ended otherwise, with where it stands.
    pub async fn phase(&self, phase: Phase, timeout: Duration) -> Result<Record> {
        let what = format!("come to {phase}");
        let record = self.until(&what, timeout, |r| r.phase == phase || ended(r)).await?;
        ensure!(record.phase == phase, "{} should be {phase}, but: {}", self.name, stands(&record));
        Ok(record)
    }

    /// Waits until it has ended, however.
    ///
    /// # Errors
    /// Fails when the time is over, with where it stands.
    pub async fn end(&self, timeout: Duration) -> Result<Record> {
        self.until("ended", timeout, ended).await
    }
}

fn ended(record: &Record) -> bool {
    record.phase.is_terminal() && record.ending.is_none()
}

/// Phase, reason and way of a Change in one line.
fn stands(record: &Record) -> String {
    let way: Vec<&str> = record.timeline.iter().map(|t| t.phase.as_str()).collect();
    let why = record.reason.as_ref().map(ToString::to_string).unwrap_or_default();
    let observed = record.verification.as_ref().map(|v| v.observed.as_str()).unwrap_or_default();
    format!("{} ({why}) after {}; seen: {observed}", record.phase, way.join(", "))
}
