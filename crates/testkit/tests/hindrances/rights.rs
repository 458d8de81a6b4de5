//! R35: rights of the operator that somebody takes away while it runs.

use anyhow::{Context as _, ensure};
use bailiwick_api::manifests::OPERATOR_USER;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_core::life::Phase;
use bailiwick_testkit::{Result, Row, SECONDS, Seen, api_for, create, wait_for};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::obstacle::{Watched, until_over, until_told};
use crate::stage::Stage;

/// Where a right is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Cluster,
    Grants,
    System,
}

/// A right that the life of a restart needs.
#[derive(Debug, Clone, Copy)]
struct Needed {
    place: Place,
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    /// What the Change says of its lack.
    told: [&'static str; 2],
}

const fn needed(place: Place, verb: &'static str, (group, resource): (&'static str, &'static str)) -> Needed {
    Needed { place, verb, group, resource, told: ["cannot", resource] }
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// Those that come in CI first. Without the right to its record a Change can say nothing, and without that to the lease
/// nobody leads.
const ALL: [Needed; 14] = [
    needed(Place::Grants, "create", ("", "serviceaccounts")),
    needed(Place::Cluster, "delete", (RBAC, "rolebindings")),
    needed(Place::System, "create", ("bailiwick.dev", "receipts")),
    needed(Place::Grants, "create", ("", "secrets")),
    needed(Place::Grants, "create", ("", "serviceaccounts/token")),
    needed(Place::Grants, "create", ("apps", "controllerrevisions")),
    needed(Place::Cluster, "create", (RBAC, "rolebindings")),
    Needed {
        told: ["rolebindings", "is attempting to grant RBAC permissions not currently held"],
        ..needed(Place::Cluster, "bind", (RBAC, "clusterroles"))
    },
    needed(Place::Cluster, "get", ("apps", "deployments")),
    needed(Place::Cluster, "list", ("", "pods")),
    needed(Place::Grants, "delete", ("", "secrets")),
    needed(Place::Grants, "delete", ("", "serviceaccounts")),
    needed(Place::Grants, "delete", ("apps", "controllerrevisions")),
    needed(Place::System, "list", ("bailiwick.dev", "mandates")),
];

pub(crate) async fn taken(stage: &Stage) -> Result<()> {
    let row = Row::of("R35", 3)?;
    let mut watched = Watched::start(stage).await?;
    for seed in row.seeds() {
        let right = ALL[seed as usize % ALL.len()];
        let outcome = Box::pin(without(stage, &watched, right)).await;
        // Whatever came of it, the operator gets all of its rights back.
        let outcome = stage.cluster.install().await.and(outcome);
        outcome.with_context(|| format!("seed {seed}: {right:?}: {}", watched.operator.last_words()))?;
        ensure!(watched.operator.is_running()?, "without {right:?} it ended:\n{}", watched.operator.last_words());
        row.held(seed, None)?;
    }
    watched.operator.kill()
}

async fn without(stage: &Stage, watched: &Watched, right: Needed) -> Result<()> {
    let (since, audit) = (watched.proxy.count(), stage.cluster.audit()?);
    right.take(stage).await?;
    let change = stage.life.begin(stage).await?.change(stage).await?.context("there is no Change")?;
    until_told(&change, "NotPermitted", &right.told).await?;
    ensure!(watched.writes(since) <= 1, "{} attempts at a write", watched.writes(since));
    let record = change.record().await?;
    ensure!(record.phase != Phase::Failed, "it gave up: {:?}", record.reason);
    stage.cluster.install().await?;
    right.until_held(stage, true).await?;
    until_over(stage, (&change, &audit)).await
}

impl Needed {
    /// Takes it away; returns when the API server knows.
    async fn take(&self, stage: &Stage) -> Result<()> {
        let (kind, place) = match self.place {
            Place::Cluster => ("ClusterRole", None),
            Place::Grants => ("Role", Some(GRANTS_NAMESPACE)),
            Place::System => ("Role", Some(SYSTEM_NAMESPACE)),
        };
        let reference = json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind});
        let api = api_for(&stage.cluster.admin(), &reference, place).await?;
        let live = serde_json::to_value(api.get("bailiwick:operator").await?)?;
        let rules: Vec<Value> = live["rules"].as_array().context("a role without rules")?.clone();
        let fewer: Vec<Value> = rules.iter().cloned().flat_map(|rule| self.less(rule)).collect();
        ensure!(fewer != rules, "no rule grants {self:?}");
        let patch = Patch::Merge(json!({"rules": fewer}));
        api.patch("bailiwick:operator", &PatchParams::default(), &patch).await.context("take a right away")?;
        self.until_held(stage, false).await
    }

    /// What is left of a rule without it: at most two rules, one for its resource and one for the others.
    fn less(&self, rule: Value) -> Vec<Value> {
        let has = |key: &str, word: &str| rule[key].as_array().is_some_and(|all| all.iter().any(|w| w == word));
        if !has("apiGroups", self.group) || !has("resources", self.resource) || !has("verbs", self.verb) {
            return vec![rule];
        }
        let without = |key: &str, word: &str| -> Vec<Value> {
            rule[key].as_array().into_iter().flatten().filter(|w| *w != word).cloned().collect()
        };
        let (mut others, mut own) = (rule.clone(), rule.clone());
        others["resources"] = json!(without("resources", self.resource));
        own["resources"] = json!([self.resource]);
        own["verbs"] = json!(without("verbs", self.verb));
        let whole =
            |rule: &Value| ["resources", "verbs"].iter().all(|k| rule[k].as_array().is_some_and(|a| !a.is_empty()));
        [others, own].into_iter().filter(whole).collect()
    }

    /// Waits until the API server says that the operator has it, or has not.
    async fn until_held(&self, stage: &Stage, held: bool) -> Result<()> {
        let (resource, subresource) = self.resource.split_once('/').unwrap_or((self.resource, ""));
        let namespace = match self.place {
            Place::Cluster => stage.namespace.name(),
            Place::Grants => GRANTS_NAMESPACE,
            Place::System => SYSTEM_NAMESPACE,
        };
        let mut asked = json!({"namespace": namespace, "verb": self.verb, "group": self.group, "resource": resource, "subresource": subresource});
        if self.verb == "bind" {
            asked["name"] = json!("bailiwick:change:patch-deployments");
        }
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {},
            "spec": {"user": OPERATOR_USER, "resourceAttributes": asked},
        });
        wait_for(&format!("the API server to know of {self:?}"), 30 * SECONDS, async || {
            let answer = create(&stage.cluster.admin(), &review, None).await?;
            let allowed = answer.data["status"]["allowed"] == true;
            Ok(Seen::when(allowed == held, (), answer.data))
        })
        .await
    }
}
