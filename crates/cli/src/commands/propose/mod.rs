//! `bailiwick propose`: a change in a person's own name.
//!
//! Owns reading what a proposal is made from. Must never write to the target. Reads from and
//! creates a Change at the API server.

pub mod action;
pub mod create;
mod parts;

use super::Session;
use crate::args::{Target, parse_target};
use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use crate::objects::{find_change, get_value, history, who_am_i};
use crate::suggest;
use action::{Known, Values};
use bailiwick_api::{ChangeSpec, NameRef, Why};
use bailiwick_core::action::{Action, ChangeType};
use bailiwick_core::names::{Namespace, ObjectName, Uid};
use bailiwick_core::object::ObjectRef;
use bailiwick_core::plan::object::text_at;
use create::How;

/// Propose a change yourself.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The change's type, such as RolloutUndo
    #[arg(value_name = "TYPE", value_parser = suggest::change_type, add = crate::complete::change_types())]
    change_type: ChangeType,
    /// The object to change
    #[arg(value_name = "KIND/NAME", value_parser = parse_target)]
    target: Target,
    /// A value; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Why, for whoever decides
    #[arg(long, default_value = "proposed by hand")]
    reason: String,
    /// The incident it answers
    #[arg(long, value_name = "NAME", add = crate::complete::incidents())]
    incident: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Runs the command.
///
/// # Errors
/// Where values are missing, the target does not exist, or the change cannot be proposed.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    if session.global.all_namespaces {
        return Err(Failure::error("a change stands in one namespace: say which with -n"));
    }
    let values = Values::parse(&args.set)?;
    let cluster = session.connect().await?;
    let (action, target) = build(&cluster, args.change_type, &args.target, &values).await?;
    let me = who_am_i(&cluster).await?;
    let base = format!("{}-{}", args.target.name, args.change_type.as_str().to_lowercase());
    let mut spec = ChangeSpec::new(me.user, action, target, Why { text: args.reason.clone(), evidence: Vec::new() });
    if let Some(name) = &args.incident {
        let name = ObjectName::parse(name.as_str()).map_err(|e| Failure::error(e.to_string()))?;
        spec.incident_ref = Some(NameRef { name, uid: None });
    }
    let home = spec.target.home().to_owned();
    create::run(session, &cluster, (&home, &base), spec, &args.how).await
}

/// The action and target that the words mean, as the cluster is now.
///
/// # Errors
/// Where values are missing or the target does not exist.
pub async fn build(
    cluster: &Cluster,
    change_type: ChangeType,
    target: &Target,
    values: &Values,
) -> Outcomes<(Action, ObjectRef)> {
    let namespace = Namespace::parse(cluster.namespace.as_str()).map_err(|e| Failure::error(e.to_string()))?;
    let live = get_value(cluster, target.kind, namespace.as_str(), target.name.as_str()).await?;
    let revisions = match &live {
        Some(live) if values.wants_history(change_type) => {
            history::revisions(cluster, live, namespace.as_str()).await?
        }
        Some(_) | None => Vec::new(),
    };
    let copy = match values.get("copy").filter(|_| change_type == ChangeType::RestoreObject) {
        Some(name) => Some(copy(cluster, name).await?),
        None => None,
    };
    if live.is_none() && change_type != ChangeType::RestoreObject {
        return Err(Failure::not_found(format!("{} {namespace}/{} does not exist", target.kind, target.name))
            .next("check the name and the namespace (-n)"));
    }
    let uid = live.as_ref().and_then(|l| text_at(l, "/metadata/uid")).and_then(|u| Uid::parse(u).ok());
    let known = Known { live: live.as_ref(), revisions: &revisions, copy };
    let action = action::build(change_type, values, &known)?;
    let uid = uid.filter(|_| change_type != ChangeType::RestoreObject);
    let reference = if target.kind.served().namespaced {
        ObjectRef::namespaced(target.kind, namespace, target.name.clone(), uid)
    } else {
        ObjectRef::cluster(target.kind, target.name.clone(), uid)
    };
    Ok((action, reference))
}

async fn copy(cluster: &Cluster, name: &str) -> Outcomes<(ObjectName, Uid)> {
    let found = find_change(cluster, name).await?;
    let uid = found.typed.ok().and_then(|c| c.metadata.uid).unwrap_or_default();
    let bad = |e: bailiwick_core::names::NameError| Failure::error(e.to_string());
    Ok((ObjectName::parse(found.name).map_err(bad)?, Uid::parse(uid).map_err(bad)?))
}
