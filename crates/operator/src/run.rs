//! The process from start to stop: connect, watch, lead, stop.
//!
//! Owns the order of these. Must never let anything but the leader keep Incidents or execute
//! Changes, and stops both the moment leadership is lost. Talks to the API server, listens on the
//! admin port.

use crate::config::Config;
use crate::connect::{ConnectError, Connection, connect};
use crate::metrics::Metrics;
use crate::shared::SharedIndex;
use crate::{changes, copies, feed, incidents};
use bailiwick_kit::admin::{self, Answer, Questions};
use bailiwick_kit::lease::{Election, Pulse};
use bailiwick_kit::tasks::Tasks;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Name of the Lease.
const LEASE: &str = "bailiwick-operator";
/// A loop that did not move for this long is stuck.
const STUCK: Duration = Duration::from_secs(60);
/// For so long everything else waits to learn what could be put back.
const COPIES: Duration = Duration::from_secs(30);

/// Before the executor is begun again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// Why the operator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no way to the API server.
    #[error("connecting to the API server")]
    Connect(#[from] ConnectError),
    /// The admin port cannot be opened.
    #[error("--admin-listen {0}")]
    Admin(std::net::SocketAddr, #[source] std::io::Error),
}

/// What every part of the operator shares.
struct Parts {
    connection: Connection,
    config: Arc<Config>,
    index: SharedIndex,
    metrics: Arc<Metrics>,
    board: incidents::Board,
}

/// Runs until told to stop. True if it was told and everything stopped in time.
///
/// # Errors
/// Where it cannot even begin.
pub async fn run(config: Config) -> Result<bool, RunError> {
    let listener = admin::bind(config.admin_listen).await;
    let listener = listener.map_err(|error| RunError::Admin(config.admin_listen, error))?;
    let parts = Arc::new(Parts {
        connection: connect(&config).await?,
        config: Arc::new(config),
        index: SharedIndex::new(),
        metrics: Arc::new(Metrics::new()),
        board: incidents::Board::default(),
    });
    let namespace = parts.config.system_namespace.as_str();
    let client = parts.connection.client.clone();
    let election = Election::new(client.clone(), namespace, LEASE, &parts.config.identity, parts.config.lease);
    let tasks = Tasks::new();
    let stop = tasks.stop().clone();
    let questions = questions(&parts, election.pulse());
    tasks.run("admin", admin::serve(listener, questions, stop.clone()));
    let (index, metrics) = (parts.index.clone(), Arc::clone(&parts.metrics));
    tasks.run("feed", feed::run(client, index, metrics, stop.clone()));
    let drain = parts.config.drain;
    tasks.run("lead", lead(parts, election, stop));
    Ok(tasks.finish(drain).await)
}

fn questions(parts: &Arc<Parts>, pulse: Pulse) -> Questions {
    let (index, metrics) = (parts.index.clone(), Arc::clone(&parts.metrics));
    let (beats, patience) = (pulse.clone(), parts.config.lease.duration);
    let alive = move || beat(&beats);
    let ready = move || {
        if !index.is_synced() {
            return Err("the watches are not in yet".to_owned());
        }
        beat(&pulse)?;
        within(&pulse, patience)
    };
    Questions::new(alive, ready, move || metrics.encode())
}

fn beat(pulse: &Pulse) -> Answer {
    if pulse.age() < STUCK {
        return Ok(());
    }
    Err(format!("the election did not move for {} s", pulse.age().as_secs()))
}

/// Without a lease that can be written nothing is recorded, so nothing is done.
fn within(pulse: &Pulse, patience: Duration) -> Answer {
    match pulse.trouble().filter(|(since, _)| *since >= patience) {
        None => Ok(()),
        Some((since, trouble)) => Err(format!("for {} s the lease could not be kept: {trouble}", since.as_secs())),
    }
}

/// Waits for leadership, works while it lasts, and gives it back when told to stop.
async fn lead(parts: Arc<Parts>, election: Election, stop: CancellationToken) {
    if !election.acquire(&stop).await {
        return;
    }
    parts.metrics.leading(true);
    let (reign, workers) = (stop.child_token(), TaskTracker::new());
    let (loaded, copies) = watch::channel(false);
    spawn(&workers, "copies", &reign, keep_copies(&parts, loaded, &reign));
    spawn(&workers, "incidents", &reign, after(copies.clone(), reign.clone(), keep_incidents(&parts, &reign)));
    spawn(&workers, "changes", &reign, after(copies, reign.clone(), execute(Arc::clone(&parts), reign.clone())));
    workers.close();
    let kept = tokio::select! {
        kept = election.keep(&stop) => kept,
        () = reign.cancelled() => true,
    };
    reign.cancel();
    parts.metrics.leading(false);
    workers.wait().await;
    if kept {
        election.release().await;
    }
}

/// A worker that ends by itself ends the reign: another replica, or the next life of this one,
/// takes over from what is recorded.
fn spawn(
    workers: &TaskTracker,
    name: &'static str,
    reign: &CancellationToken,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let ended = reign.clone().drop_guard();
    workers.spawn(async move {
        work.await;
        tracing::debug!(task.name = name, "worker stopped");
        drop(ended);
    });
}

fn keep_copies(
    parts: &Arc<Parts>,
    loaded: watch::Sender<bool>,
    reign: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let given = copies::Parts {
        client: parts.connection.client.clone(),
        config: Arc::clone(&parts.config),
        index: parts.index.clone(),
        metrics: Arc::clone(&parts.metrics),
    };
    copies::run(given, loaded, reign.clone())
}

/// Works once it is known what could be put back, or that it cannot be known now.
async fn after(mut copies: watch::Receiver<bool>, reign: CancellationToken, work: impl Future<Output = ()>) {
    let known = tokio::time::timeout(COPIES, copies.wait_for(|loaded| *loaded));
    match reign.run_until_cancelled(known).await {
        None => return,
        Some(Err(_)) => tracing::warn!("the copies are not read yet, and nothing is put back from them until then"),
        // The sender goes only with the reign itself.
        Some(Ok(_)) => {}
    }
    work.await;
}

fn keep_incidents(parts: &Arc<Parts>, reign: &CancellationToken) -> impl Future<Output = ()> + Send + use<> {
    let given = incidents::Parts {
        client: parts.connection.client.clone(),
        config: Arc::clone(&parts.config),
        index: parts.index.clone(),
        metrics: Arc::clone(&parts.metrics),
        board: parts.board.clone(),
    };
    incidents::run(given, reign.clone())
}

/// The executor; where it cannot begin, it is begun again and again, each time a little later.
async fn execute(parts: Arc<Parts>, reign: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    loop {
        let given = changes::Parts {
            client: parts.connection.client.clone(),
            anonymous: parts.connection.anonymous.clone(),
            config: Arc::clone(&parts.config),
            index: parts.index.clone(),
            metrics: Arc::clone(&parts.metrics),
            board: parts.board.clone(),
        };
        let Err(error) = changes::run(given, reign.clone()).await else { return };
        tracing::error!(error = %error, pause.seconds = pause.as_secs(), "the executor stopped and is begun again");
        if reign.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}
