//! The admin port: is it alive, is it ready, what was measured.
//!
//! Owns the three paths. Must never show anything that a stranger in the cluster may not see.
//! Listens on one TCP port.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// An answer to a question about health: what is wrong, if anything.
pub type Answer = Result<(), String>;
type Asked = Arc<dyn Fn() -> Answer + Send + Sync>;

/// What the port can be asked.
#[derive(Clone)]
pub struct Questions {
    alive: Asked,
    ready: Asked,
    measures: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Questions {
    /// Questions with their answers.
    pub fn new(
        alive: impl Fn() -> Answer + Send + Sync + 'static,
        ready: impl Fn() -> Answer + Send + Sync + 'static,
        measures: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self { alive: Arc::new(alive), ready: Arc::new(ready), measures: Arc::new(measures) }
    }
}

/// Opens the port.
///
/// # Errors
/// Where the address cannot be listened on.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until cancelled.
pub async fn serve(listener: TcpListener, questions: Questions, cancel: CancellationToken) {
    let served = axum::serve(listener, router(questions)).with_graceful_shutdown(cancel.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(error = %error, "the admin port failed");
    }
}

fn router(questions: Questions) -> Router {
    Router::new()
        .route("/livez", get(|State(q): State<Questions>| async move { answer((q.alive)()) }))
        .route("/readyz", get(|State(q): State<Questions>| async move { answer((q.ready)()) }))
        .route("/metrics", get(|State(q): State<Questions>| async move { measures((q.measures)()) }))
        .with_state(questions)
}

fn answer(answer: Answer) -> impl IntoResponse {
    match answer {
        Ok(()) => (StatusCode::OK, "ok".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

fn measures(text: String) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text)
}
