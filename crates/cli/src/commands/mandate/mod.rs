//! `bailiwick mandate`: what may be done, by whom, and why.
//!
//! Owns asking the core with what the cluster says. Must never decide itself. Reads from the API
//! server.

mod facts;

use super::Session;
use super::propose::{self, action::Values};
use crate::args::{Target, help, parse_target};
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::installed;
use crate::objects::{self, Loaded, get_value, namespace_labels};
use crate::out::{self, Format};
use crate::render::explain;
use crate::style::Role;
use crate::table::{Cell, Table, cut, whole};
use crate::{suggest, when};
use bailiwick_api::manifests::OPERATOR_USER;
use bailiwick_api::{Mandate, parse};
use bailiwick_core::action::ChangeType;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::mandate::{Question, explain as ask};
use bailiwick_core::names::{Namespace, Uid};
use bailiwick_core::object::ObjectRef;
use bailiwick_core::plan::Proposal;
use bailiwick_core::plan::bounds::Facts;
use bailiwick_core::plan::object::{labels, text_at};
use serde_json::Value;

/// Ask what may be done.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the mandates
    #[command(after_help = help::MANDATES)]
    List,
    /// Say what would happen to a proposal, step by step
    #[command(after_help = help::EXPLAIN)]
    Explain(Args),
}

/// A proposal that nobody makes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who proposes; `operator` is Bailiwick's own
    #[arg(value_name = "WHO")]
    who: String,
    /// The change's type
    #[arg(value_name = "TYPE", value_parser = suggest::change_type, add = crate::complete::change_types())]
    change_type: ChangeType,
    /// The object to change
    #[arg(value_name = "KIND/NAME", value_parser = parse_target)]
    target: Target,
    /// A value, as `propose` takes it; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Where the cluster cannot be asked.
pub async fn run(session: &Session, command: Command) -> Outcomes {
    match command {
        Command::List => list(session).await,
        Command::Explain(args) => explained(session, &args).await,
    }
}

async fn mandates(cluster: &Cluster) -> Outcomes<Vec<Loaded<Mandate>>> {
    let system = Cluster { namespace: SYSTEM_NAMESPACE.to_owned(), all: false, ..cluster.clone() };
    objects::list::<Mandate>(&system, None).await
}

async fn list(session: &Session) -> Outcomes {
    let cluster = session.connect().await?;
    let found = mandates(&cluster).await?;
    match session.out.format {
        Format::Json | Format::Yaml => session.out.value(&out::list(found.into_iter().map(|m| m.raw).collect()))?,
        Format::Name => session
            .out
            .text(&found.iter().map(|m| format!("mandate.bailiwick.dev/{}\n", m.name)).collect::<String>())?,
        Format::Table | Format::Wide if found.is_empty() => {
            session.out.note(
                Role::Plain,
                &format!("No mandates found in {SYSTEM_NAMESPACE}: every change waits for a human."),
            );
        }
        Format::Table | Format::Wide => {
            session.out.text(&table(&found, session).render(&session.out.look, session.out.headers))?
        }
    }
    Ok(Exit::Ok)
}

fn table(found: &[Loaded<Mandate>], session: &Session) -> Table {
    let mut table = Table::new(vec![
        whole("NAME"),
        whole("RULES"),
        cut("PRE-APPROVES"),
        whole("TERRITORY"),
        whole("FENCE"),
        whole("AGE"),
    ]);
    for object in found {
        let Ok(mandate) = &object.typed else {
            table.push(vec![
                Cell::new(&object.name),
                "<unreadable>".into(),
                "-".into(),
                "-".into(),
                "-".into(),
                "-".into(),
            ]);
            continue;
        };
        let allowed =
            mandate.spec.changes.iter().filter(|r| r.approval == bailiwick_core::mandate::ApprovalMode::PreApproved);
        let types: Vec<String> = allowed
            .map(|r| {
                if r.types.is_empty() {
                    "tier 1".to_owned()
                } else {
                    r.types.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(",")
                }
            })
            .collect();
        let condition = |kind: &str| {
            let found = mandate.status.iter().flat_map(|s| &s.conditions).find(|c| c.kind == kind);
            Cell::new(found.map_or("Unknown", |c| c.status.as_str()))
        };
        table.push(vec![
            Cell::new(&object.name),
            Cell::new(mandate.spec.changes.len().to_string()),
            Cell::new(types.join(",")),
            condition("TerritoryReady"),
            condition("FenceProved"),
            Cell::new(when::age(mandate.metadata.creation_timestamp.as_ref().map(|t| t.0), session.out.look.now)),
        ]);
    }
    table
}

