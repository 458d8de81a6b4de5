//! An operator behind a proxy of its own.

use std::time::Duration;

use anyhow::Context as _;
use bailiwick_testkit::{OperatorProcess, ProcessOptions, Proxy, Result, SECONDS};

use crate::kill::Run;
use crate::leaders::{DEFAULT, lease};
use crate::stage::Stage;

/// After which a silent connection is given up here; the product's own figure is 55 s.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// An operator that is ready, and the way it takes.
pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) proxy: Proxy,
    pub(crate) operator: OperatorProcess,
    options: ProcessOptions,
}

impl<'a> Scene<'a> {
    /// One that gives silent connections up after [`SILENCE`].
    pub(crate) async fn set(stage: &'a Stage) -> Result<Self> {
        Self::patient(stage, Some(SILENCE)).await
    }

    /// One that waits for that long, or for as long as it does by default.
    pub(crate) async fn patient(stage: &'a Stage, silence: Option<Duration>) -> Result<Self> {
        let proxy = Proxy::start(&stage.cluster, &stage.outside).await?;
        let silence = silence.map(|s| ("BAILIWICK_SILENCE_SECONDS".to_owned(), s.as_secs().to_string()));
        // A machine with much to do must not cost the lease.
        let env = lease(DEFAULT).into_iter().chain(silence).collect();
        let options = ProcessOptions { kubeconfig: Some(proxy.kubeconfig()), env, ..ProcessOptions::default() };
        let mut operator = stage.start(options.clone())?;
        operator.ready(60 * SECONDS).await?;
        Ok(Self { stage, proxy, operator, options })
    }

    /// One Change from its beginning to its end and aftermath, by the operator that runs.
    pub(crate) async fn live(&mut self) -> Result<()> {
        let run = Run { stage: self.stage, audit: self.stage.cluster.audit()?, options: self.options.clone() };
        let died = Box::pin(run.with(&mut self.operator)).await?;
        anyhow::ensure!(!died, "the operator died");
        Ok(())
    }

    /// How many watches of Deployments have failed, by the operator's own count.
    pub(crate) async fn watch_failures(&self) -> Result<u64> {
        let text = self.operator.metrics().await?;
        let line = text.lines().find_map(|l| l.strip_prefix("bailiwick_watch_failures_total{kind=\"Deployment\"} "));
        line.map_or(Ok(0), |n| n.parse().context("read a count"))
    }
}
