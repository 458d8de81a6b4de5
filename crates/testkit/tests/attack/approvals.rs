//! Forged Changes, status and Approvals, by people to whom RBAC gave every right first, so that what refuses them is admission.

use bailiwick_core::object::Kind;
use bailiwick_testkit::{Answer, Namespace, Result};
use kube::Client;
use serde_json::{Value, json};

use crate::scene::{Calm, Shot, allow, assert_done, assert_rbac, assert_refused, cluster, everything, extend, idle};

const AUTHOR: &str = "bailiwick-change-author";
const STATUS: &str = "bailiwick-status-author";
const IDENTITY: &str = "bailiwick-approval-identity";

/// A namespace with one Change of `proposer`.
struct Case {
    cluster: Calm,
    namespace: Namespace,
    proposer: Client,
    change: Value,
}

fn path(namespace: &Namespace, resource: &str) -> String {
    format!("/apis/bailiwick.dev/v1alpha1/namespaces/{}/{resource}", namespace.name())
}

fn change(name: &str, proposer: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change", "metadata": {"name": name},
        "spec": {
            "proposer": proposer, "type": "RolloutRestart", "action": {"rolloutRestart": {}},
            "target": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": "web", "uid": "u-1"},
            "reason": {"text": "it hangs"},
        },
    })
}

impl Case {
    async fn new(prefix: &str, proposer: &str) -> Result<Self> {
        let cluster = cluster().await?;
        let namespace = cluster.namespace(prefix).in_territory().create().await?;
        namespace.apply(&idle("web").deployment()).await?;
        let person = cluster.person(proposer, &["sre"]).await?;
        allow(&cluster, namespace.name(), proposer, everything()).await?;
        let made = Shot::post(path(&namespace, "changes"), change("c1", proposer, namespace.name()));
        let made = made.sent(&person).await?;
        assert_done("the Change", &made);
        Ok(Self { cluster, namespace, proposer: person, change: made.body })
    }

    async fn person(&self, name: &str, groups: &[&str], rules: Value) -> Result<Client> {
        let client = self.cluster.person(name, groups).await?;
        allow(&self.cluster, self.namespace.name(), name, rules).await?;
        Ok(client)
    }

    fn approval(&self, approver: &str, more: Value) -> Value {
        let uid = &self.change["metadata"]["uid"];
        let mut spec = json!({
            "changeRef": {"name": "c1", "uid": uid}, "digest": "a".repeat(64),
            "approver": approver, "decision": "Approve",
        });
        extend(&mut spec, &more);
        json!({
            "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Approval",
            "metadata": {"generateName": "a-"}, "spec": spec,
        })
    }

    async fn approve(&self, who: &Client, approver: &str, more: Value) -> Result<Answer> {
        Shot::post(path(&self.namespace, "approvals"), self.approval(approver, more)).sent(who).await
    }
}

fn approving(verbs: &[&str]) -> Value {
    json!([
        {"apiGroups": ["bailiwick.dev"], "resources": ["changes"], "verbs": verbs},
        {"apiGroups": ["bailiwick.dev"], "resources": ["approvals"], "verbs": ["create", "get", "update", "patch", "delete", "deletecollection"]},
    ])
}

#[tokio::test]
async fn a_change_is_proposed_in_ones_own_name_beside_its_target() -> Result<()> {
    let case = Case::new("forge-author", "anna@author").await?;
    let here = case.namespace.name();
    let post = |object: Value| Shot::post(path(&case.namespace, "changes"), object);
    for other in ["bob@author", "system:serviceaccount:bailiwick-system:bailiwick-operator"] {
        let answer = post(change("forged", other, here)).sent(&case.proposer).await?;
        assert_refused("another's name", &answer, AUTHOR, "spec.proposer must be the user who creates the change");
    }
    let answer = post(change("far", "anna@author", "kube-system")).sent(&case.proposer).await?;
    assert_refused("another namespace's target", &answer, AUTHOR, "stands in the namespace of its target");
    let admin = post(change("forged", "anna@author", here)).sent(&case.cluster.admin()).await?;
    assert_refused("the administrator for anna", &admin, AUTHOR, "spec.proposer must be the user");
    assert_done("her own", &post(change("own", "anna@author", here)).sent(&case.proposer).await?);
    Ok(())
}

#[tokio::test]
async fn a_change_once_made_stays_as_it_is() -> Result<()> {
    let case = Case::new("forge-spec", "anna@spec").await?;
    let one = format!("{}/c1", path(&case.namespace, "changes"));
    for (what, spec) in [
        ("another target", json!({"target": {"uid": "u-2"}})),
        ("another proposer", json!({"proposer": "bob@spec"})),
        ("another action", json!({"type": "DeletePod", "action": {"rolloutRestart": null, "deletePod": {}}})),
        ("another reason", json!({"reason": {"text": "because"}})),
    ] {
        let answer = Shot::merge(&one, json!({"spec": spec})).sent(&case.proposer).await?;
        assert!(answer.code == 422 && answer.message().contains("a change is immutable"), "{what}: {answer:?}");
    }
    let label = Shot::merge(&one, json!({"metadata": {"labels": {"team": "a"}}}));
    assert_done("a label", &label.sent(&case.proposer).await?);
    Ok(())
}

