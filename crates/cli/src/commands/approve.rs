//! `bailiwick approve` and `reject`: one person's decision on one digest.
//!
//! Owns showing what is decided on, asking, and creating the Approval as the user. Must never
//! decide on a digest that was not shown or named. Creates an Approval at the API server.

use super::Session;
use super::propose::create::{How, asked_for_people, wait};
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::objects::{Loaded, Me, find_change, who_am_i};
use crate::out::{self, Format};
use crate::render::plan;
use crate::sheet::Sheet;
use crate::style::Role;
use crate::words::count;
use bailiwick_api::{Approval, ApprovalSpec, Change, ExactRef};
use bailiwick_core::canonical::sha256_hex;
use bailiwick_core::life::{DecisionKind, Phase, Record};
use bailiwick_core::names::{ObjectName, Uid};
use bailiwick_core::plan::{DryRun, Plan};
use std::collections::BTreeSet;

/// Decide on a change.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The change
    #[arg(value_name = "CHANGE", add = crate::complete::changes())]
    change: String,
    /// Why, for the record
    #[arg(long, short = 'm', visible_alias = "message", default_value = "", hide_default_value = true)]
    reason: String,
    /// The digest that is meant; anything else is not decided on
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Runs the command.
///
/// # Errors
/// Where there is nothing to decide on, or the API server refuses the decision.
pub async fn run(session: &Session, args: &Args, decision: DecisionKind) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml, Format::Name])?;
    let cluster = session.connect().await?;
    let found = find_change(&cluster, &args.change).await?;
    let change =
        found.typed.as_ref().map_err(|e| Failure::error(format!("change {:?} cannot be read: {e}", found.name)))?;
    let plan = decidable(change, decision)?;
    named_digest(plan, args.digest.as_deref())?;
    let me = who_am_i(&cluster).await?;
    if decision == DecisionKind::Approve {
        would_count(change, &me)?;
    }
    let (namespace, name) = (found.namespace.as_str(), found.name.as_str());
    if !args.how.yes && args.how.post().dry_run {
        session.out.note(Role::Dim, "server dry run: nothing is kept");
    } else if !args.how.yes {
        asked_for_people(session)?;
        show(session, &cluster, &found, (plan, &me))?;
        let verb = match decision {
            DecisionKind::Approve => "Approve",
            DecisionKind::Reject => "Reject",
        };
        if !session.out.confirm(&format!("{verb} {namespace}/{name} with digest {}?", plan.digest), "--yes")? {
            return Err(Failure::error("nothing was decided"));
        }
    }
    let spec = specification(change, plan, &me, decision, &args.reason)?;
    let again = create(session, &cluster, namespace, &spec, &args.how).await?;
    if args.how.post().dry_run {
        return Ok(Exit::Ok);
    }
    if session.out.is_for_people() {
        session.out.note(Role::Dim, &next(session, change, &spec, again));
    }
    if args.how.wait {
        let digest = plan.digest.clone();
        let replanned = move |record: &Record| {
            record.phase == Phase::AwaitingApproval && record.plan.as_ref().is_some_and(|p| p.digest != digest)
        };
        return wait(session, &cluster, (namespace, name), args.how.timeout, &replanned).await;
    }
    Ok(Exit::Ok)
}

/// The plan that may be decided on.
///
/// # Errors
/// Where there is none, it is decided already, or it was altered.
fn decidable(change: &Change, decision: DecisionKind) -> Result<&Plan, Failure> {
    let record = change.status.as_ref();
    let phase = record.map_or(Phase::Proposed, |r| r.phase);
    let plan = record.and_then(|r| r.plan.as_ref());
    let why =
        |r: Option<&Record>| r.and_then(|r| r.reason.as_ref()).map(|r| format!(" ({})", r.message)).unwrap_or_default();
    if phase.is_terminal() {
        return Err(Failure::error(format!("this change has ended: it is {phase}{}", why(record))));
    }
    let Some(plan) = plan else {
        return Err(Failure {
            exit: Exit::Pending,
            ..Failure::error(format!("there is no plan to decide on yet{}", why(record)))
        }
        .next("try again in a moment; bailiwick status says whether the operator runs"));
    };
    if decision == DecisionKind::Approve && phase != Phase::AwaitingApproval {
        return Err(Failure::error(format!("this change does not wait for an approval: it is {phase}")));
    }
    if decision == DecisionKind::Approve && plan.dry_run == DryRun::NotDryRun {
        return Err(Failure::refused("the API server never confirmed this plan by a dry run, so it is never executed"));
    }
    if !plan.is_intact() {
        return Err(Failure::refused(
            "the recorded plan does not match its digest: somebody altered it; do not approve it",
        ));
    }
    Ok(plan)
}

