//! The proxy before a server of this process, which counts what reaches it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use kube::Config;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::*;

type Https = Http<hyper_rustls::HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A proxy, a client before it that speaks one version, and how many requests reached the server.
struct Stand {
    proxy: Proxy,
    client: Https,
    reached: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Stand {
    async fn up(version: Version) -> Self {
        let reached = Arc::new(AtomicUsize::new(0));
        let (address, serving) = server(Arc::clone(&reached)).await;
        let upstream = client(Config::new(format!("http://{address}").parse().unwrap())).unwrap();
        let proxy = Proxy::before(upstream).await.unwrap();
        let client = https(&proxy.authority, version);
        Self { proxy, client, reached, _serving: serving }
    }

    /// Status, version and body of the answer; an error where there is none.
    async fn get(&self, path: &str) -> Result<(u16, Version, String)> {
        let uri = format!("https://{}{path}", self.proxy.address);
        let response = self.client.request(Request::get(uri).body(Full::default())?).await?;
        let (status, version) = (response.status().as_u16(), response.version());
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, version, String::from_utf8(body.to_vec())?))
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

async fn server(reached: Arc<AtomicUsize>) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind((HOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let reached = Arc::clone(&reached);
            let answer = service_fn(move |_| {
                reached.fetch_add(1, Ordering::SeqCst);
                async { Ok::<_, std::io::Error>(Response::new(Full::<Bytes>::from("served"))) }
            });
            connections.spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _closed = server.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    (address, serving)
}

fn https(authority: &str, version: Version) -> Https {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_only();
    let connector =
        if version == Version::HTTP_2 { connector.enable_http2().build() } else { connector.enable_http1().build() };
    let mut builder = Http::builder(TokioExecutor::new());
    builder.retry_canceled_requests(false).build(connector)
}

const POD: &str = "/api/v1/namespaces/shop/pods/web";

#[tokio::test]
async fn both_versions_pass_and_are_counted() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let stand = Stand::up(version).await;
        assert_eq!(stand.get(POD).await.unwrap(), (200, version, "served".to_owned()));
        let passed = stand.proxy.passed(0);
        assert!(passed[0].asked.is("get", "pods"), "{passed:?}");
        assert_eq!((passed.len(), passed[0].told, stand.reached()), (1, Some(200), 1));
    }
}

#[tokio::test]
async fn a_fault_happens_as_often_as_it_is_armed() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let stand = Stand::up(version).await;
        stand.proxy.arm_times(Fault::Refused(Reply::of(503)), 2, |asked| asked.name == "web");
        let mut told = Vec::new();
        for path in ["/api/v1/nodes", POD, POD, POD] {
            told.push(stand.get(path).await.unwrap().0);
        }
        assert_eq!((told, stand.proxy.happened(), stand.reached()), (vec![200, 503, 503, 200], 2, 2));
    }
}

#[tokio::test]
async fn what_reaches_the_server_is_what_the_fault_says() {
    let stand = Stand::up(Version::HTTP_11).await;
    for (fault, reaches, told) in [
        (Fault::ReplyLost, 1, None),
        (Fault::RequestLost, 0, None),
        (Fault::TIMEOUT, 1, Some(504)),
        (Fault::Refused(Reply::of(429).retry_after(3)), 0, Some(429)),
        (Fault::CutShort, 1, None),
        (Fault::Truncated, 1, Some(200)),
        (Fault::Garbled, 1, Some(200)),
        (Fault::Late(Duration::from_millis(5)), 1, Some(200)),
    ] {
        let before = stand.reached();
        stand.proxy.arm(fault, |_| true);
        let answer = stand.get(POD).await;
        assert_eq!(stand.reached() - before, reaches, "{fault:?}");
        assert_eq!(answer.as_ref().ok().map(|a| a.0), told, "{fault:?}: {answer:?}");
        if fault == Fault::Truncated {
            assert_eq!(answer.unwrap().2, "ser");
        }
    }
}

#[tokio::test]
async fn silence_ends_where_the_rule_changes() {
    let stand = Stand::up(Version::HTTP_2).await;
    stand.proxy.flow(|asked| if asked.resource == "pods" { Flow::Silent } else { Flow::Pass });
    assert_eq!(stand.get("/api/v1/nodes").await.unwrap().0, 200);
    let (answer, ()) = tokio::join!(stand.get(POD), async {
        while stand.proxy.count() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stand.reached(), 1);
        stand.proxy.flow_again();
    });
    assert_eq!(answer.unwrap().0, 200);
    stand.proxy.flow(|_| Flow::Cut);
    assert!(stand.get(POD).await.is_err());
    assert_eq!(stand.reached(), 2);
}

#[tokio::test]
async fn a_reply_that_never_comes_leaves_the_connection_open() {
    let stand = Stand::up(Version::HTTP_11).await;
    stand.proxy.arm(Fault::ReplySilent, |_| true);
    let answer = tokio::time::timeout(Duration::from_millis(100), stand.get(POD)).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(stand.reached(), 1);
}

#[tokio::test]
async fn a_watch_that_is_gone_is_told_so() {
    let stand = Stand::up(Version::HTTP_11).await;
    stand.proxy.flow(|_| Flow::Gone);
    let (code, _, body) = stand.get("/api/v1/pods?watch=true").await.unwrap();
    let event: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &event["type"], &event["object"]["code"]), (200, &"ERROR".into(), &410.into()));
    assert_eq!(stand.get(POD).await.unwrap().2, "served");
}
