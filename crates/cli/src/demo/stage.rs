//! The stage: namespaces, who may do what in them, and the demo's Mandate.
//!
//! Owns every object that the demo puts beside its workloads, and takes them away again. Must
//! never touch a namespace that does not carry the demo's label. Writes to the API server.

use super::drill::Drill;
use super::ground::{Ground, LATER};
use super::people::{ALICE, BOB, DANA, ERIN, MALLORY, SUE, VIC};
use super::story::{Stop, Told};
use super::wait::{Look, poll};
use crate::objects::apply::{apply, remove};
use crate::words::count;
use bailiwick_api::Mandate;
use bailiwick_api::manifests::Territory;
use bailiwick_core::fence::GRANTS_NAMESPACE;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

/// The Mandate as users read it.
pub(super) const MANDATE: &str = include_str!("mandate.yaml");

/// Label of everything that is the demo's.
pub(super) const LABEL: &str = "bailiwick.dev/demo";

/// How many objects are put in place at once.
const AT_ONCE: usize = 8;
const RBAC: &str = "rbac.authorization.k8s.io";
const FORGER: &str = "bailiwick-demo-forger";
const BALLOTS: &str = "bailiwick-demo-ballots";

/// The Mandate.
pub(super) fn mandate() -> Told<Mandate> {
    serde_saphyr::from_str(MANDATE).map_err(|e| Stop::broken(format!("the demo's Mandate cannot be read: {e}")))
}

/// Puts everything in place for these drills.
pub(super) async fn set(ground: &Ground, drills: &[Drill]) -> Told {
    clear(ground).await?;
    let objects = objects(&ground.prefix, &ground.territory, drills)?;
    let (namespaces, rest): (Vec<Value>, Vec<Value>) = objects.into_iter().partition(|o| o["kind"] == "Namespace");
    for batch in [namespaces, rest] {
        let put = async |object: Value| apply(&ground.cluster, &object, false).await;
        let done = futures::stream::iter(batch).map(put).buffer_unordered(AT_ONCE).try_collect::<()>();
        done.await.map_err(|failure| Stop::broken(failure.to_string()))?;
    }
    Ok(())
}

/// Takes away what a demo left behind, and waits until its namespaces are gone.
pub(super) async fn clear(ground: &Ground) -> Told {
    let failed = |doing: &str, e: &kube::Error| Stop::broken(ground.cluster.fault(doing, e).to_string());
    for object in objects(&ground.prefix, &ground.territory, Drill::ALL)? {
        if object["kind"] != "Namespace" && object.pointer("/metadata/namespace").is_none_or(is_ours) {
            remove(&ground.cluster, &object, false).await.map_err(|f| Stop::broken(f.to_string()))?;
        }
    }
    let api: Api<Namespace> = Api::all(ground.cluster.client.clone());
    let ours = ListParams::default().labels(LABEL);
    let found = api.list_metadata(&ours).await.map_err(|e| failed("list namespaces", &e))?;
    for name in found.items.into_iter().filter_map(|n| n.metadata.name) {
        match api.delete(&name, &DeleteParams::background()).await {
            Err(error) if !crate::fault::is_absent(&error) => return Err(failed("delete a namespace", &error)),
            Ok(_) | Err(_) => {}
        }
    }
    let gone = poll(LATER, async || match api.list_metadata(&ours).await {
        Ok(left) if left.items.is_empty() => Look::Yes(()),
        Ok(left) => Look::NotYet(format!("{} left", count(left.items.len(), "namespace"))),
        Err(error) => Look::NotYet(error.to_string()),
    });
    gone.await.map_err(|missed| Stop::broken(format!("an earlier demo's namespaces do not go: {missed}")))
}

/// A namespace that outlives the demo.
fn is_ours(namespace: &Value) -> bool {
    namespace.as_str().is_some_and(|n| n.starts_with("bailiwick-"))
}

/// Namespaces that exist already and are not the demo's.
pub(super) async fn taken(ground: &Ground, drills: &[Drill]) -> Told<Vec<String>> {
    let api: Api<Namespace> = Api::all(ground.cluster.client.clone());
    let mut taken = Vec::new();
    for (name, _) in drills.iter().flat_map(|d| d.namespaces()) {
        let name = ground.ns(name);
        let found = api.get_metadata_opt(&name).await;
        let found = found.map_err(|e| Stop::broken(ground.cluster.fault("read a namespace", &e).to_string()))?;
        let ours = |m: &kube::core::PartialObjectMeta<Namespace>| {
            m.metadata.labels.as_ref().is_some_and(|l| l.contains_key(LABEL))
        };
        if found.is_some_and(|m| !ours(&m)) {
            taken.push(name);
        }
    }
    Ok(taken)
}

