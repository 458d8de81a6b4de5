//! Leadership: one replica at a time, by a Lease.
//!
//! Owns the election. Must never be taken for a fence: two replicas may believe they lead for a
//! moment, and everything that matters is guarded by a compare-and-swap of its own. Talks to the
//! API server.

use crate::said::said;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// How leadership is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// After which a silent leader is replaced.
    pub duration: Duration,
    /// After which a leader that cannot renew stops by itself.
    pub renew_deadline: Duration,
    /// Between two attempts.
    pub retry_period: Duration,
}

/// One replica's part in the election.
#[derive(Clone)]
pub struct Election {
    leases: Api<Lease>,
    name: String,
    identity: String,
    times: Times,
    pulse: Pulse,
}

/// When the election loop last moved, and when the API server last let it.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Mutex<Beat>>);

#[derive(Debug)]
struct Beat {
    moved: Instant,
    answered: Instant,
    /// What went wrong since.
    trouble: Option<String>,
}

impl Pulse {
    fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Beat { moved: now, answered: now, trouble: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Beat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self) {
        self.lock().moved = Instant::now();
    }

    fn note(&self, outcome: &Result<bool, LeaseError>) {
        let mut beat = self.lock();
        match outcome {
            Ok(_) => (beat.answered, beat.trouble) = (Instant::now(), None),
            Err(error) => beat.trouble = Some(said(error)),
        }
    }

    /// How long ago the loop last moved.
    pub fn age(&self) -> Duration {
        self.lock().moved.elapsed()
    }

    /// For how long the lease could neither be read nor written, and what the last attempt met;
    /// `None` if the last attempt went well.
    pub fn trouble(&self) -> Option<(Duration, String)> {
        let beat = self.lock();
        beat.trouble.clone().map(|trouble| (beat.answered.elapsed(), trouble))
    }
}

/// Why a lease could not be read or written.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("the API server did not answer in time")]
    Timeout,
    #[error(transparent)]
    Api(#[from] kube::Error),
}

/// The lease as last seen, and since when it has looked so by the local clock.
struct Seen {
    version: String,
    since: Instant,
}

