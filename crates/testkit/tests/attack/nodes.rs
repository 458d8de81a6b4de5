//! Nodes, which live in no namespace: the one right on them, the binding that gives it everywhere, and what is refused beside it.

use bailiwick_core::action::Action;
use bailiwick_core::catalogue::rights;
use bailiwick_core::fence::GRANTS_NAMESPACE;
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_testkit::{Answer, JSON_PATCH, Result, SECONDS, Seen, TestCluster, path_of, wait_for};
use http::Method;
use serde_json::{Value, json};

use crate::cap::{EVERYWHERE, account, binding};
use crate::scene::{CAP, FENCE, FLOOR, Rights, Scene, Shot, assert_done, assert_rbac, assert_refused, cluster, right};

fn add(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn patch(name: &str, operations: Value) -> Shot {
    Shot::new(Method::PATCH, path_of(Kind::Node, "", name), Some((JSON_PATCH, operations)))
}

/// Both walls may say no, and either is told.
fn by_a_wall(answer: &Answer) -> bool {
    answer.code == 403 && (answer.refused_by(FENCE) || answer.refused_by(FLOOR))
}

/// Everything of a node but whether it takes pods.
fn beside() -> Vec<(&'static str, Value)> {
    vec![
        ("a label", add("/metadata/labels/evil", json!("yes"))),
        ("the label of the territory", json!({"op": "remove", "path": "/metadata/labels/autofix"})),
        ("an annotation", add("/metadata/annotations/evil", json!("yes"))),
        ("a finalizer", add("/metadata/finalizers", json!(["example.com/evil"]))),
        ("one taint more", add("/spec/taints/-", json!({"key": "evil", "effect": "NoExecute"}))),
        ("no taint", json!({"op": "remove", "path": "/spec/taints"})),
        ("another provider", add("/spec/providerID", json!("evil"))),
    ]
}

#[tokio::test]
async fn a_cordon_passes_and_nothing_beside_it() -> Result<()> {
    let scene = Scene::empty("node", Rights::Catalogue(right(Operation::Update, Kind::Node))).await?;
    let name = scene.namespace.name().to_owned();
    let node = scene.cluster.empty_node(&name).await?;
    let other = scene.cluster.empty_node(&format!("{name}-other")).await?;
    let planned = scene.armed(Kind::Node, &name, Action::Cordon {}).await?;
    scene.admitted(&planned.dry()).await?;
    for (what, operation) in beside() {
        let answer = planned.and(&[operation]).by(&scene).await?;
        assert!(by_a_wall(&answer), "{what}: {answer:?}");
    }
    let cordon = json!([add("/spec/unschedulable", json!(true))]);
    let answer = patch(other.name(), cordon).by(&scene).await?;
    assert_refused("another node", &answer, FENCE, "other operation, resource or object than granted");
    let path = path_of(Kind::Node, "", &name);
    let status = Shot::merge(format!("{path}/status"), json!({"status": {"phase": "evil"}}));
    for (what, shot) in [
        ("its status", status),
        ("its deletion", Shot::delete(&path)),
        ("a look at it", Shot::get(&path)),
        ("all nodes", Shot::get(path_of(Kind::Node, "", ""))),
        ("a pod", Shot::get(path_of(Kind::Pod, scene.namespace.name(), ""))),
        ("what is proxied through it", Shot::get(format!("{path}/proxy/pods"))),
    ] {
        assert_rbac(what, &shot.by(&scene).await?);
    }
    node.merge(&json!({"metadata": {"labels": {"autofix": null}}})).await?;
    let withdrawn = planned.by(&scene).await?;
    assert!(by_a_wall(&withdrawn), "outside of the territory: {withdrawn:?}");
    node.merge(&json!({"metadata": {"labels": {"autofix": "true"}}})).await?;
    assert_done("the cordon", &planned.by(&scene).await?);
    assert_eq!(node.live().await?["spec"]["unschedulable"], true);
    scene.end().await
}

/// What the cluster writes by itself while a grant is live does not stand in its way.
#[tokio::test]
async fn a_taint_that_comes_meanwhile_stays() -> Result<()> {
    let scene = Scene::empty("node-taint", Rights::Catalogue(right(Operation::Update, Kind::Node))).await?;
    let name = scene.namespace.name().to_owned();
    let node = scene.cluster.empty_node(&name).await?;
    node.merge(&json!({"spec": {"unschedulable": true}})).await?;
    let planned = scene.armed(Kind::Node, &name, Action::Uncordon {}).await?;
    scene.admitted(&planned.dry()).await?;
    let taints = json!([{"key": "bailiwick-test/empty", "effect": "NoSchedule"}, {"key": "example.com/new", "effect": "NoSchedule"}]);
    node.merge(&json!({"spec": {"taints": taints}})).await?;
    assert_done("the planned patch", &planned.by(&scene).await?);
    let live = node.live().await?;
    assert_eq!(live["spec"]["unschedulable"], Value::Null);
    assert!(live["spec"]["taints"].to_string().contains("example.com/new"), "{live}");
    scene.end().await
}

/// The operator binds the role for nodes everywhere, and no other; in a namespace it binds all others, and not this one.
#[tokio::test]
async fn only_the_role_for_nodes_is_bound_everywhere() -> Result<()> {
    let cluster = cluster().await?;
    let inside = cluster.namespace("node-bind").in_territory().create().await?;
    let (name, one) = ("bwk-00c0ffee", json!([account("bwk-00c0ffee", GRANTS_NAMESPACE)]));
    let everywhere = |name: &str, role: &str, subjects: &Value| {
        let mut object = binding(name, role, subjects.clone());
        object["kind"] = json!("ClusterRoleBinding");
        Shot::post(EVERYWHERE, object).dry()
    };
    let node = right(Operation::Update, Kind::Node).role();
    let words = "binds one role of the catalogue to the one-shot account of the same name";
    let (unbounded, admin) = (cluster.operator_unbounded()?, cluster.admin());
    let user = json!([{"kind": "User", "name": "evil", "apiGroup": "rbac.authorization.k8s.io"}]);
    let mut cases = vec![
        ("another name".to_owned(), everywhere("evil", &node, &one), "named like one-shot accounts"),
        ("cluster-admin".to_owned(), everywhere(name, "cluster-admin", &one), words),
        ("a person".to_owned(), everywhere(name, &node, &user), words),
        ("another account".to_owned(), everywhere("bwk-1", &node, &one), words),
    ];
    let within = rights().into_iter().filter(|right| right.is_namespaced()).map(|right| right.role());
    cases.extend(within.map(|role| (role.clone(), everywhere(name, &role, &one), words)));
    let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings", inside.name());
    cases.push(("in a namespace".to_owned(), Shot::post(path, binding(name, &node, one.clone())).dry(), words));
    for (what, shot, words) in cases {
        assert_refused(&what, &shot.sent(&unbounded).await?, CAP, words);
        assert_done(&what, &shot.sent(&admin).await?);
    }
    let theirs = Shot::delete(format!("{EVERYWHERE}/cluster-admin")).dry();
    assert_refused("another's binding", &theirs.sent(&unbounded).await?, CAP, "named like one-shot accounts");
    assert_done("the right one", &everywhere(name, &node, &one).sent(&cluster.operator_account().await?).await?);
    Ok(())
}

/// While no revision of the fence is there: an account with every right of RBAC changes of a node whether it takes pods.
pub(crate) async fn by_the_floor_alone(cluster: &TestCluster, scene: &Scene<TestCluster>) -> Result<()> {
    let node = cluster.empty_node(scene.namespace.name()).await?;
    for (what, operation) in beside() {
        let shot = patch(node.name(), json!([operation])).dry();
        let answer = shot.by(scene).await?;
        assert!(answer.code == 403 && answer.refused_by(FLOOR), "{what}: {answer:?}");
        assert_done(what, &shot.sent(&cluster.admin()).await?);
    }
    let cordon = patch(node.name(), json!([add("/spec/unschedulable", json!(true))])).dry();
    assert_done("a cordon", &cordon.by(scene).await?);
    node.merge(&json!({"metadata": {"labels": {"autofix": null}}})).await?;
    wait_for("the node to be outside", 30 * SECONDS, async || {
        let answer = cordon.by(scene).await?;
        Ok(Seen::when(answer.refused_by(FLOOR) && answer.message().contains("outside the territory"), (), answer))
    })
    .await
}
