//! Two tenants: the product's roles, bound in one namespace, reach nothing of another nor of the installation.

use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_core::object::Kind;
use bailiwick_testkit::{Namespace, Result, SECONDS, Seen, path_of, wait_for};
use kube::Client;
use serde_json::{Value, json};

use crate::scene::{Calm, Shot, assert_done, assert_rbac, cluster};

const ROLES: [&str; 3] = ["bailiwick:viewer", "bailiwick:proposer", "bailiwick:approver"];

fn path(place: &str, resource: &str) -> String {
    format!("/apis/bailiwick.dev/v1alpha1/namespaces/{place}/{resource}")
}

/// A Change of somebody's in a namespace.
fn change(proposer: &str, place: &str) -> Value {
    let target =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": place, "name": "web", "uid": "u-1"});
    json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change", "metadata": {"name": "c1"},
        "spec": {"proposer": proposer, "type": "RolloutRestart", "action": {"rolloutRestart": {}},
            "target": target, "reason": {"text": "it hangs"}},
    })
}

/// Somebody with every role of the product in one namespace and none elsewhere.
async fn tenant(cluster: &Calm, home: &Namespace, name: &str) -> Result<Client> {
    for role in ROLES {
        let bind = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": role.replace(':', "-")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
        });
        home.apply(&bind).await?;
    }
    let client = cluster.person(name, &[]).await?;
    let own = Shot::post(path(home.name(), "changes"), change(name, home.name()));
    wait_for("RBAC to notice", 30 * SECONDS, async || {
        let answer = own.sent(&client).await?;
        Ok(Seen::when(answer.is_success(), (), answer))
    })
    .await?;
    Ok(client)
}

#[tokio::test]
async fn who_sees_and_decides_in_one_namespace_does_neither_in_another() -> Result<()> {
    let cluster = cluster().await?;
    let (one, two) = (
        cluster.namespace("tenant-one").in_territory().create().await?,
        cluster.namespace("tenant-two").in_territory().create().await?,
    );
    let (anna, _bob) = (tenant(&cluster, &one, "anna@one").await?, tenant(&cluster, &two, "bob@two").await?);
    for resource in ["incidents", "changes", "approvals"] {
        assert_done(resource, &Shot::get(path(one.name(), resource)).sent(&anna).await?);
        assert_rbac(resource, &Shot::get(path(two.name(), resource)).sent(&anna).await?);
        let everywhere = Shot::get(format!("/apis/bailiwick.dev/v1alpha1/{resource}"));
        assert_rbac(resource, &everywhere.sent(&anna).await?);
    }
    let theirs = format!("{}/c1", path(two.name(), "changes"));
    assert_rbac("their Change", &Shot::get(&theirs).sent(&anna).await?);
    let change = change("anna@one", two.name());
    assert_rbac("a Change of theirs", &Shot::post(path(two.name(), "changes"), change).sent(&anna).await?);
    let live = Shot::get(&theirs).sent(&cluster.admin()).await?;
    let vote = json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Approval", "metadata": {"name": "a1"},
        "spec": {"changeRef": {"name": "c1", "uid": live.body["metadata"]["uid"]}, "digest": "a".repeat(64),
            "approver": "anna@one", "decision": "Approve"},
    });
    assert_rbac("a vote among them", &Shot::post(path(two.name(), "approvals"), vote).sent(&anna).await?);
    for (what, path) in [
        ("the log of receipts", path(SYSTEM_NAMESPACE, "receipts")),
        ("the mandates", path(SYSTEM_NAMESPACE, "mandates")),
        ("the fence", path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, "")),
        ("the signing key", path_of(Kind::Secret, SYSTEM_NAMESPACE, "bailiwick-signing-key")),
    ] {
        assert_rbac(what, &Shot::get(&path).sent(&anna).await?);
        assert_done(what, &Shot::get(&path).sent(&cluster.admin()).await?);
    }
    Ok(())
}
