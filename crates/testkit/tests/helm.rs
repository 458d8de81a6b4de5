//! The Helm chart: it renders what `bailiwick install --export` prints, and a release makes what the command makes.
//!
//! Tests install and uninstall, one after the other. On a machine that never built it, Helm is built first.
//!
//! Threads: 1.
//! Minutes: 20.
#![cfg(feature = "cluster")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use bailiwick_api::manifests;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_testbed::{Config, Progress, ensure_binaries};
use bailiwick_testkit::{Need, Result, SECONDS, Seen, TestCluster, api_for, create, documents, refused_by, wait_for};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/chart/bailiwick");
/// Refuses nothing, and stays: a later installation on the same API server needs it.
const LASTING: &str = "bailiwick-fence-keeper";
const RELEASE: [&str; 4] = ["bailiwick", CHART, "--namespace", "bailiwick-release"];

/// A program that is run as a person would.
struct Program {
    path: PathBuf,
    kubeconfig: PathBuf,
}

impl Program {
    /// Its output; or, where it fails, what it complained about.
    async fn run(&self, words: &[&str]) -> Result<std::result::Result<String, String>> {
        let mut command = Command::new(&self.path);
        command.args(words).env("KUBECONFIG", &self.kubeconfig).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
    }

    async fn done(&self, words: &[&str]) -> Result<String> {
        self.run(words).await?.map_err(|why| anyhow!("{words:?}: {why}"))
    }

    async fn refused(&self, words: &[&str]) -> Result<String> {
        match self.run(words).await? {
            Ok(out) => bail!("{words:?} was not refused: {out}"),
            Err(why) => Ok(why),
        }
    }
}

async fn ready(needs: &[Need]) -> Result<Option<(TestCluster, Program, Program)>> {
    let Some(cluster) = TestCluster::needing(needs).await? else { return Ok(None) };
    let config = Config::from_env()?;
    let helm = config.bin().join("helm");
    let build = move || ensure_binaries(&config, &["helm".to_owned()], &Progress::silent());
    tokio::task::spawn_blocking(build).await??;
    let program = |path: &Path| Program { path: path.to_owned(), kubeconfig: cluster.kubeconfig().to_owned() };
    let (helm, cli) = (program(&helm), program(cluster.cli()?));
    Ok(Some((cluster, helm, cli)))
}

/// Kind, namespace and name.
fn title(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!("{} {} {}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

/// What an object says, without who manages it and what the API server adds.
fn plain(mut object: Value) -> Value {
    let metadata = &mut object["metadata"];
    let mut labels = metadata["labels"].as_object().cloned().unwrap_or_default();
    labels.remove("app.kubernetes.io/managed-by");
    *metadata = json!({"name": metadata["name"], "namespace": metadata["namespace"], "labels": labels});
    if let Some(top) = object.as_object_mut() {
        top.remove("status");
    }
    if let Some(spec) = object["spec"].as_object_mut() {
        for given in ["clusterIP", "clusterIPs", "finalizers"] {
            spec.remove(given);
        }
    }
    object
}

fn by_title(objects: Vec<Value>) -> BTreeMap<String, Value> {
    objects.into_iter().filter(Value::is_object).map(|object| (title(&object), plain(object))).collect()
}

fn same(one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, object) in one {
        assert!(*object == other[name], "{name}: {object} is not {}", other[name]);
    }
}

#[tokio::test]
async fn the_chart_renders_what_the_command_exports() -> Result<()> {
    let Some((_, helm, cli)) = ready(&[Need::Cli]).await? else { return Ok(()) };
    helm.done(&["lint", "--strict", CHART, "--namespace", "bailiwick-release"]).await?;
    let template = |set: &'static [&'static str]| [&["template"][..], &RELEASE, set].concat();
    let pairs: [(&'static [&'static str], &[&str]); 2] = [
        (&[], &[]),
        (
            &[
                "--set",
                "image=r.example/operator:1,replicas=2,imagePullPolicy=Always,territory.key=example.com/heal,territory.value=payments,log=debug",
            ],
            &[
                "--image",
                "r.example/operator:1",
                "--replicas",
                "2",
                "--pull",
                "Always",
                "--territory",
                "example.com/heal=payments",
                "--log",
                "debug",
            ],
        ),
    ];
    for (set, flags) in pairs {
        let chart = documents(&helm.done(&template(set)).await?)?;
        let export = documents(&cli.done(&[&["install", "--export"], flags].concat()).await?)?;
        assert!(export.len() > 30, "{}", export.len());
        same(&by_title(chart), &by_title(export));
    }
    Ok(())
}

