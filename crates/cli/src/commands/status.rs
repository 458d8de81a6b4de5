//! `bailiwick status`: how it is doing, on one page.
//!
//! Owns what is summed up. Must never show a part as fine that could not be read. Reads from the
//! API server.

use super::Session;
use super::check::{led, running, signing_key};
use super::suspend::{self, BY, REASON};
use super::uninstall::live_grants;
use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use crate::installed;
use crate::objects::{self, Loaded};
use crate::out::Format;
use crate::render::check::{self, Item, State};
use crate::when;
use bailiwick_api::manifests::OPERATOR;
use bailiwick_api::{Change, Incident, Mandate, Receipt};
use bailiwick_core::fence::{SUSPEND_REVISION, SYSTEM_NAMESPACE};
use bailiwick_core::life::Phase;
use k8s_openapi::api::coordination::v1::Lease;
use serde_json::json;
use std::collections::BTreeMap;

/// Show how Bailiwick is doing.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// Where the server cannot be reached, or nothing is installed.
pub async fn run(session: &Session, _: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let cluster = Cluster { all: true, ..session.connect().await? };
    let mut items = vec![operator(&cluster).await?];
    items.push(leader(&cluster).await);
    items.push(switch(&cluster).await);
    items.push(counted("grants", live_grants(&cluster).await.map(|n| format!("{n} live"))));
    items.push(counted("incidents", incidents(&cluster).await));
    items.push(counted("changes", changes(&cluster).await));
    items.extend(mandates(&cluster).await);
    items.push(counted("last receipt", receipt(&cluster).await));
    items.push(signing_key(&cluster).await);
    if session.out.is_for_people() {
        session.out.text(&check::page(&items, &session.out.look))?;
    } else {
        let public = installed::public_key(&cluster).await.ok().flatten().map(|k| k.to_pem());
        let value = serde_json::to_value(&items).map_err(|e| Failure::error(e.to_string()))?;
        session.out.value(&json!({"items": value, "publicKey": public}))?;
    }
    Ok(check::exit(&items))
}

fn counted(part: &'static str, found: Outcomes<String>) -> Item {
    match found {
        Ok(text) => Item::new(part, State::Note, text),
        Err(failure) => Item::new(part, State::Unproved, failure.what),
    }
}

async fn operator(cluster: &Cluster) -> Outcomes<Item> {
    match installed::operator(cluster).await {
        Ok(Some(found)) => {
            let item = running(&found);
            let words = installed::territory_of(&found).map(|t| format!("; territory {}={}", t.key(), t.value()));
            Ok(Item { seen: format!("{}{}", item.seen, words.unwrap_or_default()), ..item })
        }
        Ok(None) => Err(crate::fault::not_installed()),
        Err(failure) if failure.what.starts_with("not permitted") => {
            Ok(Item::new("operator", State::Unproved, failure.what))
        }
        Err(failure) => Err(failure),
    }
}

async fn leader(cluster: &Cluster) -> Item {
    match cluster.within::<Lease>(SYSTEM_NAMESPACE).get_opt(OPERATOR).await {
        Ok(found) => led(found.as_ref(), when::now()),
        Err(error) => Item::new("leader", State::Unproved, cluster.fault("read the operator's lease", &error).what),
    }
}

/// Whether the kill switch is thrown.
pub async fn switch(cluster: &Cluster) -> Item {
    match suspend::fence(cluster).get_opt(SUSPEND_REVISION).await {
        Ok(None) => Item::new("suspended", State::Good, "no"),
        Ok(Some(found)) => {
            let annotations = found.metadata.annotations.unwrap_or_default();
            let of = |key: &str| annotations.get(key).filter(|v| !v.is_empty());
            let by = of(BY).map(|by| format!(" by {by}")).unwrap_or_default();
            let why = of(REASON).map(|why| format!(": {why:?}")).unwrap_or_default();
            let since = when::age(found.metadata.creation_timestamp.map(|t| t.0), when::now());
            Item::new("suspended", State::Bad, format!("for {since}{by}{why}; nothing is executed"))
                .next("bailiwick resume")
        }
        Err(error) => Item::new("suspended", State::Unproved, cluster.fault("read the fence", &error).what),
    }
}

fn tally<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

async fn incidents(cluster: &Cluster) -> Outcomes<String> {
    let all = objects::list::<Incident>(cluster, None).await?;
    Ok(tally(
        all.iter()
            .map(|i| i.typed.as_ref().map_or("unreadable", |i| i.status.as_ref().map_or("Open", |s| s.phase.as_str()))),
    ))
}

async fn changes(cluster: &Cluster) -> Outcomes<String> {
    let all = objects::list::<Change>(cluster, None).await?;
    let phase =
        |c: &Loaded<Change>| c.typed.as_ref().ok().map(|c| c.status.as_ref().map_or(Phase::Proposed, |r| r.phase));
    Ok(tally(all.iter().map(|c| phase(c).map_or("unreadable", Phase::as_str))))
}

/// What the operator itself says of the parts that mandates rely on.
async fn mandates(cluster: &Cluster) -> Vec<Item> {
    let all = match objects::list::<Mandate>(cluster, None).await {
        Ok(all) => all,
        Err(failure) => return vec![Item::new("mandates", State::Unproved, failure.what)],
    };
    if all.is_empty() {
        return vec![Item::new("mandates", State::Note, "none: every change waits for a human")];
    }
    let mut items = Vec::new();
    for loaded in all {
        let mandate = match &loaded.typed {
            Ok(mandate) if loaded.namespace == SYSTEM_NAMESPACE => mandate,
            Ok(_) => {
                items.push(Item::new(
                    "mandate",
                    State::Note,
                    format!("{}/{} is not in {SYSTEM_NAMESPACE} and so not in force", loaded.namespace, loaded.name),
                ));
                continue;
            }
            Err(why) => {
                items.push(Item::new(
                    "mandate",
                    State::Bad,
                    format!("{} cannot be read, so nothing is pre-approved: {why}", loaded.name),
                ));
                continue;
            }
        };
        let conditions: Vec<_> = mandate.status.iter().flat_map(|s| &s.conditions).collect();
        let state = match conditions.iter().find(|c| c.status != "True") {
            None if conditions.is_empty() => State::Unproved,
            None => State::Good,
            Some(c) if c.status == "False" => State::Bad,
            Some(_) => State::Unproved,
        };
        let words: Vec<String> =
            conditions.iter().map(|c| format!("{}={} ({})", c.kind, c.status, c.message)).collect();
        let words =
            if words.is_empty() { "the operator has not looked at it yet".to_owned() } else { words.join(", ") };
        items.push(Item::new("mandate", state, format!("{}: {words}", loaded.name)));
    }
    items
}

async fn receipt(cluster: &Cluster) -> Outcomes<String> {
    let all = objects::list::<Receipt>(cluster, None).await?;
    Ok(match all.last() {
        None => "none".to_owned(),
        Some(last) => {
            let created =
                last.raw.pointer("/metadata/creationTimestamp").and_then(|v| v.as_str()).and_then(|t| t.parse().ok());
            format!("{} ({} ago)", last.name, when::age(created, when::now()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_by_word() {
        assert_eq!(tally(["Open", "Resolved", "Open"].into_iter()), "2 Open, 1 Resolved");
        assert_eq!(tally(std::iter::empty()), "none");
    }
}
