//! An answer on its way: it streams while the valve lets it.
//!
//! Owns what a client sees of an answer that is held back, cut or told to be gone. Must never lose a byte that is held back.

use std::sync::Arc;

use anyhow::anyhow;
use futures::{Stream, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::sync::watch;

use super::{Asked, Flow, Reply, fault::Valve};

/// A body of any make.
pub(super) type Body = UnsyncBoxBody<Bytes, anyhow::Error>;

/// A body of these parts.
pub(super) fn body_of(parts: impl Stream<Item = Part> + Send + 'static) -> Body {
    StreamBody::new(parts).boxed_unsync()
}

/// An answer that is under way.
struct Way {
    asked: Arc<Asked>,
    body: Body,
    valve: watch::Receiver<Valve>,
    over: bool,
}

pub(super) type Part = anyhow::Result<Frame<Bytes>>;

/// The answer's body as the client gets it.
pub(super) fn valved(asked: Arc<Asked>, body: Body, valve: watch::Receiver<Valve>) -> Body {
    let way = Way { asked, body, valve, over: false };
    let parts = stream::unfold(way, |mut way| async move { way.next().await.map(|part| (part, way)) });
    body_of(parts)
}

impl Way {
    async fn next(&mut self) -> Option<Part> {
        while !self.over {
            let flow = self.valve.borrow_and_update().of(&self.asked);
            match flow {
                Flow::Gone if self.asked.is_watch() => {
                    self.over = true;
                    let event = serde_json::json!({"type": "ERROR", "object": Reply::of(410).status()});
                    return Some(Ok(Frame::data(Bytes::from(format!("{event}\n")))));
                }
                Flow::Pass | Flow::Gone => tokio::select! {
                    frame = self.body.frame() => return frame,
                    // The proxy is gone, and the connection with it.
                    changed = self.valve.changed() => if changed.is_err() { return None },
                },
                Flow::Silent => self.valve.changed().await.ok()?,
                Flow::Cut => {
                    self.over = true;
                    return Some(Err(anyhow!("the proxy cuts the stream")));
                }
            }
        }
        None
    }
}
