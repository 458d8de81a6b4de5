//! Container images: writes an image of a few files as an OCI archive, byte for byte the same from the same input, and pushes such archives to a plain registry. Knows nothing of what is in the files.

mod push;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

pub(crate) use push::push;

/// Nobody in particular; the number that Pod Security's `runAsNonRoot` can judge.
const USER: u64 = 65532;

/// A file of an image.
#[derive(Debug, Clone)]
pub struct File {
    /// Absolute path in the image.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

/// An image of one layer, run as user 65532.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// `registry/repository:tag`.
    pub reference: String,
    /// Program and first arguments.
    pub entrypoint: Vec<String>,
    /// Its files; directories are made as needed.
    pub files: Vec<File>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// TCP ports it says it listens on.
    pub ports: Vec<u16>,
}

/// Writes `image` to `out` and returns the manifest's digest.
pub fn write_image(out: &Path, image: &Image) -> Result<String> {
    let (archive, digest) = render(image).with_context(|| format!("make the image {}", image.reference))?;
    out.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .with_context(|| format!("create the directory of {}", out.display()))?;
    let partial = out.with_extension("partial");
    fs::write(&partial, archive).with_context(|| format!("write {}", partial.display()))?;
    fs::rename(&partial, out).with_context(|| format!("move {} into place", out.display()))?;
    Ok(digest)
}

fn render(image: &Image) -> Result<(Vec<u8>, String)> {
    let layer = layer(image)?;
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
    gzip.write_all(&layer)?;
    let compressed = gzip.finish()?;
    let config = serde_json::to_vec(&config(image, &digest(&layer)))?;
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &compressed)],
    }))?;
    let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    entry["platform"] = json!({"architecture": architecture(), "os": "linux"});
    let tag = image.reference.rsplit(':').next().unwrap_or_default();
    entry["annotations"] =
        json!({"io.containerd.image.name": image.reference, "org.opencontainers.image.ref.name": tag});
    let index = serde_json::to_vec(
        &json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}),
    )?;
    let mut archive = Builder::new(Vec::new());
    append(&mut archive, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644)?;
    append(&mut archive, "index.json", &index, 0o644)?;
    for blob in [&config, &manifest, &compressed] {
        append(&mut archive, &format!("blobs/sha256/{}", hex_digest(blob)), blob, 0o644)?;
    }
    Ok((archive.into_inner()?, digest(&manifest)))
}

fn config(image: &Image, layer: &str) -> Value {
    let ports: serde_json::Map<String, Value> =
        image.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": image.entrypoint, "Env": image.env, "User": format!("{USER}:{USER}"), "ExposedPorts": ports, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    })
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn layer(image: &Image) -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    let mut dirs = vec![("etc".to_owned(), 0o755), ("tmp".to_owned(), 0o1777)];
    for file in &image.files {
        let parents =
            Path::new(file.path.trim_start_matches('/')).ancestors().skip(1).filter(|p| !p.as_os_str().is_empty());
        dirs.extend(parents.map(|p| (p.display().to_string(), 0o755)));
    }
    dirs.sort();
    dirs.dedup_by(|a, b| a.0 == b.0);
    for (dir, mode) in dirs {
        let mut header = header(0, mode, EntryType::Directory);
        tar.append_data(&mut header, format!("{dir}/"), std::io::empty())?;
    }
    let users = format!("root:x:0:0::/:/sbin/nologin\nnonroot:x:{USER}:{USER}::/:/sbin/nologin\n");
    append(&mut tar, "etc/passwd", users.as_bytes(), 0o644)?;
    for file in &image.files {
        append(&mut tar, file.path.trim_start_matches('/'), &file.content, file.mode)?;
    }
    Ok(tar.into_inner()?)
}

fn append(tar: &mut Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32) -> Result<()> {
    let mut header = header(content.len() as u64, mode, EntryType::Regular);
    tar.append_data(&mut header, path, content).with_context(|| format!("add {path}"))
}

/// No time, no owner: nothing that differs between two builds.
fn header(size: u64, mode: u32, kind: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(blob), "size": blob.len()})
}

fn digest(blob: &[u8]) -> String {
    format!("sha256:{}", hex_digest(blob))
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn hex_digest(blob: &[u8]) -> String {
    Sha256::digest(blob).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(version: &str) -> Image {
        let file = File { path: "/app/program".into(), content: b"\x7fELF".to_vec(), mode: 0o755 };
        Image {
            reference: "x/y:1".into(),
            entrypoint: vec!["/app/program".into()],
            files: vec![file],
            env: vec![format!("VERSION={version}")],
            ports: vec![8080],
        }
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let (one, two) = (render(&image("1")).unwrap(), render(&image("1")).unwrap());
        assert_eq!(one.1, two.1);
        assert!(one.0 == two.0, "the archives differ");
        assert_ne!(one.1, render(&image("2")).unwrap().1);
    }

    #[test]
    fn parents_come_before_files() {
        let layer = layer(&image("1")).unwrap();
        let mut tar = tar::Archive::new(layer.as_slice());
        let paths: Vec<_> = tar.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(paths, ["app/", "etc/", "tmp/", "etc/passwd", "app/program"]);
    }
}