#[tokio::test]
async fn status_is_the_operators_alone() -> Result<()> {
    let case = Case::new("forge-status", "anna@status").await?;
    let words = "only the operator records incidents and writes status";
    let one = format!("{}/c1/status", path(&case.namespace, "changes"));
    let forged = Shot::merge(&one, json!({"status": {"phase": "Approved"}}));
    for (what, who) in [("a namespace's administrator", &case.proposer), ("the cluster's", &case.cluster.admin())] {
        assert_refused(what, &forged.sent(who).await?, STATUS, words);
    }
    let robot = case.cluster.service_account(case.namespace.name(), "robot").await?;
    let user = format!("system:serviceaccount:{}:robot", case.namespace.name());
    allow(&case.cluster, case.namespace.name(), &user, everything()).await?;
    assert_refused("a service account", &forged.sent(&robot).await?, STATUS, words);
    // Status given at creation is dropped by the API server.
    let mut born = change("born", "anna@status", case.namespace.name());
    born["status"] = json!({"phase": "Approved"});
    let born = Shot::post(path(&case.namespace, "changes"), born).sent(&case.proposer).await?;
    assert_done("a Change with a status", &born);
    assert!(born.body["status"]["phase"] != "Approved", "{born:?}");
    let main =
        Shot::merge(format!("{}/c1", path(&case.namespace, "changes")), json!({"status": {"phase": "Approved"}}));
    let answer = main.sent(&case.proposer).await?;
    assert!(answer.is_success() && answer.body["status"]["phase"] != "Approved", "{answer:?}");
    assert_done("the operator", &forged.sent(&case.cluster.operator_account().await?).await?);
    incidents(&case).await
}

async fn incidents(case: &Case) -> Result<()> {
    let words = "only the operator records incidents and writes status";
    let incident = json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Incident", "metadata": {"name": "i1"},
        "spec": {"cause": "CrashLoop", "dedupeKey": "k", "subject": change("c", "p", "n")["spec"]["target"]},
    });
    let shot = Shot::post(path(&case.namespace, "incidents"), incident);
    assert_refused("an incident", &shot.sent(&case.proposer).await?, STATUS, words);
    assert_done("the operator's incident", &shot.sent(&case.cluster.operator_account().await?).await?);
    let status = Shot::merge(
        format!("{}/i1/status", path(&case.namespace, "incidents")),
        json!({"status": {"phase": "Dismissed"}}),
    );
    assert_refused("its status", &status.sent(&case.proposer).await?, STATUS, words);
    Ok(())
}

#[tokio::test]
async fn an_approval_carries_the_name_of_who_gives_it() -> Result<()> {
    let case = Case::new("forge-approval", "anna@approval").await?;
    let bob = case.person("bob@approval", &["sre"], approving(&["get", "approve"])).await?;
    let other = case.approve(&bob, "carl@approval", json!({})).await?;
    assert_refused("another's name", &other, IDENTITY, "spec.approver must be the user who creates the approval");
    let admin = case.approve(&case.cluster.admin(), "bob@approval", json!({})).await?;
    assert_refused("the administrator for bob", &admin, IDENTITY, "spec.approver must be the user");
    let groups = case.approve(&bob, "bob@approval", json!({"groups": ["sre", "board"]})).await?;
    assert_refused("a foreign group", &groups, IDENTITY, "spec.groups must be groups of the user");
    assert_done("his own", &case.approve(&bob, "bob@approval", json!({"groups": ["sre"]})).await?);
    Ok(())
}

#[tokio::test]
async fn the_custom_verb_on_this_change_is_needed() -> Result<()> {
    let case = Case::new("forge-verb", "anna@verb").await?;
    let words = "the verb 'approve' on this change is needed";
    let editor = case.person("carl@verb", &[], approving(&["create", "get", "update", "patch", "delete"])).await?;
    assert_refused("without the verb", &case.approve(&editor, "carl@verb", json!({})).await?, IDENTITY, words);
    let named = json!([
        {"apiGroups": ["bailiwick.dev"], "resources": ["changes"], "resourceNames": ["other"], "verbs": ["approve"]},
        {"apiGroups": ["bailiwick.dev"], "resources": ["approvals"], "verbs": ["create"]},
    ]);
    let named = case.person("dora@verb", &[], named).await?;
    assert_refused("for another Change", &case.approve(&named, "dora@verb", json!({})).await?, IDENTITY, words);
    assert_done(
        "for that one",
        &case.approve(&named, "dora@verb", json!({"changeRef": {"name": "other", "uid": "u"}})).await?,
    );
    // The role of proposers alone: whoever proposed cannot approve.
    let proposer = case.cluster.person("emil@verb", &[]).await?;
    let bind = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "emil"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bailiwick:proposer"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "emil@verb"}],
    });
    case.namespace.apply(&bind).await?;
    let own = Shot::post(path(&case.namespace, "changes"), change("emils", "emil@verb", case.namespace.name()));
    bailiwick_testkit::wait_for("RBAC to notice", 10 * bailiwick_testkit::SECONDS, async || {
        let answer = own.sent(&proposer).await?;
        Ok(bailiwick_testkit::Seen::when(answer.is_success(), (), answer))
    })
    .await?;
    assert_rbac(
        "the proposer",
        &case.approve(&proposer, "emil@verb", json!({"changeRef": {"name": "emils", "uid": "u"}})).await?,
    );
    Ok(())
}

