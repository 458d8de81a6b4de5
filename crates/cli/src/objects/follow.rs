//! Following objects as they change.
//!
//! Owns resumption: a watch that expires is begun again, and what did not change meanwhile is not
//! told twice. Must never end because the server closed a watch. Watches the API server.

use super::{Loaded, served};
use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use futures::StreamExt as _;
use kube::Resource;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

/// What was seen of an object.
#[derive(Debug, Clone)]
pub enum Seen<K> {
    /// It is new, or it changed.
    Now(Box<Loaded<K>>),
    /// The first list is complete.
    Listed,
    /// It is gone.
    Gone(Box<Loaded<K>>),
}

/// Follows objects in the scope of the run until `tell` breaks or fails.
///
/// # Errors
/// Where the first list fails, or `tell` does.
pub async fn follow<K, T>(
    cluster: &Cluster,
    config: watcher::Config,
    mut tell: impl FnMut(Seen<K>) -> Outcomes<ControlFlow<T>>,
) -> Outcomes<T>
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let resource = served::<K>();
    let doing = format!("watch {} in {}", resource.plural, cluster.where_words());
    let mut events = std::pin::pin!(watcher(cluster, &resource, config));
    let mut known: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut listed = false;
    while let Some(event) = events.next().await {
        let seen = match event {
            Ok(Event::InitApply(object) | Event::Apply(object)) => fresh(&mut known, &object),
            Ok(Event::Delete(object)) => {
                let loaded = Loaded::new(&object);
                known.remove(&(loaded.namespace.clone(), loaded.name.clone()));
                Some(Seen::Gone(Box::new(loaded)))
            }
            Ok(Event::InitDone) if !listed => {
                listed = true;
                Some(Seen::Listed)
            }
            Ok(Event::Init | Event::InitDone) => None,
            Err(error) if !listed => return Err(first_failure(cluster, &doing, error)),
            Err(_) => {
                // The watcher begins again by itself; a pause keeps it from doing so in a hurry.
                tokio::time::sleep(Duration::from_secs(1)).await;
                None
            }
        };
        if let Some(seen) = seen
            && let ControlFlow::Break(result) = tell(seen)?
        {
            return Ok(result);
        }
    }
    Err(Failure::error(format!("cannot {doing}: the watch ended")))
}

fn watcher(
    cluster: &Cluster,
    resource: &kube::core::ApiResource,
    config: watcher::Config,
) -> impl futures::Stream<Item = Result<Event<DynamicObject>, watcher::Error>> + use<> {
    kube::runtime::watcher(cluster.dynamic(resource, true), config)
}

fn first_failure(cluster: &Cluster, doing: &str, error: watcher::Error) -> Failure {
    match error {
        watcher::Error::InitialListFailed(e) | watcher::Error::WatchStartFailed(e) | watcher::Error::WatchFailed(e) => {
            cluster.fault(doing, &e)
        }
        watcher::Error::WatchError(status) => cluster.fault(doing, &kube::Error::Api(status)),
        other => Failure::error(format!("cannot {doing}: {other}")),
    }
}

/// An object that was not seen in this version yet.
fn fresh<K: DeserializeOwned>(
    known: &mut BTreeMap<(String, String), String>,
    object: &DynamicObject,
) -> Option<Seen<K>> {
    let loaded = Loaded::new(object);
    let key = (loaded.namespace.clone(), loaded.name.clone());
    let before = known.insert(key, loaded.version.clone());
    (before.as_ref() != Some(&loaded.version)).then(|| Seen::Now(Box::new(loaded)))
}

/// Waits until one object is as wanted.
///
/// # Errors
/// Where it vanishes, cannot be watched, or the time is over.
pub async fn until<K>(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    limit: Duration,
    mut done: impl FnMut(&Loaded<K>) -> bool,
) -> Outcomes<Loaded<K>>
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let place = Cluster { namespace: namespace.to_owned(), all: false, ..cluster.clone() };
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut present = false;
    let waited = follow::<K, Outcomes<Loaded<K>>>(&place, config, |seen| {
        Ok(match seen {
            Seen::Now(object) if object.name == name => {
                present = true;
                if done(&object) { ControlFlow::Break(Ok(*object)) } else { ControlFlow::Continue(()) }
            }
            Seen::Gone(object) if object.name == name => {
                ControlFlow::Break(Err(Failure::not_found(format!("{name:?} was deleted while it was waited for"))))
            }
            Seen::Listed if !present => ControlFlow::Break(Err(Failure::not_found(format!("{name:?} does not exist")))),
            Seen::Now(_) | Seen::Gone(_) | Seen::Listed => ControlFlow::Continue(()),
        })
    });
    match tokio::time::timeout(limit, waited).await {
        Ok(result) => result?,
        Err(_) => Err(Failure {
            exit: crate::exit::Exit::Pending,
            ..Failure::error(format!("{name:?} has not come to its end after {}s", limit.as_secs()))
        }
        .next(format!("look at it: bailiwick show {name} -n {namespace}"))),
    }
}
