//! Tests against an API server that answers from a script over the real client. No network.

use super::{IndexUpdate, Scope, Trouble, list_all, watch_all};
use bailiwick_core::index::{Index, Observed};
use bailiwick_core::object::Kind;
use futures::StreamExt;
use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Answers by status and body, in order.
type Script = Vec<(u16, String)>;

/// An API server that answers from a script: per URL path, a list of answers, the last for ever.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<HashMap<String, Script>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn answer(self, path: &str, code: u16, body: impl ToString) -> Self {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(path.to_owned()).or_default().push((code, body.to_string()));
        drop(answers);
        self
    }

    fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = server.reply(&request);
            async move {
                // A server that ends every watch at once and answers at once would never let go.
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        Client::new(service, "default")
    }

    fn reply(&self, request: &Request<Body>) -> Response<Body> {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {path}?{query}", request.method()));
        let verb = if query.contains("watch=true") { "watch" } else { "list" };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (code, body) = match answers.get_mut(&format!("{verb} {path}")) {
            Some(script) if script.len() > 1 => script.remove(0),
            Some(script) => script[0].clone(),
            None => (200, list("", &[])),
        };
        Response::builder().status(StatusCode::from_u16(code).unwrap()).body(Body::from(body.into_bytes())).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn list(token: &str, items: &[Value]) -> String {
    json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7", "continue": token}, "items": items})
        .to_string()
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "5"}})
}

fn status(code: u16, reason: &str, message: &str) -> String {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message, "metadata": {}}).to_string()
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_starts_over_when_its_continuation_expires() {
    let server = Server::default()
        .answer("list /api/v1/pods", 200, list("next", &[pod("a"), pod("b")]))
        .answer("list /api/v1/pods", 410, status(410, "Expired", "the continue token is too old"))
        .answer("list /api/v1/pods", 200, list("next", &[pod("a")]))
        .answer("list /api/v1/pods", 200, list("", &[pod("c")]));
    let listing = list_all(&server.client(), &Scope::All).await;
    let names: Vec<String> = listing.index.view().pods_in("shop").map(|p| p.name()).collect();
    assert_eq!(listing.index.pod_count(), 2, "{names:?}");
    assert!(
        server.asked().iter().any(|r| r.contains("/pods?") && r.contains("limit=500") && r.contains("continue=next"))
    );
    assert!(server.asked().iter().all(|r| r.starts_with("GET ") && !r.contains("secrets")));
}

#[tokio::test]
async fn a_kind_that_may_not_be_read_is_noted_and_the_rest_is_read() {
    let server = Server::default()
        .answer("list /api/v1/nodes", 403, status(403, "Forbidden", "nodes is forbidden: User \"u\" cannot list"))
        .answer(
            "list /apis/autoscaling/v2/horizontalpodautoscalers",
            404,
            status(404, "NotFound", "the server could not find it"),
        )
        .answer(
            "list /api/v1/pods",
            200,
            list("", &[pod("a"), json!({"metadata": {"name": "b", "uid": "b"}, "spec": 7})]),
        );
    let listing = list_all(&server.client(), &Scope::All).await;
    let unread: Vec<(Kind, &str)> = listing.index.unread().collect();
    assert_eq!(
        unread,
        [
            (Kind::Node, "not permitted: nodes is forbidden: User \"u\" cannot list"),
            (Kind::HorizontalPodAutoscaler, "not served by this API server: the server could not find it"),
        ]
    );
    assert_eq!(listing.index.pod_count(), 1);
    assert_eq!(listing.malformed.iter().map(|m| (m.kind, m.name.as_str())).collect::<Vec<_>>(), [(Kind::Pod, "b")]);
}

#[tokio::test]
async fn one_namespace_is_read_alone() {
    let server = Server::default().answer("list /api/v1/namespaces/shop/pods", 200, list("", &[pod("a")]));
    let listing = list_all(&server.client(), &Scope::Namespace("shop".to_owned())).await;
    assert_eq!(listing.index.pod_count(), 1);
    let asked = server.asked();
    assert!(asked.iter().any(|r| r.starts_with("GET /api/v1/namespaces?") && r.contains("metadata.name")), "{asked:?}");
    let wide = Observed::KINDS.iter().map(|kind| kind.served()).filter(|served| {
        let path = format!("/{}/{}?", served.version, served.resource);
        served.namespaced && asked.iter().any(|r| r.contains(&path))
    });
    assert_eq!(wide.count(), 0, "{asked:?}");
    assert!(!listing.index.view().reads_in(Kind::Service, "other"), "what is elsewhere is not known to be absent");
    assert!(listing.index.view().reads_in(Kind::Service, "shop"));
}

