//! The command `bailiwick` as a person runs it, on a real cluster: what it prints, what it leaves, how it exits.
//!
//! Tests install and uninstall, one after the other, and each brings about the state that it needs.
//!
//! Threads: 1.
//! Minutes: 20.
#![cfg(feature = "cluster")]

mod bundle;
mod carriers;
mod installer;
mod interrupted;
mod inventory;
mod lifecycle;
mod objects;
mod over;
mod people;
mod refusals;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use bailiwick_api::manifests;
use bailiwick_testkit::{Need, Result, TestCluster};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use serde_json::Value;

/// Refuses nothing, and stays: a later installation on the same API server needs it.
const LASTING: &str = "bailiwick-fence-keeper";

/// How a run ended, and what it said.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    /// What was printed, read; what is not JSON says so, and equals nothing that is expected.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| Value::String(format!("no JSON: {error}: {self:?}")))
    }

    /// Everything that reached the terminal.
    fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// True for what acts on a terminal, turns the reading order or cannot be seen; lines end all the same.
fn is_risky(c: char) -> bool {
    let unseen = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2060}'..='\u{2069}', '\u{e0000}'..='\u{e0fff}'];
    (c.is_control() && c != '\n') || unseen.iter().any(|range| range.contains(&c))
}

/// The program, with the kubeconfig it runs under.
struct Cli {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Cli {
    fn of(cluster: &TestCluster) -> Result<Self> {
        Ok(Self { program: cluster.cli()?.to_owned(), kubeconfig: cluster.kubeconfig().to_owned() })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).env("KUBECONFIG", &self.kubeconfig).env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    /// Runs it to its end, on a thread of its own.
    async fn run(&self, words: &[&str]) -> Result<Run> {
        let mut command = self.command(words);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Run { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) })
    }

    /// Runs it and demands an exit code.
    async fn expect(&self, code: i32, words: &[&str]) -> Result<Run> {
        let run = self.run(words).await?;
        assert_eq!(run.code, code, "{words:?}: {run:?}");
        Ok(run)
    }

    /// Installs everything, and waits for the operator only where a test needs it to work.
    async fn installed(&self, cluster: &TestCluster, operator: bool) -> Result<Run> {
        let image = image(cluster)?;
        let mut words = vec!["install", "--image", &image, "--timeout", "90s"];
        if !operator {
            words.push("--no-wait");
        }
        self.expect(0, &words).await
    }

    async fn absent(&self) -> Result<()> {
        self.expect(0, &["uninstall", "--yes", "--timeout", "90s"]).await.map(drop)
    }
}

/// The operator's image as this cluster's nodes know it.
fn image(cluster: &TestCluster) -> Result<String> {
    let steps = manifests::install(&cluster.install_options()?);
    let deployment = steps.iter().flat_map(|s| &s.objects).find(|o| o["kind"] == "Deployment");
    let image = deployment.and_then(|d| d["spec"]["template"]["spec"]["containers"][0]["image"].as_str());
    image.map(str::to_owned).context("the Deployment names no image")
}

async fn ready() -> Result<Option<(TestCluster, Cli)>> {
    let needs = [Need::Cli, Need::Images, Need::OperatorImage];
    let Some(cluster) = TestCluster::needing(&needs).await? else { return Ok(None) };
    let cli = Cli::of(&cluster)?;
    Ok(Some((cluster, cli)))
}

/// Names of everything of ours that lives in no namespace.
async fn ours(cluster: &TestCluster) -> Result<Vec<String>> {
    async fn names<K>(cluster: &TestCluster) -> Result<Vec<String>>
    where
        K: kube::Resource<Scope = kube::core::ClusterResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
        K::DynamicType: Default,
    {
        let list = Api::<K>::all(cluster.admin()).list(&ListParams::default()).await?;
        Ok(list.iter().map(|o| o.name_any()).filter(|n| n.contains("bailiwick")).collect())
    }
    let mut all = names::<Namespace>(cluster).await?;
    all.extend(names::<CustomResourceDefinition>(cluster).await?);
    all.extend(names::<ClusterRole>(cluster).await?);
    all.extend(names::<ClusterRoleBinding>(cluster).await?);
    all.extend(names::<ValidatingAdmissionPolicy>(cluster).await?);
    Ok(all)
}
