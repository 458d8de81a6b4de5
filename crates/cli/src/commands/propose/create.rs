//! Creating a Change, and waiting for what becomes of it.
//!
//! Owns the question before it, its name, and what is said after it. Must never create one that
//! was not shown. Creates a Change at the API server.

use crate::cluster::Cluster;
use crate::commands::Session;
use crate::exit::{Exit, Failure, Outcomes};
use crate::objects::until;
use crate::out::Format;
use crate::render::{action, change};
use crate::sheet::Sheet;
use crate::style::Role;
use crate::{out, when};
use bailiwick_api::{Change, ChangeSpec};
use bailiwick_core::canonical::sha256_hex;
use bailiwick_core::life::{Phase, Record};
use clap::ValueEnum;
use kube::api::PostParams;
use std::time::Duration;

/// Whether something is created for real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DryRun {
    /// It is created.
    #[default]
    None,
    /// The API server checks it and forgets it.
    Server,
}

/// How to create.
#[derive(Debug, Clone, clap::Args)]
pub struct How {
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Let the API server check it without keeping it
    #[arg(long, value_name = "MODE", value_enum, default_value_t, num_args = 0..=1, default_missing_value = "server", require_equals = true, hide_default_value = true)]
    pub dry_run: DryRun,
    /// Wait until it has ended, or needs a decision
    #[arg(long)]
    pub wait: bool,
    /// Longest wait
    #[arg(long, value_name = "DURATION", default_value = "20m", value_parser = when::parse)]
    pub timeout: Duration,
}

impl How {
    /// How the API server is asked.
    pub fn post(&self) -> PostParams {
        PostParams { dry_run: self.dry_run == DryRun::Server, field_manager: Some("bailiwick".to_owned()) }
    }
}

/// A name for a change: readable head, and a tail that differs from one proposal to the next.
pub fn name_for(base: &str, spec: &ChangeSpec, salt: i128) -> String {
    let text = format!("{salt}|{}|{}", spec.proposer, serde_json::to_string(&spec.action).unwrap_or_default());
    let tail: String = sha256_hex(text.as_bytes()).chars().take(6).collect();
    let head: String = base.chars().take(50).collect();
    format!("{}-{tail}", head.trim_end_matches(['-', '.']))
}

/// Shows, asks, creates, and waits if that is wanted.
///
/// # Errors
/// Where the API server refuses it, or nobody can answer.
pub async fn run(
    session: &Session,
    cluster: &Cluster,
    (namespace, base): (&str, &str),
    spec: ChangeSpec,
    how: &How,
) -> Outcomes {
    let dry = how.dry_run == DryRun::Server;
    if !dry && !how.yes {
        asked_for_people(session)?;
        summary(session, cluster, &spec)?;
        if !session.out.confirm("Propose this change?", "--yes")? {
            return Err(Failure::error("nothing was proposed"));
        }
    }
    let name = name_for(base, &spec, session.out.look.now.as_nanosecond());
    let mut wanted = Change::new(&name, spec);
    wanted.metadata.namespace = Some(namespace.to_owned());
    let created = cluster.within::<Change>(namespace).create(&how.post(), &wanted).await;
    let created =
        created.map_err(|e| cluster.fault(&format!("create changes.bailiwick.dev in namespace {namespace}"), &e))?;
    report(session, &created, &name, dry)?;
    if dry || !how.wait {
        return Ok(Exit::Ok);
    }
    wait(session, cluster, (namespace, &name), how.timeout, &|record| record.phase == Phase::AwaitingApproval).await
}

/// A question on a page that a program reads would be lost.
///
/// # Errors
/// Where the format is for programs.
pub fn asked_for_people(session: &Session) -> Outcomes<()> {
    if session.out.is_for_people() {
        return Ok(());
    }
    Err(Failure::error("nobody is asked in this format")
        .next("add --yes if you have read what is to be done, or leave -o out"))
}

