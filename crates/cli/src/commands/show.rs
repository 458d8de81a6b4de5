//! `bailiwick show`: the whole story of a change or an incident.
//!
//! Owns what is read for it. Must never fail for what lies beside the story. Reads from the API
//! server.

use super::Session;
use super::propose::create;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::objects::{Loaded, Story, find_story};
use crate::out::{self, Format};
use crate::render::{change, incident};
use crate::when;
use bailiwick_api::{Change, Incident};
use kube::api::DynamicObject;
use std::time::Duration;

/// Tell the whole story of a change or an incident.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The change or incident
    #[arg(value_name = "NAME", add = crate::complete::stories())]
    name: String,
    /// For a change: wait until it has ended
    #[arg(short, long)]
    watch: bool,
    /// Longest wait
    #[arg(long, value_name = "DURATION", default_value = "20m", value_parser = when::parse)]
    timeout: Duration,
}

/// Runs the command.
///
/// # Errors
/// Where there is nothing of that name.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    let cluster = session.connect().await?;
    let story = find_story(&cluster, &args.name).await?;
    if let (Story::Change(found), true) = (&story, args.watch) {
        let at = (found.namespace.as_str(), found.name.as_str());
        return create::wait(session, &cluster, at, args.timeout, &|_| false).await;
    }
    match session.out.format {
        Format::Json | Format::Yaml => {
            let raw = match story {
                Story::Change(found) => found.raw,
                Story::Incident(found) => found.raw,
            };
            session.out.value(&out::shown(raw))?;
        }
        Format::Name => {
            let name = match &story {
                Story::Change(found) => format!("change.bailiwick.dev/{}\n", found.name),
                Story::Incident(found) => format!("incident.bailiwick.dev/{}\n", found.name),
            };
            session.out.text(&name)?;
        }
        Format::Table | Format::Wide => {
            let text = match &story {
                Story::Change(found) => change_page(session, &cluster, found).await?,
                Story::Incident(found) => incident_page(session, &cluster, found).await?,
            };
            session.out.text(&text)?;
        }
    }
    Ok(Exit::Ok)
}

fn unreadable(kind: &str, name: &str, why: &str) -> Failure {
    Failure::error(format!("{kind} {name:?} cannot be read: {why}")).next("see it as it is stored: add -o yaml")
}

async fn beside<K>(cluster: &Cluster, namespace: &str, name: &str) -> Option<Loaded<K>>
where
    K: kube::Resource + serde::de::DeserializeOwned,
    K::DynamicType: Default,
{
    let place = Cluster { namespace: namespace.to_owned(), all: false, ..cluster.clone() };
    let api: kube::Api<DynamicObject> = place.dynamic(&crate::objects::served::<K>(), false);
    api.get_opt(name).await.ok().flatten().as_ref().map(Loaded::new)
}

async fn change_page(session: &Session, cluster: &Cluster, found: &Loaded<Change>) -> Outcomes<String> {
    let typed = found.typed.as_ref().map_err(|e| unreadable("change", &found.name, e))?;
    let named = typed.spec.incident_ref.as_ref();
    let incident = match named {
        Some(named) => beside::<Incident>(cluster, &found.namespace, named.name.as_str()).await,
        None => None,
    };
    // An incident of the same name with another uid is another incident.
    let same = |i: &Incident| {
        named.and_then(|n| n.uid.as_ref()).is_none_or(|uid| i.metadata.uid.as_deref() == Some(uid.as_str()))
    };
    let incident = incident.and_then(|i| i.typed.ok()).filter(same);
    let told = change::Told { change: typed, incident: incident.as_ref(), called: session.called.name() };
    Ok(change::page(&told, &session.out.look))
}

async fn incident_page(session: &Session, cluster: &Cluster, found: &Loaded<Incident>) -> Outcomes<String> {
    let typed = found.typed.as_ref().map_err(|e| unreadable("incident", &found.name, e))?;
    let mut changes = Vec::new();
    for name in typed.status.iter().flat_map(|s| &s.changes) {
        changes.extend(beside::<Change>(cluster, &found.namespace, name.as_str()).await);
    }
    Ok(incident::page(typed, &changes, session.called.name(), &session.out.look))
}
