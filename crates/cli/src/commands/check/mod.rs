//! `bailiwick check`: can this cluster run Bailiwick, and does what is installed hold?
//!
//! Owns the order of parts. Must never pass over what it could not look at. Reads from the API
//! server, and asks it dry runs that must be refused.

mod parts;
pub mod people;
pub mod server;
mod work;

pub use parts::is_established;
pub use work::{led, running, signing_key};

use super::Session;
use crate::args::Global;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::installed;
use crate::out::Format;
use crate::render::check::{self, FOUNDATION, Item, State, sign};
use crate::when;
use bailiwick_api::manifests::Territory;
use serde_json::json;
use std::time::{Duration, Instant};

/// Between two looks of `--wait`.
const PAUSE: Duration = Duration::from_secs(2);

/// Check a cluster.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go on until nothing is wrong
    #[arg(long)]
    wait: bool,
    /// Also prove the policies that speak only to one-shot accounts and the operator, by dry runs as
    /// them; this takes the right to impersonate, and stands in the audit log
    #[arg(long)]
    prove: bool,
    /// Longest wait
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = when::parse)]
    timeout: Duration,
}

/// Runs the command.
///
/// # Errors
/// Where the server cannot be reached.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let cluster = session.connect().await?;
    let begun = Instant::now();
    let mut told = String::new();
    loop {
        let items = look(&cluster, (session.out.format == Format::Wide, args.prove.then_some(&session.global))).await?;
        let exit = check::exit(&items);
        if exit == Exit::Ok || !args.wait || begun.elapsed() >= args.timeout {
            print(session, &items)?;
            return Ok(exit);
        }
        if let Some(bad) = items.iter().find(|i| i.state == State::Bad) {
            let now = format!("{}: {}", bad.part, bad.seen);
            if now != told {
                session.out.progress('►', &now);
                told = now;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn print(session: &Session, items: &[Item]) -> Outcomes<()> {
    if session.out.is_for_people() {
        return session.out.text(&check::page(items, &session.out.look));
    }
    let sound = items.iter().all(|i| i.state != State::Bad);
    let items = serde_json::to_value(items).map_err(|e| Failure::error(e.to_string()))?;
    session.out.value(&json!({"sound": sound, "items": items}))
}

/// Looks at every part. `wide` names the role by which each person may; with `acting`, the flags
/// of the run, policies are also proved as the accounts they speak to.
///
/// # Errors
/// Where the server cannot be reached.
pub async fn look(cluster: &Cluster, (wide, acting): (bool, Option<&Global>)) -> Outcomes<Vec<Item>> {
    let mut items = server::look(cluster).await?;
    if items.iter().any(|i| i.state == State::Bad && FOUNDATION.contains(&i.part)) {
        return Ok(items);
    }
    let operator = installed::operator(cluster).await;
    let territory = match &operator {
        Ok(Some(found)) => installed::territory_of(found),
        Ok(None) | Err(_) => None,
    };
    items.push(drawn(&operator, territory.as_ref()));
    items.extend(parts::look(cluster, &territory.unwrap_or_default(), acting).await);
    let is_there = !matches!(operator, Ok(None));
    items.extend(work::look(cluster, operator).await);
    if is_there {
        items.push(super::status::switch(cluster).await);
    }
    items.extend(people::look(cluster, wide).await);
    Ok(items)
}

fn drawn<T>(operator: &Outcomes<Option<T>>, territory: Option<&Territory>) -> Item {
    match (operator, territory) {
        (Ok(Some(_)), Some(t)) => {
            Item::new("territory", State::Good, format!("namespaces labelled {}={}", t.key(), t.value()))
        }
        (Ok(Some(_)), None) => {
            Item::new("territory", State::Bad, "the operator's Deployment names none").next("bailiwick install")
        }
        (Ok(None), _) => {
            Item::new("territory", State::Bad, "Bailiwick is not installed in this cluster").next("bailiwick install")
        }
        (Err(failure), _) => Item::new("territory", State::Unproved, failure.what.clone()),
    }
}

/// One line for several objects of a kind of part.
fn summed(part: &'static str, (whole, lasting): (usize, usize), bad: Vec<String>, unread: &[String]) -> Vec<Item> {
    let mut items = Vec::new();
    if bad.is_empty() && unread.is_empty() {
        items.push(Item::new(part, State::Good, format!("{whole} present, equal to the compiled-in ones")));
    }
    let absent = bad.iter().filter(|b| b.ends_with("is absent")).count();
    // What an earlier uninstallation leaves behind is no part of an installation by itself.
    if absent > 0 && absent >= whole - lasting {
        items.push(
            Item::new(part, State::Bad, format!("none of {} is there", whole - lasting)).next("bailiwick install"),
        );
    } else {
        items.extend(
            bad.into_iter().map(|text| Item::new(part, State::Bad, text).next("bailiwick install puts it back")),
        );
    }
    if let Some(first) = unread.first() {
        let text = format!("{} of {whole} cannot be read; the first: {first}", unread.len());
        items.push(
            Item::new(part, State::Unproved, text)
                .next("look as somebody who may read them, such as a cluster administrator: --as, --context"),
        );
    }
    items
}

/// The sign of an item, for commands that show progress.
pub fn mark(item: &Item) -> char {
    sign(item.state).0.chars().next().unwrap_or(' ')
}
