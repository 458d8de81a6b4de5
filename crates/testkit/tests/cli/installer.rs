//! Who installs holds what is installed and nothing more: no cluster-admin, no wildcard, no right to escalate.

use std::collections::BTreeSet;

use bailiwick_testkit::{Result, SECONDS, Seen, TestCluster, apply, documents, wait_for};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::{Cli, LASTING, image, ours, ready};

const ROLE: &str = "test-installer";
const PERSON: &str = "ivan@example.com";

/// Group and resource of an object.
fn resource(object: &Value) -> (String, String) {
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let (kind, version) = (text("kind").to_lowercase(), text("apiVersion"));
    let group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let plural = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"));
    (group, plural)
}

/// What it takes to put these objects in place, look after them and take them away: these kinds, and every
/// right that the roles among them give, for nobody gives what they do not hold. Apart from each other.
fn rights(export: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let kinds: BTreeSet<(String, String)> = export.iter().map(resource).collect();
    let mut rules: Vec<Value> = kinds
        .into_iter()
        .map(|(group, resource)| {
            let verbs = ["create", "get", "list", "watch", "patch", "delete"];
            json!({"apiGroups": [group], "resources": [resource], "verbs": verbs})
        })
        .collect();
    rules
        .push(json!({"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["create", "get", "delete"]}));
    let given = export.iter().filter_map(|object| object["rules"].as_array()).flatten().cloned();
    (rules, given.collect())
}

async fn entitle(cluster: &TestCluster, rules: &[Value]) -> Result<()> {
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": ROLE}, "rules": rules});
    let bind = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": ROLE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": PERSON}]});
    for object in [role, bind] {
        apply(&cluster.admin(), &object, None).await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_holds_what_is_installed_installs_and_removes() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.absent().await?;
    let export = documents(&cli.expect(0, &["install", "--export", "--replicas", "2"]).await?.out)?;
    let (kinds, given) = rights(&export);
    let all = [&kinds[..], &given[..]].concat();
    let text = json!(all).to_string();
    for word in ["*", "escalate", "impersonate", "cluster-admin"] {
        assert!(!text.contains(&format!("\"{word}\"")), "{word}: {text}");
    }
    let ivan = Cli { kubeconfig: cluster.person_kubeconfig(PERSON, &[])?, program: cli.program.clone() };
    let image = image(&cluster)?;
    entitle(&cluster, &kinds).await?;
    // RBAC takes a moment to notice.
    wait_for("the roles that ivan may not give to be named", 30 * SECONDS, async || {
        let run = ivan.expect(2, &["install", "--image", &image]).await?;
        let said = ["nothing was installed", "attempting to grant RBAC permissions not currently held"];
        Ok(Seen::when(said.iter().all(|words| run.err.contains(words)), (), run))
    })
    .await?;
    assert_eq!(ours(&cluster).await?, [LASTING]);
    entitle(&cluster, &all).await?;
    // Refused before anything is written, until RBAC has noticed.
    wait_for("ivan, who holds what he gives, to install", 120 * SECONDS, async || {
        let run = ivan.run(&["install", "--image", &image, "--timeout", "90s"]).await?;
        Ok(Seen::when(run.code == 0, (), run))
    })
    .await?;
    cli.expect(0, &["check", "--wait", "--timeout", "60s"]).await?;
    ivan.expect(0, &["uninstall", "--yes", "--timeout", "90s"]).await?;
    assert_eq!(ours(&cluster).await?, [LASTING]);
    Api::<ClusterRoleBinding>::all(cluster.admin()).delete(ROLE, &DeleteParams::default()).await?;
    Api::<ClusterRole>::all(cluster.admin()).delete(ROLE, &DeleteParams::default()).await?;
    Ok(())
}
