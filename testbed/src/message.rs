//! What a cluster's processes say to each other: JSON lines on pipes (node → keeper → owner) and one-line requests on the control socket. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Said by the node and the keeper while a cluster comes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Message {
    /// The keeper holds the cluster's lock: from here on it cleans up.
    Kept,
    /// A step is done.
    Progress(String),
    /// Pods can be created.
    Ready,
    /// It will not come up, and why.
    Failed(String),
}

/// Asked of a running node through its control socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Request {
    /// Kill a component and start it again after a time.
    Restart { component: String, signal: Signal, down_for: Duration },
    /// End the node.
    Stop,
}

/// Signals that a component may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// As a crash: nothing is flushed or said goodbye to.
    Kill,
    /// As a shutdown.
    Term,
}

/// The answer: nothing, or why not.
pub(crate) type Answer = Result<(), String>;