/// The digest that the user names must be that of the plan; a beginning of at least 12 digits will do.
fn named_digest(plan: &Plan, named: Option<&str>) -> Result<(), Failure> {
    let Some(named) = named else { return Ok(()) };
    let named = named.trim_end_matches('…').to_lowercase();
    if named.len() < 12 {
        return Err(Failure::error("--digest needs at least 12 digits"));
    }
    if plan.digest.starts_with(&named) {
        return Ok(());
    }
    Err(Failure::refused(format!("the plan's digest is {}, not {named}", plan.digest))
        .next("the plan changed since you looked: read it again with bailiwick diff"))
}

/// An approval that the operator would not count is not created.
fn would_count(change: &Change, me: &Me) -> Result<(), Failure> {
    if change.spec.proposer == me.user {
        return Err(Failure::refused("you proposed this change: your own approval does not count")
            .next("somebody else has to approve it"));
    }
    let approvers =
        change.status.as_ref().and_then(|r| r.verdict.as_ref()).map(|v| v.approvers.clone()).unwrap_or_default();
    let open = approvers.users.is_empty() && approvers.groups.is_empty();
    let listed = approvers.users.contains(&me.user) || me.groups.iter().any(|g| approvers.groups.contains(g));
    if open || listed {
        return Ok(());
    }
    let who = [approvers.users, approvers.groups].concat().join(", ");
    Err(Failure::refused(format!("{} is not among the mandate's approvers", me.user)).next(format!("they are: {who}")))
}

fn show(session: &Session, cluster: &Cluster, found: &Loaded<Change>, (plan, me): (&Plan, &Me)) -> Outcomes<()> {
    let mut sheet = Sheet::new(session.out.look);
    sheet.heading(&format!("Change {}/{}", found.namespace, found.name));
    sheet.field_as(Role::Key, "Cluster", &cluster.place.words());
    sheet.field("You are", &me.user);
    if let Ok(change) = &found.typed {
        sheet.field("Proposer", &change.spec.proposer);
        sheet.field("Reason given", &change.spec.reason.text);
    }
    let (plus, minus) = plan::counts(&plan::diff(plan));
    sheet.field("Difference", &format!("{} added, {minus} taken away", count(plus, "line")));
    plan::put(&mut sheet, plan);
    session.out.text(&sheet.finish())
}

/// The Approval's content.
fn specification(
    change: &Change,
    plan: &Plan,
    me: &Me,
    decision: DecisionKind,
    reason: &str,
) -> Result<ApprovalSpec, Failure> {
    let bad = |e: bailiwick_core::names::NameError| Failure::error(e.to_string());
    if reason.chars().count() > 1024 {
        return Err(Failure::error("a reason has at most 1024 characters"));
    }
    let wanted =
        change.status.as_ref().and_then(|r| r.verdict.as_ref()).map(|v| v.approvers.groups.clone()).unwrap_or_default();
    // Groups that the mandate asks for come first, so that they are among the 64 that fit.
    let (first, rest): (Vec<_>, Vec<_>) = me.groups.iter().cloned().partition(|g| wanted.contains(g));
    let groups = first.into_iter().chain(rest).filter(|g| !g.is_empty() && g.len() <= 256).take(64).collect();
    Ok(ApprovalSpec {
        change_ref: ExactRef {
            name: ObjectName::parse(change.metadata.name.clone().unwrap_or_default()).map_err(bad)?,
            uid: Uid::parse(change.metadata.uid.clone().unwrap_or_default()).map_err(bad)?,
        },
        digest: plan.digest.clone(),
        approver: me.user.clone(),
        groups,
        decision,
        reason: reason.to_owned(),
    })
}

