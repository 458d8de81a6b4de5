//! The loop over Changes: which one to look at when.
//!
//! Owns the wakes and the upkeep. Must never lose a wake. Talks to the API server.

use super::pass::{Ended, PassError, pass};
use super::schedule::Schedule;
use super::standing;
use super::stores::Wake;
use super::{Context, RunError, hindrance, sweep};
use bailiwick_api::Change;
use bailiwick_core::life::Phase;
use bailiwick_kit::said::said;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, Stream, StreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often the clock, the policies and leftovers are looked at.
const UPKEEP: Duration = Duration::from_secs(10);
/// News of policies within this time are looked at together.
const BURST: Duration = Duration::from_millis(50);

/// A Change by namespace and name.
pub(crate) type Key = (String, String);

/// Runs until dropped.
pub(crate) async fn drive(ctx: Arc<Context>, mut wakes: impl Stream<Item = Wake> + Unpin) -> Result<(), RunError> {
    first_lists(&ctx, &mut wakes).await?;
    prepare(&ctx).await?;
    let mut schedule = Schedule::default();
    wake_all(&ctx, &mut schedule);
    let mut passes = FuturesUnordered::new();
    let mut upkeep = upkeep(ctx.clone()).boxed();
    let mut comparison = comparison(ctx.clone()).boxed();
    loop {
        for key in schedule.take_due() {
            let (ctx, failures) = (ctx.clone(), schedule.failures(&key));
            passes.push(async move {
                let result = Box::pin(pass(&ctx, &key)).await;
                let told = match &result {
                    Err(error) => hindrance::tell(&ctx, &key, error, failures).await,
                    Ok(_) => None,
                };
                (key, result, told)
            });
        }
        ctx.metrics.queue_depth("changes", schedule.len());
        ctx.metrics.suspended(ctx.is_suspended());
        tokio::select! {
            wake = wakes.next() => match wake {
                Some(wake) => note(&ctx, &mut schedule, wake),
                None => return Err(RunError::Watches),
            },
            Some((key, result, told)) = passes.next() => finished(&mut schedule, key, result, told),
            () = schedule.wait() => {}
            () = &mut upkeep => {
                upkeep = self::upkeep(ctx.clone()).boxed();
                wake_all(&ctx, &mut schedule);
            }
            () = &mut comparison => {
                comparison = self::comparison(ctx.clone()).boxed();
                wake_all(&ctx, &mut schedule);
            }
        }
    }
}

async fn first_lists(ctx: &Context, wakes: &mut (impl Stream<Item = Wake> + Unpin)) -> Result<(), RunError> {
    let ready = ctx.stores.ready();
    tokio::pin!(ready);
    loop {
        tokio::select! {
            ready = &mut ready => return if ready { Ok(()) } else { Err(RunError::Watches) },
            wake = wakes.next() => if wake.is_none() { return Err(RunError::Watches) },
        }
    }
}

async fn prepare(ctx: &Context) -> Result<(), RunError> {
    if let Err(error) = ctx.clock.look(&ctx.client).await {
        tracing::warn!(error, "cannot read the API server's time");
    }
    standing::refresh(ctx).await;
    ctx.fence.establish(ctx).await.map_err(|e| RunError::Fence(e.to_string()))?;
    sweep::sweep(ctx).await;
    Ok(())
}

async fn upkeep(ctx: Arc<Context>) {
    tokio::time::sleep(UPKEEP).await;
    if let Err(error) = ctx.clock.look(&ctx.client).await {
        tracing::warn!(error, "cannot read the API server's time");
    }
    standing::refresh(&ctx).await;
    sweep::sweep(&ctx).await;
    count_open(&ctx);
}

/// Measures how many Changes have not ended.
fn count_open(ctx: &Context) {
    let mut open: BTreeMap<Phase, i64> = BTreeMap::new();
    for guarded in ctx.stores.all_changes() {
        if let Ok(change) = &guarded.0 {
            *open.entry(change.status.as_ref().map_or(Phase::Proposed, |r| r.phase)).or_default() += 1;
        }
    }
    ctx.metrics.changes_open(&open);
}

/// Waits for news of a policy, and compares them once an installation's burst of news has passed.
async fn comparison(ctx: Arc<Context>) {
    ctx.policy_news.notified().await;
    tokio::time::sleep(BURST).await;
    standing::refresh(&ctx).await;
}

/// True for Changes that something can still happen to.
pub(crate) fn is_live(change: &Change) -> bool {
    change.status.as_ref().is_none_or(|r| !r.phase.is_terminal() || r.phase == Phase::Failed || r.ending.is_some())
}

fn wake_all(ctx: &Context, schedule: &mut Schedule) {
    wake_where(ctx, schedule, |_| true);
}

fn wake_where(ctx: &Context, schedule: &mut Schedule, wanted: impl Fn(&Change) -> bool) {
    for guarded in ctx.stores.all_changes() {
        if let Ok(change) = &guarded.0
            && is_live(change)
            && wanted(change)
            && let (Some(namespace), Some(name)) = (&change.metadata.namespace, &change.metadata.name)
        {
            schedule.now((namespace.clone(), name.clone()));
        }
    }
}

fn note(ctx: &Context, schedule: &mut Schedule, wake: Wake) {
    match wake {
        Wake::Change(namespace, name) => schedule.now((namespace, name)),
        Wake::Written(namespace, name, version) => schedule.written((namespace, name), version),
        Wake::Nothing => {}
        Wake::Namespace(namespace) => {
            wake_where(ctx, schedule, |c| c.metadata.namespace.as_deref() == Some(&namespace))
        }
        Wake::All => wake_all(ctx, schedule),
        Wake::Policies => ctx.policy_news.notify_one(),
    }
}

/// Notes how a pass ended; `told` is the version that telling a failure left.
fn finished(schedule: &mut Schedule, key: Key, result: Result<Ended, PassError>, told: Option<u64>) {
    match result {
        Ok(ended) => schedule.done(key, ended.version, ended.recheck.and_then(|d| Duration::try_from(d).ok())),
        Err(PassError::Overtaken) => schedule.overtaken(key),
        // If it is not, the watch or the upkeep says so.
        Err(PassError::Gone) => schedule.done(key, None, None),
        Err(error) => {
            tracing::warn!(
                change.namespace = key.0,
                change.name = key.1,
                error = said(&error),
                "a pass over a Change failed and is repeated"
            );
            schedule.failed(key, told);
        }
    }
}
