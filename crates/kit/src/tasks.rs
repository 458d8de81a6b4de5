//! One way to stop: a token that everything watches, a tracker that is awaited, a deadline.
//!
//! Owns the tasks of the process. Must never leave a task behind unnoticed: whether all stopped in
//! time is logged either way. Reads signals.

use std::future::Future;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of a process.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process is to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs a task. When it ends before the process was told to stop, the process stops: every
    /// task here is needed.
    pub fn run(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            // A panic ends the task, and with it the process: dropped on unwinding, too.
            let ended = stop.clone().drop_guard();
            task.await;
            if stop.is_cancelled() {
                tracing::debug!(task.name = name, "task stopped");
            } else {
                tracing::error!(task.name = name, "a task ended by itself; the process stops");
            }
            drop(ended);
        });
    }

    /// Waits for SIGTERM, SIGINT or the end of a task, then tells all to stop and waits for them
    /// as long as `drain`. True if all stopped in time.
    pub async fn finish(self, drain: Duration) -> bool {
        tokio::select! {
            name = signalled() => tracing::info!(signal.name = name, "stopping"),
            () = self.stop.cancelled() => {}
        }
        self.stop.cancel();
        self.tracker.close();
        let stopped = tokio::time::timeout(drain, self.tracker.wait()).await.is_ok();
        conclude(stopped, self.tracker.len(), drain);
        stopped
    }
}

fn conclude(stopped: bool, left: usize, drain: Duration) {
    if stopped {
        tracing::info!("every task stopped");
    } else {
        tracing::error!(tasks.left = left, drain.seconds = drain.as_secs(), "tasks did not stop in time");
    }
}

/// The name of the signal that came. Without signal handlers only the end of a task stops us.
async fn signalled() -> &'static str {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be received");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_end_of_one_task_stops_all() {
        let tasks = Tasks::new();
        let stop = tasks.stop().clone();
        tasks.run("waits", async move { stop.cancelled().await });
        tasks.run("ends", async {});
        assert!(tasks.finish(Duration::from_secs(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_not_waited_for_without_end() {
        let tasks = Tasks::new();
        tasks.run("hangs", std::future::pending());
        tasks.stop().cancel();
        assert!(!tasks.finish(Duration::from_secs(1)).await);
    }
}
