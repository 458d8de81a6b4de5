//! `scenarios JOB`: runs scenarios on the cluster that the environment names, as `cargo xtask scenarios` asks.
//!
//! Owns nothing but printing: the job is JSON, progress goes to stderr, the report to stdout. Exits with 0 where nothing differs, with 1 where something does, with 2 where it could not run.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use bailiwick_testkit::scenario::{Folder, Job, folders, run};
use bailiwick_testkit::{Need, TestCluster};

fn say(line: &str) {
    let _closed_terminal = writeln!(std::io::stderr().lock(), "{line}");
}

fn out(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

fn main() -> ExitCode {
    match scenarios() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn scenarios() -> Result<bool> {
    let job = std::env::args().nth(1).context("a job is needed: run `cargo xtask scenarios`")?;
    let job: Job = serde_json::from_str(&job).context("read the job")?;
    let chosen = choose(&job)?;
    for folder in &chosen {
        for word in folder.unknown_words() {
            say(&format!("{}: this product knows no {word}", folder.scenario().id));
        }
    }
    if job.list {
        return list(&chosen).map(|()| true);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(Box::pin(on_cluster(&chosen, &job)))?;
    if job.json {
        out(&serde_json::to_string_pretty(&report)?)?
    } else {
        out(&report.table())?
    }
    Ok(report.is_right())
}

async fn on_cluster(chosen: &[Folder], job: &Job) -> Result<bailiwick_testkit::scenario::Report> {
    let needs = [Need::Images, Need::Audit, Need::OperatorImage];
    let cluster = TestCluster::needing(&needs).await?.context("this cluster lacks what scenarios need")?;
    run(&cluster, chosen, job, &say).await
}

/// The folders that the job names.
fn choose(job: &Job) -> Result<Vec<Folder>> {
    let all = folders(&job.dir)?;
    let is = |folder: &Folder, id: &String| folder.scenario().id.eq_ignore_ascii_case(id);
    for id in &job.ids {
        let known = all.iter().any(|folder| is(folder, id));
        ensure!(known, "there is no scenario `{id}` in {}: see `cargo xtask scenarios --list`", job.dir.display());
    }
    let wanted =
        |f: &Folder| (job.ids.is_empty() || job.ids.iter().any(|id| is(f, id))) && (!job.smoke || f.scenario().smoke);
    let chosen: Vec<Folder> = all.into_iter().filter(wanted).collect();
    ensure!(!chosen.is_empty(), "no scenario of {} is of the quick subset", job.dir.display());
    Ok(chosen)
}

fn list(chosen: &[Folder]) -> Result<()> {
    for folder in chosen {
        let s = folder.scenario();
        out(&format!("{:<5} {:<28} {:?}  {}", s.id, s.name, s.class, s.about))?;
    }
    Ok(())
}