fn objects(prefix: &str, territory: &Territory, drills: &[Drill]) -> Told<Vec<Value>> {
    let mandate = serde_json::to_value(mandate()?).map_err(|e| Stop::broken(e.to_string()))?;
    let mut objects = vec![mandate, forger(), ballots(), grants_role()];
    objects.push(binding(GRANTS_NAMESPACE, ("Role", "bailiwick:suspender"), SUE));
    objects.push(binding(GRANTS_NAMESPACE, ("Role", FORGER), MALLORY));
    for (name, inside) in drills.iter().flat_map(|d| d.namespaces()) {
        let name = format!("{prefix}{name}");
        objects.push(namespace(&name, territory, *inside));
        objects.extend(bindings(&name));
    }
    Ok(objects)
}

fn namespace(name: &str, territory: &Territory, inside: bool) -> Value {
    let mut labels = json!({LABEL: "true"});
    if inside {
        labels[territory.key()] = json!(territory.value());
    }
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// Who may do what in every namespace of the demo.
fn bindings(namespace: &str) -> Vec<Value> {
    let roles = [
        ("edit", ERIN),
        ("view", ALICE),
        ("bailiwick:proposer", ALICE),
        (BALLOTS, ALICE),
        ("view", BOB),
        ("bailiwick:approver", BOB),
        ("view", DANA),
        ("bailiwick:proposer", DANA),
        ("bailiwick:approver", DANA),
        ("view", VIC),
        ("bailiwick:viewer", VIC),
        ("edit", MALLORY),
        (FORGER, MALLORY),
    ];
    roles.iter().map(|(role, user)| binding(namespace, ("ClusterRole", role), user)).collect()
}

fn binding(namespace: &str, (kind, role): (&str, &str), user: &str) -> Value {
    let person = user.split('@').next().unwrap_or(user);
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {
            "name": format!("demo-{person}-{}", role.replace(':', "-")),
            "namespace": namespace,
            "labels": {LABEL: "true"},
        },
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    })
}

fn role(kind: &str, name: &str, rules: Value) -> Value {
    let labels = json!({LABEL: "true"});
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "rules": rules,
    })
}

/// What an editor of a namespace would need to forge with: without it RBAC alone would say no,
/// and the policies behind it would not be seen.
fn forger() -> Value {
    role(
        "ClusterRole",
        FORGER,
        json!([
            {"apiGroups": ["bailiwick.dev"], "resources": ["approvals"], "verbs": ["get", "list", "create"]},
            {"apiGroups": ["bailiwick.dev"], "resources": ["changes"], "verbs": ["get", "list"]},
            {"apiGroups": ["bailiwick.dev"], "resources": ["changes/status"], "verbs": ["get", "update", "patch"]},
        ]),
    )
}

/// The same in the namespace of grants.
fn grants_role() -> Value {
    let mut role = role(
        "Role",
        FORGER,
        json!([
            {"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["get", "list", "create", "delete"]},
            {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list"]},
            {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
        ]),
    );
    role["metadata"]["namespace"] = json!(GRANTS_NAMESPACE);
    role
}

/// The right to create Approvals, without the verb `approve` on any Change.
fn ballots() -> Value {
    role(
        "ClusterRole",
        BALLOTS,
        json!([{"apiGroups": ["bailiwick.dev"], "resources": ["approvals"], "verbs": ["create"]}]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_api::parse::parse_mandate;
    use bailiwick_core::action::ChangeType;

    #[test]
    fn the_mandate_is_one_and_concerns_the_demo_alone() {
        let mandate = mandate().unwrap();
        let parsed = parse_mandate(&mandate).unwrap();
        assert!(parsed.rules.iter().all(|r| r.namespace_selector.is_some()));
        assert!(parsed.rules.iter().any(|r| r.types.contains(&ChangeType::RolloutUndo)));
        assert_eq!(parsed.limits.healthy_delay_seconds, 2);
    }

    #[test]
    fn only_namespaces_of_the_demo_carry_its_label_and_the_territory_is_as_the_drills_say() {
        let objects = objects("x-", &Territory::default(), Drill::ALL).unwrap();
        let namespaces: Vec<&Value> = objects.iter().filter(|o| o["kind"] == "Namespace").collect();
        let payments = namespaces.iter().find(|n| n["metadata"]["name"] == "x-payments").unwrap();
        assert!(payments.pointer("/metadata/labels/autofix").is_none());
        assert!(namespaces.iter().all(|n| n["metadata"]["labels"][LABEL] == "true"));
    }
}
