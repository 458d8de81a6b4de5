//! Connections, and what becomes of each request on them.
//!
//! Owns the sockets. A connection ends where a request is answered with an error: that is the fault.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use futures::stream;
use http::{HeaderName, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::fault::{Fault, Flow, Reply};
use super::stream::{Body, body_of, valved};
use super::{Asked, Passed, Shared, locked};

/// What concerns one connection alone, and is not passed on.
const OWN: [HeaderName; 3] = [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING];

pub(super) async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, acceptor.clone(), Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(|request| answer(request, Arc::clone(&shared)));
    let server = auto::Builder::new(TokioExecutor::new());
    let _cut_or_closed = server.serve_connection(TokioIo::new(stream), answer).await;
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.context("read a request")?.to_bytes();
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let (asked, fault) = note(&shared, (head.method.clone(), path.clone()), &head.headers, body.to_vec());
    held(&shared, &asked).await?;
    OWN.iter().for_each(|name| drop(head.headers.remove(name)));
    head.uri = path.parse().context("read a path")?;
    head.version = http::Version::HTTP_11;
    let request = Request::from_parts(head, asked.body.clone().into());
    let told = suffer(&shared, request, fault, &asked).await?;
    if let Some(passed) = locked(&shared.log).get_mut(asked.number) {
        passed.told = Some(told.status().as_u16());
    }
    let (mut head, body) = told.into_parts();
    if asked.is_watch() {
        // How long a stream gets is not known before.
        head.headers.remove(header::CONTENT_LENGTH);
    }
    Ok(Response::from_parts(head, valved(asked, body, shared.valve.subscribe())))
}

fn note(
    shared: &Shared,
    what: (http::Method, String),
    headers: &http::HeaderMap,
    body: Vec<u8>,
) -> (Arc<Asked>, Option<Fault>) {
    let mut log = locked(&shared.log);
    let asked = Arc::new(Asked::new(log.len(), what, headers, body));
    let fault = locked(&shared.plan).fault_for(&asked);
    log.push(Passed { asked: Arc::clone(&asked), at: Instant::now(), fault, told: None });
    (asked, fault)
}

/// Returns when the valve lets the request through.
async fn held(shared: &Shared, asked: &Asked) -> Result<()> {
    let mut valve = shared.valve.subscribe();
    loop {
        let flow = valve.borrow_and_update().of(asked);
        match flow {
            Flow::Pass | Flow::Gone => return Ok(()),
            Flow::Silent => valve.changed().await.context("the proxy is gone")?,
            Flow::Cut => bail!("the proxy cuts the connection"),
        }
    }
}

/// Passes the request on as the fault has it.
async fn suffer(
    shared: &Shared,
    request: Request<kube::client::Body>,
    fault: Option<Fault>,
    asked: &Asked,
) -> Result<Response<Body>> {
    let spared = fault.is_some_and(Fault::spares_the_server);
    let reply = async {
        if let Some(Fault::Late(by)) = fault {
            tokio::time::sleep(by).await;
        }
        let reply = shared.upstream.send(request).await.with_context(|| format!("pass {} on", asked.path))?;
        anyhow::Ok(reply.map(|body| body.map_err(anyhow::Error::from).boxed_unsync()))
    };
    let reply = if spared { None } else { Some(reply.await?) };
    match (fault, reply) {
        (None | Some(Fault::Late(_)), Some(reply)) => Ok(reply),
        (Some(Fault::Refused(answer)), _) => told(answer),
        (Some(Fault::Answered(answer)), Some(reply)) => {
            read(reply).await?;
            told(answer)
        }
        (Some(Fault::ReplySilent), Some(reply)) => {
            read(reply).await?;
            std::future::pending().await
        }
        (Some(fault @ (Fault::Truncated | Fault::CutShort | Fault::Garbled)), Some(reply)) => {
            shorten(reply, fault, asked).await
        }
        (Some(Fault::ReplyLost), Some(reply)) => {
            read(reply).await?;
            bail!("the reply is lost")
        }
        (_, _) => bail!("the request is lost"),
    }
}

fn told(answer: Reply) -> Result<Response<Body>> {
    Ok(answer.response()?.map(whole))
}

fn whole(body: Full<Bytes>) -> Body {
    body.map_err(|never| match never {}).boxed_unsync()
}

/// The whole reply: once it is here, what was asked for is done.
async fn read(reply: Response<Body>) -> Result<(http::response::Parts, Vec<u8>)> {
    let (head, body) = reply.into_parts();
    let body = body.collect().await.context("read a reply")?.to_bytes();
    Ok((head, body.to_vec()))
}

/// Of a stream, which has no end, the first part is cut.
async fn shorten(reply: Response<Body>, fault: Fault, asked: &Asked) -> Result<Response<Body>> {
    let (mut head, body) = if asked.is_watch() {
        let (head, mut body) = reply.into_parts();
        let frame = body.frame().await.transpose().context("read an event")?;
        let part = frame.and_then(|frame| frame.into_data().ok()).unwrap_or_default();
        (head, part.to_vec())
    } else {
        read(reply).await?
    };
    let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
    head.headers.remove(header::CONTENT_LENGTH);
    match fault {
        Fault::Garbled => return Ok(Response::from_parts(head, whole(Full::from("}no json{\n")))),
        Fault::Truncated => return Ok(Response::from_parts(head, whole(Full::from(half)))),
        _ => {}
    }
    let parts = stream::iter([Ok(Frame::data(half)), Err(anyhow!("the proxy cuts the reply"))]);
    Ok(Response::from_parts(head, body_of(parts)))
}
