//! A way to the API server that loses replies: the request is carried out and its sender never learns of it.
//!
//! Owns its own certificate authority, so that both sides speak TLS. Must never answer in the API server's place but where a fault says so, and counts what it did. Listens on the loopback alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use kube::config::{AuthInfo, Kubeconfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Outside;
use crate::cluster::TestCluster;
use crate::identity::client;

const HOST: &str = "127.0.0.1";

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The API server carries it out; the connection is cut before a byte of the reply is passed on.
    ReplyLost,
    /// The API server carries it out; the reply is replaced by 504.
    Timeout,
    /// It never reaches the API server; the connection is cut.
    RequestLost,
}

/// A request as a fault's condition sees it.
#[derive(Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// Whether nothing shall be stored, by address or body.
    pub fn is_dry_run(&self) -> bool {
        let said = String::from_utf8_lossy(&self.body);
        self.path.contains("dryRun=All") || said.contains("\"dryRun\":[\"All\"]")
    }
}

type Condition = Box<dyn Fn(&Asked) -> bool + Send>;

/// Faults that wait for their request, and how many happened.
#[derive(Default)]
struct Plan {
    waiting: Vec<(Fault, Condition)>,
    happened: usize,
}

impl Plan {
    fn fault_for(&mut self, asked: &Asked) -> Option<Fault> {
        let index = self.waiting.iter().position(|(_, condition)| condition(asked))?;
        self.happened += 1;
        Some(self.waiting.remove(index).0)
    }
}

/// A running proxy; gone when this is dropped.
pub struct Proxy {
    plan: Arc<Mutex<Plan>>,
    kubeconfig: PathBuf,
    /// Ends when dropped.
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Listens before the API server of the cluster; `outside` is whose way it becomes.
    ///
    /// # Errors
    /// Fails where no port or certificate can be had.
    pub async fn start(cluster: &TestCluster, outside: &Outside) -> Result<Self> {
        let mut config = cluster.config().clone();
        // Who asks is told by the requests themselves.
        config.auth_info = AuthInfo::default();
        config.read_timeout = None;
        let upstream = client(config)?;
        let (acceptor, authority) = tls()?;
        let listener = TcpListener::bind((HOST, 0)).await.context("listen for the operator")?;
        let address = listener.local_addr()?;
        let plan = Arc::new(Mutex::new(Plan::default()));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, acceptor, (upstream, Arc::clone(&plan))));
        let kubeconfig = kubeconfig(cluster, outside, address, &authority)?;
        Ok(Self { plan, kubeconfig, _accepting: accepting })
    }

    /// The kubeconfig that leads through it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.clone()
    }

    /// Lets `fault` happen to the next request for which `condition` holds, once.
    pub fn arm(&self, fault: Fault, condition: impl Fn(&Asked) -> bool + Send + 'static) {
        self.lock().waiting.push((fault, Box::new(condition)));
    }

    /// How many faults happened.
    pub fn happened(&self) -> usize {
        self.lock().happened
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Shared = (Client, Arc<Mutex<Plan>>);

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, acceptor.clone(), shared.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// A connection ends where a request is answered with an error: that is the fault.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Shared) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(|request| pass_on(request, &shared));
    let _cut_or_closed =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn pass_on(request: Request<Incoming>, (upstream, plan): &Shared) -> Result<Response<Body>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.context("read a request")?.to_bytes();
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let asked = Asked { method: head.method.clone(), path: path.clone(), body: body.to_vec() };
    let fault = plan.lock().unwrap_or_else(PoisonError::into_inner).fault_for(&asked);
    if fault == Some(Fault::RequestLost) {
        anyhow::bail!("the request is lost");
    }
    head.headers.remove(http::header::HOST);
    head.uri = path.parse().context("read a path")?;
    let response =
        upstream.send(Request::from_parts(head, Body::from(asked.body))).await.context("pass a request on")?;
    match fault {
        None => Ok(response),
        Some(Fault::Timeout) => {
            let status = serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Timeout", "code": 504,
                "message": "the proxy lost the reply",
            });
            response.into_body().collect().await.context("read a reply")?;
            let bytes = serde_json::to_vec(&status)?;
            let lost = Response::builder().status(StatusCode::GATEWAY_TIMEOUT);
            let lost = lost.header(http::header::CONTENT_TYPE, "application/json").body(Body::from(bytes));
            lost.context("build a reply")
        }
        Some(Fault::ReplyLost | Fault::RequestLost) => {
            // The reply is here, so what was asked for is done.
            response.into_body().collect().await.context("read a reply")?;
            anyhow::bail!("the reply is lost")
        }
    }
}

fn tls() -> Result<(TlsAcceptor, String)> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = authority.self_signed(&key)?;
    let pem = certificate.pem();
    let issuer = Issuer::new(authority, key);
    let own_key = KeyPair::generate()?;
    let own = CertificateParams::new([HOST.to_owned()])?.signed_by(&own_key, &issuer)?;
    let chain: Vec<CertificateDer<'static>> = vec![own.der().clone()];
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private)?;
    Ok((TlsAcceptor::from(Arc::new(config)), pem))
}

fn kubeconfig(cluster: &TestCluster, outside: &Outside, address: SocketAddr, authority: &str) -> Result<PathBuf> {
    let mut file = Kubeconfig::read_from(outside.kubeconfig()).context("read the operator's kubeconfig")?;
    let dir = cluster.artifacts("operator")?;
    let ca = dir.join(format!("proxy-{}.pem", address.port()));
    std::fs::write(&ca, authority).context("write the proxy's authority")?;
    for named in &mut file.clusters {
        if let Some(way) = &mut named.cluster {
            way.server = Some(format!("https://{address}"));
            way.certificate_authority_data = None;
            way.certificate_authority = Some(ca.display().to_string());
        }
    }
    let path = dir.join(format!("proxy-{}.kubeconfig", address.port()));
    std::fs::write(&path, serde_saphyr::to_string(&file)?).context("write the proxy's kubeconfig")?;
    Ok(path)
}
