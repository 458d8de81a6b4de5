//! What a support bundle holds, and what it never holds.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use bailiwick_api::manifests::OPERATOR;
use bailiwick_testkit::{Namespace, Result, SECONDS, Seen, TestCluster, Workload, apply, create, until, wait_for};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::ready;

/// Planted wherever people and programs leave secrets.
const SECRET: &str = "hunter2-S3cr3t";
/// A pod that passes for the operator's.
const PLANTED: &str = "planted";
const SYSTEM: &str = "bailiwick-system";

fn annotations() -> Value {
    let applied = format!("{{\"spec\":{{\"env\":\"{SECRET}\"}}}}\n");
    json!({
        "example.com/notes": format!("remember {SECRET}"),
        "bailiwick.dev/reason": format!("password={SECRET}"),
        "kubectl.kubernetes.io/last-applied-configuration": applied,
    })
}

/// A pod with secrets in its environment, its arguments, its annotations and its log.
async fn plant_pod(cluster: &TestCluster) -> Result<Api<Pod>> {
    let json_line = format!("--log={{\"level\":\"INFO\",\"token\":\"{SECRET}\"}}");
    let mut pod = Workload::new(PLANTED, &cluster.images()?.good[0])
        .label("app.kubernetes.io/name", OPERATOR)
        .args(["--log", &format!("password={SECRET}"), &json_line])
        .env("PLAIN", SECRET)
        .without_readiness()
        .bare_pod();
    pod["metadata"]["annotations"] = annotations();
    apply(&cluster.admin(), &pod, Some(SYSTEM)).await?;
    Ok(Api::namespaced(cluster.admin(), SYSTEM))
}

/// Waits until the planted pod has logged.
async fn logged(api: &Api<Pod>) -> Result<()> {
    let running = |pod: Option<&Pod>| {
        pod.and_then(|p| p.status.as_ref()?.phase.as_deref().map(|phase| phase == "Running")).unwrap_or(false)
    };
    until(api, PLANTED, ("it to run", 60 * SECONDS), running).await?;
    wait_for("its log", 30 * SECONDS, async || {
        let log = api.logs(PLANTED, &kube::api::LogParams::default()).await?;
        Ok(Seen::when(log.matches(SECRET).count() == 2, (), log))
    })
    .await
}

/// Waits until exactly one pod has a label, in a state that is asked for.
async fn one_pod(api: &Api<Pod>, label: &str, wanted: impl Fn(&Pod) -> bool) -> Result<()> {
    wait_for(&format!("one pod with {label}"), 60 * SECONDS, async || {
        let pods = api.list(&ListParams::default().labels(label)).await?.items;
        Ok(Seen::when(matches!(pods.as_slice(), [pod] if wanted(pod)), (), pods))
    })
    .await
}

/// True where the kubelet has said that the image is not there.
fn is_unpulled(pod: &Pod) -> bool {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut reasons = containers.filter_map(|c| c.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    reasons.any(|reason| ["ErrImagePull", "ImagePullBackOff"].contains(&reason))
}

/// A Change, its target, a ConfigMap and a Secret that hold it, too.
async fn plant_objects(cluster: &TestCluster, namespace: &Namespace) -> Result<()> {
    let held = json!({"app.conf": format!("key {SECRET}")});
    for (kind, field) in [("ConfigMap", "data"), ("Secret", "stringData")] {
        namespace.apply(&json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": PLANTED}, field: held})).await?;
    }
    let web = Workload::new("web", &cluster.images()?.absent).env("PLAIN", SECRET).args(["--log", SECRET]);
    namespace.apply(&web.deployment()).await?;
    let change = json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change",
        "metadata": {"name": PLANTED, "annotations": annotations()},
        "spec": {
            "proposer": "admin", "type": "RolloutRestart", "action": {"rolloutRestart": {}},
            "reason": {"text": format!("it says token: {SECRET}")},
            "target": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace.name(), "name": "web", "uid": "no-such-uid"},
        },
    });
    create(&cluster.admin(), &change, Some(namespace.name())).await.map(drop)
}

