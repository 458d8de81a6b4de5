//! The harness against a real cluster: what it promises to other suites.
#![cfg(feature = "cluster")]

use std::time::Duration;

use bailiwick_testkit::{
    Baseline, Need, Result, SECONDS, Seen, TestCluster, Workload, apply, create, documents, dry_run_create, refusal,
    send, wait_for,
};
use http::Method;
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

#[tokio::test]
async fn a_workload_runs_and_its_namespace_goes() -> Result<()> {
    let Some(cluster) = TestCluster::needing(&[Need::Images]).await? else {
        return Ok(());
    };
    let namespace = cluster.namespace("harness-web").in_territory().create().await?;
    let web = Workload::new("web", &cluster.images()?.good[0]).replicas(2);
    namespace.apply(&web.deployment()).await?;
    let web: Deployment = namespace.available("web", 60 * SECONDS).await?;
    assert_eq!(web.status.and_then(|s| s.available_replicas), Some(2));
    let name = namespace.name().to_owned();
    drop(namespace);
    let all: Api<Namespace> = Api::all(cluster.admin());
    let going = all.get_opt(&name).await?.is_none_or(|n| n.metadata.deletion_timestamp.is_some());
    assert!(going, "{name} was not deleted");
    let note = cluster.artifacts("namespaces")?.join(format!("{name}.txt"));
    assert!(std::fs::read_to_string(note)?.contains("deployment web: 2/2 available"));
    Ok(())
}

#[tokio::test]
async fn an_absent_tag_is_told_by_the_wait() -> Result<()> {
    let Some(cluster) = TestCluster::needing(&[Need::Images]).await? else {
        return Ok(());
    };
    let namespace = cluster.namespace("harness-absent").create().await?;
    namespace.apply(&Workload::new("web", &cluster.images()?.absent).deployment()).await?;
    let refusing = Workload::new("refusing", &cluster.images()?.refused);
    namespace.apply(&refusing.deployment()).await?;
    let pods: Api<Pod> = namespace.api();
    for (app, reason) in [("web", "not found"), ("refusing", "authorization failed")] {
        let what = format!("the kubelet to say `{reason}` of {app}");
        wait_for(&what, 30 * SECONDS, async || {
            let list = pods.list(&ListParams::default().labels(&format!("app={app}"))).await?;
            let text = serde_json::to_string(&list.items)?;
            Ok(Seen::when(text.contains("ErrImagePull") && text.contains(reason), (), text))
        })
        .await?;
    }
    let why = namespace.available("web", Duration::from_millis(300)).await.err();
    let why = why.map(|e| format!("{e:#}")).unwrap_or_default();
    assert!(why.contains("deployment web: 0/1 available") && why.contains("ImagePull"), "{why}");
    Ok(())
}

#[tokio::test]
async fn people_are_who_they_say_and_may_nothing() -> Result<()> {
    let cluster = TestCluster::from_env().await?;
    let namespace = cluster.namespace("harness-people").create().await?;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    let anna = cluster.person("anna@example.com", &["sre", "oncall"]).await?;
    let error = create(&anna, &map, Some(namespace.name())).await.err();
    let answer = error.as_ref().and_then(refusal);
    assert!(
        answer.as_ref().is_some_and(|a| a.refused_by_rbac() && a.message().contains("anna@example.com")),
        "{answer:?}"
    );
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let me = send(&anna, Method::POST, path, Some(("application/json", &review))).await?;
    assert!(me.is_success(), "{me:?}");
    let groups = me.body["status"]["userInfo"]["groups"].to_string();
    assert!(groups.contains("sre") && groups.contains("oncall"), "{groups}");
    Ok(())
}

#[tokio::test]
async fn accounts_and_nobody_are_told_apart() -> Result<()> {
    let cluster = TestCluster::from_env().await?;
    let namespace = cluster.namespace("harness-accounts").create().await?;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    let robot = cluster.service_account(namespace.name(), "robot").await?;
    let expected = format!("system:serviceaccount:{}:robot", namespace.name());
    for (who, client, code, word) in [
        ("robot", robot, 403, expected.as_str()),
        ("a wrong token", cluster.token_client("nonsense")?, 401, "Unauthorized"),
        ("nobody", cluster.anonymous()?, 401, "Unauthorized"),
    ] {
        let path = format!("/api/v1/namespaces/{}/configmaps", namespace.name());
        let answer = send(&client, Method::POST, &path, Some(("application/json", &map))).await?;
        assert_eq!(answer.code, code, "{who}: {answer:?}");
        assert!(answer.message().contains(word), "{who}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_audit_log_tells_who_wrote_what() -> Result<()> {
    let Some(cluster) = TestCluster::needing(&[Need::Audit]).await? else {
        return Ok(());
    };
    let namespace = cluster.namespace("harness-audit").create().await?;
    let robot = cluster.service_account(namespace.name(), "robot").await?;
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "robot"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": namespace.name()}],
    });
    namespace.apply(&role).await?;
    let audit = cluster.audit()?;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "told"}});
    wait_for("RBAC to notice", 30 * SECONDS, async || {
        Ok(Seen::Yes(dry_run_create(&robot, &map, Some(namespace.name())).await?))
    })
    .await?;
    create(&robot, &map, Some(namespace.name())).await?;
    namespace.apply(&map).await?;
    let by = format!("system:serviceaccount:{}:", namespace.name());
    assert_eq!(audit.writes_by(&by).await?.len(), 1, "the dry run is no write");
    let to = audit.writes_to(("configmaps", namespace.name(), "told")).await?;
    assert_eq!(to.len(), 2, "{to:?}");
    Ok(())
}

#[tokio::test]
async fn a_restart_is_survived_by_what_waits() -> Result<()> {
    let Some(cluster) = TestCluster::needing(&[Need::Restart]).await? else {
        return Ok(());
    };
    let namespace = cluster.namespace("harness-restart").create().await?;
    let (restarted, seen) = tokio::join!(cluster.restart_apiserver(SECONDS), async {
        wait_for("a write to pass", 60 * SECONDS, async || {
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}});
            namespace.apply(&map).await?;
            Ok(Seen::Yes(()))
        })
        .await
    });
    restarted?;
    seen?;
    let maps: Api<ConfigMap> = namespace.api();
    assert_eq!(maps.get("late").await?.name_any(), "late");
    Ok(())
}

#[tokio::test]
async fn a_leftover_is_found_by_its_name() -> Result<()> {
    let cluster = TestCluster::from_env().await?;
    let namespace = cluster.namespace("harness-left").create().await?;
    let before = Baseline::take(&cluster).await?;
    for object in documents("{apiVersion: v1, kind: ServiceAccount, metadata: {name: bwk-left}}")? {
        apply(&cluster.admin(), &object, Some(namespace.name())).await?;
    }
    let left = before.leftovers(&cluster).await?;
    assert!(left.iter().any(|l| l.kind == "ServiceAccount" && l.namespace == namespace.name()), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn an_installation_binds_and_is_repaired() -> Result<()> {
    let cluster = TestCluster::from_env().await?;
    cluster.install().await?;
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(cluster.admin());
    policies.delete("bailiwick-executor-fence", &DeleteParams::default()).await?;
    cluster.install().await?;
    policies.get("bailiwick-executor-fence").await?;
    cluster.stop_operator().await
}
