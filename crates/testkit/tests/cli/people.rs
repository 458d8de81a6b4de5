//! Asking, deciding, stopping, and the log of it.

use std::path::{Path, PathBuf};

use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_testkit::{Result, TestCluster, Workload};
use serde_json::json;

use crate::{Cli, ready};

#[tokio::test]
async fn an_explanation_exits_as_it_decides() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, false).await?;
    let inside = cluster.namespace("cli-explain").in_territory().create().await?;
    let outside = cluster.namespace("cli-outside").create().await?;
    let web = Workload::new("web", &cluster.images()?.good[0]).deployment();
    for namespace in [&inside, &outside] {
        namespace.apply(&web).await?;
    }
    let rules =
        json!([{"types": ["RolloutRestart"], "approval": "preApproved"}, {"types": ["Scale"], "approval": "refused"}]);
    let _mandate = cluster.mandate(rules, TestCluster::quick_limits()).await?;
    let ask = async |what: &str, namespace: &str, code: i32, set: &[&str]| {
        let words = ["mandate", "explain", "operator", what, "deploy/web", "-n", namespace];
        cli.expect(code, &[&words[..], set].concat()).await
    };
    let allowed = ask("RolloutRestart", inside.name(), 0, &[]).await?;
    assert!(allowed.out.contains("pre-approved"), "{allowed:?}");
    let asks = ask("SetImage", inside.name(), 4, &[]).await?;
    assert!(asks.out.contains("NoRule"), "{asks:?}");
    let refused = ask("Scale", inside.name(), 3, &["--set", "replicas=2"]).await?;
    assert!(refused.out.contains("RefusedByMandate"), "{refused:?}");
    let elsewhere = ask("RolloutRestart", outside.name(), 3, &[]).await?;
    assert!(elsewhere.out.contains("OutsideTerritory"), "{elsewhere:?}");
    Ok(())
}

#[tokio::test]
async fn the_switch_is_thrown_and_shown() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, false).await?;
    cli.expect(2, &["suspend", "--as", "ann@example.com"]).await?;
    cli.expect(0, &["suspend", "--reason", "we are migrating"]).await?;
    assert!(cli.expect(0, &["suspend"]).await?.out.contains("suspended already"));
    let status = cli.expect(1, &["status"]).await?;
    assert!(status.out.contains("we are migrating"), "{status:?}");
    cli.expect(0, &["resume"]).await?;
    assert!(cli.expect(0, &["resume"]).await?.out.contains("not suspended"));
    Ok(())
}

#[tokio::test]
async fn a_repair_is_proposed_approved_undone_and_its_log_verified() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.absent().await?;
    cli.installed(&cluster, true).await?;
    let namespace = cluster.namespace("cli-repair").in_territory().create().await?;
    let place = namespace.name();
    namespace.apply(&json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": "9"}}})).await?;
    let rules = json!([{"approval": "human", "approvers": {"groups": ["sre"]}}]);
    let _mandate = cluster.mandate(rules, TestCluster::quick_limits()).await?;
    let grant = |role: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": role.replace(':', "-")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "sre"}],
        })
    };
    for role in ["bailiwick:approver", "bailiwick:viewer"] {
        namespace.apply(&grant(role)).await?;
    }
    let proposed = cli
        .expect(
            4,
            &["propose", "DeleteResourceQuota", "quota/team", "-n", place, "--yes", "--wait", "--timeout", "60s"],
        )
        .await?;
    assert!(proposed.out.contains("AwaitingApproval"), "{proposed:?}");
    let listed = cli.expect(0, &["changes", "-n", place, "-o", "name"]).await?.out;
    let name = listed.trim().trim_start_matches("change.bailiwick.dev/").to_owned();
    let diff = cli.expect(1, &["diff", &name, "-n", place, "-o", "json"]).await?.json();
    assert_eq!(diff["intact"], true);
    let own = cli.expect(3, &["approve", &name, "-n", place, "--yes"]).await?;
    assert!(own.err.contains("your own approval does not count"), "{own:?}");
    let ann = Cli { kubeconfig: cluster.person_kubeconfig("ann@example.com", &["sre"])?, program: cli.program.clone() };
    let bob = Cli { kubeconfig: cluster.person_kubeconfig("bob@example.com", &["dev"])?, program: cli.program.clone() };
    bob.expect(2, &["approve", &name, "-n", place, "--yes"]).await?;
    let unasked = ann.expect(2, &["approve", &name, "-n", place]).await?;
    let digest = diff["digest"].as_str().unwrap_or_default();
    assert!(unasked.out.contains(digest) && unasked.err.contains("--yes"), "{unasked:?}");
    ann.expect(3, &["approve", &name, "-n", place, "--yes", "--digest", &"0".repeat(64)]).await?;
    let done = ann
        .expect(0, &["approve", &name, "-n", place, "--yes", "--digest", digest, "--wait", "--timeout", "90s"])
        .await?;
    assert!(done.out.contains("Fence proof:  refused as it must be") && done.out.contains("Receipts"), "{done:?}");
    cli.expect(4, &["undo", &name, "-n", place, "--yes", "--wait", "--timeout", "60s"]).await?;
    let file = cluster.artifacts("cli-receipts")?.join("receipts.jsonl");
    verify_every_way(&cli, &file).await
}

/// Exports, verifies, and verifies again with one byte flipped, one line missing, the end cut off.
async fn verify_every_way(cli: &Cli, file: &Path) -> Result<()> {
    let path = file.to_string_lossy().into_owned();
    cli.expect(0, &["receipts", "export", "-f", &path]).await?;
    let key = cli.run(&["status", "-o", "json"]).await?.json()["publicKey"].as_str().unwrap_or_default().to_owned();
    let key_file = file.with_extension("pub");
    std::fs::write(&key_file, key)?;
    let key = key_file.to_string_lossy().into_owned();
    let offline = Cli { kubeconfig: PathBuf::from("/nonexistent"), program: cli.program.clone() };
    let verify = async |code: i32, bytes: &[u8]| {
        std::fs::write(file, bytes)?;
        offline.expect(code, &["receipts", "verify", &path, "--key", &key]).await
    };
    let whole = std::fs::read(file)?;
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    assert!(lines.len() >= 3, "{}", lines.len());
    let sound = verify(0, &whole).await?;
    assert!(sound.out.contains(&format!("{} receipts verified", lines.len() - 1)), "{sound:?}");
    let mut flipped = whole.clone();
    flipped[lines[0].len() + lines[1].len() / 2] ^= 1;
    let run = verify(1, &flipped).await?;
    assert!(run.out.contains("line 2 (receipt 1)"), "{run:?}");
    let missing = [&lines[..1], &lines[2..]].concat().concat();
    let run = verify(1, &missing).await?;
    assert!(run.out.contains("line 2"), "{run:?}");
    verify(1, &lines[..lines.len() - 1].concat()).await?;
    verify(0, &whole).await?;
    offline.expect(1, &["receipts", "verify", &path, "--key", &key, "--expect-head", "99"]).await?;
    let system = cli.expect(0, &["receipts", "list", "-o", "name"]).await?;
    assert_eq!(system.out.lines().count(), lines.len() - 1, "in {SYSTEM_NAMESPACE}: {system:?}");
    Ok(())
}
