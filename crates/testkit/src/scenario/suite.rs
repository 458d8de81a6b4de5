//! Many scenarios: several beside each other where that is safe, and those that everybody feels alone at the end.
//!
//! Owns the order and the product's installation. One operator serves all.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

use super::load::Folder;
use super::record::Report;
use super::run::{self, Ran};
use super::witness;
use super::{images, metrics};
use crate::cluster::TestCluster;

/// What to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Job {
    /// Where the folders are.
    pub dir: PathBuf,
    /// Ids; all where none is named.
    pub ids: Vec<String>,
    /// Only those of the quick subset.
    pub smoke: bool,
    /// How often each.
    pub repeat: u32,
    /// How many at once.
    pub parallel: usize,
    /// Print JSON.
    pub json: bool,
    /// Look at the folders and run nothing.
    pub list: bool,
}

/// Installs the product and runs every folder as often as asked.
///
/// # Errors
/// Fails where the product cannot be installed or the audit log not be read. What goes wrong in a scenario is in its record.
pub async fn run(cluster: &TestCluster, folders: &[Folder], job: &Job, say: &(dyn Fn(&str) + Sync)) -> Result<Report> {
    let begin = Instant::now();
    cluster.start_operator().await.context("install the product")?;
    cluster.no_mandates().await?;
    cluster.resume().await?;
    let metrics = folders.iter().any(|f| f.scenario().metrics);
    say("pushing images; what is not built yet is built now, which takes minutes");
    let images = images::push(cluster, folders, metrics).await?;
    if metrics {
        metrics::install(cluster, &images).await?;
    }
    let (audit, images) = (cluster.audit()?, &images);
    let runs = |alone: bool| -> Vec<(&Folder, u32)> {
        let chosen = folders.iter().filter(move |f| f.scenario().alone == alone);
        chosen.flat_map(|f| (1..=job.repeat).map(move |number| (f, number))).collect()
    };
    let mut all = Vec::new();
    for (set, at_once) in [(runs(false), job.parallel.max(1)), (runs(true), 1)] {
        let running = set.into_iter().map(|(folder, number)| async move {
            let ran = Box::pin(run::run(cluster, images, folder, number)).await;
            say(&line(&ran));
            ran
        });
        let done: Vec<Ran> = futures::stream::iter(running).buffer_unordered(at_once).collect().await;
        all.extend(done);
    }
    let records = audit.records().await?;
    let stray = stray(&all, &witness::writes(&records));
    Ok(Report::new(all.into_iter().map(|ran| ran.record).collect(), stray, begin.elapsed().as_secs_f64()))
}

/// Writes of the product that no scenario has answered for.
fn stray(all: &[Ran], writes: &[&crate::audit::Record]) -> Vec<String> {
    let answered = |write: &&&crate::audit::Record| {
        let o = &write.object;
        // What the product's own namespace holds is its own.
        o.namespace == SYSTEM_NAMESPACE
            || all.iter().any(|ran| {
                ran.namespaces.contains(&o.namespace) || ran.accounts.iter().any(|a| write.user().starts_with(a))
            })
    };
    writes.iter().filter(|w| !answered(w)).map(|w| witness::told(w)).collect()
}

fn line(ran: &Ran) -> String {
    let r = &ran.record;
    let verdict = if r.is_right() { "right" } else { "WRONG" };
    let why = r.why.first().map(|w| format!(": {}", w.lines().next().unwrap_or_default())).unwrap_or_default();
    format!("{verdict} {} {} ({:.0} s){why}", r.id, r.name, r.seconds)
}
