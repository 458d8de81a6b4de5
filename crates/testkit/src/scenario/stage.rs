//! The ground of one run: a fresh namespace in the territory, a mandate for it, people, and the audit log from here on.
//!
//! Writes as the administrator. Names here say nothing of the scenario, so that the product cannot know which it sees.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use kube::Client;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::check::Eye;
use super::format::Scenario;
use super::images::Pushed;
use super::load::{Folder, Variables};
use super::parts::{self, ADMINISTRATOR, APPROVER, DEVELOPER};
use crate::apply::{api_for, apply};
use crate::audit::Audit;
use crate::cluster::TestCluster;
use crate::namespace::Namespace;
use crate::operator::InForce;

/// The one node of a cluster of the testbed.
const NODE: &str = "node1";
const APPROVER_ROLE: &str = "bailiwick:approver";

/// The ground of one run.
pub(super) struct Stage {
    cluster: TestCluster,
    namespace: Namespace,
    other: Option<Namespace>,
    mandate: Option<InForce>,
    variables: Variables,
    audit: Audit,
    outside: Mutex<Vec<Value>>,
    people: tokio::sync::Mutex<BTreeMap<String, (Client, PathBuf)>>,
}

impl Stage {
    /// Makes the ground.
    pub(super) async fn set(cluster: &TestCluster, images: &Pushed, folder: &Folder) -> Result<Self> {
        let namespace = cluster.namespace("shop").in_territory().create().await?;
        let other = match folder.mentions("OTHER_NAMESPACE") {
            true => Some(cluster.namespace("stock").create().await?),
            false => None,
        };
        let workload = cluster.images()?;
        let [first, next] = workload.good.clone();
        let mut values = images.clone();
        values.extend([("IMAGE", first), ("IMAGE_NEXT", next), ("NODE", NODE.to_owned())]);
        values.extend([("IMAGE_ABSENT", workload.absent.clone()), ("IMAGE_REFUSED", workload.refused.clone())]);
        values.insert("NAMESPACE", namespace.name().to_owned());
        values.extend(other.as_ref().map(|o| ("OTHER_NAMESPACE", o.name().to_owned())));
        let stage = Self {
            cluster: cluster.clone(),
            audit: cluster.audit()?,
            namespace,
            other,
            mandate: None,
            variables: Variables::new(values),
            outside: Mutex::default(),
            people: tokio::sync::Mutex::default(),
        };
        stage.bind(stage.name(), APPROVER, APPROVER_ROLE).await?;
        stage.bind(SYSTEM_NAMESPACE, APPROVER, APPROVER_ROLE).await?;
        Ok(stage)
    }

    /// Puts the scenario's mandate in force.
    pub(super) async fn mandate(&mut self, scenario: &Scenario) -> Result<()> {
        let (rules, limits, keep) = parts::mandate(&scenario.mandate, self.name())?;
        self.mandate = Some(self.cluster.mandate_keeping(rules, limits, keep).await?);
        Ok(())
    }

    /// The namespace's name.
    pub(super) fn name(&self) -> &str {
        self.namespace.name()
    }

    /// Every namespace of it.
    pub(super) fn namespaces(&self) -> Vec<String> {
        std::iter::once(&self.namespace).chain(&self.other).map(|n| n.name().to_owned()).collect()
    }

    pub(super) fn cluster(&self) -> &TestCluster {
        &self.cluster
    }

    pub(super) fn variables(&self) -> &Variables {
        &self.variables
    }

    pub(super) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Looks at the cluster as the administrator.
    pub(super) fn eye(&self) -> Eye {
        Eye { client: self.cluster.admin(), namespace: self.name().to_owned() }
    }

    /// A client of whoever acts.
    pub(super) async fn actor(&self, who: &str) -> Result<Client> {
        if who == ADMINISTRATOR {
            return Ok(self.cluster.admin());
        }
        Ok(self.person(who).await?.0)
    }

    /// A kubeconfig of whoever acts.
    pub(super) async fn kubeconfig(&self, who: &str) -> Result<PathBuf> {
        if who == ADMINISTRATOR {
            return Ok(self.cluster.kubeconfig().to_owned());
        }
        Ok(self.person(who).await?.1)
    }

    /// Everybody but the approver may edit the namespace.
    async fn person(&self, who: &str) -> Result<(Client, PathBuf)> {
        let mut people = self.people.lock().await;
        if let Some(known) = people.get(who) {
            return Ok(known.clone());
        }
        if who != APPROVER {
            self.bind(self.name(), who, "edit").await?;
        }
        let found = (self.cluster.person(who, &[]).await?, self.cluster.person_kubeconfig(who, &[])?);
        people.insert(who.to_owned(), found.clone());
        Ok(found)
    }

    /// The developer is known before the fault: RBAC takes a moment to notice a new binding.
    pub(super) async fn introduce(&self) -> Result<()> {
        self.person(DEVELOPER).await?;
        self.person(APPROVER).await.map(|_| ())
    }

    async fn bind(&self, namespace: &str, who: &str, role: &str) -> Result<()> {
        let name = format!("{who}-{role}").replace([':', '@'], "-");
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": who}],
        });
        apply(&self.cluster.admin(), &binding, Some(namespace)).await.map(|_| ()).context("bind a role")
    }

    /// Remembers an object that does not go with the namespace.
    pub(super) fn note_outside(&self, object: &Value) {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner).push(object.clone());
    }

    /// Takes everything away, what was made last first. Best effort: what is wrong by now was judged.
    pub(super) async fn strike(self) {
        let outside = std::mem::take(&mut *self.outside.lock().unwrap_or_else(PoisonError::into_inner));
        let admin = self.cluster.admin();
        for object in outside.iter().rev() {
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            if let Ok(api) = api_for(&admin, object, Some(self.namespace.name())).await {
                let _it_may_be_gone = api.delete(name, &DeleteParams::default()).await;
            }
        }
        // Namespaces and mandates say goodbye from threads of their own, and wait for them.
        let (namespace, other, mandate) = (self.namespace, self.other, self.mandate);
        let _a_thread_that_cannot_be_had = tokio::task::spawn_blocking(move || drop((mandate, other, namespace))).await;
    }
}
