//! What stored objects say, and names that nothing has.

use bailiwick_testkit::{Result, Workload, create, documents};
use serde_json::{Value, json};

use crate::{is_risky, ready};

/// A Change that nobody has planned yet, with a text of the proposer's.
fn change(name: &str, namespace: &str, words: &str) -> Value {
    json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "proposer": "admin", "type": "RolloutRestart", "action": {"rolloutRestart": {}}, "reason": {"text": words},
            "target": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": "web", "uid": "no-such-uid"},
        },
    })
}

#[tokio::test]
async fn what_an_object_says_never_steers_the_terminal() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, false).await?;
    cluster.stop_operator().await?;
    let namespace = cluster.namespace("cli-hostile").create().await?;
    let nasty = "x\u{1b}]0;owned\u{7}\u{202e}evil\u{2066}\u{9b}2J\u{e0041}\nPhase:        Recovered";
    create(&cluster.admin(), &change("nasty", namespace.name(), nasty), Some(namespace.name())).await?;
    for format in ["table", "wide", "json", "yaml", "name"] {
        for command in [&["show", "nasty"][..], &["changes"], &["changes", "nasty"]] {
            let words = [command, &["-n", namespace.name(), "-o", format]].concat();
            let run = cli.expect(0, &words).await?;
            assert!(!run.all().chars().any(is_risky), "{words:?}: {run:?}");
            assert!(!run.out.lines().any(|line| line.starts_with("Phase:        Recovered")), "{run:?}");
        }
    }
    let stored = cli.expect(0, &["show", "nasty", "-n", namespace.name(), "-o", "json"]).await?.json();
    assert_eq!(stored["spec"]["reason"]["text"], nasty);
    let yaml = cli.expect(0, &["show", "nasty", "-n", namespace.name(), "-o", "yaml"]).await?.out;
    assert_eq!(documents(&yaml)?[0]["spec"]["reason"]["text"], nasty);
    let pending = cli.expect(4, &["approve", "nasty", "-n", namespace.name(), "--yes"]).await?;
    assert!(pending.err.contains("no plan to decide on yet"), "{pending:?}");
    Ok(())
}

#[tokio::test]
async fn a_malformed_object_is_refused_in_words_that_name_the_field() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, false).await?;
    let namespace = cluster.namespace("cli-malformed").create().await?;
    let with = |pointer: &str, value: Value| {
        let mut object = change("bad", namespace.name(), "why");
        if let Some(at) = object.pointer_mut(pointer) {
            *at = value;
        }
        object
    };
    let of = |kind: &str, spec: Value| json!({"apiVersion": "bailiwick.dev/v1alpha1", "kind": kind, "metadata": {"name": "bad"}, "spec": spec});
    let rule = |rule: Value| of("Mandate", json!({"changes": [rule]}));
    let vote = |digest: &str, decision: &str| {
        let spec = json!({"changeRef": {"name": "x", "uid": "u"}, "digest": digest, "approver": "admin", "decision": decision});
        of("Approval", spec)
    };
    for (object, said) in [
        (with("/spec/type", json!("Scale")), &["type must name the one action that is set"][..]),
        (with("/spec/target", Value::Null), &["spec.target: Required value"]),
        (with("/spec/proposer", json!("bob")), &["spec.proposer must be the user who creates the change"]),
        (
            rule(json!({"types": ["Nope"], "approval": "human"})),
            &["spec.changes[0].types[0]", "\"Nope\"", "RolloutUndo"],
        ),
        (rule(json!({"types": ["Scale"], "approval": "always"})), &["spec.changes[0].approval", "preApproved"]),
        (of("Mandate", json!({"limits": {"perHour": -1}})), &["spec.limits.perHour", "greater than or equal to 1"]),
        (vote("abc", "Approve"), &["spec.digest", "^[0-9a-f]{64}$"]),
        (vote(&"0".repeat(64), "Maybe"), &["spec.decision", "\"Maybe\"", "Reject"]),
    ] {
        let refused = create(&cluster.admin(), &object, Some(namespace.name())).await;
        let words = refused.map_or_else(|e| format!("{e:#}"), |_| "admitted".to_owned());
        assert!(said.iter().all(|part| words.contains(part)), "{object}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_exist_is_told_with_what_was_meant() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, false).await?;
    cluster.stop_operator().await?;
    let namespace = cluster.namespace("cli-unknown").create().await?;
    let admin = cluster.admin();
    create(&admin, &change("web-restart", namespace.name(), "why"), Some(namespace.name())).await?;
    for command in ["show", "diff", "approve", "reject", "undo"] {
        let run = cli.expect(1, &[command, "web-restrat", "-n", namespace.name()]).await?;
        assert!(run.err.contains("did you mean \"web-restart\"?"), "{run:?}");
    }
    let elsewhere = cli.expect(1, &["show", "web-restart", "-n", "default"]).await?;
    assert!(elsewhere.err.contains(&format!("add -n {}", namespace.name())), "{elsewhere:?}");
    for (words, said) in [
        (&["show", "x", "--nope"][..], "--nope"),
        (&["chanegs"], "changes"),
        (&["changes", "--phase", "Recoverd"], "Recovered"),
        (&["propose", "SetImag", "deploy/web"], "SetImage"),
        (&["mandate", "explain", "operator", "Scale", "deploymen/web"], "Deployment"),
    ] {
        let run = cli.expect(2, words).await?;
        assert!(run.err.contains(said), "{run:?}");
    }
    // The API server's own words, not a paraphrase.
    let long = "x".repeat(2000);
    let namespaced = ["-n", namespace.name(), "--yes", "--reason", &long];
    namespace.apply(&Workload::new("web", &cluster.images()?.good[0]).deployment()).await?;
    let refused = cli.expect(2, &[&["propose", "RolloutRestart", "deploy/web"][..], &namespaced].concat()).await?;
    assert!(refused.err.contains("spec.reason.text") && refused.err.contains("1024"), "{refused:?}");
    Ok(())
}
