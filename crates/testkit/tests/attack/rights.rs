//! What the operator's account may do, as the API server itself answers, compared with the documented list `operator-rights.txt`; and what it must not, asked one by one.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_testkit::{Result, path_of};
use kube::Client;
use serde_json::{Value, json};

use bailiwick_core::object::Kind;

use crate::scene::{BETTER, Shot, assert_done, assert_rbac, cluster, idle};

const DOCUMENTED: &str = include_str!("operator-rights.txt");

/// Group, resource and name, each with its verbs.
type Rights = BTreeMap<(String, String, String), BTreeSet<String>>;

fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    value[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Everything that the API server says this client may do in a namespace.
async fn reviewed(client: &Client, namespace: &str) -> Result<Rights> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace},
    });
    let answer = Shot::post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review).sent(client).await?;
    assert_done("the review", &answer);
    let status = &answer.body["status"];
    assert_eq!(status["incomplete"], false, "{status}");
    let mut rights = Rights::new();
    for rule in status["resourceRules"].as_array().into_iter().flatten() {
        let names = texts(rule, "resourceNames");
        let names = if names.is_empty() { vec![""] } else { names };
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for name in &names {
                    let key = (group.to_owned(), resource.to_owned(), (*name).to_owned());
                    rights.entry(key).or_default().extend(texts(rule, "verbs").into_iter().map(str::to_owned));
                }
            }
        }
    }
    for rule in status["nonResourceRules"].as_array().into_iter().flatten() {
        for url in texts(rule, "nonResourceURLs") {
            let key = ("url".to_owned(), url.to_owned(), String::new());
            rights.entry(key).or_default().extend(texts(rule, "verbs").into_iter().map(str::to_owned));
        }
    }
    Ok(rights)
}

/// What is in `all` and not in `known`.
fn beyond(all: &Rights, known: &Rights) -> Rights {
    let left = |(key, verbs): (&(String, String, String), &BTreeSet<String>)| {
        let old = known.get(key).cloned().unwrap_or_default();
        let new: BTreeSet<String> = verbs.difference(&old).cloned().collect();
        (!new.is_empty()).then(|| (key.clone(), new))
    };
    all.iter().filter_map(left).collect()
}

fn lines(place: &str, rights: &Rights) -> Vec<String> {
    let line = |((group, resource, name), verbs): (&(String, String, String), &BTreeSet<String>)| {
        let group = if group.is_empty() { "core" } else { group };
        let name = if name.is_empty() { String::new() } else { format!(" {name}") };
        let verbs: Vec<&str> = verbs.iter().map(String::as_str).collect();
        format!("{place}: {group}/{resource}{name}: {}", verbs.join(" "))
    };
    rights.iter().map(line).collect()
}

#[tokio::test]
async fn the_operators_rights_are_the_documented_ones() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("rights").in_territory().create().await?;
    let operator = cluster.operator_account().await?;
    // Everybody has some: they are told by an account to which nobody gave anything.
    let nobody = cluster.service_account(namespace.name(), "nobody").await?;
    let everybody = reviewed(&nobody, namespace.name()).await?;
    let everywhere = beyond(&reviewed(&operator, namespace.name()).await?, &everybody);
    let mut found = lines("everywhere", &everywhere);
    for place in [GRANTS_NAMESPACE, SYSTEM_NAMESPACE] {
        let there = beyond(&reviewed(&operator, place).await?, &everybody);
        found.extend(lines(place, &beyond(&there, &everywhere)));
    }
    let documented: Vec<&str> = DOCUMENTED.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    assert_eq!(found, documented, "found:\n{}\n", found.join("\n"));
    Ok(())
}

