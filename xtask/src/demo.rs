//! `cargo xtask demo`: a real Kubernetes, Bailiwick on it, and `bailiwick demo`; then nothing is left.
//!
//! Owns what the demo needs around it: programs, images, a cluster, the installation. Must never hold a check of the demo: those are in `bailiwick demo`, whose exit code is this one's. Starts Cargo and `bailiwick`; an ephemeral cluster dies with this process.

mod child;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::{Cluster, Config, OperatorImage, Options, Progress, build_operator, prepare_images};

use crate::workspace::Workspace;
use crate::{cargo, say};
use child::{Interrupted, Told};

/// See Bailiwick at work on a real Kubernetes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask demo                       on a cluster of its own, which is gone afterwards
  cargo xtask demo --keep                and left up for a look
  cargo xtask demo -- --only authority   what follows `--` is for `bailiwick demo`
  cargo xtask demo --context kind-x --image R/workload:1.0.0 --other-image R/workload:1.1.0
                                         on your own cluster; says what it skips")]
pub(crate) struct Args {
    /// Leave the cluster, and all of the demo on it
    #[arg(long)]
    keep: bool,
    /// How to call the cluster
    #[arg(long, value_name = "NAME", conflicts_with_all = ["context", "kubeconfig"])]
    name: Option<String>,
    /// Cargo profile of the operator in the image
    #[arg(long, default_value = "dev")]
    profile: String,
    /// Refuse to install missing Debian packages
    #[arg(long)]
    no_install: bool,
    /// Use this context of your own kubeconfig
    #[arg(long)]
    context: Option<String>,
    /// Use this kubeconfig of your own
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    own: Own,
    /// Arguments for `bailiwick demo`
    #[arg(last = true)]
    demo: Vec<String>,
}

/// What your own cluster has to be given.
#[derive(clap::Args)]
struct Own {
    /// With your own cluster: the demo's workload image, as `cargo xtask image workload` builds it
    #[arg(long, value_name = "REF")]
    image: Option<String>,
    /// With your own cluster: the same under another tag
    #[arg(long, value_name = "REF")]
    other_image: Option<String>,
    /// With your own cluster: install Bailiwick with this image of the operator
    #[arg(long, value_name = "REF")]
    operator_image: Option<String>,
    /// With your own cluster: run the drills that make everybody's changes wait, too
    #[arg(long)]
    disruptive: bool,
}

/// The command `bailiwick`, with the flags that lead to the cluster.
struct Bailiwick {
    program: PathBuf,
    flags: Vec<String>,
    /// What a signal to this process means for it.
    told: Told,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let begun = Instant::now();
    let config = Config::from_env()?;
    let workspace = Workspace::read(&config)?;
    say("building the command `bailiwick`");
    let program = cargo::binary(&workspace, "bailiwick-cli", "bailiwick")?;
    let ended = if args.context.is_some() || args.kubeconfig.is_some() {
        on_yours(program, &args)
    } else {
        on_its_own(&config, program, &args)
    };
    let code = ended.or_else(|error| {
        let by = error.downcast::<Interrupted>()?;
        say(&by.to_string());
        anyhow::Ok(by.exit_code())
    })?;
    say(&format!("the whole took {:.0} s", begun.elapsed().as_secs_f64()));
    Ok(code)
}

fn on_its_own(config: &Config, program: PathBuf, args: &Args) -> Result<ExitCode> {
    let progress = Progress::new(say);
    let image = OperatorImage { profile: args.profile.clone(), features: Vec::new() };
    let operator = build_operator(config, &image, &progress)?;
    let name = match (&args.name, args.keep) {
        (Some(name), _) => name.clone(),
        (None, true) => "demo".to_owned(),
        (None, false) => format!("demo-{}", std::process::id()),
    };
    let options = Options {
        ephemeral: !args.keep,
        install: !args.no_install,
        progress: progress.clone(),
        ..Options::named(&name)
    };
    let cluster = Cluster::up(&options)?;
    cluster.import_image(&operator.archive)?;
    let images = prepare_images(&cluster, &progress)?;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    // What it works on goes with the cluster.
    let told = if args.keep { Told::TheSame } else { Told::Nothing };
    let bailiwick = Bailiwick { program, flags: vec!["--kubeconfig".to_owned(), kubeconfig.clone()], told };
    bailiwick.install(&OperatorImage::reference())?;
    let [good, other] = &images.good;
    let mut words =
        vec!["demo", "--image", good, "--other-image", other, "--absent-image", &images.absent, "--disruptive"];
    if args.keep {
        words.push("--keep");
    }
    let code = bailiwick.run(&words, &args.demo)?;
    if args.keep {
        say(&format!(
            "the cluster is left up: export KUBECONFIG={kubeconfig}; take it down with `cargo xtask cluster down --name {name}`"
        ));
    } else {
        drop(cluster);
        say(&format!("cluster `{name}` is gone"));
    }
    Ok(code)
}

fn on_yours(program: PathBuf, args: &Args) -> Result<ExitCode> {
    let (Some(good), Some(other)) = (&args.own.image, &args.own.other_image) else {
        anyhow::bail!(
            "your own cluster needs the workload image where its nodes can pull it: give --image and --other-image"
        );
    };
    let mut flags = Vec::new();
    if let Some(path) = &args.kubeconfig {
        flags.extend(["--kubeconfig".to_owned(), absolute(path)?]);
    }
    if let Some(context) = &args.context {
        flags.extend(["--context".to_owned(), context.clone()]);
    }
    say("on your own cluster, skipped:");
    say("  no cluster is brought up or taken down, and no image is built or pushed");
    let bailiwick = Bailiwick { program, flags, told: Told::TheSame };
    match &args.own.operator_image {
        Some(image) => bailiwick.install(image)?,
        None => say("  Bailiwick is not installed, for --operator-image is not given: it must be there already"),
    }
    let mut words = vec!["demo", "--image", good, "--other-image", other];
    if args.own.disruptive {
        words.push("--disruptive");
    } else {
        say("  the drills that stop the operator, suspend everything and delete a policy: add --disruptive");
    }
    if args.keep {
        words.push("--keep");
    }
    bailiwick.run(&words, &args.demo)
}

fn absolute(path: &Path) -> Result<String> {
    let path = std::path::absolute(path).with_context(|| format!("find {}", path.display()))?;
    Ok(path.display().to_string())
}

impl Bailiwick {
    fn install(&self, image: &str) -> Result<()> {
        let code = self.status(&["install", "--image", image], &[])?;
        ensure!(code == Some(0), "`bailiwick install` failed");
        Ok(())
    }

    fn run(&self, words: &[&str], more: &[String]) -> Result<ExitCode> {
        let code = self.status(words, more)?;
        Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }

    fn status(&self, words: &[&str], more: &[String]) -> Result<Option<i32>> {
        say(&format!(
            "$ bailiwick {}",
            words.iter().copied().chain(more.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
        ));
        // Where the cluster stays it must live to put back what it stopped, even if this process is killed.
        let mut command =
            if self.told == Told::Nothing { cargo::mortal(&self.program) } else { Command::new(&self.program) };
        child::run(command.args(words).args(&self.flags).args(more), self.told).context("run `bailiwick`")
    }
}
