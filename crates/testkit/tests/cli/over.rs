//! One installation over another: what stays, what goes on, what is refused.

use anyhow::Context as _;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_testkit::{Result, SECONDS, Seen, TestCluster, Workload, apply, create, documents, refused_by, wait_for};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use serde_json::{Value, json};

use crate::inventory::inventory;
use crate::{Cli, LASTING, ours, ready};

const KEY: &str = "bailiwick-signing-key";

/// Changes that wait for a person.
struct Waiting<'a> {
    cli: &'a Cli,
    namespace: &'a str,
}

impl Waiting<'_> {
    async fn propose(&self, replicas: &str) -> Result<String> {
        let set = format!("replicas={replicas}");
        let words = ["propose", "Scale", "deploy/web", "--set", &set, "-n", self.namespace, "--yes", "--wait"];
        let run = self.cli.expect(4, &[&words[..], &["--timeout", "60s"]].concat()).await?;
        let name = run.out.lines().find_map(|l| l.strip_suffix(" proposed")).and_then(|l| l.rsplit('/').next());
        name.map(str::to_owned).with_context(|| format!("no name: {run:?}"))
    }

    async fn phase(&self, name: &str) -> Result<Value> {
        let change = self.cli.expect(0, &["changes", name, "-n", self.namespace, "-o", "json"]).await?.json();
        Ok(change["status"]["phase"].clone())
    }

    /// Ends it, with two receipts: of the decision and of the end.
    async fn reject(&self, name: &str) -> Result<()> {
        let words = ["reject", name, "-n", self.namespace, "--yes", "--reason", "not now", "--as", "ann@example.com"];
        self.cli.expect(0, &[&words[..], &["--as-group", "system:masters"]].concat()).await?;
        wait_for("the change to be rejected", 60 * SECONDS, async || {
            let phase = self.phase(name).await?;
            Ok(Seen::when(phase == "Rejected", (), phase))
        })
        .await
    }

    /// The log is sound up to its end, by the key that was kept.
    async fn receipts(&self, key: &str) -> Result<usize> {
        let export = self.cli.expect(0, &["receipts", "export", "-f", key]).await?;
        assert!(export.err.contains("receipts"), "{export:?}");
        let pem = format!("{key}.pub");
        self.cli.expect(0, &["receipts", "verify", key, "--key", &pem]).await?;
        Ok(std::fs::read_to_string(key)?.lines().count() - 1)
    }
}

#[tokio::test]
async fn data_that_stays_is_guarded_and_gone_on_with_by_its_key_alone() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.absent().await?;
    let namespace = cluster.namespace("cli-over").in_territory().create().await?;
    let there = inventory(&cluster, &[namespace.name()]).await?;
    cli.installed(&cluster, true).await?;
    namespace.apply(&Workload::new("web", &cluster.images()?.good[0]).deployment()).await?;
    let work = Waiting { cli: &cli, namespace: namespace.name() };
    let (done, waits) = (work.propose("2").await?, work.propose("3").await?);
    work.reject(&done).await?;
    let log = cluster.artifacts("cli-over")?.join("receipts.jsonl").display().to_string();
    let stated = cli.run(&["status", "-o", "json"]).await?.json()["publicKey"].as_str().unwrap_or_default().to_owned();
    std::fs::write(format!("{log}.pub"), stated)?;
    let before = work.receipts(&log).await?;

    let went = cli.expect(0, &["uninstall", "--keep-data", "--yes", "--timeout", "90s"]).await?;
    assert!(went.err.contains("the signing key stay"), "{went:?}");
    let kinds = ["approvals", "changes", "incidents", "mandates", "receipts"].map(|k| format!("{k}.bailiwick.dev"));
    let guards = ["approval-identity", "change-author", "fence-keeper", "receipt-log", "status-author"];
    let mut stays = vec![SYSTEM_NAMESPACE.to_owned()];
    stays.extend(kinds);
    stays.extend(guards.map(|g| format!("bailiwick-{g}")));
    assert_eq!(ours(&cluster).await?, stays);
    let forged = json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Approval", "metadata": {"name": "forged"},
        "spec": {"changeRef": {"name": waits, "uid": "no-such-uid"}, "digest": "0".repeat(64), "approver": "bob@example.com", "decision": "Approve"},
    });
    let forged = create(&cluster.admin(), &forged, Some(namespace.name())).await;
    refused_by("bailiwick-approval-identity", forged)?;

    without_its_key(&cluster, &cli).await?;
    let again = cli.installed(&cluster, true).await?;
    assert!(again.err.contains("signing key kept"), "{again:?}");
    assert_eq!(work.phase(&waits).await?, "AwaitingApproval");
    work.reject(&waits).await?;
    assert_eq!(work.receipts(&log).await?, before * 2);
    cli.absent().await?;
    assert_eq!(ours(&cluster).await?, [LASTING]);
    // What is the cluster's own comes and goes meanwhile.
    wait_for("nothing to be left behind", 30 * SECONDS, async || {
        let left = inventory(&cluster, &[namespace.name()]).await?;
        let more: Vec<&String> = left.difference(&there).collect();
        Ok(Seen::when(more.is_empty(), (), more))
    })
    .await
}

