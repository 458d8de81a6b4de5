//! `bailiwick uninstall`: takes everything away, in reverse.
//!
//! Owns the order: no new grants, none left, operator, roles, policies, kinds, namespaces. Must
//! never leave authority behind, and never touch what others own. Writes to the API server.

mod stays;

use super::Session;
use super::propose::create::DryRun;
use super::suspend;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::fault;
use crate::installed;
use crate::objects::apply::{read, remove, title};
use crate::out::Format;
use crate::style::Role;
use crate::when;
use crate::words::count;
use bailiwick_api::manifests::{InstallOptions, OPERATOR, Step, UNINSTALL_ANNOTATION, install};
use bailiwick_core::fence::{
    ACCOUNT_PREFIX, FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SYSTEM_NAMESPACE, parse_revision,
};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, Subject};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use stays::Stays;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(500);
/// How long the operator gets to revoke what is live.
const REVOKE: Duration = Duration::from_secs(30);
/// How long its pods get to end; they give back their lease while they may.
const END: Duration = Duration::from_secs(15);

/// Remove Bailiwick.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep the kinds with their incidents, changes and receipts, and the signing key
    #[arg(long)]
    keep_data: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
    /// Let the API server check it without doing it
    #[arg(long, value_name = "MODE", value_enum, default_value_t, num_args = 0..=1, default_missing_value = "server", require_equals = true, hide_default_value = true)]
    dry_run: DryRun,
    /// Longest wait
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = when::parse)]
    timeout: Duration,
}

/// Runs the command.
///
/// # Errors
/// Where something cannot be taken away.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide])?;
    let cluster = session.connect().await?;
    cluster.client.apiserver_version().await.map_err(|e| cluster.fault("read the server's version", &e))?;
    let operator = installed::operator(&cluster).await?;
    let territory = operator.as_ref().and_then(installed::territory_of).unwrap_or_default();
    let options = InstallOptions::new("unused").and_then(|o| o.with_territory(territory).with_replicas(2));
    let mut steps = install(&options.map_err(|e| Failure::error(e.to_string()))?);
    steps.reverse();
    let dry = args.dry_run == DryRun::Server;
    if !args.yes && !dry {
        session.out.note(Role::Key, &format!("cluster: {}", cluster.place.words()));
        let data = if args.keep_data { "data stays" } else { "incidents, changes and ALL RECEIPTS go with it" };
        if !session.out.confirm(&format!("Remove Bailiwick ({data})?"), "--yes")? {
            return Err(Failure::error("nothing was removed"));
        }
    }
    let deadline = Instant::now() + args.timeout;
    if !dry && operator.is_some() {
        stop(session, &cluster).await?;
    }
    let stays = Stays::of(&steps, args.keep_data);
    for step in &steps {
        take(session, &cluster, step, (&stays, dry)).await?;
        if step.name == "operator" && !dry {
            ended(session, &cluster).await?;
            leftovers(session, &cluster).await?;
        }
    }
    if !dry {
        gone(session, &cluster, &steps, (&stays, deadline)).await?;
    }
    finish(session, args, dry)
}

fn finish(session: &Session, args: &Args, dry: bool) -> Outcomes {
    let mark = if dry { "nothing was removed (server dry run)" } else { "Bailiwick is removed." };
    session.out.text(&format!("{mark}\n"))?;
    if args.keep_data && !dry {
        session.out.note(
            Role::Dim,
            "incidents, changes, approvals, mandates, receipts and the signing key stay, guarded by their policies; `bailiwick install` goes on with them, `bailiwick uninstall` removes them",
        );
    }
    Ok(Exit::Ok)
}