#[tokio::test]
async fn values_reach_the_pod_and_bad_ones_are_refused() -> Result<()> {
    let Some((_, helm, _)) = ready(&[Need::Cli]).await? else { return Ok(()) };
    let set = |values: &'static str| [&["template"][..], &RELEASE, &["--set-json", values]].concat();
    let values = r#"nodeSelector={"disk":"ssd","kubernetes.io/os":"plan9"},tolerations=[{"key":"infra","operator":"Exists"}],imagePullSecrets=[{"name":"pull"}],resources={"limits":{"memory":"2Gi"}},keepData=false"#;
    let objects = documents(&helm.done(&set(values)).await?)?;
    let deployment = objects.iter().find(|o| o["kind"] == "Deployment").context("no Deployment")?;
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["nodeSelector"], json!({"disk": "ssd", "kubernetes.io/os": "linux"}));
    assert_eq!(pod["tolerations"][0]["key"], "infra");
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(
        pod["containers"][0]["resources"],
        json!({"limits": {"memory": "2Gi"}, "requests": {"cpu": "50m", "memory": "64Mi"}})
    );
    let keeps = |o: &&Value| o["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep";
    let kept: Vec<&Value> = objects.iter().filter(keeps).map(|o| &o["metadata"]["name"]).collect();
    assert_eq!(kept, ["bailiwick-fence-keeper", "bailiwick-fence-keeper"]);
    for bad in [
        "replicas=3",
        "nonsense=1",
        "territory.key=\"kubernetes.io/x\"",
        "territory.value=\"a' || true || 'b\"",
        "imagePullPolicy=\"Maybe\"",
    ] {
        helm.refused(&[&["template"][..], &RELEASE, &["--set-json", bad]].concat()).await?;
    }
    let forced = ["--skip-schema-validation", "--set-json", "territory.value=\"a' || true || 'b\""];
    let why = helm.refused(&[&["template"][..], &RELEASE, &forced].concat()).await?;
    assert!(why.contains("territory.value is not a label's value"), "{why}");
    let why = helm.refused(&["template", "bailiwick", CHART, "--namespace", SYSTEM_NAMESPACE]).await?;
    assert!(why.contains("choose another one for the release"), "{why}");
    Ok(())
}

/// Every object of an installation as it is in the cluster; those that are not there are left out.
async fn live(cluster: &TestCluster, export: &[Value]) -> Result<BTreeMap<String, Value>> {
    let mut found = Vec::new();
    for object in export {
        let namespace = object["metadata"]["namespace"].as_str();
        let api = api_for(&cluster.admin(), object, namespace).await?;
        found.extend(api.get_opt(object["metadata"]["name"].as_str().unwrap_or_default()).await?);
    }
    let found = found.into_iter().map(serde_json::to_value).collect::<std::result::Result<_, _>>()?;
    Ok(by_title(found))
}

#[tokio::test]
async fn a_release_makes_what_the_command_makes_and_leaves_what_it_was_asked_to() -> Result<()> {
    let needs = [Need::Cli, Need::OperatorImage];
    let Some((cluster, helm, cli)) = ready(&needs).await? else { return Ok(()) };
    cli.done(&["uninstall", "--yes", "--timeout", "90s"]).await?;
    let image = image(&cluster)?;
    let export = documents(&cli.done(&["install", "--export", "--image", &image]).await?)?;
    let set = format!("image={image},keepData=false");
    let release = |verb: &'static str, more: &str| {
        let set = format!("{set}{more}");
        let words: Vec<String> =
            [&[verb][..], &RELEASE, &["--set", &set]].concat().into_iter().map(str::to_owned).collect();
        words
    };
    let helm_done = async |words: Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        helm.done(&words).await
    };
    let mut words = release("install", "");
    // What `bailiwick uninstall` left is taken over.
    words.extend(["--create-namespace", "--take-ownership", "--force-conflicts"].map(str::to_owned));
    let notes = helm_done(words).await?;
    assert!(notes.contains("bailiwick install --key-only"), "{notes}");
    let made = cli.done(&["install", "--key-only"]).await?;
    assert!(made.contains("BEGIN PUBLIC KEY") && !made.contains("PRIVATE"), "{made}");
    cli.done(&["check", "--wait", "--timeout", "90s"]).await?;
    let of_helm = live(&cluster, &export).await?;

    let secrets: Api<Secret> = Api::namespaced(cluster.admin(), SYSTEM_NAMESPACE);
    let key = secrets.get_metadata("bailiwick-signing-key").await?.uid();
    let notes = helm_done(release("upgrade", ",log=debug")).await?;
    assert!(notes.contains("the signing key is the one that was there"), "{notes}");
    assert_eq!(secrets.get_metadata("bailiwick-signing-key").await?.uid(), key);
    cli.done(&["check", "--wait", "--timeout", "90s"]).await?;

    let keepers = export.iter().map(title).filter(|name| name.ends_with(LASTING)).collect::<Vec<_>>();
    leave(&cluster, &helm, &export, &keepers).await?;
    cli.done(&["install", "--image", &image, "--timeout", "90s"]).await?;
    same(&of_helm, &live(&cluster, &export).await?);
    cli.done(&["uninstall", "--yes", "--timeout", "90s"]).await.map(drop)
}

