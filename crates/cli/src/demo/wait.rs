//! Waiting for what the cluster does, with a deadline and a memory of what was seen last.
//!
//! Owns every wait of the demo. Must never wait for a fixed time where there is something to
//! watch. Watches the API server.

use futures::{Stream, StreamExt as _};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use std::fmt;
use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How often something is asked for that cannot be watched.
const POLL: Duration = Duration::from_millis(100);

/// What a look at an object says.
pub(super) enum Look<T> {
    /// This is it.
    Yes(T),
    /// Not yet; what is there instead.
    NotYet(String),
    /// It will never be; what is there instead.
    Never(String),
}

/// It did not come in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missed {
    waited: Duration,
    last: String,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waited {:.1} s; last seen: {}", self.waited.as_secs_f64(), self.last)
    }
}

/// Watches one object until `look` is content; it is handed `None` while the object is absent.
pub(super) async fn until<K, T>(
    api: &Api<K>,
    name: &str,
    within: Duration,
    mut look: impl FnMut(Option<&K>) -> Look<T>,
) -> Result<T, Missed>
where
    K: Resource + Clone + Debug + Send + DeserializeOwned + 'static,
{
    let seen = Box::pin(watcher::watch_object(api.clone(), name));
    content(seen, ("nothing", within), |object| look(object.as_ref())).await
}

/// Watches objects by label or field until `look` is content with one of them.
pub(super) async fn any<K, T>(
    api: &Api<K>,
    config: watcher::Config,
    within: Duration,
    mut look: impl FnMut(&K) -> Look<T>,
) -> Result<T, Missed>
where
    K: Resource + Clone + Debug + Send + DeserializeOwned + 'static,
{
    let seen = Box::pin(watcher(api.clone(), config).applied_objects());
    content(seen, ("no such object", within), |object| look(&object)).await
}

/// Reads a watch until `look` is content; `nothing` is what was seen before anything was.
async fn content<K, T>(
    mut seen: impl Stream<Item = watcher::Result<K>> + Unpin,
    (nothing, within): (&str, Duration),
    mut look: impl FnMut(K) -> Look<T>,
) -> Result<T, Missed> {
    let begun = Instant::now();
    let mut last = nothing.to_owned();
    let watching = async {
        while let Some(object) = seen.next().await {
            match object.map(&mut look) {
                Ok(Look::Yes(value)) => return Some(value),
                Ok(Look::NotYet(instead)) => last = instead,
                Ok(Look::Never(instead)) => {
                    last = instead;
                    return None;
                }
                Err(error) => last = pause(&error).await,
            }
        }
        None
    };
    let found = tokio::time::timeout(within, watching).await.ok().flatten();
    found.ok_or_else(|| Missed { waited: begun.elapsed(), last })
}

/// Asks again and again until `ask` is content.
pub(super) async fn poll<T>(within: Duration, ask: impl AsyncFnMut() -> Look<T>) -> Result<T, Missed> {
    poll_every(POLL, within, ask).await
}

/// The same, as often as wanted.
pub(super) async fn poll_every<T>(
    pause: Duration,
    within: Duration,
    mut ask: impl AsyncFnMut() -> Look<T>,
) -> Result<T, Missed> {
    let begun = Instant::now();
    loop {
        let left = within.saturating_sub(begun.elapsed()).max(POLL);
        let last = match tokio::time::timeout(left, ask()).await {
            Ok(Look::Yes(value)) => return Ok(value),
            Ok(Look::NotYet(instead)) => instead,
            Ok(Look::Never(instead)) => return Err(Missed { waited: begun.elapsed(), last: instead }),
            Err(_) => "the last look did not end".to_owned(),
        };
        if begun.elapsed() >= within {
            return Err(Missed { waited: begun.elapsed(), last });
        }
        tokio::time::sleep(pause).await;
    }
}

/// A watch that failed is begun again by itself, but not in a hurry.
async fn pause(error: &watcher::Error) -> String {
    tokio::time::sleep(POLL).await;
    format!("the watch failed: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_tells_what_it_saw_last() {
        let mut asked = 0;
        let missed = poll(Duration::from_millis(150), async || {
            asked += 1;
            Look::<()>::NotYet(format!("look {asked}"))
        })
        .await
        .unwrap_err();
        assert!(missed.to_string().contains("last seen: look "), "{missed}");
    }
}
