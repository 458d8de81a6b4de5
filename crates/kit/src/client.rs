//! Clients of the API server.
//!
//! Owns their settings: which requests are ever sent twice, how long a connection may be silent,
//! and how names are resolved. Must never resolve a name through the C library, which a static
//! program cannot load. Talks to the API server and to name servers.

mod names;
mod silence;

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use names::Names;
use tower::ServiceBuilder;
use tower::retry::RetryLayer;

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("making a client of the API server")]
pub struct ClientError(#[source] Box<kube::Error>);

impl From<kube::Error> for ClientError {
    fn from(error: kube::Error) -> Self {
        Self(Box::new(error))
    }
}

/// A client with the identity of its settings. A connection that says nothing for as long as their
/// `read_timeout` is given up, and watches are asked for so that a live one does not. It repeats a request that the API server turned
/// away with 429, 503 or 504, so only requests that are safe to repeat may go through it.
///
/// # Errors
/// Where the settings make no client.
pub fn patient(settings: Config) -> Result<Client, ClientError> {
    Ok(build(settings, true)?)
}

/// A client that sends every request at most once, with `token` as its identity and no other.
///
/// # Errors
/// Where the settings make no client.
pub fn one_shot(anonymous: &Config, token: &str) -> Result<Client, ClientError> {
    let mut settings = anonymous.clone();
    settings.auth_info = kube::config::AuthInfo { token: Some(token.to_owned().into()), ..Default::default() };
    Ok(build(settings, false)?)
}

fn build(settings: Config, patient: bool) -> kube::Result<Client> {
    let mut http = HttpConnector::new_with_resolver(Names::default());
    http.enforce_http(false);
    let mut connector = TimeoutConnector::new(settings.rustls_https_connector_with_connector(http)?);
    connector.set_connect_timeout(settings.connect_timeout);
    connector.set_read_timeout(settings.read_timeout);
    connector.set_write_timeout(settings.write_timeout);
    // A connection that waited in the pool is not silent for that.
    connector.set_reset_reader_on_write(true);
    let silence = settings.read_timeout;
    let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    // A pooled connection may turn out dead: the request is then sent anew only by a patient client.
    let http = builder.retry_canceled_requests(patient).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .map_request(move |request| silence::spoken(request, silence))
        .layer(settings.base_uri_layer())
        .option_layer(patient.then(|| RetryLayer::new(RetryPolicy::server_retry())))
        .option_layer(settings.auth_layer()?)
        .layer(settings.extra_headers_layer()?)
        .map_err(tower::BoxError::from)
        .service(http);
    Ok(ClientBuilder::new(service, settings.default_namespace).build())
}

#[cfg(test)]
mod tests;
