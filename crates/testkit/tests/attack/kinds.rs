//! Malformed and oversized objects on each of the product's kinds, refused by the API server's own validation. Written as the operator's name with every right, which the policies let write most of them.

use bailiwick_testkit::{Namespace, Result, TestCluster};
use kube::Client;
use serde_json::{Value, json};

use crate::scene::{Shot, assert_done, cluster};

/// A sound object of each kind.
fn sound(kind: &str, namespace: &str, user: &str) -> Value {
    let target =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": "web", "uid": "u-1"});
    let (name, spec) = match kind {
        "incidents" => ("one".to_owned(), json!({"cause": "CrashLoop", "dedupeKey": "k", "subject": target})),
        "changes" => (
            "one".to_owned(),
            json!({
                "proposer": user, "type": "RolloutRestart", "action": {"rolloutRestart": {}},
                "target": target, "reason": {"text": "it hangs"},
            }),
        ),
        "approvals" => (
            "one".to_owned(),
            json!({"changeRef": {"name": "c", "uid": "u"}, "digest": "a".repeat(64), "approver": user, "decision": "Approve"}),
        ),
        "mandates" => (
            "one".to_owned(),
            json!({"changes": [{"types": ["RolloutRestart"], "approval": "preApproved"}], "limits": {"concurrent": 3}}),
        ),
        _ => (
            format!("{:012}", 0),
            json!({
                "sequence": 0, "hash": "a".repeat(64), "previous": "0".repeat(64),
                "envelope": {"payloadType": "t", "payload": "e30=", "signatures": [{"keyid": "k", "sig": "s"}]},
            }),
        ),
    };
    let kinds = [
        ("incidents", "Incident"),
        ("changes", "Change"),
        ("approvals", "Approval"),
        ("mandates", "Mandate"),
        ("receipts", "Receipt"),
    ];
    let singular = kinds.iter().find(|(plural, _)| *plural == kind).map_or("", |(_, singular)| singular);
    json!({"apiVersion": "bailiwick.dev/v1alpha1", "kind": singular, "metadata": {"name": name}, "spec": spec})
}

/// Where, what is put there, and a word of the refusal.
type Fault = (&'static str, Value, &'static str);

fn long(length: usize) -> Value {
    json!("x".repeat(length))
}

fn faults(kind: &str) -> Vec<Fault> {
    match kind {
        "incidents" => of_incidents(),
        "changes" => of_changes(),
        "approvals" => of_approvals(),
        "mandates" => of_mandates(),
        _ => of_receipts(),
    }
}

fn of_incidents() -> Vec<Fault> {
    vec![
        ("/spec/cause", json!("Gremlins"), "Unsupported value"),
        ("/spec/cause", Value::Null, "Required value"),
        ("/spec/dedupeKey", long(513), "Too long"),
        ("/spec/dedupeKey", json!(""), "should be at least 1"),
        ("/spec/subject/kind", json!("Spaceship"), "Unsupported value"),
        ("/spec/subject/name", long(254), "Too long"),
        ("/spec/container", long(64), "Too long"),
        ("/spec/subject", json!("web"), "must be of type object"),
    ]
}

fn of_changes() -> Vec<Fault> {
    let human = json!({"human": {}});
    vec![
        ("/spec/type", json!("DropDatabase"), "Unsupported value"),
        ("/spec/type", json!("SetImage"), "type must name the one action that is set"),
        ("/spec/action", json!({}), "spec.action"),
        ("/spec/action/deletePod", json!({}), "spec.action"),
        ("/spec/action", json!({"setImage": {"container": "main", "image": {"value": "i", "origin": {}}}}), "origin"),
        (
            "/spec/action",
            json!({"setImage": {"container": "main", "image": {"value": 3, "origin": human}}}),
            "must be of type string",
        ),
        ("/spec/action", json!({"scale": {"replicas": {"value": 4_000_000_000_u32, "origin": human}}}), "spec.action"),
        ("/spec/target/uid", Value::Null, "target.uid is needed"),
        ("/spec/target/kind", json!("Gizmo"), "Unsupported value"),
        ("/spec/reason/text", long(1025), "Too long"),
        ("/spec/reason/evidence", json!(vec!["e"; 33]), "Too many"),
        ("/spec/reason/evidence", json!(["x".repeat(513)]), "Too long"),
        ("/spec/proposer", long(257), "Too long"),
    ]
}

fn of_approvals() -> Vec<Fault> {
    let digest = json!("A".repeat(64));
    vec![
        ("/spec/digest", digest, "should match"),
        ("/spec/digest", long(65), "Too long"),
        ("/spec/decision", json!("Maybe"), "Unsupported value"),
        ("/spec/groups", json!(vec!["g"; 65]), "Too many"),
        ("/spec/reason", long(1025), "Too long"),
        ("/spec/changeRef/uid", Value::Null, "Required value"),
    ]
}

