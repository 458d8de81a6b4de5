//! The token of a one-shot account, shown to somebody else than the API server.

use bailiwick_core::fence::{GRANTS_NAMESPACE, username};
use bailiwick_testkit::{Result, token_request};
use serde_json::json;

use crate::scene::{Shot, assert_done, cluster};

#[tokio::test]
async fn it_is_good_for_the_api_server_alone() -> Result<()> {
    let cluster = cluster().await?;
    let place = cluster.namespace("token").in_territory().create().await?;
    let own = cluster.one_shot(place.name(), None).await?;
    let path = format!("/api/v1/namespaces/{GRANTS_NAMESPACE}/serviceaccounts/{}/token", own.name());
    let made = Shot::post(path, token_request(own.name(), 600)).sent(&cluster.operator_account().await?).await?;
    assert_done("the token", &made);
    let review = |audiences: &[&str]| {
        let spec = json!({"token": made.body["status"]["token"], "audiences": audiences});
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec});
        Shot::post("/apis/authentication.k8s.io/v1/tokenreviews", review)
    };
    let here = review(&[]).sent(&cluster.admin()).await?.body;
    assert_eq!(here["status"]["authenticated"], true, "{here}");
    assert_eq!(here["status"]["user"]["username"], username(own.name()), "{here}");
    for audience in ["https://gateway.example", "sts.amazonaws.com", "bailiwick"] {
        let elsewhere = review(&[audience]).sent(&cluster.admin()).await?.body;
        assert_ne!(elsewhere["status"]["authenticated"], true, "{audience}: {elsewhere}");
        assert!(elsewhere["status"]["error"].as_str().is_some_and(|e| e.contains("audience")), "{elsewhere}");
    }
    own.retire().await
}
