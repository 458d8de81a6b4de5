//! The product's way in: bytes of lists and watches, read as the operator reads them, into the index.
//!
//! Owns no figure. Must never read anything by another way than the product does. No IO.

use crate::typed::Pages;
use anyhow::{Context as _, Result, anyhow};
use bailiwick_api::shape::{Shape, Swift, kinds};
use bailiwick_core::index::{Index, Observed, Touched};
use bailiwick_core::object::Kind;
use kube::core::{ObjectList, WatchEvent};

type Seen<K> = bailiwick_api::shape::Seen<K, Swift>;
type Reader = fn(&str) -> Result<Vec<Observed>>;

/// Kinds that the fixture has objects of, each with its reader.
const READERS: [(Kind, Reader); 12] = [
    (Kind::Pod, page::<kinds::Pod>),
    (Kind::Deployment, page::<kinds::Deployment>),
    (Kind::ReplicaSet, page::<kinds::ReplicaSet>),
    (Kind::StatefulSet, page::<kinds::StatefulSet>),
    (Kind::DaemonSet, page::<kinds::DaemonSet>),
    (Kind::Job, page::<kinds::Job>),
    (Kind::Service, page::<kinds::Service>),
    (Kind::EndpointSlice, page::<kinds::EndpointSlice>),
    (Kind::Event, page::<kinds::Event>),
    (Kind::Node, page::<kinds::Node>),
    (Kind::Namespace, page::<kinds::Namespace>),
    (Kind::ConfigMap, page::<kinds::ConfigMap>),
];

fn page<K: Shape>(text: &str) -> Result<Vec<Observed>> {
    let list: ObjectList<Seen<K>> =
        serde_json::from_str(text).with_context(|| format!("read a list of {}", K::KIND))?;
    list.items.into_iter().map(observed).collect()
}

fn observed<K: Shape>(seen: Seen<K>) -> Result<Observed> {
    let name = seen.name();
    seen.object.map(K::observed).map_err(|why| anyhow!("{} {name}: {why}", K::KIND))
}

/// Reads every list into an index.
pub(crate) fn read(pages: &Pages) -> Result<Index> {
    let mut index = Index::new();
    for (kind, texts) in &pages.0 {
        let reader = READERS.iter().find(|(of, _)| of == kind).map(|(_, reader)| reader);
        let reader = reader.with_context(|| format!("no reader of {kind}"))?;
        for text in texts {
            reader(text)?.into_iter().for_each(|object| drop(index.apply(object)));
        }
    }
    Ok(index)
}

/// One pod from a line of a watch, into the index.
pub(crate) fn watch_pod(index: &mut Index, line: &str) -> Result<Touched> {
    let event: WatchEvent<Seen<kinds::Pod>> = serde_json::from_str(line).context("read a line of a watch")?;
    let (WatchEvent::Added(seen) | WatchEvent::Modified(seen)) = event else {
        return Err(anyhow!("the line is not about a pod that is there"));
    };
    Ok(index.apply(observed(seen)?))
}