/// Verb, group, resource, subresource, namespace.
fn never(place: &str) -> Vec<(&'static str, &'static str, &'static str, &'static str, &str)> {
    let mut all = vec![
        ("impersonate", "", "users", "", ""),
        ("impersonate", "", "groups", "", ""),
        ("impersonate", "", "serviceaccounts", "", GRANTS_NAMESPACE),
        ("escalate", "rbac.authorization.k8s.io", "clusterroles", "", ""),
        ("escalate", "rbac.authorization.k8s.io", "roles", "", place),
        ("bind", "rbac.authorization.k8s.io", "clusterroles", "", ""),
        ("bind", "rbac.authorization.k8s.io", "roles", "", GRANTS_NAMESPACE),
        ("patch", "rbac.authorization.k8s.io", "clusterrolebindings", "", ""),
        ("deletecollection", "rbac.authorization.k8s.io", "clusterrolebindings", "", ""),
        ("create", "rbac.authorization.k8s.io", "roles", "", place),
        ("patch", "rbac.authorization.k8s.io", "rolebindings", "", place),
        ("create", "", "serviceaccounts", "token", SYSTEM_NAMESPACE),
        ("create", "", "serviceaccounts", "token", "kube-system"),
        ("create", "", "pods", "exec", place),
        ("get", "", "pods", "exec", place),
        ("get", "", "pods", "log", place),
        ("create", "", "pods", "eviction", place),
        ("get", "", "nodes", "proxy", ""),
        ("approve", "bailiwick.dev", "changes", "", place),
        ("suspend", "bailiwick.dev", "fences", "", GRANTS_NAMESPACE),
        ("create", "bailiwick.dev", "approvals", "", place),
        ("patch", "bailiwick.dev", "receipts", "", SYSTEM_NAMESPACE),
        ("patch", "bailiwick.dev", "mandates", "", SYSTEM_NAMESPACE),
        ("patch", "apps", "controllerrevisions", "", GRANTS_NAMESPACE),
        ("deletecollection", "apps", "controllerrevisions", "", GRANTS_NAMESPACE),
        ("patch", "", "namespaces", "", ""),
    ];
    for verb in ["get", "list", "watch"] {
        all.extend([place, SYSTEM_NAMESPACE, GRANTS_NAMESPACE, ""].map(|at| (verb, "", "secrets", "", at)));
    }
    for verb in ["create", "update", "patch", "delete", "deletecollection"] {
        for resource in ["deployments", "statefulsets", "daemonsets", "replicasets"] {
            all.push((verb, "apps", resource, "", place));
        }
        for resource in ["pods", "resourcequotas", "services", "nodes", "configmaps"] {
            all.push((verb, "", resource, "", place));
        }
        all.push((verb, "admissionregistration.k8s.io", "validatingadmissionpolicies", "", ""));
        all.push((verb, "admissionregistration.k8s.io", "validatingadmissionpolicybindings", "", ""));
        all.push((verb, "apiextensions.k8s.io", "customresourcedefinitions", "", ""));
    }
    all
}

async fn may(client: &Client, what: (&str, &str, &str, &str, &str)) -> Result<bool> {
    let (verb, group, resource, subresource, namespace) = what;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": namespace,
        }},
    });
    let answer = Shot::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review).sent(client).await?;
    assert_done("the review", &answer);
    Ok(answer.body["status"]["allowed"] == true)
}

#[tokio::test]
async fn the_operator_may_none_of_what_would_make_it_powerful() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("rights-never").in_territory().create().await?;
    let operator = cluster.operator_account().await?;
    for what in never(namespace.name()) {
        assert!(!may(&operator, what).await?, "the operator may {what:?}");
        assert!(may(&cluster.admin(), what).await?, "not even the administrator may {what:?}");
    }
    for what in [
        ("list", "apps", "deployments", "", namespace.name()),
        ("create", "", "serviceaccounts", "token", GRANTS_NAMESPACE),
        ("create", "bailiwick.dev", "receipts", "", SYSTEM_NAMESPACE),
    ] {
        assert!(may(&operator, what).await?, "the operator may not {what:?}");
    }
    Ok(())
}

/// Not only asked but tried, with the requests of an attacker.
#[tokio::test]
async fn the_operators_own_token_reaches_no_workload_and_no_secret() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("rights-try").in_territory().create().await?;
    namespace.apply(&idle("web").deployment()).await?;
    let operator = cluster.operator_account().await?;
    let web = path_of(Kind::Deployment, namespace.name(), "web");
    let key = path_of(Kind::Secret, SYSTEM_NAMESPACE, "bailiwick-signing-key");
    let image = json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [], "paused": BETTER}}}});
    for (what, shot) in [
        ("a workload", Shot::merge(&web, image)),
        ("its scale", Shot::merge(format!("{web}/scale"), json!({"spec": {"replicas": 2}}))),
        ("the signing key", Shot::get(&key)),
        ("the Secrets of grants", Shot::get(path_of(Kind::Secret, GRANTS_NAMESPACE, ""))),
        (
            "a policy",
            Shot::delete("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/bailiwick-operator-cap"),
        ),
        (
            "a binding",
            Shot::delete(
                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/bailiwick-operator-cap",
            ),
        ),
    ] {
        assert_rbac(what, &shot.sent(&operator).await?);
    }
    assert_done("the signing key by the administrator", &Shot::get(&key).sent(&cluster.admin()).await?);
    Ok(())
}