/// Without the key of the log, and with another one, nothing is installed; then it is put back.
async fn without_its_key(cluster: &TestCluster, cli: &Cli) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(cluster.admin(), SYSTEM_NAMESPACE);
    let kept = secrets.get(KEY).await?;
    secrets.delete(KEY, &DeleteParams::default()).await?;
    let refused = cli.expect(2, &["install", "--no-wait"]).await?;
    assert!(
        refused.err.contains("nothing was installed") && refused.err.contains("that Secret is gone"),
        "{refused:?}"
    );
    let refused = cli.expect(2, &["install", "--key-only"]).await?;
    assert!(refused.err.contains("no other key goes on with them"), "{refused:?}");
    let metadata = ObjectMeta { name: Some(KEY.to_owned()), ..ObjectMeta::default() };
    secrets.create(&PostParams::default(), &Secret { metadata, ..kept }).await?;
    Ok(())
}

#[tokio::test]
async fn another_version_is_named_and_installed_over() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, true).await?;
    let namespace = cluster.namespace("cli-upgrade").in_territory().create().await?;
    namespace.apply(&Workload::new("web", &cluster.images()?.good[0]).deployment()).await?;
    let work = Waiting { cli: &cli, namespace: namespace.name() };
    let (done, waits) = (work.propose("2").await?, work.propose("3").await?);
    work.reject(&done).await?;
    // Another version: a policy says something in other words, and the operator's image is not to be had yet.
    let export = cli.expect(0, &["install", "--export"]).await?.out;
    let other = export
        .replace("spec.proposer must be the user who", "spec.proposer must be whoever")
        .replace(concat!("operator:", env!("CARGO_PKG_VERSION")), "operator:9.9.9");
    let differ = |o: &Value| o["kind"] == "Deployment" || o["metadata"]["name"] == "bailiwick-change-author";
    for object in documents(&other)?.iter().filter(|o| differ(o)) {
        apply(&cluster.admin(), object, None).await?;
    }
    let check = cli.expect(1, &["check", "-o", "json"]).await?.json();
    let seen = check["items"].to_string();
    assert!(seen.contains("bailiwick-change-author is altered at spec.validations[0].message"), "{check:#}");
    assert!(seen.contains("operator:9.9.9, this program is"), "{check:#}");
    // It can be said once the Deployment's controller has seen the template.
    let status = wait_for("the template to be told", 60 * SECONDS, async || {
        let status = cli.run(&["status"]).await?;
        let told = status.out.contains("a newer template is not rolled out");
        Ok(Seen::when(told, status.code, status))
    });
    assert_eq!(status.await?, 1);
    assert_eq!(work.phase(&waits).await?, "AwaitingApproval");

    cli.installed(&cluster, true).await?;
    cli.expect(0, &["check", "--wait", "--timeout", "60s"]).await?;
    assert_eq!(work.phase(&done).await?, "Rejected");
    work.reject(&waits).await?;
    Ok(())
}
