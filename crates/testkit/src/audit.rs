//! The API server's own record of writes, as the witness of what really happened.
//!
//! Reads the audit log from the moment a test opened it. Before reading, a marker is written through the API server and awaited in the log, so that everything answered before is seen. Judges nothing.

mod record;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::Client;
use serde_json::json;

use record::possible_writes_by;
pub use record::{Object, Record, writes_by, writes_to};

use crate::apply::dry_run_create;
use crate::wait::{Seen, wait_for};

static MARKER: AtomicU32 = AtomicU32::new(0);

/// The log from one moment on.
pub struct Audit {
    path: PathBuf,
    from: u64,
    client: Client,
}

impl Audit {
    pub(crate) fn from_now(path: PathBuf, client: Client) -> Result<Self> {
        let from = std::fs::metadata(&path).with_context(|| format!("open {}", path.display()))?.len();
        Ok(Self { path, from, client })
    }

    /// Everything answered since this was opened, in the order of the answers.
    ///
    /// # Errors
    /// Fails where the log cannot be read, was rotated meanwhile, or holds a line that is no record.
    pub async fn records(&self) -> Result<Vec<Record>> {
        let number = MARKER.fetch_add(1, Ordering::Relaxed);
        let name = format!("audit-marker-{:x}-{number}", std::process::id());
        let marker =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
        dry_run_create(&self.client, &marker, None).await.context("write the marker")?;
        let is_marker = |r: &Record| r.object.name == name;
        let mut all = wait_for("the marker in the audit log", Duration::from_secs(30), async || {
            let all = self.read()?;
            let there = all.iter().any(is_marker);
            let count = all.len();
            Ok(Seen::when(there, all, format!("{count} records")))
        })
        .await?;
        all.retain(|r| !r.object.name.starts_with("audit-marker-"));
        Ok(all)
    }

    /// Successful writes by users whose name begins with `prefix`, dry runs left out.
    ///
    /// # Errors
    /// As [`Audit::records`].
    pub async fn writes_by(&self, prefix: &str) -> Result<Vec<Record>> {
        Ok(writes_by(&self.records().await?, prefix))
    }

    /// Writes by users whose name begins with `prefix`, where who asked may have died before the answer: how many were answered, and all that may have been stored.
    ///
    /// # Errors
    /// As [`Audit::records`].
    pub async fn writes_and_doubts(&self, prefix: &str) -> Result<(usize, Vec<Record>)> {
        let records = self.records().await?;
        Ok((writes_by(&records, prefix).len(), possible_writes_by(&records, prefix)))
    }

    /// Successful writes to one object, dry runs left out: `("deployments", "shop", "web")`.
    ///
    /// # Errors
    /// As [`Audit::records`].
    pub async fn writes_to(&self, object: (&str, &str, &str)) -> Result<Vec<Record>> {
        Ok(writes_to(&self.records().await?, object))
    }

    fn read(&self) -> Result<Vec<Record>> {
        let mut file = File::open(&self.path).context("open the audit log")?;
        let length = file.metadata()?.len();
        ensure!(length >= self.from, "the audit log was rotated while a test read it");
        file.seek(SeekFrom::Start(self.from.saturating_sub(1)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).context("read the audit log")?;
        complete_lines(&bytes, self.from == 0)?.lines().map(record::parse).collect()
    }
}

/// The lines that begin and end in a part of the log: the first and the last may be half there. What does not begin the log begins with the byte before what is asked for, so that a whole first line is told from the rest of one.
fn complete_lines(bytes: &[u8], begins: bool) -> Result<&str> {
    let first = if begins { Some(0) } else { bytes.iter().position(|b| *b == b'\n').map(|end| end + 1) };
    let last = bytes.iter().rposition(|b| *b == b'\n').map(|end| end + 1);
    let whole = first.zip(last).and_then(|(first, last)| bytes.get(first..last)).unwrap_or_default();
    std::str::from_utf8(whole).context("read the audit log as text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_half_there_are_no_records() {
        assert_eq!(complete_lines(b"a\nb\nc", true).unwrap(), "a\nb\n");
        assert_eq!(complete_lines(b"\na\nb\n", false).unwrap(), "a\nb\n");
        assert_eq!(complete_lines("\u{e9}\na\nb".as_bytes().get(1..).unwrap(), false).unwrap(), "a\n");
        for nothing in [&b"\n"[..], b"", b"half", b"half\n", b"\nhalf"] {
            assert_eq!(complete_lines(nothing, false).unwrap(), "", "{nothing:?}");
        }
    }
}
