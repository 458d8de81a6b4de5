//! Tests of how often a request is sent and how long its answer is waited for, against a server on this machine.

use super::{one_shot, patient};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use kube::Config;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// A server that turns the first request away; how often it was asked, and what ends it.
async fn server() -> (Config, Arc<AtomicUsize>, JoinSet<()>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let busy = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":503,"message":"busy"}"#;
    let answer = move || async move {
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => (StatusCode::SERVICE_UNAVAILABLE, busy),
            _ => (StatusCode::OK, "{}"),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    let router = Router::new().route("/thing", get(answer)).route("/silence", get(std::future::pending::<()>));
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (Config::new(format!("http://{address}").parse().unwrap()), asked, serving)
}

fn request() -> axum::http::Request<Vec<u8>> {
    axum::http::Request::get("/thing").body(Vec::new()).unwrap()
}

#[tokio::test]
async fn a_one_shot_client_sends_a_request_once_also_when_turned_away() {
    let (settings, asked, _serving) = server().await;
    let answer = one_shot(&settings, "token").unwrap().request::<serde_json::Value>(request()).await;
    assert!(answer.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_patient_client_asks_again() {
    let (settings, asked, _serving) = server().await;
    patient(settings).unwrap().request::<serde_json::Value>(request()).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for_without_end() {
    let (mut settings, _, _serving) = server().await;
    settings.read_timeout = Some(std::time::Duration::from_millis(100));
    for client in [patient(settings.clone()).unwrap(), one_shot(&settings, "token").unwrap()] {
        let silence = axum::http::Request::get("/silence").body(Vec::new()).unwrap();
        let answer = client.request::<serde_json::Value>(silence);
        let answer = tokio::time::timeout(std::time::Duration::from_secs(5), answer).await;
        assert!(answer.expect("it is still waited for").is_err());
    }
}
