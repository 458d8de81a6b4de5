//! The peer that is written in Go: a shared informer of client-go, told the same lines of a watch.
//!
//! Owns its building and its report, which is live bytes of the Go heap after a collection: what
//! that heap keeps free for itself is not in it. Needs `go`, and its module cache or a proxy.

use crate::Record;
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/informer");
const VARIANTS: [(&str, &[&str], &str); 2] = [
    (
        "bytes per pod, managedFields dropped, in Go",
        &["--drop-managed-fields"],
        "client-go informer, managedFields dropped",
    ),
    ("bytes per pod, as received, in Go", &[], "client-go informer, as received"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Report {
    pods: usize,
    bytes_per_pod: f64,
}

/// The informer's bytes per pod beside `ours`; nothing where it cannot be built.
pub(crate) fn beside(bench: &'static str, lines: &[String], ours: f64) -> Result<Vec<Record>> {
    let scratch = std::env::temp_dir().join(format!("bailiwick-informer-{}", std::process::id()));
    let built = Command::new("go").current_dir(SOURCE).args(["build", "-o"]).arg(&scratch).arg(".").status();
    if !built.is_ok_and(|built| built.success()) {
        let _closed_terminal = writeln!(std::io::stderr(), "left out: the peer in Go, which cannot be built here");
        return Ok(Vec::new());
    }
    let records = VARIANTS.iter().map(|(metric, flags, name)| {
        let peer = ask(&scratch, flags, lines)?.bytes_per_pod;
        let record = Record::alone(bench, metric, "bytes", ours);
        Ok(Record { peer: Some(peer), peer_name: Some(name), ratio: Some(peer / ours), ..record })
    });
    let records = records.collect();
    std::fs::remove_file(&scratch).context("remove the peer")?;
    records
}

fn ask(program: &Path, flags: &[&str], lines: &[String]) -> Result<Report> {
    let mut peer = Command::new(program);
    let mut peer = peer.args(flags).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("start the peer")?;
    let mut stdin = peer.stdin.take().context("open the peer's stdin")?;
    for line in lines {
        writeln!(stdin, "{line}").context("tell the peer of a pod")?;
    }
    drop(stdin);
    let said = peer.wait_with_output().context("wait for the peer")?;
    ensure!(said.status.success(), "the peer failed");
    let report: Report = serde_json::from_slice(&said.stdout).context("read the peer's report")?;
    ensure!(report.pods == lines.len(), "{} pods in the peer's informer", report.pods);
    Ok(report)
}
