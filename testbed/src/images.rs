//! The images that tests run: built statically from this workspace, written as OCI archives into the cache. Runs Cargo only when a source changed.

mod prune;
mod static_build;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use static_build::StaticBuild;

use crate::oci::{File, Image, hex_digest, write_image};
use crate::{cluster::Cluster, config::Config, lock::Lock, progress::Progress, spec::PAUSE};

const WORKLOAD: &str = "bailiwick-workload";
const REPOSITORY: &str = "testkit/workload";
const TAGS: [&str; 2] = ["1.0.0", "1.1.0"];

/// References of the workload image in one cluster's registry.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadImages {
    /// Two that can be pulled, with `VERSION` 1.0.0 and 1.1.0 in their environment.
    pub good: [String; 2],
    /// The registry answers 404.
    pub absent: String,
    /// The registry answers 401.
    pub refused: String,
}

/// How to build the operator's image.
#[derive(Debug, Clone)]
pub struct OperatorImage {
    /// Cargo profile.
    pub profile: String,
    /// Cargo features of `bailiwick-operator`.
    pub features: Vec<String>,
}

impl OperatorImage {
    /// The name that manifests use for the image.
    pub fn reference() -> String {
        format!("bailiwick.dev/operator:{}", env!("CARGO_PKG_VERSION"))
    }
}

/// The operator as it was built: its own copy of the program, and the image that holds it. Named by their content, so that another build, with other features, changes neither.
#[derive(Debug, Clone)]
pub struct BuiltOperator {
    /// Runs outside of a cluster as well.
    pub program: PathBuf,
    /// An OCI archive of the image.
    pub archive: PathBuf,
}

/// Builds the workload image if its source changed and pushes it to the cluster's registry.
pub fn prepare_images(cluster: &Cluster, progress: &Progress) -> Result<WorkloadImages> {
    let archives = workload(cluster.config(), progress)?;
    for (tag, archive) in TAGS.iter().zip(archives) {
        cluster.push_image(&archive, REPOSITORY, &[tag])?;
    }
    let reference = |host: &str, tag: &str| format!("{host}/{REPOSITORY}:{tag}");
    let good = TAGS.map(|tag| reference(&cluster.registry(), tag));
    progress.line(format!("pushed {}", good.join(" and ")));
    Ok(WorkloadImages {
        good,
        absent: reference(&cluster.registry(), "9.9.9"),
        refused: reference(&cluster.refusing_registry(), TAGS[0]),
    })
}

/// Builds the operator statically, and writes its program and image into the cache.
pub fn build_operator(config: &Config, options: &OperatorImage, progress: &Progress) -> Result<BuiltOperator> {
    let build = StaticBuild {
        package: "bailiwick-operator",
        profile: &options.profile,
        features: &options.features,
        target_dir: None,
    };
    // Cargo puts every set of features at the same path: nobody may build another before this one is read.
    let _one_at_a_time = Lock::wait(config, "operator-image")?;
    progress.line(format!("building bailiwick-operator ({}, static)", options.profile));
    let program = build
        .run(config, progress)?
        .into_iter()
        .find(|p| p.ends_with("bailiwick-operator"))
        .context("bailiwick-operator built no program of that name")?;
    let file = program_file("/bailiwick-operator", &program)?;
    let stamp = short_digest(&file.content);
    let built = BuiltOperator {
        program: config.programs().join(format!("operator-{stamp}")),
        archive: config.images().join(format!("operator-{stamp}.tar")),
    };
    keep(&built.program, &file.content)?;
    let image = Image {
        reference: OperatorImage::reference(),
        entrypoint: vec!["/bailiwick-operator".to_owned()],
        files: vec![file],
        ..Image::default()
    };
    let digest = write_image(&built.archive, &image)?;
    progress.line(format!("wrote {} ({}, {digest})", built.archive.display(), image.reference));
    prune::old(&config.images());
    prune::old(&config.programs());
    Ok(built)
}

/// Writes the program in one step: one of the same name may be running.
fn keep(path: &Path, content: &[u8]) -> Result<()> {
    let dir = path.parent().context("a program without a directory")?;
    std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    let partial = path.with_extension("partial");
    std::fs::write(&partial, content).with_context(|| format!("write {}", partial.display()))?;
    std::fs::set_permissions(&partial, Permissions::from_mode(0o755)).context("make a program executable")?;
    std::fs::rename(&partial, path).with_context(|| format!("move {} into place", path.display()))
}

/// The image of every pod's sandbox container.
pub(crate) fn pause(config: &Config, progress: &Progress) -> Result<PathBuf> {
    let [pause, ..] = static_images(config, progress)?;
    Ok(pause)
}

fn workload(config: &Config, progress: &Progress) -> Result<[PathBuf; 2]> {
    let [_, old, new] = static_images(config, progress)?;
    Ok([old, new])
}

/// Pause and the two workloads. Named by a hash of their source, so that Cargo runs only when that changed: `cluster up` must not wait for somebody's build.
fn static_images(config: &Config, progress: &Progress) -> Result<[PathBuf; 3]> {
    let stamp = stamp(config)?;
    let path = |name: &str| config.images().join(format!("{name}-{stamp}.tar"));
    let paths = [path("pause"), path("workload-1.0.0"), path("workload-1.1.0")];
    let there = || paths.iter().all(|path| path.exists());
    if there() {
        return Ok(paths);
    }
    let _one_at_a_time = Lock::wait(config, "images")?;
    if there() {
        return Ok(paths);
    }
    progress.line("building the pause and workload images");
    let target_dir = config.cache().join("target-workload");
    let build = StaticBuild { package: WORKLOAD, profile: "release", features: &[], target_dir: Some(&target_dir) };
    let programs = build.run(config, progress)?;
    let program = |name: &str| {
        programs.iter().find(|p| p.ends_with(name)).with_context(|| format!("{WORKLOAD} built no program `{name}`"))
    };
    let pause = Image {
        reference: PAUSE.to_owned(),
        entrypoint: vec!["/pause".to_owned()],
        files: vec![program_file("/pause", program("pause")?)?],
        ..Image::default()
    };
    write_image(&paths[0], &pause)?;
    for (path, tag) in paths[1..].iter().zip(TAGS) {
        let image = Image {
            reference: format!("testbed.local/workload:{tag}"),
            entrypoint: vec!["/workload".to_owned()],
            files: vec![program_file("/workload", program("workload")?)?],
            env: vec![format!("VERSION={tag}")],
            ports: vec![8080],
        };
        write_image(path, &image)?;
    }
    prune::old(&config.images());
    Ok(paths)
}

/// A hash of what the programs and images are made from.
fn stamp(config: &Config) -> Result<String> {
    let root = config.workspace()?.join("crates/testkit/workload");
    let mut files = vec![root.join("Cargo.toml")];
    let entries = std::fs::read_dir(root.join("src")).with_context(|| format!("read {}/src", root.display()))?;
    files.extend(entries.flatten().map(|entry| entry.path()));
    files.sort();
    let mut bytes = include_bytes!("images.rs").to_vec();
    for file in files {
        bytes.extend(std::fs::read(&file).with_context(|| format!("read {}", file.display()))?);
    }
    Ok(short_digest(&bytes))
}

/// Enough of a digest for a name.
fn short_digest(bytes: &[u8]) -> String {
    let mut digest = hex_digest(bytes);
    digest.truncate(12);
    digest
}

fn program_file(path: &str, program: &Path) -> Result<File> {
    let content = std::fs::read(program).with_context(|| format!("read {}", program.display()))?;
    Ok(File { path: path.to_owned(), content, mode: 0o755 })
}
