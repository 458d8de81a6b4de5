//! Programs of this workspace without any shared library, so that an image needs nothing else. Runs `cargo build` and `rustc -vV`; writes logs into the cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{config::Config, progress::Progress, step};

/// What to build, and how.
pub(super) struct StaticBuild<'a> {
    pub(super) package: &'a str,
    pub(super) profile: &'a str,
    pub(super) features: &'a [String],
    pub(super) target_dir: Option<&'a Path>,
}

impl StaticBuild<'_> {
    /// Builds the package's programs without any shared library and returns their paths.
    pub(super) fn run(&self, config: &Config, progress: &Progress) -> Result<Vec<PathBuf>> {
        let log = config.logs().join(format!("build-{}.log", self.package));
        let messages = log.with_extension("json");
        std::fs::create_dir_all(config.logs()).with_context(|| format!("create {}", config.logs().display()))?;
        let create = |path: &Path| std::fs::File::create(path).with_context(|| format!("create {}", path.display()));
        let mut cargo = self.command(config, &host_triple(config)?)?;
        cargo.stdin(Stdio::null()).stdout(create(&messages)?).stderr(create(&log)?);
        if !step::patiently(&mut cargo, self.package, progress)? {
            bail!(
                "build {} statically: Cargo failed; the whole log is {}\n{}",
                self.package,
                log.display(),
                step::tail(&log, 40)
            );
        }
        let messages = std::fs::read_to_string(&messages).context("read Cargo's messages")?;
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(messages.filter_map(|m| m["executable"].as_str().map(PathBuf::from)).collect())
    }

    fn command(&self, config: &Config, triple: &str) -> Result<Command> {
        let mut cargo = step::mortal(config.cargo());
        cargo.current_dir(config.workspace()?).args(["build", "--bins", "--message-format=json-render-diagnostics"]);
        cargo.args(["--package", self.package, "--profile", self.profile, "--target", triple]);
        if !self.features.is_empty() {
            cargo.args(["--features", &self.features.join(",")]);
        }
        if let Some(dir) = self.target_dir {
            cargo.env("CARGO_TARGET_DIR", dir);
        }
        // Symbol names stay for backtraces; line tables would make the image ten times as big.
        cargo.env(format!("CARGO_PROFILE_{}_STRIP", self.profile.to_uppercase().replace('-', "_")), "debuginfo");
        cargo.env("RUSTFLAGS", "-C target-feature=+crt-static").env_remove("CARGO_ENCODED_RUSTFLAGS");
        Ok(cargo)
    }
}

fn host_triple(config: &Config) -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(config.workspace()?).arg("-vV");
    let text = String::from_utf8(step::output("ask rustc for its host", &mut rustc)?).context("read rustc's answer")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc named no host")
}
