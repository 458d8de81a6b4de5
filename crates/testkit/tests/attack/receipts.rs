//! Receipts made, changed or removed by anybody but the operator, who hold every right of RBAC. In a namespace of the test: the log itself is not touched.

use bailiwick_testkit::{Result, TestCluster};
use kube::Client;
use serde_json::{Value, json};

use crate::scene::{Shot, allow, assert_done, assert_refused, cluster, everything};

const LOG: &str = "bailiwick-receipt-log";
const WORDS: &str = "receipts are made by the operator, never changed";

pub(crate) fn receipt(sequence: u64) -> Value {
    json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Receipt", "metadata": {"name": format!("{sequence:012}")},
        "spec": {
            "sequence": sequence, "hash": "a".repeat(64), "previous": "0".repeat(64),
            "envelope": {
                "payloadType": "application/vnd.in-toto+json", "payload": "e30=",
                "signatures": [{"keyid": "k", "sig": "c2ln"}],
            },
        },
    })
}

async fn others(cluster: &TestCluster, namespace: &str) -> Result<Vec<(&'static str, Client)>> {
    let mallory = cluster.person("mallory@receipts", &[]).await?;
    allow(cluster, namespace, "mallory@receipts", everything()).await?;
    Ok(vec![("a namespace's administrator", mallory), ("the cluster's", cluster.admin())])
}

#[tokio::test]
async fn receipts_are_the_operators_and_never_change() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("receipts").create().await?;
    let path = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{}/receipts", namespace.name());
    let one = format!("{path}/{:012}", 0);
    let operator = cluster.operator_unbounded()?;
    assert_done("the operator's receipt", &Shot::post(&path, receipt(0)).sent(&operator).await?);
    for (who, client) in others(&cluster, namespace.name()).await? {
        assert_refused(who, &Shot::post(&path, receipt(1)).sent(&client).await?, LOG, WORDS);
        let label = Shot::merge(&one, json!({"metadata": {"annotations": {"a": "b"}}}));
        assert_refused(who, &label.sent(&client).await?, LOG, WORDS);
        let forged = Shot::merge(&one, json!({"spec": {"hash": "b".repeat(64)}})).sent(&client).await?;
        assert!(forged.code == 422 && forged.message().contains("a receipt is immutable"), "{who}: {forged:?}");
        assert_refused(who, &Shot::delete(&one).sent(&client).await?, LOG, WORDS);
        assert_refused(who, &Shot::delete(&path).sent(&client).await?, LOG, WORDS);
    }
    let label = Shot::merge(&one, json!({"metadata": {"labels": {"a": "b"}}})).sent(&operator).await?;
    assert!(label.refused_by(LOG) || label.refused_by("bailiwick-operator-cap"), "the operator's edit: {label:?}");
    let forged = Shot::post(&path, receipt(0)).sent(&operator).await?;
    assert_eq!(forged.code, 409, "the same place twice: {forged:?}");
    assert_done("its deletion after retention", &Shot::delete(&one).sent(&operator).await?);
    Ok(())
}

#[tokio::test]
async fn a_receipt_is_named_by_its_place() -> Result<()> {
    let cluster = cluster().await?;
    let namespace = cluster.namespace("receipts-name").create().await?;
    let path = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{}/receipts", namespace.name());
    let operator = cluster.operator_unbounded()?;
    for name in ["1", "000000000001", "0000000000000", "x"] {
        let mut wrong = receipt(0);
        wrong["metadata"]["name"] = json!(name);
        let answer = Shot::post(&path, wrong).sent(&operator).await?;
        assert!(answer.code == 422 && answer.message().contains("named by its sequence number"), "{name}: {answer:?}");
    }
    assert_done("the right name", &Shot::post(&path, receipt(0)).dry().sent(&operator).await?);
    Ok(())
}