fn of_mandates() -> Vec<Fault> {
    vec![
        ("/spec/changes/0/types", json!(["DropDatabase"]), "Unsupported value"),
        ("/spec/changes/0/approval", json!("always"), "Unsupported value"),
        ("/spec/changes/0/bounds", json!({"minReplicas": 9, "maxReplicas": 2}), "must not exceed"),
        ("/spec/changes", json!(vec![json!({"types": ["DeletePod"]}); 65]), "Too many"),
        ("/spec/limits", json!({"concurrent": -1}), "spec.limits"),
        ("/spec/protect", json!("all"), "must be of type array"),
    ]
}

fn of_receipts() -> Vec<Fault> {
    let digest = json!("A".repeat(64));
    vec![
        ("/spec/sequence", json!(-1), "should be greater than or equal to 0"),
        ("/spec/hash", digest, "should match"),
        ("/spec/previous", json!("0"), "should match"),
        ("/spec/envelope/signatures", json!([]), "should have at least 1"),
        ("/spec/envelope/payload", json!(""), "should be at least 1"),
        ("/spec/envelope/payload", long(1_048_577), "Too long"),
    ]
}

fn put(object: &Value, pointer: &str, value: Value) -> Value {
    let mut object = object.clone();
    if let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(Value::Object(map)) = object.pointer_mut(parent)
    {
        if value.is_null() {
            map.remove(key)
        } else {
            map.insert(key.to_owned(), value)
        };
    } else if let Some(place) = object.pointer_mut(pointer) {
        *place = value;
    }
    object
}

/// A user whom the policies let create objects of the kind: the operator its own, people theirs.
fn author(cluster: &TestCluster, kind: &str, namespace: &Namespace) -> Result<(Client, String)> {
    if ["incidents", "receipts"].contains(&kind) {
        return Ok((cluster.operator_unbounded()?, String::new()));
    }
    let user = format!("author-{}", namespace.name());
    Ok((cluster.impersonating(&user, &["system:masters"])?, user))
}

const KINDS: [&str; 5] = ["incidents", "changes", "approvals", "mandates", "receipts"];

#[tokio::test]
async fn malformed_and_oversized_objects_are_refused() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("kinds-bad").create().await?;
    for kind in KINDS {
        let (client, user) = author(&cluster, kind, &namespace)?;
        let path = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{}/{kind}", namespace.name());
        let object = sound(kind, namespace.name(), &user);
        assert_done(kind, &Shot::post(&path, object.clone()).dry().sent(&client).await?);
        for (pointer, value, words) in faults(kind) {
            let answer = Shot::post(&path, put(&object, pointer, value)).dry().sent(&client).await?;
            assert!(answer.code == 422 && answer.message().contains(words), "{kind} {pointer}, {words:?}: {answer:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn unknown_fields_are_refused_or_dropped_and_never_stored() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("kinds-more").create().await?;
    for kind in KINDS {
        let (client, user) = author(&cluster, kind, &namespace)?;
        let path = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{}/{kind}", namespace.name());
        let mut object = sound(kind, namespace.name(), &user);
        object["spec"]["backdoor"] = json!(true);
        let strict =
            Shot::post(format!("{path}?fieldValidation=Strict&dryRun=All"), object.clone()).sent(&client).await?;
        assert!(
            strict.code == 400 && strict.message().contains("unknown field \"spec.backdoor\""),
            "{kind}: {strict:?}"
        );
        let loose = Shot::post(&path, object).sent(&client).await?;
        assert!(loose.is_success() && loose.body["spec"].get("backdoor").is_none(), "{kind}: {loose:?}");
    }
    Ok(())
}

/// The API server's own limit holds above ours.
#[tokio::test]
async fn nothing_huge_is_stored_in_metadata() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("kinds-huge").create().await?;
    let (client, user) = author(&cluster, "changes", &namespace)?;
    let path = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{}/changes", namespace.name());
    let with = |bytes: usize| {
        let mut object = sound("changes", namespace.name(), &user);
        object["metadata"]["annotations"] = json!({"a": "x".repeat(bytes)});
        object
    };
    assert_done("200 KiB", &Shot::post(&path, with(200 * 1024)).dry().sent(&client).await?);
    for bytes in [256 * 1024 + 1, 4 * 1024 * 1024] {
        let answer = Shot::post(&path, with(bytes)).dry().sent(&client).await?;
        assert!(matches!(answer.code, 413 | 422), "{bytes}: {}", answer.code);
    }
    Ok(())
}