/// One person decides once on one digest: the name says so, and a repeated request finds it.
fn name_of(spec: &ApprovalSpec) -> String {
    let verb = match spec.decision {
        DecisionKind::Approve => "approve",
        DecisionKind::Reject => "reject",
    };
    let text = format!("{}|{}|{}", spec.change_ref.uid, spec.approver, spec.digest);
    let tail: String = sha256_hex(text.as_bytes()).chars().take(10).collect();
    let head: String = spec.change_ref.name.as_str().chars().take(180).collect();
    format!("{}-{verb}-{tail}", head.trim_end_matches(['-', '.']))
}

/// Creates the Approval; true where the same decision stood already.
async fn create(
    session: &Session,
    cluster: &Cluster,
    namespace: &str,
    spec: &ApprovalSpec,
    how: &How,
) -> Outcomes<bool> {
    let api = cluster.within::<Approval>(namespace);
    let name = name_of(spec);
    let mut wanted = Approval::new(&name, spec.clone());
    wanted.metadata.namespace = Some(namespace.to_owned());
    let (stored, again) = match api.create(&how.post(), &wanted).await {
        Ok(stored) => (stored, false),
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let doing = format!("read approval {name}");
            (api.get(&name).await.map_err(|e| cluster.fault(&doing, &e))?, true)
        }
        Err(error) => {
            return Err(cluster.fault(&format!("create approvals.bailiwick.dev in namespace {namespace}"), &error));
        }
    };
    match session.out.format {
        Format::Json | Format::Yaml => {
            let value = serde_json::to_value(&stored).map_err(|e| Failure::error(e.to_string()))?;
            session.out.value(&out::shown(value))?;
        }
        Format::Name => session.out.text(&format!("approval.bailiwick.dev/{name}\n"))?,
        Format::Table | Format::Wide => {
            let mark = if how.post().dry_run { " (server dry run)" } else { "" };
            let verb = match spec.decision {
                DecisionKind::Approve => "approved",
                DecisionKind::Reject => "rejected",
            };
            let text = format!("change.bailiwick.dev/{} {verb} by {}{mark}", spec.change_ref.name, spec.approver);
            session.out.text(&format!("{}\n", crate::safe::line(&text)))?;
        }
    }
    Ok(again)
}

/// What happens now, in words.
fn next(session: &Session, change: &Change, spec: &ApprovalSpec, again: bool) -> String {
    let meta = &change.metadata;
    let watch = session.typed(&format!(
        "show {} -n {} -w",
        meta.name.as_deref().unwrap_or_default(),
        meta.namespace.as_deref().unwrap_or_default()
    ));
    if again {
        return format!("you had decided so already; {watch}");
    }
    if spec.decision == DecisionKind::Reject {
        return format!("the operator ends the change as Rejected: {watch}");
    }
    let record = change.status.as_ref();
    let quorum = record.and_then(|r| r.verdict.as_ref()).map_or(1, |v| v.quorum.max(1));
    let counted = record
        .into_iter()
        .flat_map(|r| &r.approvals)
        .filter(|c| c.ignored.is_none() && c.decision == DecisionKind::Approve);
    let mut people: BTreeSet<&str> = counted.map(|c| c.approver.as_str()).collect();
    people.insert(&spec.approver);
    let have = u32::try_from(people.len()).unwrap_or(u32::MAX);
    if have >= quorum {
        format!(
            "approved by {have} of {quorum}: the operator now proves the fence and makes exactly this write: {watch}"
        )
    } else {
        format!("approved by {have} of {quorum}: {} more must approve the same digest: {watch}", quorum - have)
    }
}

#[cfg(test)]
#[path = "approve_tests.rs"]
mod tests;
