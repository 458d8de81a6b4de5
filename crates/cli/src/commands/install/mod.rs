//! `bailiwick install`: puts everything in place, in order, or prints it.
//!
//! Owns the order of looking, applying and waiting. Must never begin what it cannot finish:
//! permissions are looked at first. Writes to the API server.

mod choice;
mod key;
mod preflight;
mod wait;

use super::Session;
use super::check::server;
use super::propose::create::DryRun;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::installed;
use crate::objects::apply::{apply, title};
use crate::out::Format;
use crate::style::Role;
use crate::when;
use crate::words::count;
use bailiwick_api::manifests::{InstallOptions, PullPolicy, Step, Territory, install, render};
use clap::ValueEnum;
use std::time::{Duration, Instant};

/// When the operator's image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Pull {
    /// Only where it is absent.
    IfNotPresent,
    /// At every start.
    Always,
    /// Never: it was loaded by hand.
    Never,
}

/// Install Bailiwick.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print everything as YAML instead of installing it
    #[arg(long)]
    export: bool,
    /// Make the signing key alone, for an installation that was not made by this command
    #[arg(long, conflicts_with_all = ["export", "dry_run"])]
    key_only: bool,
    /// The label that draws the territory; it is compiled into the policies [default: autofix=true, or as installed]
    #[arg(long, value_name = "KEY=VALUE", value_parser = territory)]
    territory: Option<Territory>,
    /// The operator's image [default: that of this version, or as installed]
    #[arg(long, value_name = "REF")]
    image: Option<String>,
    /// How many operators stand ready; one leads [default: 1, or as installed]
    #[arg(long, value_name = "N")]
    replicas: Option<u8>,
    /// When the image is pulled [default: IfNotPresent, or as installed]
    #[arg(long, value_name = "POLICY", value_enum)]
    pull: Option<Pull>,
    /// The operator's log filter
    #[arg(long, value_name = "FILTER", default_value = "info", hide = true)]
    log: String,
    /// Fail points; only an operator built for tests heeds them
    #[arg(long, value_name = "POINTS", hide = true)]
    failpoints: Option<String>,
    /// Let the API server check what it can, without keeping it
    #[arg(long, value_name = "MODE", value_enum, default_value_t, num_args = 0..=1, default_missing_value = "server", require_equals = true, hide_default_value = true)]
    dry_run: DryRun,
    /// Do not wait until the operator is ready
    #[arg(long)]
    no_wait: bool,
    /// Longest wait
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = when::parse)]
    timeout: Duration,
}

fn territory(text: &str) -> Result<Territory, String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
    Territory::parse(key, value).map_err(|e| e.to_string())
}

impl Pull {
    fn policy(self) -> PullPolicy {
        match self {
            Pull::IfNotPresent => PullPolicy::IfNotPresent,
            Pull::Always => PullPolicy::Always,
            Pull::Never => PullPolicy::Never,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Where the cluster will not do, a permission is missing, or a part does not come up.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    if args.export {
        return export(session, &choice::options(args, None)?);
    }
    session.only(&[Format::Table, Format::Wide])?;
    let begun = Instant::now();
    let cluster = session.connect().await?;
    if args.key_only {
        key::look(&cluster).await?;
        key::ensure(session, &cluster).await?;
        return Ok(Exit::Ok);
    }
    let items = server::require(&cluster).await?;
    session.out.progress('✔', &items.first().map(|i| i.seen.clone()).unwrap_or_default());
    preflight::look(&cluster, &install(&choice::options(args, None)?)).await?;
    let there = installed::operator(&cluster).await?;
    let options = choice::options(args, there.as_ref())?;
    let steps = install(&options);
    session.out.progress('✔', "you may do all that this takes");
    key::look(&cluster).await?;
    if args.dry_run == DryRun::Server {
        preflight::try_out(session, &cluster, &steps).await?;
        session.out.text("nothing was installed (server dry run)\n")?;
        return Ok(Exit::Ok);
    }
    let deadline = begun + args.timeout;
    for step in &steps {
        put(session, &cluster, step).await?;
        wait::after(session, &cluster, step, deadline).await?;
        if step.name == "namespaces" {
            key::ensure(session, &cluster).await?;
        }
    }
    if !args.no_wait {
        wait::operator(session, &cluster, deadline).await?;
    }
    finish(session, options.territory(), begun)
}

async fn put(session: &Session, cluster: &Cluster, step: &Step) -> Outcomes<()> {
    for object in &step.objects {
        apply(cluster, object, false).await.map_err(|failure| {
            let next = failure.next.clone().unwrap_or_default();
            failure.next(format!("{next}\nwhat was put in place so far stays until `bailiwick uninstall`; installing again goes on from there").trim().to_owned())
        })?;
        if session.out.format == Format::Wide {
            session.out.progress('►', &title(object));
        }
    }
    session.out.progress('✔', &format!("{}: {}", step.name, count(step.objects.len(), "object")));
    Ok(())
}

fn finish(session: &Session, territory: &Territory, begun: Instant) -> Outcomes {
    let took = begun.elapsed().as_secs();
    session.out.text(&format!("Bailiwick is installed ({took}s).\n"))?;
    let (key, value) = (territory.key(), territory.value());
    for line in [
        format!("draw the territory:  kubectl label namespace NAME {key}={value}"),
        "who may approve:     kubectl create clusterrolebinding NAME --clusterrole=bailiwick:approver --group=GROUP"
            .to_owned(),
        format!("what holds now:      {}", session.typed("check")),
        "without a Mandate every change waits for a human: docs/MANDATES.md".to_owned(),
    ] {
        session.out.note(Role::Dim, &line);
    }
    Ok(Exit::Ok)
}

fn export(session: &Session, options: &InstallOptions) -> Outcomes {
    let text = render::export(options).map_err(|e| Failure::error(e.to_string()))?;
    session.out.text(&text)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_territory_is_a_label() {
        assert!(territory("team=payments").is_ok());
        assert!(territory("team").is_err_and(|e| e.contains("KEY=VALUE")));
        assert!(territory("kubernetes.io/metadata.name=shop").is_err());
    }
}
