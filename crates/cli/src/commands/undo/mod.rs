//! `bailiwick undo`: the way back of a change, proposed as a change of its own.
//!
//! Owns reading what the way back is computed from. Must never write to the target: it proposes.
//! Reads from and creates a Change at the API server.

mod flat;
mod inverse;

use super::Session;
use super::propose::create::{self, How};
use crate::exit::{Failure, Outcomes};
use crate::objects::{find_change, get_value, history, who_am_i};
use bailiwick_api::{ChangeSpec, ExactRef, Why};
use bailiwick_core::names::{ObjectName, Uid};
use inverse::Given;

/// Propose the way back of a change that was applied.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The change
    #[arg(value_name = "CHANGE", add = crate::complete::changes())]
    change: String,
    /// Why, for the record
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// Runs the command.
///
/// # Errors
/// Where there is no way back, or the change cannot be proposed.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    let cluster = session.connect().await?;
    let found = find_change(&cluster, &args.change).await?;
    let change = found.typed.map_err(|e| Failure::error(format!("change {:?} cannot be read: {e}", found.name)))?;
    let plan = inverse::applied(change.status.as_ref())?;
    let name = ObjectName::parse(found.name.as_str()).map_err(|e| Failure::error(e.to_string()))?;
    let uid = Uid::parse(change.metadata.uid.clone().unwrap_or_default()).map_err(|e| Failure::error(e.to_string()))?;
    let target = &plan.target;
    let live = get_value(&cluster, target.kind, target.namespace_str(), target.name.as_str()).await?;
    let revisions = match &live {
        Some(live) => history::revisions(&cluster, live, target.namespace_str()).await?,
        None => Vec::new(),
    };
    let given =
        Given { change: (&name, &uid), action: &change.spec.action, plan, live: live.as_ref(), revisions: &revisions };
    let (action, target) = inverse::inverse(&given)?;
    let me = who_am_i(&cluster).await?;
    let text = if args.reason.is_empty() { format!("undo change {name}") } else { args.reason.clone() };
    let mut spec = ChangeSpec::new(me.user, action, target, Why { text, evidence: Vec::new() });
    spec.incident_ref = change.spec.incident_ref.clone();
    spec.undoes = Some(ExactRef { name: name.clone(), uid });
    create::run(session, &cluster, (&found.namespace, &format!("undo-{name}")), spec, &args.how).await
}
