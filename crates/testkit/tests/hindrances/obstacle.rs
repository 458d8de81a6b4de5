//! A Change that cannot go on, and an operator whose requests are counted.

use std::time::Duration;

use bailiwick_core::life::{Condition, Record};
use bailiwick_testkit::{Asked, Audit, OperatorProcess, ProcessOptions, Proposal, Proxy, Result, SECONDS};

use crate::aftermath;
use crate::stage::Stage;

/// Long enough on a machine that does other things as well.
pub(crate) const LATER: Duration = Duration::from_secs(90);

/// An operator that is ready, behind a proxy of its own.
pub(crate) struct Watched {
    pub(crate) proxy: Proxy,
    pub(crate) operator: OperatorProcess,
}

impl Watched {
    pub(crate) async fn start(stage: &Stage) -> Result<Self> {
        let proxy = Proxy::start(&stage.cluster, &stage.outside).await?;
        let options = ProcessOptions { kubeconfig: Some(proxy.kubeconfig()), ..ProcessOptions::default() };
        let mut operator = stage.start(options)?;
        operator.ready(60 * SECONDS).await?;
        Ok(Self { proxy, operator })
    }

    /// How many real writes to a Deployment were asked for since so many requests had come by.
    pub(crate) fn writes(&self, since: usize) -> usize {
        self.proxy.passed(since).iter().filter(|p| is_write(&p.asked)).count()
    }

    /// The same for dry runs.
    pub(crate) fn dry_runs(&self, since: usize) -> usize {
        let passed = self.proxy.passed(since);
        passed.iter().filter(|p| p.asked.is("patch", "deployments") && p.asked.is_dry_run()).count()
    }
}

/// The one request that changes a user's object.
pub(crate) fn is_write(asked: &Asked) -> bool {
    asked.is("patch", "deployments") && !asked.is_dry_run()
}

/// What the Change says of what hinders it.
pub(crate) fn hindered(record: &Record) -> Option<&Condition> {
    record.conditions.iter().find(|c| c.kind == "Hindered")
}

/// Waits until the Change says that it is hindered, in these words among others.
pub(crate) async fn until_told(change: &Proposal, reason: &str, words: &[&str]) -> Result<()> {
    let tells = |c: &Condition| c.reason == reason && words.iter().all(|word| c.message.contains(word));
    let what = format!("told of {reason} and {words:?}");
    change.until(&what, LATER, |r| hindered(r).is_some_and(tells)).await.map(drop)
}

/// The Change goes on to its end, as if nothing had been; nothing hinders it any more.
pub(crate) async fn until_over(stage: &Stage, (change, audit): (&Proposal, &Audit)) -> Result<()> {
    let record = change.end(LATER).await?;
    anyhow::ensure!(hindered(&record).is_none(), "it still tells of a hindrance: {:?}", record.conditions);
    Box::pin(aftermath::judge(stage, stage.life, (change, audit))).await
}