impl Election {
    /// A part in the election for the Lease of that name.
    pub fn new(client: Client, namespace: &str, name: &str, identity: &str, times: Times) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity.to_owned(),
            times,
            pulse: Pulse::new(),
        }
    }

    /// When the election loop last moved.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Waits until this replica leads; false if cancelled before.
    pub async fn acquire(&self, cancel: &CancellationToken) -> bool {
        let mut seen = None;
        loop {
            self.pulse.beat();
            match cancel.run_until_cancelled(self.try_take(&mut seen)).await {
                None => return false,
                Some(Ok(true)) => {
                    tracing::info!(lease.holder = self.identity, "this replica leads");
                    return true;
                }
                Some(Ok(false)) => {}
                Some(Err(error)) => tracing::warn!(error = said(&error), "the lease could not be taken"),
            }
            if cancel.run_until_cancelled(sleep(self.times.retry_period)).await.is_none() {
                return false;
            }
        }
    }

    /// Renews until leadership is lost (false) or cancelled (true). Call it as soon as
    /// [`Election::acquire`] returned.
    pub async fn keep(&self, cancel: &CancellationToken) -> bool {
        let mut renewed = Instant::now();
        loop {
            self.pulse.beat();
            if cancel.run_until_cancelled(sleep(self.times.retry_period)).await.is_none() {
                return true;
            }
            match timeout_at(renewed + self.times.renew_deadline, self.renew()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => {
                    tracing::error!("another replica took the lease");
                    return false;
                }
                Ok(Err(error)) => tracing::warn!(error = said(&error), "the lease could not be renewed"),
                Err(_) => {
                    tracing::error!("the lease was not renewed in time");
                    return false;
                }
            }
        }
    }

    /// Gives the lease back, so that another replica need not wait for it to run out.
    pub async fn release(&self) {
        let released = async {
            let lease = self.read().await?;
            if lease.as_ref().is_some_and(|l| holder(l) == self.identity) {
                self.write(lease.as_ref(), "").await?;
            }
            Ok::<(), LeaseError>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(error = said(&error), "the lease could not be given back and runs out by itself");
        }
    }

    async fn try_take(&self, seen: &mut Option<Seen>) -> Result<bool, LeaseError> {
        let taken = self.taken(seen).await;
        self.pulse.note(&taken);
        taken
    }

    async fn renew(&self) -> Result<bool, LeaseError> {
        let renewed = self.renewed().await;
        self.pulse.note(&renewed);
        renewed
    }

    async fn taken(&self, seen: &mut Option<Seen>) -> Result<bool, LeaseError> {
        let lease = self.read().await?;
        let Some(lease) = lease else { return self.write(None, &self.identity).await };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match seen {
            Some(known) if known.version == version => known.since,
            _ => seen.insert(Seen { version, since: Instant::now() }).since,
        };
        let holder = holder(&lease);
        // The holder's clock is not compared with ours: it must be silent for that long as seen here.
        let expired = since.elapsed() >= duration_of(&lease).max(self.times.duration);
        if holder.is_empty() || holder == self.identity || expired {
            return self.write(Some(&lease), &self.identity).await;
        }
        Ok(false)
    }

    async fn renewed(&self) -> Result<bool, LeaseError> {
        match self.read().await? {
            Some(lease) if holder(&lease) == self.identity => self.write(Some(&lease), &self.identity).await,
            Some(_) => Ok(false),
            None => self.write(None, &self.identity).await,
        }
    }

    async fn read(&self) -> Result<Option<Lease>, LeaseError> {
        self.in_time(self.leases.get_opt(&self.name)).await
    }

    /// Writes the lease for a holder; false if another wrote it since it was read.
    async fn write(&self, old: Option<&Lease>, holder_now: &str) -> Result<bool, LeaseError> {
        let spec = self.spec(old, holder_now);
        let written = match old {
            None => {
                let mut lease = Lease { spec: Some(spec), ..Lease::default() };
                lease.metadata.name = Some(self.name.clone());
                self.in_time(self.leases.create(&PostParams::default(), &lease)).await
            }
            Some(old) => {
                let patch = json!({
                    "metadata": { "resourceVersion": old.metadata.resource_version },
                    "spec": spec,
                });
                let (params, patch) = (PatchParams::default(), Patch::Merge(&patch));
                self.in_time(self.leases.patch(&self.name, &params, &patch)).await
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(LeaseError::Api(kube::Error::Api(status))) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn spec(&self, old: Option<&Lease>, holder_now: &str) -> LeaseSpec {
        let before = old.and_then(|l| l.spec.clone()).unwrap_or_default();
        let same = before.holder_identity.as_deref() == Some(holder_now);
        let now = MicroTime(Timestamp::now());
        let taken = if same || holder_now.is_empty() { before.acquire_time.clone() } else { None };
        let seconds = i32::try_from(self.times.duration.as_secs()).unwrap_or(i32::MAX);
        LeaseSpec {
            holder_identity: Some(holder_now.to_owned()),
            lease_duration_seconds: Some(if holder_now.is_empty() { 1 } else { seconds }),
            acquire_time: taken.or(Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(before.lease_transitions.unwrap_or(0) + i32::from(!same)),
            ..LeaseSpec::default()
        }
    }

    async fn in_time<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, LeaseError> {
        // A request that outlives the deadline must not keep a lost lease alive.
        match timeout(self.times.renew_deadline / 2, request).await {
            Ok(answer) => answer.map_err(LeaseError::Api),
            Err(_) => Err(LeaseError::Timeout),
        }
    }
}

fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|s| s.holder_identity.as_deref()).unwrap_or_default()
}

fn duration_of(lease: &Lease) -> Duration {
    let seconds = lease.spec.as_ref().and_then(|s| s.lease_duration_seconds).unwrap_or(0);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
