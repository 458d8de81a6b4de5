//! A node is cordoned and let take pods again: by a person's yes, in the product's own namespace, with a binding that holds everywhere and is gone in the end.

use std::time::Duration;

use bailiwick_core::fence::{SYSTEM_NAMESPACE, username};
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{EmptyNode, ProcessOptions, Proposal, Result, SECONDS, Seen, wait_for};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::scene::Scene;

const LATER: Duration = Duration::from_secs(60);

/// Waits for the end of the Change while the node says that it is ready.
async fn ended(change: &Proposal, node: &EmptyNode) -> Result<Record> {
    wait_for(&format!("{} to end", change.name()), LATER, async || {
        node.beat().await?;
        let record = change.record().await?;
        let over = record.phase.is_terminal() && record.ending.is_none();
        Ok(Seen::when(over, record.clone(), record.reason))
    })
    .await
}

fn target(live: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": live["metadata"]})
}

#[tokio::test]
async fn a_node_is_cordoned_and_takes_pods_again() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("node", 1, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    let anna = scene.cluster.proposer(SYSTEM_NAMESPACE, "anna@vote").await?;
    let bob = scene.cluster.proposer(SYSTEM_NAMESPACE, "bob@vote").await?;
    let node = scene.cluster.empty_node(scene.namespace.name()).await?;
    let named = |what: &str| format!("{what}-{}", node.name());
    let refused = async |name: &str, patch: Value, code: Code| -> Result<()> {
        node.merge(&patch).await?;
        let change = anna.propose(&named(name), json!({"cordon": {}}), &target(node.live().await?)).await?;
        let record = change.phase(Phase::Refused, LATER).await?;
        assert_eq!(record.reason.map(|r| r.code), Some(code), "{name}");
        assert_eq!(scene.writes(&change).await?, 0, "{name}");
        Ok(())
    };
    refused("outside", json!({"metadata": {"labels": {"autofix": null}}}), Code::OutsideTerritory).await?;
    let note = json!({"metadata": {"labels": {"autofix": "true"}, "annotations": {"maintenance": "disk swap"}}});
    refused("noted", note, Code::OutOfService).await?;
    node.merge(&json!({"metadata": {"annotations": {"maintenance": null}}})).await?;
    for (action, cordoned) in [("cordon", Value::Bool(true)), ("uncordon", Value::Null)] {
        node.beat().await?;
        let change = anna.propose(&named(action), json!({action: {}}), &target(node.live().await?)).await?;
        let asked = change.phase(Phase::AwaitingApproval, LATER).await?;
        let codes: Vec<Code> = asked.verdict.iter().flat_map(|v| &v.reasons).map(|r| r.code).collect();
        assert!(codes.contains(&Code::TierNeedsHuman), "{action}: {codes:?}");
        bob.approve(&change).await?;
        let record = ended(&change, &node).await?;
        assert_eq!(record.phase, Phase::Recovered, "{action}: {:?}", record.timeline);
        assert_eq!(node.live().await?["spec"]["unschedulable"], cordoned, "{action}");
        assert_eq!(scene.writes(&change).await?, 1, "{action}");
        let all: Api<ClusterRoleBinding> = Api::all(scene.cluster.admin());
        let names = all.list(&ListParams::default()).await?.items.into_iter().filter_map(|b| b.metadata.name);
        let left: Vec<String> = names.filter(|name| username(name).starts_with(&change.accounts())).collect();
        assert!(left.is_empty(), "{action}: {left:?}");
    }
    Ok(())
}

/// A binding that holds everywhere and that nothing needs is found and removed.
#[tokio::test]
async fn a_binding_everywhere_that_is_left_over_is_swept() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("node-left", 1, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    let name = "bwk-1eft0ver-a0";
    let object = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {
            "name": name, "labels": {"bailiwick.dev/grant": "true"}, "annotations": {"bailiwick.dev/change-uid": "gone"},
        },
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bailiwick:change:patch-nodes"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "bailiwick-grants", "name": name}],
    });
    bailiwick_testkit::apply(&scene.cluster.admin(), &object, None).await?;
    let all: Api<ClusterRoleBinding> = Api::all(scene.cluster.admin());
    wait_for("the binding to be gone", 30 * SECONDS, async || {
        let found = all.get_opt(name).await?;
        Ok(Seen::when(found.is_none(), (), found.map(|b| b.metadata.name)))
    })
    .await
}