#[tokio::test]
async fn only_people_approve() -> Result<()> {
    let case = Case::new("forge-robot", "anna@robot").await?;
    let words = "only people approve";
    let robot = case.cluster.service_account(case.namespace.name(), "robot").await?;
    let user = format!("system:serviceaccount:{}:robot", case.namespace.name());
    allow(&case.cluster, case.namespace.name(), &user, everything()).await?;
    assert_refused("a service account", &case.approve(&robot, &user, json!({})).await?, IDENTITY, words);
    // Names that only the cluster gives, with every right.
    for name in ["system:node:worker", "system:anonymous", "system:serviceaccount:x:y"] {
        let who = case.cluster.impersonating(name, &["system:masters"])?;
        assert_refused(name, &case.approve(&who, name, json!({})).await?, IDENTITY, words);
    }
    let grouped = case.cluster.impersonating("anna@robot", &["system:masters", "system:serviceaccounts"])?;
    assert_refused("its group", &case.approve(&grouped, "anna@robot", json!({})).await?, IDENTITY, words);
    assert_done("a person", &case.approve(&case.proposer, "anna@robot", json!({})).await?);
    Ok(())
}

#[tokio::test]
async fn an_approval_once_given_stays_as_it_is() -> Result<()> {
    let case = Case::new("forge-edit", "anna@edit").await?;
    let bob = case.person("bob@edit", &[], approving(&["get", "approve"])).await?;
    let given = case.approve(&bob, "bob@edit", json!({})).await?;
    assert_done("the approval", &given);
    let name = given.body["metadata"]["name"].as_str().unwrap_or_default();
    let one = format!("{}/{name}", path(&case.namespace, "approvals"));
    let words = "an approval is never changed, and removed only with its namespace";
    for (who, client) in [("bob", &bob), ("anna", &case.proposer), ("the administrator", &case.cluster.admin())] {
        let label = Shot::merge(&one, json!({"metadata": {"labels": {"a": "b"}}}));
        assert_refused(who, &label.sent(client).await?, IDENTITY, words);
        for spec in [json!({"digest": "b".repeat(64)}), json!({"decision": "Reject"}), json!({"approver": who})] {
            let answer = Shot::merge(&one, json!({"spec": spec})).sent(client).await?;
            assert!(answer.code == 422 && answer.message().contains("an approval is immutable"), "{who}: {answer:?}");
        }
        assert_refused(who, &Shot::delete(&one).sent(client).await?, IDENTITY, words);
        assert_refused(who, &Shot::delete(path(&case.namespace, "approvals")).sent(client).await?, IDENTITY, words);
    }
    let operator = case.cluster.operator_account().await?;
    assert_done("the operator after retention", &Shot::delete(&one).sent(&operator).await?);
    Ok(())
}

/// `admin`, `edit` and `view` of a namespace say nothing about the product's kinds.
#[tokio::test]
async fn the_built_in_roles_do_not_reach_our_kinds() -> Result<()> {
    let case = Case::new("forge-builtin", "anna@builtin").await?;
    for role in ["admin", "edit", "view"] {
        let user = format!("{role}@builtin");
        let who = case.cluster.person(&user, &[]).await?;
        let bind = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        case.namespace.apply(&bind).await?;
        let deployments = Shot::get(bailiwick_testkit::path_of(Kind::Deployment, case.namespace.name(), ""));
        bailiwick_testkit::wait_for("RBAC to notice", 10 * bailiwick_testkit::SECONDS, async || {
            let answer = deployments.sent(&who).await?;
            Ok(bailiwick_testkit::Seen::when(answer.is_success(), (), answer))
        })
        .await?;
        let changes = path(&case.namespace, "changes");
        assert_rbac(role, &Shot::post(&changes, change("x", &user, case.namespace.name())).sent(&who).await?);
        assert_rbac(role, &Shot::get(&changes).sent(&who).await?);
        assert_rbac(
            role,
            &Shot::merge(format!("{changes}/c1/status"), json!({"status": {"phase": "Approved"}})).sent(&who).await?,
        );
        assert_rbac(role, &case.approve(&who, &user, json!({})).await?);
    }
    Ok(())
}