/// No new grants from now on; what is live is revoked by the operator, as long as it lives.
async fn stop(session: &Session, cluster: &Cluster) -> Outcomes<()> {
    match suspend::throw(cluster, "bailiwick uninstall", false).await {
        Ok(_) => session.out.progress('✔', "suspended: no one-shot account is admitted any more"),
        Err(failure) => session.out.progress('!', &format!("not suspended: {}", failure.what)),
    }
    let until = Instant::now() + REVOKE;
    loop {
        let live = live_grants(cluster).await?;
        if live == 0 {
            session.out.progress('✔', "no grant is live");
            return Ok(());
        }
        if Instant::now() >= until {
            session.out.progress(
                '!',
                &format!("{} not revoked in time; what is left goes with its account", count(live, "grant")),
            );
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How many one-shot accounts the fence grants anything.
///
/// # Errors
/// Where the fence cannot be read.
pub async fn live_grants(cluster: &Cluster) -> Outcomes<usize> {
    let params = ListParams::default().labels(&format!("{FENCE_LABEL}={FENCE_VALUE}"));
    match suspend::fence(cluster).list(&params).await {
        Ok(list) => Ok(list
            .items
            .iter()
            .filter_map(|r| serde_json::to_value(&r.data).ok())
            .map(|data: Value| parse_revision(&data).map_or(1, |grants| grants.len()))
            .sum()),
        Err(error) if fault::is_absent(&error) => Ok(0),
        Err(error) => Err(cluster.fault(&format!("read the fence in {GRANTS_NAMESPACE}"), &error)),
    }
}

/// Waits for the operator's pods: without its rights one could only stumble on.
async fn ended(session: &Session, cluster: &Cluster) -> Outcomes<()> {
    let pods = cluster.within::<Pod>(SYSTEM_NAMESPACE);
    let params = ListParams::default().labels(&format!("app.kubernetes.io/name={OPERATOR}"));
    let until = Instant::now() + END;
    loop {
        let found = pods.list(&params).await.map_err(|e| cluster.fault("look for the operator's pods", &e))?;
        if found.items.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            session.out.progress('!', "the operator's pods have not ended in time; its rights go all the same");
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn take(session: &Session, cluster: &Cluster, step: &Step, (stays, dry): (&Stays, bool)) -> Outcomes<()> {
    let (mut taken, mut kept) = (0, Vec::new());
    for object in step.objects.iter().rev() {
        if stays.has(step.name, object) {
            kept.push(title(object));
            continue;
        }
        if step.name == "namespaces" && object.pointer("/metadata/name").is_some_and(|n| n == GRANTS_NAMESPACE) {
            if dry {
                // The guard refuses until the namespace is marked, and a dry run marks nothing.
                session.out.progress('►', &format!("namespace {GRANTS_NAMESPACE} goes once it is marked for removal"));
                continue;
            }
            announce(cluster).await?;
        }
        taken += usize::from(remove(cluster, object, dry).await?);
    }
    let went = count(taken, "object");
    session.out.progress('✔', &format!("{}: {went} {}", step.name, if dry { "would be removed" } else { "removed" }));
    if !kept.is_empty() {
        session.out.progress('►', &staying(step.name, &kept));
    }
    Ok(())
}

fn staying(step: &str, kept: &[String]) -> String {
    if step == "policies" && kept.iter().all(|title| title.ends_with("bailiwick-fence-keeper")) {
        return "bailiwick-fence-keeper stays: it refuses nothing, and a later installation needs it on this API server"
            .to_owned();
    }
    format!("{step}: {} stay", count(kept.len(), "object"))
}

/// The guard lets the namespace of grants go only with this mark.
async fn announce(cluster: &Cluster) -> Outcomes<()> {
    let patch = json!({"metadata": {"annotations": {UNINSTALL_ANNOTATION: "true"}}});
    let api: Api<Namespace> = Api::all(cluster.client.clone());
    match api.patch(GRANTS_NAMESPACE, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if fault::is_absent(&error) => Ok(()),
        Err(error) => Err(cluster.fault(&format!("mark namespace {GRANTS_NAMESPACE} for removal"), &error)),
    }
}

/// Bindings of one-shot accounts stand in other namespaces, or in none, and would outlive everything else.
async fn leftovers(session: &Session, cluster: &Cluster) -> Outcomes<()> {
    let all: Api<RoleBinding> = Api::all(cluster.client.clone());
    let found = all.list(&ListParams::default()).await.map_err(|e| cluster.fault("list rolebindings", &e))?;
    let mut removed = 0;
    for binding in found.items.iter().filter(|b| is_ours(&b.name_any(), b.subjects.as_ref())) {
        let (name, namespace) = (binding.name_any(), binding.namespace().unwrap_or_default());
        let deleted = cluster.within::<RoleBinding>(&namespace).delete(&name, &DeleteParams::default()).await;
        removed += unless_absent(deleted, || format!("delete rolebinding {name} in {namespace}"), cluster)?;
    }
    let all: Api<ClusterRoleBinding> = Api::all(cluster.client.clone());
    let found = all.list(&ListParams::default()).await.map_err(|e| cluster.fault("list clusterrolebindings", &e))?;
    for binding in found.items.iter().filter(|b| is_ours(&b.name_any(), b.subjects.as_ref())) {
        let name = binding.name_any();
        let deleted = all.delete(&name, &DeleteParams::default()).await;
        removed += unless_absent(deleted, || format!("delete clusterrolebinding {name}"), cluster)?;
    }
    if removed > 0 {
        session.out.progress('✔', &format!("{} of one-shot accounts removed", count(removed, "binding")));
    }
    Ok(())
}

/// True for a binding of a one-shot account, and of nobody else.
fn is_ours(name: &str, subjects: Option<&Vec<Subject>>) -> bool {
    let mut subjects = subjects.into_iter().flatten();
    name.starts_with(ACCOUNT_PREFIX) && subjects.all(|s| s.namespace.as_deref() == Some(GRANTS_NAMESPACE))
}

/// How many were deleted: what is gone already is no failure.
fn unless_absent<T>(deleted: kube::Result<T>, step: impl FnOnce() -> String, cluster: &Cluster) -> Outcomes<usize> {
    match deleted {
        Ok(_) => Ok(1),
        Err(error) if fault::is_absent(&error) => Ok(0),
        Err(error) => Err(cluster.fault(&step(), &error)),
    }
}

/// Waits until what was taken away is gone.
async fn gone(
    session: &Session,
    cluster: &Cluster,
    steps: &[Step],
    (stays, deadline): (&Stays, Instant),
) -> Outcomes<()> {
    let mut told = false;
    for step in steps {
        for object in step.objects.iter().filter(|o| !stays.has(step.name, o)) {
            while read(cluster, object).await?.is_some() {
                if !std::mem::replace(&mut told, true) {
                    session.out.progress('►', &format!("waiting for {} to go", title(object)));
                }
                if Instant::now() >= deadline {
                    return Err(Failure::error(format!("{} is still there", title(object)))
                        .next("something holds it back: look at its finalizers; running uninstall again goes on"));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}
