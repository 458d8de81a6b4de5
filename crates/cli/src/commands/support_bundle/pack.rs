//! The bundle itself: files under a limit, a manifest of them, an archive or a directory.
//!
//! Owns sizes, names and digests. Must never replace a file that is there, nor make one that others
//! can read. Writes files.

use super::read::Listed;
use crate::exit::{Failure, Outcomes};
use crate::out::{Format, encode};
use bailiwick_core::canonical::sha256_hex;
use bailiwick_core::incident::redact;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Name of the list of all files.
pub(super) const MANIFEST: &str = "manifest.json";

/// One file.
#[derive(Debug, Serialize)]
struct Packed {
    path: String,
    bytes: usize,
    sha256: String,
    /// How many objects or lines were left out, the oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<usize>,
    #[serde(skip)]
    content: Vec<u8>,
}

/// Something that is not in the bundle.
#[derive(Debug, Serialize)]
pub(super) struct Missing {
    /// What.
    pub(super) what: String,
    /// Why.
    pub(super) why: String,
}

/// A bundle in the making.
#[derive(Debug)]
pub(super) struct Bundle {
    files: Vec<Packed>,
    /// What could not be collected.
    pub(super) missing: Vec<Missing>,
    limit: usize,
    made: Timestamp,
}

impl Bundle {
    /// An empty one that never holds more than `limit` bytes.
    pub(super) const fn new(limit: usize, made: Timestamp) -> Self {
        Self { files: Vec::new(), missing: Vec::new(), limit, made }
    }

    /// Its name, and that of the folder in the archive.
    pub(super) fn name(made: Timestamp) -> String {
        format!("bailiwick-support-{}", made.strftime("%Y%m%dT%H%M%SZ"))
    }

    /// Bytes of all files so far.
    pub(super) fn bytes(&self) -> usize {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Notes what is not there, and why, which is somebody else's text.
    pub(super) fn lacks(&mut self, what: impl Into<String>, why: impl AsRef<str>) {
        self.missing.push(Missing { what: what.into(), why: redact(why.as_ref()) });
    }

    /// Adds a value as JSON.
    pub(super) fn value(&mut self, path: &str, value: &Value) {
        match encode(value, Format::Json) {
            Ok(text) => self.put(path, text.into_bytes(), None),
            Err(failure) => self.lacks(path, failure.what),
        }
    }

    /// Adds objects, and says how many older ones there are.
    pub(super) fn objects(&mut self, path: &str, listed: Listed) {
        match encode(&crate::out::list(listed.objects), Format::Json) {
            Ok(text) => self.put(path, text.into_bytes(), Some(listed.omitted).filter(|n| *n > 0)),
            Err(failure) => self.lacks(path, failure.what),
        }
    }

    /// Adds the end of a text, as much of it as is allowed.
    pub(super) fn tail(&mut self, path: &str, text: &str, most: usize) {
        let from = text.len().saturating_sub(most);
        let at = text.as_bytes().iter().skip(from).position(|b| *b == b'\n').map_or(text.len(), |n| from + n + 1);
        let (cut, kept) = if from == 0 { ("", text) } else { text.split_at(at) };
        let omitted = cut.lines().count();
        self.put(path, kept.as_bytes().to_vec(), Some(omitted).filter(|n| *n > 0));
    }

    fn put(&mut self, path: &str, content: Vec<u8>, omitted: Option<usize>) {
        if self.bytes() + content.len() > self.limit {
            let why = format!("its {} bytes do not fit under the limit: see --max-size", content.len());
            return self.lacks(path, why);
        }
        let (bytes, sha256) = (content.len(), sha256_hex(&content));
        self.files.push(Packed { path: path.to_owned(), bytes, sha256, omitted, content });
    }

    /// Each file with its digest, and all that is not there.
    ///
    /// # Errors
    /// Where it cannot be put into words.
    pub(super) fn manifest(&self) -> Outcomes<Value> {
        let part = |value: Result<Value, serde_json::Error>| value.map_err(|e| Failure::error(e.to_string()));
        Ok(json!({
            "format": "bailiwick.dev/support-bundle/v1",
            "made": self.made.to_string(),
            "bailiwick": env!("CARGO_PKG_VERSION"),
            "bytes": self.bytes(),
            "files": part(serde_json::to_value(&self.files))?,
            "missing": part(serde_json::to_value(&self.missing))?,
        }))
    }

    /// Paths and sizes, as a person reads them.
    pub(super) fn contents(&self) -> impl Iterator<Item = (&str, usize, Option<usize>)> {
        self.files.iter().map(|file| (file.path.as_str(), file.bytes, file.omitted))
    }

    /// Writes a compressed archive to a new file.
    ///
    /// # Errors
    /// Where the file is there already, or cannot be written.
    pub(super) fn archive(&self, path: &Path) -> Outcomes<()> {
        let manifest = encode(&self.manifest()?, Format::Json)?;
        let write = || -> io::Result<()> {
            let file = new_file(path)?;
            let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
            let folder = Self::name(self.made);
            let all = self.files.iter().map(|f| (f.path.as_str(), f.content.as_slice()));
            for (name, content) in all.chain([(MANIFEST, manifest.as_bytes())]) {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o600);
                header.set_mtime(u64::try_from(self.made.as_second()).unwrap_or_default());
                archive.append_data(&mut header, format!("{folder}/{name}"), content)?;
            }
            archive.into_inner()?.finish()?.sync_all()
        };
        write().map_err(|e| unwritten(path, &e))
    }

