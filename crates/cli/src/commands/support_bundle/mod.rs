//! `bailiwick support-bundle`: what somebody needs who is to find out what went wrong.
//!
//! Owns the order of what is collected, and the summary. Must never ask for a Secret's data,
//! nor for that of a ConfigMap but the product's own public key, and never stop because one part
//! cannot be read. Reads from the API server; writes one new file or directory.

mod around;
mod ours;
mod pack;
mod read;
mod scrub;
mod workings;

use super::Session;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::out::Format;
use crate::style::Role;
use crate::table::{Cell, Table, whole};
use crate::when;
use pack::Bundle;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// Collect what is needed to find out what went wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Archive to write [default: bailiwick-support-TIME.tar.gz]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, conflicts_with = "output_dir")]
    file: Option<PathBuf>,
    /// Directory to write the files into, instead of an archive
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    output_dir: Option<PathBuf>,
    /// Only logs that are younger than this
    #[arg(long, value_name = "DURATION", value_parser = when::parse)]
    since: Option<Duration>,
    /// Most MiB that all files take together, before compression
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    max_size: u16,
}

/// One run: who asks, where, and what was collected so far.
struct Gathering<'a> {
    session: &'a Session,
    cluster: Cluster,
    bundle: Bundle,
    since: Option<Duration>,
}

impl Gathering<'_> {
    fn begin(&self, what: &str) {
        self.session.out.progress('►', what);
    }
}

/// Runs the command.
///
/// # Errors
/// Where the server cannot be reached, or nothing can be written.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let cluster = session.connect().await?;
    let server = cluster.client.apiserver_version().await;
    let server = server.map_err(|e| cluster.fault("read the cluster", &e))?;
    let cluster = Cluster { all: session.global.namespace.is_none(), ..cluster };
    let bundle = Bundle::new(usize::from(args.max_size) * MIB, session.out.look.now);
    let mut gathering = Gathering { session, cluster, bundle, since: args.since };
    gathering.bundle.value("versions.json", &json!({"bailiwick": env!("CARGO_PKG_VERSION"), "kubernetes": server}));
    // What is small and tells most comes first, for whatever does not fit is left out.
    gathering.check().await;
    let subjects = gathering.ours().await;
    gathering.workings().await;
    gathering.around(&subjects).await;
    write(session, args, &gathering.bundle)
}

fn write(session: &Session, args: &Args, bundle: &Bundle) -> Outcomes {
    let default = || PathBuf::from(format!("{}.tar.gz", Bundle::name(session.out.look.now)));
    let path = match &args.output_dir {
        Some(folder) => bundle.directory(folder).map(|()| folder.clone())?,
        None => {
            let file = args.file.clone().unwrap_or_else(default);
            bundle.archive(&file).map(|()| file)?
        }
    };
    if session.out.is_for_people() {
        session.out.text(&table(bundle).render(&session.out.look, session.out.headers))?;
        for missing in &bundle.missing {
            session.out.note(Role::Warn, &format!("not in it: {}: {}", missing.what, missing.why));
        }
        session.out.note(Role::Good, &format!("All of this is in {}.", path.display()));
        session.out.note(Role::Dim, "Values are masked, names are not: look through it before you hand it on.");
    } else {
        let mut summary = bundle.manifest()?;
        summary["path"] = path.to_str().ok_or_else(|| Failure::error("the path is no text"))?.into();
        session.out.value(&summary)?;
    }
    Ok(if bundle.missing.is_empty() { Exit::Ok } else { Exit::Finding })
}

fn table(bundle: &Bundle) -> Table {
    let mut table = Table::new(vec![whole("FILE"), whole("BYTES"), whole("LEFT OUT")]);
    for (path, bytes, omitted) in bundle.contents() {
        let omitted = omitted.map(|n| format!("{n} older"));
        table.push(vec![Cell::new(path), Cell::new(bytes.to_string()), Cell::new(omitted.unwrap_or_default())]);
    }
    table
}