/// Every file below a folder, with its path.
fn files(folder: &Path, found: &mut Vec<(String, String)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push((path.display().to_string(), std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn unpack(archive: &Path, into: &Path) -> Result<Vec<(String, String)>> {
    let ended = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(into).status().context("tar")?;
    ensure!(ended.success(), "tar: {ended}");
    let mut found = Vec::new();
    files(into, &mut found)?;
    Ok(found)
}

#[tokio::test]
async fn a_support_bundle_tells_what_happened_and_no_secret() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, true).await?;
    let namespace = cluster.namespace("cli-bundle").create().await?;
    plant_objects(&cluster, &namespace).await?;
    one_pod(&Api::namespaced(cluster.admin(), namespace.name()), "app=web", is_unpulled).await?;
    // A pod of an installation before this one, on its way out, has neither logs nor metrics to give.
    one_pod(&Api::namespaced(cluster.admin(), SYSTEM), &format!("app.kubernetes.io/name={OPERATOR}"), |_| true).await?;
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("bundle.tar.gz");
    let words = ["support-bundle", "-o", "json", "-f", archive.to_str().context("a path")?];
    let pods = plant_pod(&cluster).await?;
    let ran = async {
        logged(&pods).await?;
        Ok::<_, anyhow::Error>((cli.run(&words).await?, cli.run(&words).await?))
    };
    let ran = ran.await;
    // Whatever came of it: no other test may take it for the operator's.
    pods.delete(PLANTED, &DeleteParams::default().grace_period(0)).await?;
    let (run, again) = ran?;
    assert!(again.code == 2 && again.err.contains("never replaced"), "{again:?}");

    let unpacked = tempfile::tempdir()?;
    let found = unpack(&archive, unpacked.path())?;
    for (path, text) in &found {
        assert!(!text.contains("hunter2"), "{path}: {text}");
    }
    assert!(!run.all().contains("hunter2"), "{run:?}");
    // Only what was looked at and masked proves anything.
    let file = |name: &str| {
        let named = |path: &str| path.rsplit_once("Z/").is_some_and(|(_, rest)| rest == name);
        found.iter().find(|(path, _)| named(path)).map_or("", |(_, text)| text.as_str())
    };
    for (name, said) in [
        ("changes.json", "it says token: [redacted]"),
        ("changes.json", "password=[redacted]"),
        ("operator/pods.json", "\"example.com/notes\": \"[left out]\""),
        ("operator/pods.json", "\"value\": \"[redacted]\""),
        ("operator/logs/planted/main.log", "password=[redacted]\n{\"level\":\"INFO\",\"token\":\"[redacted]\"}"),
        ("diagnose.json", "ImageNotFound"),
        ("check.json", "policies"),
        ("rbac/clusterroles.json", "bailiwick:change:"),
        ("fence/policies.json", "bailiwick-executor-fence"),
        ("nodes.json", "kubeletVersion"),
        ("events.json", namespace.name()),
        ("versions.json", "gitVersion"),
    ] {
        assert!(file(name).contains(said), "{name} does not say {said:?}: {}", file(name));
    }
    let operator = found.iter().filter(|(path, _)| path.contains("/bailiwick-operator-"));
    let said: String = operator.map(|(_, text)| text.as_str()).collect();
    assert!(said.contains("# EOF") && said.contains("\"level\":\"INFO\""), "{said}");
    let summary = run.json();
    for listed in summary["files"].as_array().context("files")? {
        let text = file(listed["path"].as_str().context("a path")?);
        assert_eq!(listed["sha256"], json!(bailiwick_core::canonical::sha256_hex(text.as_bytes())), "{listed}");
    }
    // A pod that only passes for the operator's has no metrics to give; that is all that may lack.
    let missing: Vec<&str> =
        summary["missing"].as_array().into_iter().flatten().filter_map(|m| m["what"].as_str()).collect();
    assert_eq!((run.code, missing), (1, vec!["operator/metrics/planted.txt"]), "{}", summary["missing"]);
    Ok(())
}