/// Runs the watches until all kinds were listed and `more` holds, or fails.
async fn follow(server: &Server, more: impl Fn(&Index) -> bool) -> (Index, Vec<IndexUpdate>) {
    let mut index = Index::new();
    let mut seen = Vec::new();
    let mut updates = Box::pin(watch_all(&server.client(), &Scope::All));
    let run = async {
        while index.awaited().next().is_some() || !more(&index) {
            let Some(update) = updates.next().await else { break };
            seen.push(update.clone());
            drop(update.apply(&mut index));
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), run).await;
    assert!(
        ended.is_ok(),
        "waited in vain for {:?}; {} pods; {seen:?}",
        index.awaited().collect::<Vec<_>>(),
        index.pod_count()
    );
    (index, seen)
}

fn streamed(events: &[Value]) -> String {
    let end = json!({"type": "BOOKMARK", "object": {"kind": "x", "apiVersion": "v1",
        "metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}}});
    events.iter().chain([&end]).map(|e| format!("{e}\n")).collect()
}

fn every_kind(verb: &str, code: u16, body: &str) -> Server {
    Observed::KINDS.iter().fold(Server::default(), |server, kind| {
        let served = kind.served();
        let group = if served.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", served.group) };
        server.answer(&format!("{verb} {group}/{}/{}", served.version, served.resource), code, body)
    })
}

#[tokio::test]
async fn a_watch_streams_its_initial_list_and_skips_what_is_malformed() {
    let server = every_kind("watch", 200, &streamed(&[]));
    let events = [
        json!({"type": "ADDED", "object": pod("a")}),
        json!({"type": "ADDED", "object": {"metadata": {"name": "bad", "uid": "u", "resourceVersion": "6"}, "status": []}}),
        json!({"type": "ADDED", "object": {"metadata": {"name": "worse", "uid": "w", "resourceVersion": "6"}, "status": {"phase": {}}}}),
        json!({"type": "ADDED", "object": pod("b")}),
    ];
    server.answers.lock().unwrap().insert("watch /api/v1/pods".to_owned(), vec![(200, streamed(&events))]);
    let (index, seen) = follow(&server, |index| index.pod_count() >= 2).await;
    assert_eq!(index.awaited().next(), None);
    let skipped = seen.iter().filter(|u| matches!(u, IndexUpdate::Malformed(m) if m.kind == Kind::Pod)).count();
    assert_eq!(skipped, 1, "{seen:?}");
    let began = seen.iter().filter(|u| matches!(u, IndexUpdate::Begin(Kind::Pod))).count();
    assert_eq!(began, 2, "what is malformed is met again with more patience: {seen:?}");
    assert!(server.asked().iter().all(|r| !r.contains("limit=")), "nothing was listed");
}

#[tokio::test]
async fn a_server_that_refuses_to_stream_lists_is_listed() {
    let refusal = status(
        422,
        "Invalid",
        "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
    );
    let server = every_kind("watch", 422, &refusal).answer("list /api/v1/pods", 200, list("", &[pod("a")]));
    let (index, _) = follow(&server, |index| index.pod_count() == 1).await;
    assert_eq!(index.awaited().next(), None);
    assert!(server.asked().iter().any(|r| r.contains("/api/v1/pods?") && r.contains("limit=500")));
}

#[tokio::test]
async fn a_kind_that_a_cluster_need_not_have_is_absent_and_nothing_is_unread() {
    let gone = status(404, "NotFound", "the server could not find the requested resource");
    let server = every_kind("watch", 200, &streamed(&[]));
    let certificates = "/apis/cert-manager.io/v1/certificates";
    server.answers.lock().unwrap().insert(format!("watch {certificates}"), vec![(404, gone.clone())]);
    let (index, seen) = follow(&server, |_| true).await;
    assert_eq!(index.unread().count(), 0);
    assert!(seen.iter().any(|u| matches!(u, IndexUpdate::Absent(Kind::Certificate))), "{seen:?}");
    let asked = server.asked().iter().filter(|r| r.contains(certificates)).count();
    assert_eq!(asked, 1, "it is left alone for a while");
    let once = Server::default().answer(&format!("list {certificates}"), 404, gone);
    assert_eq!(list_all(&once.client(), &Scope::All).await.index.unread().count(), 0);
}

#[tokio::test]
async fn a_watch_that_may_not_start_is_noted_and_the_others_go_on() {
    let server = every_kind("watch", 200, &streamed(&[]));
    let no = status(403, "Forbidden", "configmaps is forbidden");
    server.answers.lock().unwrap().insert("watch /api/v1/configmaps".to_owned(), vec![(403, no)]);
    let (index, seen) = follow(&server, |_| true).await;
    assert_eq!(index.unread().map(|(kind, _)| kind).collect::<Vec<_>>(), [Kind::ConfigMap]);
    assert!(seen.iter().any(|u| matches!(u, IndexUpdate::Trouble(Kind::ConfigMap, Trouble::Forbidden(_)))));
}
