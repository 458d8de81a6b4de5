//! Pushes an OCI archive to a registry that wants no password (OCI distribution specification, "Pushing a Blob Monolithically" and "Pushing Manifests").

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::digest;
use crate::http::{self, Request};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Pushes the image in `archive` and returns its manifest's digest.
pub(crate) fn push(archive: &Path, host: &str, repository: &str, tags: &[&str]) -> Result<String> {
    let files = read(archive)?;
    let index = parse(files.get("index.json").context("the archive has no index.json")?)?;
    let (name, manifest) = blob(&files, &index["manifests"][0]["digest"])?;
    let described = parse(manifest)?;
    let layers = described["layers"].as_array().cloned().unwrap_or_default();
    for part in std::iter::once(&described["config"]).chain(&layers) {
        let (_, content) = blob(&files, &part["digest"])?;
        push_blob(host, repository, content)?;
    }
    for tag in tags {
        let path = format!("/v2/{repository}/manifests/{tag}");
        expect(host, &Request { method: "PUT", path: &path, content_type: MANIFEST, body: manifest }, 201)?;
    }
    Ok(name.to_owned())
}

fn read(archive: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let file = std::fs::File::open(archive).with_context(|| format!("open {}", archive.display()))?;
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(file).entries().context("read the archive")? {
        let mut entry = entry.context("read the archive")?;
        let path = entry.path().context("read the archive")?.display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).with_context(|| format!("read {path}"))?;
        files.insert(path, content);
    }
    Ok(files)
}

fn parse(json: &[u8]) -> Result<Value> {
    serde_json::from_slice(json).context("read the archive's JSON")
}

fn blob<'a>(files: &'a BTreeMap<String, Vec<u8>>, digest: &'a Value) -> Result<(&'a str, &'a [u8])> {
    let digest = digest.as_str().context("the archive names no digest")?;
    let content = files
        .get(&format!("blobs/{}", digest.replace(':', "/")))
        .with_context(|| format!("the archive has no blob {digest}"))?;
    Ok((digest, content))
}

fn push_blob(host: &str, repository: &str, content: &[u8]) -> Result<()> {
    let digest = digest(content);
    let path = format!("/v2/{repository}/blobs/{digest}");
    let there = http::send(host, &Request { method: "HEAD", path: &path, content_type: MANIFEST, body: &[] })?;
    if there.status == 200 {
        return Ok(());
    }
    let path = format!("/v2/{repository}/blobs/uploads/");
    let begun = expect(
        host,
        &Request { method: "POST", path: &path, content_type: "application/octet-stream", body: &[] },
        202,
    )?;
    let location = begun.header("location").context("the registry named no place to upload to")?;
    let location = location.split_once(host).map_or(location, |(_, path)| path);
    let separator = if location.contains('?') { '&' } else { '?' };
    let path = format!("{location}{separator}digest={digest}");
    expect(
        host,
        &Request { method: "PUT", path: &path, content_type: "application/octet-stream", body: content },
        201,
    )?;
    Ok(())
}

fn expect(host: &str, request: &Request<'_>, status: u16) -> Result<http::Response> {
    let response = http::send(host, request)?;
    if response.status != status {
        let said = String::from_utf8_lossy(&response.body);
        bail!(
            "{} http://{host}{} answered {}, not {status}: {}",
            request.method,
            request.path,
            response.status,
            said.trim()
        );
    }
    Ok(response)
}
