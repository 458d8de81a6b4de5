//! What can happen to a request, and what waits to happen. Pure.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::Asked;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The API server carries it out; the connection is cut before a byte of the reply is passed on.
    ReplyLost,
    /// The API server carries it out; the client is told something else.
    Answered(Reply),
    /// The API server carries it out; nothing is ever answered, and the connection stays.
    ReplySilent,
    /// The API server carries it out; half of the reply's body is told as if it were all.
    Truncated,
    /// The API server carries it out; half of the reply's body is told, then the connection is cut.
    CutShort,
    /// The API server carries it out; what is told in its place is no JSON.
    Garbled,
    /// It reaches the API server that much later.
    Late(Duration),
    /// It never reaches the API server; the connection is cut.
    RequestLost,
    /// It never reaches the API server; this is the answer.
    Refused(Reply),
}

impl Fault {
    /// The API server carries it out; the client is told 504.
    pub const TIMEOUT: Self = Self::Answered(Reply::of(504));

    pub(super) fn spares_the_server(self) -> bool {
        matches!(self, Self::RequestLost | Self::Refused(_))
    }
}

/// An answer that the API server did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    retry_after: Option<u32>,
}

impl Reply {
    /// A failure of that HTTP status.
    pub const fn of(code: u16) -> Self {
        Self { code, retry_after: None }
    }

    /// The same, asking to be asked again after so many seconds.
    #[must_use]
    pub const fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The object that tells of it, which also ends a watch.
    pub(super) fn status(self) -> Value {
        let reason = match self.code {
            410 => "Expired",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason,
            "code": self.code, "message": "the proxy says so",
        })
    }

    pub(super) fn response(self) -> anyhow::Result<Response<Full<Bytes>>> {
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.code)?)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(seconds) = self.retry_after {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        Ok(response.body(Full::from(serde_json::to_vec(&self.status())?))?)
    }
}

type Condition = Box<dyn Fn(&Asked) -> bool + Send>;

struct Waiting {
    fault: Fault,
    times: usize,
    condition: Condition,
}

/// Faults that wait for their requests, and how many happened.
#[derive(Default)]
pub(super) struct Plan {
    waiting: Vec<Waiting>,
    happened: usize,
}

impl Plan {
    pub(super) fn arm(&mut self, fault: Fault, times: usize, condition: Condition) {
        self.waiting.push(Waiting { fault, times, condition });
    }

    pub(super) fn disarm(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn happened(&self) -> usize {
        self.happened
    }

    pub(super) fn fault_for(&mut self, asked: &Asked) -> Option<Fault> {
        let waiting = self.waiting.iter_mut().find(|w| (w.condition)(asked))?;
        let fault = waiting.fault;
        waiting.times -= 1;
        self.waiting.retain(|w| w.times > 0);
        self.happened += 1;
        Some(fault)
    }
}

/// Whether something gets through, before a request is passed on and while its answer streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Pass,
    /// Not a byte, and the connection stays; it goes on where the rule changes.
    Silent,
    /// The connection is cut.
    Cut,
    /// A watch is told that its place in history is gone, and ends; anything else passes.
    Gone,
}

type Rule = Arc<dyn Fn(&Asked) -> Flow + Send + Sync>;

/// The rule of the moment.
#[derive(Clone)]
pub(super) struct Valve(Rule);

impl Valve {
    pub(super) fn new(rule: impl Fn(&Asked) -> Flow + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    pub(super) fn of(&self, asked: &Asked) -> Flow {
        (self.0)(asked)
    }
}

impl Default for Valve {
    fn default() -> Self {
        Self::new(|_| Flow::Pass)
    }
}