fn summary(session: &Session, cluster: &Cluster, spec: &ChangeSpec) -> Outcomes<()> {
    let mut sheet = Sheet::new(session.out.look);
    sheet.field("Cluster", &cluster.place.words());
    sheet.field("Type", spec.change_type.as_str());
    sheet.field("Target", &spec.target.to_string());
    sheet.field("What", &action::sentence(&spec.action));
    for (name, value, origin) in action::parameters(&spec.action) {
        sheet.field("Value", &format!("{name} = {value}, {origin}"));
    }
    session.out.text(&sheet.finish())
}

fn report(session: &Session, created: &Change, name: &str, dry: bool) -> Outcomes<()> {
    let mark = if dry { " (server dry run)" } else { "" };
    match session.out.format {
        Format::Json | Format::Yaml => {
            let value = serde_json::to_value(created).map_err(|e| Failure::error(e.to_string()))?;
            session.out.value(&out::shown(value))
        }
        Format::Name => session.out.text(&format!("change.bailiwick.dev/{name}\n")),
        Format::Table | Format::Wide => {
            let namespace = created.metadata.namespace.as_deref().unwrap_or_default();
            session.out.text(&format!("change.bailiwick.dev/{name} proposed{mark}\n"))?;
            if !dry {
                session.out.note(
                    Role::Dim,
                    &format!("what becomes of it: {}", session.typed(&format!("show {name} -n {namespace} -w"))),
                );
            }
            Ok(())
        }
    }
}

/// Waits until a change has ended, or `enough` says so, and shows it.
///
/// # Errors
/// Where it vanishes or the time is over.
pub async fn wait(
    session: &Session,
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    limit: Duration,
    enough: &dyn Fn(&Record) -> bool,
) -> Outcomes {
    let mut told = None;
    let ended = until::<Change>(cluster, (namespace, name), limit, |object| {
        let Some(record) = object.typed.as_ref().ok().and_then(|c| c.status.as_ref()) else { return false };
        if told != Some(record.phase) && session.out.is_for_people() {
            told = Some(record.phase);
            let why = record.reason.as_ref().map(|r| format!(": {}", r.message)).unwrap_or_default();
            session.out.progress(sign(record.phase), &format!("{}{why}", record.phase));
        }
        record.phase.is_terminal() || enough(record)
    })
    .await?;
    let typed = ended.typed.map_err(|e| Failure::error(format!("change {name:?} cannot be read: {e}")))?;
    if session.out.is_for_people() {
        let told = change::Told { change: &typed, incident: None, called: session.called.name() };
        session.out.text(&change::page(&told, &session.out.look))?;
    }
    Ok(Exit::of_phase(typed.status.map(|r| r.phase).unwrap_or_default()))
}

/// The sign of a phase in progress lines.
pub const fn sign(phase: Phase) -> char {
    match phase {
        Phase::Recovered => '✔',
        Phase::Refused | Phase::Rejected | Phase::Failed => '✗',
        Phase::AwaitingApproval | Phase::RolledBack | Phase::RollingBack | Phase::Expired | Phase::Cancelled => '!',
        Phase::Proposed
        | Phase::Planned
        | Phase::PreApproved
        | Phase::Approved
        | Phase::Granting
        | Phase::Executing
        | Phase::Verifying => '►',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;
    use bailiwick_core::names::ObjectName;

    #[test]
    fn names_are_readable_valid_and_differ_from_one_proposal_to_the_next() {
        let spec = fixtures::recovered().typed.unwrap().spec;
        let first = name_for(&"x".repeat(80), &spec, 1);
        let second = name_for("web-setimage", &spec, 2);
        assert!(ObjectName::parse(first.as_str()).is_ok() && first.len() < 63);
        assert!(second.starts_with("web-setimage-"));
        assert_ne!(name_for("a", &spec, 1), name_for("a", &spec, 2));
        assert_eq!(name_for("a", &spec, 1), name_for("a", &spec, 1));
    }
}