    /// Writes the files into a new directory.
    ///
    /// # Errors
    /// Where the directory is there already, or cannot be written.
    pub(super) fn directory(&self, path: &Path) -> Outcomes<()> {
        let manifest = encode(&self.manifest()?, Format::Json)?;
        let write = || -> io::Result<()> {
            let mut builder = DirBuilder::new();
            builder.mode(0o700).create(path)?;
            builder.recursive(true);
            let all = self.files.iter().map(|f| (f.path.as_str(), f.content.as_slice()));
            for (name, content) in all.chain([(MANIFEST, manifest.as_bytes())]) {
                let file = path.join(name);
                builder.create(file.parent().unwrap_or(path))?;
                new_file(&file)?.write_all(content)?;
            }
            Ok(())
        };
        write().map_err(|e| unwritten(path, &e))
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::error(format!("cannot write {}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::AlreadyExists => failure.next("name another one: what is there is never replaced"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(limit: usize) -> Bundle {
        Bundle::new(limit, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut bundle = bundle(60);
        bundle.tail("a.log", &"line\n".repeat(10), 1000);
        bundle.tail("b.log", &"line\n".repeat(10), 1000);
        assert_eq!(bundle.bytes(), 50);
        assert!(bundle.missing.iter().any(|m| m.what == "b.log" && m.why.contains("--max-size")), "{bundle:?}");
    }

    #[test]
    fn of_a_log_the_end_is_kept_by_whole_lines() {
        let mut bundle = bundle(1000);
        bundle.tail("a.log", "first\nsecond\nthird\n", 8);
        let manifest = bundle.manifest().unwrap();
        assert_eq!(bundle.files[0].content, b"third\n");
        assert_eq!(manifest["files"][0]["omitted"], 2);
        assert_eq!(manifest["files"][0]["sha256"], sha256_hex(b"third\n"));
    }

    #[test]
    fn of_objects_it_is_said_how_many_were_left_out() {
        let mut bundle = bundle(1000);
        bundle.objects("o.json", Listed { objects: vec![json!({"n": 1}), json!({"n": 2})], omitted: 1 });
        let list: Value = serde_json::from_slice(&bundle.files[0].content).unwrap();
        assert_eq!((list["items"].as_array().unwrap().len(), bundle.files[0].omitted), (2, Some(1)));
    }

    #[test]
    fn why_something_lacks_holds_no_credential() {
        let mut bundle = bundle(1000);
        bundle.lacks("nodes.json", "cannot ask https://u:hunter2@h/: token: hunter2");
        assert!(!bundle.manifest().unwrap().to_string().contains("hunter2"), "{bundle:?}");
    }
}
