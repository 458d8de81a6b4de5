//! One change or incident by its name.
//!
//! Owns what a name may mean, and the suggestion where nothing has it. Must never pick one of
//! several by itself. Reads from the API server.

use super::{Loaded, list, served};
use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use crate::suggest;
use bailiwick_api::{Change, Incident};
use kube::Resource;
use serde::de::DeserializeOwned;

/// What a name was found to mean.
#[derive(Debug, Clone)]
pub enum Story {
    /// A change.
    Change(Box<Loaded<Change>>),
    /// An incident.
    Incident(Box<Loaded<Incident>>),
}

/// Finds a change by name, or by `change/NAME`.
///
/// # Errors
/// Where there is none, or several in different namespaces.
pub async fn find_change(cluster: &Cluster, name: &str) -> Outcomes<Loaded<Change>> {
    let (kind, bare) = split(name);
    if kind.is_some_and(|k| !CHANGE.contains(&k)) {
        return Err(Failure::error(format!("{name:?} does not name a change")));
    }
    match one::<Change>(cluster, bare).await? {
        Some(found) => Ok(found),
        None => Err(nothing::<Change>(cluster, bare).await),
    }
}

/// Finds a change or an incident by name; a change wins where both have it.
///
/// # Errors
/// Where there is none, or several in different namespaces.
pub async fn find_story(cluster: &Cluster, name: &str) -> Outcomes<Story> {
    let (kind, bare) = split(name);
    let wanted = |names: &[&str]| kind.is_none_or(|k| names.contains(&k));
    if !wanted(CHANGE) && !wanted(INCIDENT) {
        return Err(Failure::error(format!("{:?} is neither a change nor an incident", kind.unwrap_or_default()))
            .next("write change/NAME or incident/NAME"));
    }
    if wanted(CHANGE)
        && let Some(change) = one(cluster, bare).await?
    {
        return Ok(Story::Change(Box::new(change)));
    }
    if wanted(INCIDENT) {
        if let Some(incident) = one(cluster, bare).await? {
            return Ok(Story::Incident(Box::new(incident)));
        }
        let failure = nothing::<Incident>(cluster, bare).await;
        return Err(if wanted(CHANGE) { either(cluster, bare, failure).await } else { failure });
    }
    Err(nothing::<Change>(cluster, bare).await)
}

const CHANGE: &[&str] = &["change", "changes", "chg", "change.bailiwick.dev", "changes.bailiwick.dev"];
const INCIDENT: &[&str] = &["incident", "incidents", "inc", "incident.bailiwick.dev", "incidents.bailiwick.dev"];

fn split(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((kind, bare)) => (Some(kind), bare),
        None => (None, name),
    }
}

async fn one<K>(cluster: &Cluster, name: &str) -> Outcomes<Option<Loaded<K>>>
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let resource = served::<K>();
    let doing = format!("read {} {name}", resource.plural);
    if !cluster.all {
        let found = cluster.dynamic(&resource, false).get_opt(name).await;
        return match found {
            Ok(found) => Ok(found.as_ref().map(Loaded::new)),
            Err(error) => Err(cluster.fault(&doing, &error)),
        };
    }
    let mut found = list::<K>(cluster, None).await?;
    found.retain(|object| object.name == name);
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => {
            let places: Vec<&str> = found.iter().map(|o| o.namespace.as_str()).collect();
            Err(Failure::error(format!("several namespaces have {name:?}: {}", places.join(", ")))
                .next("say which with -n"))
        }
    }
}

/// Neither a change nor an incident has that name; what is like it may be of either kind.
async fn either(cluster: &Cluster, name: &str, of_incidents: Failure) -> Failure {
    if of_incidents == crate::fault::not_installed() {
        return of_incidents;
    }
    let of_changes = nothing::<Change>(cluster, name).await;
    let is_hint = |f: &Failure| f.next.as_ref().is_some_and(|n| !n.starts_with("list them"));
    let next = [of_changes, of_incidents].into_iter().find(is_hint).and_then(|f| f.next);
    Failure::not_found(format!("there is no change or incident {name:?} in {}", cluster.where_words()))
        .next(next.unwrap_or_else(|| "list them: bailiwick changes -A, bailiwick incidents -A".to_owned()))
}

/// Nothing has that name: where else it may be, or what was probably meant.
/// It is for whoever looked in vain; it reads once more.
pub async fn nothing<K>(cluster: &Cluster, name: &str) -> Failure
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let resource = served::<K>();
    let kind = resource.kind.to_lowercase();
    let failure = Failure::not_found(format!("there is no {kind} {name:?} in {}", cluster.where_words()));
    let everywhere = Cluster { all: true, ..cluster.clone() };
    let (here, all) = match list::<K>(&everywhere, None).await {
        Ok(all) => (all.iter().filter(|o| o.namespace == cluster.namespace).map(|o| o.name.clone()).collect(), all),
        Err(missing) if missing == crate::fault::not_installed() => return missing,
        Err(_) => match list::<K>(cluster, None).await {
            Ok(here) => (here.into_iter().map(|o| o.name).collect::<Vec<_>>(), Vec::new()),
            Err(_) => return failure,
        },
    };
    if let Some(other) = all.iter().find(|o| o.name == name) {
        return failure.next(format!("namespace {} has one: add -n {}", other.namespace, other.namespace));
    }
    let names: Vec<String> = all.into_iter().map(|o| o.name).collect();
    let like = suggest::among(name, &here).or_else(|| suggest::among(name, &names));
    failure.next(like.unwrap_or_else(|| format!("list them: bailiwick {} -A", resource.plural)))
}
