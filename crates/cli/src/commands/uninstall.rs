//! `bailiwick uninstall`: takes everything away, in reverse.
//!
//! Owns the order: no new grants, none left, operator, roles, policies, kinds, namespaces. Must
//! never leave authority behind, and never touch what others own. Writes to the API server.

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
use bailiwick_api::manifests::policies::is_lasting;
use bailiwick_api::manifests::{InstallOptions, Step, UNINSTALL_ANNOTATION, install};
use bailiwick_core::fence::{
    ACCOUNT_PREFIX, FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SYSTEM_NAMESPACE, parse_revision,
};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(500);
/// How long the operator gets to revoke what is live.
const REVOKE: Duration = Duration::from_secs(30);

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
    for step in &steps {
        if args.keep_data && step.name == "kinds" {
            session.out.progress('►', "kinds and their objects stay");
            continue;
        }
        take(session, &cluster, step, args).await?;
        if step.name == "operator" && !dry {
            leftovers(session, &cluster).await?;
        }
    }
    if !dry {
        gone(session, &cluster, &steps, (args.keep_data, deadline)).await?;
    }
    let mark = if dry { "nothing was removed (server dry run)" } else { "Bailiwick is removed." };
    session.out.text(&format!("{mark}\n"))?;
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
                &format!("{live} grants were not revoked in time; they are removed with their accounts"),
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

async fn take(session: &Session, cluster: &Cluster, step: &Step, args: &Args) -> Outcomes<()> {
    let dry = args.dry_run == DryRun::Server;
    let (mut taken, mut kept) = (0, 0);
    for object in step.objects.iter().rev() {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let namespace = step.name == "namespaces";
        if namespace && args.keep_data && name == SYSTEM_NAMESPACE {
            session.out.progress('►', &format!("namespace {SYSTEM_NAMESPACE} stays, with receipts and signing key"));
            continue;
        }
        if namespace && name == GRANTS_NAMESPACE {
            if dry {
                // The guard refuses until the namespace is marked, and a dry run marks nothing.
                session.out.progress('►', &format!("namespace {GRANTS_NAMESPACE} goes once it is marked for removal"));
                continue;
            }
            announce(cluster).await?;
        }
        if is_lasting(object) {
            kept += 1;
            continue;
        }
        taken += usize::from(remove(cluster, object, dry).await?);
    }
    if kept > 0 {
        session.out.progress(
            '►',
            "bailiwick-fence-keeper stays: it refuses nothing, and a later installation needs it on this API server",
        );
    }
    session
        .out
        .progress('✔', &format!("{}: {taken} objects {}", step.name, if dry { "would be removed" } else { "removed" }));
    Ok(())
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

/// RoleBindings of one-shot accounts stand in other namespaces and would outlive everything else.
async fn leftovers(session: &Session, cluster: &Cluster) -> Outcomes<()> {
    let all: Api<RoleBinding> = Api::all(cluster.client.clone());
    let found = all.list(&ListParams::default()).await.map_err(|e| cluster.fault("list rolebindings", &e))?;
    let ours = |b: &RoleBinding| {
        let subjects = b.subjects.iter().flatten();
        b.name_any().starts_with(ACCOUNT_PREFIX)
            && subjects.into_iter().all(|s| s.namespace.as_deref() == Some(GRANTS_NAMESPACE))
    };
    let mut removed = 0;
    for binding in found.items.iter().filter(|b| ours(b)) {
        let namespace = binding.namespace().unwrap_or_default();
        let deleted =
            cluster.within::<RoleBinding>(&namespace).delete(&binding.name_any(), &DeleteParams::default()).await;
        match deleted {
            Ok(_) => removed += 1,
            Err(error) if fault::is_absent(&error) => {}
            Err(error) => {
                return Err(cluster.fault(&format!("delete rolebinding {} in {namespace}", binding.name_any()), &error));
            }
        }
    }
    if removed > 0 {
        session.out.progress('✔', &format!("{removed} rolebindings of one-shot accounts removed"));
    }
    Ok(())
}

/// Waits until what was taken away is gone.
async fn gone(
    session: &Session,
    cluster: &Cluster,
    steps: &[Step],
    (keep_data, deadline): (bool, Instant),
) -> Outcomes<()> {
    let stays = |step: &Step, object: &Value| {
        is_lasting(object)
            || keep_data
                && (step.name == "kinds"
                    || object.pointer("/metadata/name").and_then(Value::as_str) == Some(SYSTEM_NAMESPACE))
    };
    let mut told = false;
    for step in steps {
        for object in step.objects.iter().filter(|o| !stays(step, o)) {
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
