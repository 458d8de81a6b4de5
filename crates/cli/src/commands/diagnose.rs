//! `bailiwick diagnose`: the analyzers, once, read-only, on any cluster.
//!
//! Owns reading with the caller's own rights and naming what could not be read. Must never write,
//! and needs nothing installed. Lists from the API server.

use super::Session;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::out::Format;
use crate::render::findings;
use crate::style::Role;
use bailiwick_api::observe::{self, Scope};
use bailiwick_core::analyze::{analyze_all, json};
use bailiwick_core::finding::{Finding, Severity};
use bailiwick_core::incident::redact;
use bailiwick_core::object::Kind;
use kube::Api;

/// Find what is wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only what is at least this bad
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = AtLeast::Info, hide_default_value = true)]
    severity: AtLeast,
}

/// The least severity to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AtLeast {
    /// Everything.
    Info,
    /// What is degraded or worse.
    Warning,
    /// What no longer serves.
    Critical,
}

impl AtLeast {
    const fn severity(self) -> Severity {
        match self {
            AtLeast::Info => Severity::Info,
            AtLeast::Warning => Severity::Warning,
            AtLeast::Critical => Severity::Critical,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Where the server cannot be reached, or nothing may be read.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let cluster = session.connect().await?;
    let version = cluster.client.apiserver_version().await;
    version.map_err(|e| cluster.fault("read the cluster", &e))?;
    if !cluster.all {
        namespace_exists(&cluster).await?;
    }
    let scope = if cluster.all { Scope::All } else { Scope::Namespace(cluster.namespace.clone()) };
    let listing = observe::list_all(&cluster.client, &scope).await;
    if listing.index.unread().any(|(kind, _)| kind == Kind::Pod) {
        let why = listing.index.unread().find(|(kind, _)| *kind == Kind::Pod).map(|(_, why)| why.to_owned());
        return Err(Failure::error(format!("pods cannot be read: {}", crate::safe::line(&why.unwrap_or_default())))
            .next("without pods nothing can be found: ask for the role `view`, or look in one namespace with -n"));
    }
    let mut found = analyze_all(&listing.index.view(), session.out.look.now);
    found.iter_mut().for_each(mask);
    found.retain(|f| {
        f.severity >= args.severity.severity() && (cluster.all || f.subject.namespace_str() == cluster.namespace)
    });
    print(session, &cluster, &found)?;
    unread(session, &listing);
    Ok(if found.is_empty() { Exit::Ok } else { Exit::Finding })
}

/// What a program said may hold a credential, and what is printed is passed on.
fn mask(finding: &mut Finding) {
    finding.summary = redact(&finding.summary);
    for piece in &mut finding.evidence {
        piece.value = redact(&piece.value);
    }
}

async fn namespace_exists(cluster: &Cluster) -> Outcomes<()> {
    let name = &cluster.namespace;
    let found = Api::<k8s_openapi::api::core::v1::Namespace>::all(cluster.client.clone()).get_metadata_opt(name).await;
    match found {
        Ok(None) => {
            Err(Failure::not_found(format!("there is no namespace {name:?}")).next("-A looks in all namespaces"))
        }
        // Whoever may not read namespaces may still read what is in one.
        Ok(Some(_)) | Err(_) => Ok(()),
    }
}

fn print(session: &Session, cluster: &Cluster, found: &[Finding]) -> Outcomes<()> {
    let look = &session.out.look;
    match session.out.format {
        Format::Json | Format::Yaml | Format::Name => {
            let list = serde_json::to_value(json::findings(found));
            session.out.value(&list.map_err(|e| Failure::error(e.to_string()))?)
        }
        Format::Table | Format::Wide if found.is_empty() => {
            session.out.note(Role::Good, &format!("Nothing is wrong in {}.", cluster.where_words()));
            Ok(())
        }
        Format::Table => session.out.text(&findings::table(found, cluster.all, look).render(look, session.out.headers)),
        Format::Wide => session.out.text(&findings::pages(found, look)),
    }
}

/// What could not be read is said, so that silence about it is not taken for health.
fn unread(session: &Session, listing: &observe::Listing) {
    for (kind, why) in listing.index.unread() {
        session.out.note(Role::Warn, &format!("not read: {}: {why}", kind.served().resource));
    }
    for skipped in &listing.malformed {
        session.out.note(Role::Warn, &format!("skipped: {} {}: {}", skipped.kind, skipped.name, skipped.why));
    }
}