#[tokio::test]
async fn a_release_leaves_its_data_guarded_and_the_command_goes_on_with_it() -> Result<()> {
    let Some((cluster, helm, cli)) = ready(&[Need::Cli, Need::OperatorImage]).await? else { return Ok(()) };
    cli.done(&["uninstall", "--yes", "--timeout", "90s"]).await?;
    let image = image(&cluster)?;
    let set = format!("image={image},keepData=true");
    let with = |verb: &'static str| [&[verb][..], &RELEASE, &["--set", &set]].concat();
    let rendered = documents(&helm.done(&with("template")).await?)?;
    helm.done(&[&with("install")[..], &["--create-namespace", "--take-ownership", "--force-conflicts"]].concat())
        .await?;
    cli.done(&["install", "--key-only"]).await?;
    let mandate = json!({"apiVersion": "bailiwick.dev/v1alpha1", "kind": "Mandate",
        "metadata": {"name": "kept", "namespace": SYSTEM_NAMESPACE}, "spec": {}});
    // The kinds are served a moment after they are made.
    let data = wait_for("a mandate to be stored", 30 * SECONDS, async || {
        Ok(Seen::Yes(create(&cluster.admin(), &mandate, None).await?))
    })
    .await?;
    let secrets: Api<Secret> = Api::namespaced(cluster.admin(), SYSTEM_NAMESPACE);
    let key = secrets.get_metadata("bailiwick-signing-key").await?.uid();

    let stays = |o: &&Value| o["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep";
    let kept: Vec<String> = rendered.iter().filter(stays).map(title).collect();
    assert!(kept.len() > 10, "{kept:?}");
    leave(&cluster, &helm, &rendered, &kept).await?;
    assert_eq!(secrets.get_metadata("bailiwick-signing-key").await?.uid(), key);
    let forged = json!({"apiVersion": "bailiwick.dev/v1alpha1", "kind": "Approval", "metadata": {"name": "forged"},
        "spec": {"changeRef": {"name": "c", "uid": "u"}, "digest": "0".repeat(64), "approver": "eve", "decision": "Approve"}});
    refused_by("bailiwick-approval-identity", create(&cluster.admin(), &forged, Some("default")).await)?;

    let again = cli.done(&["install", "--image", &image, "--no-wait"]).await?;
    assert!(!again.contains("BEGIN PUBLIC KEY"), "{again}");
    assert_eq!(secrets.get_metadata("bailiwick-signing-key").await?.uid(), key);
    let api = api_for(&cluster.admin(), &mandate, Some(SYSTEM_NAMESPACE)).await?;
    assert_eq!(api.get_metadata("kept").await?.uid(), data.metadata.uid);
    cli.done(&["uninstall", "--yes", "--timeout", "90s"]).await.map(drop)
}

/// Takes the release away. The guard keeps the namespace of grants until it is announced.
async fn leave(cluster: &TestCluster, helm: &Program, export: &[Value], stays: &[String]) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(cluster.admin());
    let announced = json!({"metadata": {"annotations": {manifests::UNINSTALL_ANNOTATION: "true"}}});
    namespaces.patch(GRANTS_NAMESPACE, &PatchParams::default(), &Patch::Merge(&announced)).await?;
    helm.done(&["uninstall", "bailiwick", "--namespace", "bailiwick-release", "--wait", "--timeout", "90s"]).await?;
    let mut stays = stays.to_vec();
    stays.sort();
    wait_for("exactly what was asked to stay to be left", 60 * SECONDS, async || {
        let left = live(cluster, export).await?;
        let names: Vec<_> = left.keys().cloned().collect();
        Ok(Seen::when(names == stays, (), names))
    })
    .await?;
    namespaces.delete("bailiwick-release", &DeleteParams::default()).await?;
    Ok(())
}

/// The operator's image as this cluster's nodes know it.
fn image(cluster: &TestCluster) -> Result<String> {
    let steps = manifests::install(&cluster.install_options()?);
    let deployment = steps.iter().flat_map(|s| &s.objects).find(|o| o["kind"] == "Deployment");
    let image = deployment.and_then(|d| d["spec"]["template"]["spec"]["containers"][0]["image"].as_str());
    image.map(str::to_owned).context("the Deployment names no image")
}
