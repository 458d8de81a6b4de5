//! `bailiwick diff`: the exact patch of a change and its digest.
//!
//! Owns the exit code that `kubectl diff` has. Must never print a plan as confirmed that was not.
//! Reads from the API server.

use super::Session;
use crate::exit::{Exit, Failure, Outcomes};
use crate::objects::find_change;
use crate::out::Format;
use crate::render::plan;

/// Print the exact patch of a change and its digest.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The change
    #[arg(value_name = "CHANGE", add = crate::complete::changes())]
    change: String,
}

/// Runs the command.
///
/// # Errors
/// Where there is no such change or it has no plan.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let cluster = session.connect().await?;
    let found = find_change(&cluster, &args.change).await?;
    let change = found.typed.map_err(|e| Failure::error(format!("change {:?} cannot be read: {e}", found.name)))?;
    let record = change.status.unwrap_or_default();
    let Some(made) = &record.plan else {
        let why = record.reason.map(|r| format!(": {}", r.message)).unwrap_or_default();
        return Err(Failure::error(format!("change {:?} has no plan; it is {}{why}", found.name, record.phase)));
    };
    if session.out.is_for_people() {
        session.out.text(&plan::page(made, &session.out.look))?;
    } else {
        session.out.value(&plan::value(made))?;
    }
    Ok(if plan::diff(made).is_empty() { Exit::Ok } else { Exit::Finding })
}
