//! Looking, installing, checking, removing.

use std::path::Path;

use bailiwick_testkit::{Result, SECONDS, Seen, Workload, documents, wait_for};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::{LASTING, ours, ready};

#[tokio::test]
async fn diagnose_works_with_nothing_installed() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.absent().await?;
    let namespace = cluster.namespace("cli-diagnose").create().await?;
    let nothing = cli.expect(0, &["diagnose", "-n", namespace.name(), "-o", "json"]).await?;
    assert_eq!(nothing.json(), json!([]));
    namespace.apply(&Workload::new("web", &cluster.images()?.absent).deployment()).await?;
    let found = wait_for("the absent image to be found", 60 * SECONDS, async || {
        let run = cli.run(&["diagnose", "-n", namespace.name(), "-o", "json"]).await?;
        Ok(Seen::when(run.json()[0]["cause"] == "ImageNotFound", run.json(), run.out))
    })
    .await?;
    let live: Deployment = namespace.api().get("web").await?;
    assert_eq!(found[0]["subject"]["uid"], json!(live.uid()));
    assert!(found[0]["evidence"][0]["id"].as_str().is_some_and(|id| id.starts_with("object:")), "{found}");
    for key in ["cause", "severity", "subject", "container", "summary", "since", "evidence", "candidates"] {
        assert!(found[0].get(key).is_some(), "no {key}: {found}");
    }
    let table = cli.expect(1, &["diagnose", "-n", namespace.name()]).await?;
    assert!(table.out.starts_with("SEVERITY") && table.out.contains("deployment/web"), "{table:?}");
    let status = cli.expect(2, &["status"]).await?;
    assert!(status.err.contains("not installed") && status.err.contains("bailiwick install"), "{status:?}");
    cli.expect(1, &["diagnose", "-n", "cli-no-such-namespace"]).await.map(drop)
}

#[tokio::test]
async fn an_installation_checks_out_and_leaves_nothing() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.absent().await?;
    let before = cli.expect(1, &["check", "-o", "json"]).await?.json();
    assert_eq!(before["sound"], false);
    let first = cli.installed(&cluster, true).await?;
    assert!(first.out.contains("BEGIN PUBLIC KEY") && !first.all().contains("PRIVATE"), "{first:?}");
    let again = cli.installed(&cluster, true).await?;
    assert!(again.err.contains("signing key kept") && !again.out.contains("PUBLIC KEY"), "{again:?}");
    let check = cli.expect(0, &["check", "--wait", "--timeout", "60s", "--prove", "-o", "json"]).await?.json();
    let proved = |word: &str| {
        let items = check["items"].as_array().into_iter().flatten();
        items
            .filter(|i| i["part"] == "fence" && i["state"] == "good")
            .any(|i| i["seen"].as_str().is_some_and(|s| s.contains(word)))
    };
    for policy in [
        "fence-guard",
        "change-author",
        "approval-identity",
        "status-author",
        "receipt-log",
        "executor-floor",
        "operator-cap",
    ] {
        assert!(proved(&format!("bailiwick-{policy} refused")), "{policy}: {check:#}");
    }
    let dry = cli.expect(0, &["uninstall", "--dry-run"]).await?;
    assert!(dry.out.contains("nothing was removed"), "{dry:?}");
    cli.expect(0, &["status"]).await?;
    let asked = cli.expect(2, &["uninstall"]).await?;
    assert!(asked.err.contains("--yes"), "{asked:?}");
    cli.absent().await?;
    assert_eq!(ours(&cluster).await?, [LASTING]);
    Ok(())
}

#[tokio::test]
async fn the_export_is_what_the_repository_holds() -> Result<()> {
    let Some((_, cli)) = ready().await? else { return Ok(()) };
    let export = cli.expect(0, &["install", "--export", "--kubeconfig", "/nonexistent"]).await?;
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/install.yaml");
    let (ours, theirs) = (documents(&export.out)?, documents(&std::fs::read_to_string(deploy)?)?);
    assert!(ours.len() > 30, "{}", ours.len());
    for (one, other) in ours.iter().zip(&theirs) {
        assert_eq!(one, other);
    }
    assert_eq!(ours.len(), theirs.len());
    Ok(())
}

#[tokio::test]
async fn a_fence_that_was_tampered_with_is_named_and_put_back() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, false).await?;
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(cluster.admin());
    policies.delete("bailiwick-executor-floor", &DeleteParams::default()).await?;
    let patch = Patch::Merge(json!({"spec": {"failurePolicy": "Ignore"}}));
    policies.patch("bailiwick-executor-fence", &PatchParams::default(), &patch).await?;
    let check = cli.expect(1, &["check"]).await?;
    assert!(check.out.contains("bailiwick-executor-floor is absent"), "{check:?}");
    assert!(check.out.contains("bailiwick-executor-fence is altered at spec.failurePolicy"), "{check:?}");
    cli.installed(&cluster, false).await?;
    let check = cli.run(&["check"]).await?;
    assert!(!check.out.contains("is absent") && !check.out.contains("is altered"), "{check:?}");
    Ok(())
}