/// The proposal with what the cluster says of it, or why there is none.
type Judged = Result<(Proposal, Facts), String>;

async fn explained(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let values = Values::parse(&args.set)?;
    let cluster = session.connect().await?;
    let territory = installed::territory(&cluster).await?;
    let namespace = Namespace::parse(cluster.namespace.as_str()).map_err(|e| Failure::error(e.to_string()))?;
    let object = get_value(&cluster, args.target.kind, namespace.as_str(), args.target.name.as_str()).await?;
    let place = match args.target.kind.served().namespaced {
        true => namespace_labels(&cluster, namespace.as_str()).await?,
        false => Some(object.as_ref().map(labels).unwrap_or_default()),
    };
    let who = if args.who == "operator" { OPERATOR_USER } else { args.who.as_str() };
    let judged = judge(&cluster, args, &values, (who, session.out.look.now)).await?;
    let uid = object.as_ref().and_then(|o| text_at(o, "/metadata/uid")).and_then(|u| Uid::parse(u).ok());
    let target = match &judged {
        Ok((proposal, _)) => proposal.target.clone(),
        Err(_) if args.target.kind.served().namespaced => {
            ObjectRef::namespaced(args.target.kind, namespace, args.target.name.clone(), uid)
        }
        Err(_) => ObjectRef::cluster(args.target.kind, args.target.name.clone(), uid),
    };
    let mut unreadable = Vec::new();
    let mut readable = Vec::new();
    for loaded in mandates(&cluster).await? {
        match loaded.typed.map_err(|e| e.clone()).and_then(|m| parse::parse_mandate(&m).map_err(|e| e.to_string())) {
            Ok(mandate) => readable.push(mandate),
            Err(_) => unreadable.push(loaded.name),
        }
    }
    let explanation = ask(&Question {
        proposer: who,
        operator: OPERATOR_USER,
        change_type: args.change_type,
        target: &target,
        object: object.as_ref(),
        namespace: place.as_ref(),
        territory: (territory.key(), territory.value()),
        mandates: &readable,
        unreadable: &unreadable,
        proposal: judged.as_ref().ok().map(|(proposal, facts)| (proposal, facts)),
        now: session.out.look.now,
    });
    if session.out.is_for_people() {
        let title = format!("May {} do {} on {target}?", args.who, args.change_type);
        let unchecked: Vec<String> = judged.err().into_iter().collect();
        session.out.text(&explain::page(&title, &explanation, &unchecked, &session.out.look))?;
    } else {
        session.out.value(&serde_json::to_value(&explanation).unwrap_or(Value::Null))?;
    }
    Ok(Exit::of_verdict(explanation.verdict.outcome))
}

/// Values are judged where they are given or none are needed.
async fn judge(
    cluster: &Cluster,
    args: &Args,
    values: &Values,
    (who, now): (&str, jiff::Timestamp),
) -> Outcomes<Judged> {
    let needs_none = matches!(
        args.change_type,
        ChangeType::RolloutUndo
            | ChangeType::RolloutRestart
            | ChangeType::DeletePod
            | ChangeType::DeleteResourceQuota
            | ChangeType::SuspendCronJob
            | ChangeType::ResumeCronJob
            | ChangeType::Cordon
            | ChangeType::Uncordon
    );
    if values.is_empty() && !needs_none {
        return Ok(Err("values, origins and bounds: give values with --set".to_owned()));
    }
    let built = propose::build(cluster, args.change_type, &args.target, values).await;
    let (action, target) = match built {
        Ok(built) => built,
        Err(failure) if failure.exit == Exit::Finding || needs_none => {
            return Ok(Err(format!("values, origins and bounds: {}", failure.what)));
        }
        Err(failure) => return Err(failure),
    };
    let placeholder = |e: bailiwick_core::names::NameError| Failure::error(e.to_string());
    let proposal = Proposal {
        namespace: Namespace::parse(target.home()).map_err(placeholder)?,
        name: bailiwick_core::names::ObjectName::parse("explained").map_err(placeholder)?,
        uid: Uid::parse("explained").map_err(placeholder)?,
        created: now,
        proposer: who.to_owned(),
        action,
        target,
    };
    Ok(match facts::gather(cluster, &proposal).await {
        Ok(facts) => Ok((proposal, facts)),
        Err(failure) => Err(format!("values, origins and bounds: {}", failure.what)),
    })
}
