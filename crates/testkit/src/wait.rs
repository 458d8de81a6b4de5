//! Waiting that ends as soon as it can, and tells what it saw when it could not.
//!
//! Must never be replaced by a sleep. Watches objects, or polls with a deadline.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kube::runtime::wait::await_condition;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::diagnose::{brief, diagnose};

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(250);

/// What one look showed.
#[derive(Debug)]
pub enum Seen<T> {
    /// What was waited for.
    Yes(T),
    /// What is there instead; printed if the time runs out.
    NotYet(String),
}

impl<T> Seen<T> {
    /// `value` if `condition` holds, else what is there instead.
    pub fn when(condition: bool, value: T, instead: impl Debug) -> Self {
        if condition { Self::Yes(value) } else { Self::NotYet(format!("{instead:?}")) }
    }
}

/// Looks again and again until `look` says yes. An error counts as not yet, so that a restart of the API server is survived; the last one is in the message if the time runs out.
///
/// # Errors
/// Fails when `timeout` is over, with what was seen last.
pub async fn wait_for<T, L>(what: &str, timeout: Duration, mut look: L) -> Result<T>
where
    L: AsyncFnMut() -> Result<Seen<T>>,
{
    let begin = Instant::now();
    let mut pause = FIRST;
    let mut before = None;
    loop {
        let left = timeout.saturating_sub(begin.elapsed());
        let last = match tokio::time::timeout(left.max(FIRST), look()).await {
            Ok(Ok(Seen::Yes(value))) => return Ok(value),
            Ok(Ok(Seen::NotYet(instead))) => instead,
            Ok(Err(error)) => format!("error: {error:#}"),
            Err(_) => format!("the last look did not end; before it: {}", before.as_deref().unwrap_or("nothing")),
        };
        if begin.elapsed() >= timeout {
            bail!("waited {:.1} s for {what}; last seen: {last}", begin.elapsed().as_secs_f64());
        }
        before = Some(last);
        tokio::time::sleep(pause).await;
        pause = LONGEST.min(pause * 2);
    }
}

/// Watches one object until `condition` holds; it is handed `None` while the object is absent.
///
/// # Errors
/// Fails when `timeout` is over, with the object's state and what its namespace looks like.
pub async fn until<K>(
    api: &Api<K>,
    name: &str,
    (what, timeout): (&str, Duration),
    condition: impl Fn(Option<&K>) -> bool,
) -> Result<Option<K>>
where
    K: Resource + Clone + Debug + Send + DeserializeOwned + Serialize + 'static,
{
    let watching = async {
        loop {
            let seen = await_condition(api.clone(), name, |o: Option<&K>| condition(o)).await;
            // A watch that cannot be opened is tried again: the API server may be restarting.
            if let Ok(object) = seen {
                return object;
            }
            tokio::time::sleep(LONGEST).await;
        }
    };
    match tokio::time::timeout(timeout, watching).await {
        Ok(object) => Ok(object),
        Err(_) => bail!("waited {:.1} s for {what} ({name})\n{}", timeout.as_secs_f64(), state(api, name).await),
    }
}

/// Watches until the object `name` is gone.
///
/// # Errors
/// Fails when `timeout` is over.
pub async fn until_gone<K>(api: &Api<K>, name: &str, timeout: Duration) -> Result<()>
where
    K: Resource + Clone + Debug + Send + DeserializeOwned + Serialize + 'static,
{
    until(api, name, ("its deletion", timeout), |object| object.is_none()).await.context("wait until it is gone")?;
    Ok(())
}

async fn state<K>(api: &Api<K>, name: &str) -> String
where
    K: Resource + Clone + Debug + DeserializeOwned + Serialize,
{
    let object = match api.get_opt(name).await {
        Ok(Some(object)) => serde_json::to_value(&object).map_or_else(|e| e.to_string(), |v| brief(&v)),
        Ok(None) => "it does not exist".to_owned(),
        Err(error) => format!("it cannot be read: {error}"),
    };
    match namespace_of(api.resource_url()) {
        Some(namespace) => {
            let client = api.clone().into_client();
            format!("{object}\n{}", diagnose(&client, namespace).await)
        }
        None => object,
    }
}

/// `/apis/apps/v1/namespaces/shop/deployments` is about `shop`.
fn namespace_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("/namespaces/")?;
    rest.split_once('/').map(|(namespace, _)| namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_says_what_it_saw_last() {
        let mut looks = 0;
        let outcome = wait_for("nothing", Duration::from_millis(60), async || {
            looks += 1;
            Ok(Seen::<()>::NotYet(format!("look {looks}")))
        })
        .await;
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains("for nothing; last seen: look "), "{message}");
    }

    #[test]
    fn a_namespace_is_read_from_an_address() {
        assert_eq!(namespace_of("/apis/apps/v1/namespaces/shop/deployments"), Some("shop"));
        assert_eq!(namespace_of("/api/v1/namespaces"), None);
    }

    #[tokio::test]
    async fn errors_are_survived() {
        let mut looks = 0;
        let answer = wait_for("an answer", Duration::from_secs(5), async || {
            looks += 1;
            if looks < 3 {
                bail!("connection refused");
            }
            Ok(Seen::Yes(looks))
        });
        assert_eq!(answer.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_look_that_hangs_ends() {
        let outcome =
            wait_for("an answer", Duration::from_millis(40), async || std::future::pending::<Result<Seen<()>>>().await);
        assert!(outcome.await.unwrap_err().to_string().contains("did not end"));
    }
}
