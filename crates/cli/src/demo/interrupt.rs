//! Signals that end a demo before its time.
//!
//! Owns what each means for the exit code. From the moment it listens, a signal no longer ends the
//! process by itself: whoever holds it cleans up first. Reads signals.

use super::story::{Stop, Told};
use crate::exit::{Exit, Failure};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens to SIGINT and SIGTERM.
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Begins to listen.
    pub(super) fn listen() -> Told<Self> {
        let listen = |kind| signal(kind).map_err(|e| Stop::broken(format!("cannot listen to signals: {e}")));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for one, and says how to exit.
    pub(super) async fn came(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

/// What to say at the end, once everything is put back.
pub(super) fn failure(exit: Exit) -> Failure {
    let by = if exit == Exit::Terminated { "SIGTERM" } else { "SIGINT" };
    Failure { exit, ..Failure::error(format!("the demo was ended by {by}, before it had looked at everything")) }
}
