//! `cargo xtask scenarios`: breaks a real Kubernetes in the ways that people do, and reports what Bailiwick made of it.
//!
//! Owns what the scenarios need around them: programs, images, a cluster. Must never judge: the testkit's program `scenarios` does, and its exit code is this one's. An ephemeral cluster dies with this process.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use bailiwick_testbed::{Cluster, Config, OperatorImage, Options, Progress, build_operator, prepare_images};
use clap::ValueEnum;
use serde_json::json;

use crate::workspace::Workspace;
use crate::{cargo, say};

const PACKAGE: &str = "bailiwick-testkit";
const PROGRAM: &str = "scenarios";
/// What the program answers where it could not even begin.
const BROKEN: i32 = 2;

/// Break a real Kubernetes as people do, and report what Bailiwick makes of it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask scenarios                     all of scenarios/, on a cluster of its own
  cargo xtask scenarios S01 S40             two of them
  cargo xtask scenarios --smoke             the quick subset
  cargo xtask scenarios --dir my/faults     folders of your own: see docs/SCENARIOS.md
  cargo xtask scenarios --repeat 5 -o json
  cargo xtask scenarios --list              look at the folders and run nothing")]
pub(crate) struct Args {
    /// Ids of scenarios; all where none is named
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Where the folders are
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only those of the quick subset
    #[arg(long)]
    smoke: bool,
    /// How often each is run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,
    /// How many run at once, where that is safe
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=100))]
    parallel: u32,
    /// How to print the report
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    /// Check the folders, show them and run nothing
    #[arg(long)]
    list: bool,
    /// Use this cluster of `cargo xtask cluster`, and leave it up
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Cargo profile of the operator in the image
    #[arg(long, default_value = "dev")]
    profile: String,
    /// Leave the scenarios' namespaces behind (with --cluster)
    #[arg(long, requires = "cluster")]
    keep: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let config = Config::from_env()?;
    let workspace = Workspace::read(&config)?;
    let program = cargo::binary(&workspace, PACKAGE, PROGRAM)?;
    let dir = args.dir.clone().unwrap_or_else(|| workspace.root.join("scenarios"));
    let job = |list: bool| {
        json!({
            "dir": dir, "ids": args.ids, "smoke": args.smoke, "repeat": args.repeat, "parallel": args.parallel,
            "json": args.output == Format::Json, "list": list,
        })
    };
    if args.list {
        return answer(cargo::mortal(&program).arg(job(true).to_string()));
    }
    // A folder that is not in order is told before a cluster is brought up.
    let looked = cargo::mortal(&program).arg(job(true).to_string()).output().context("start the scenarios")?;
    if !looked.status.success() {
        bail!("{}", String::from_utf8_lossy(&looked.stderr).trim().trim_start_matches("error: "));
    }
    let cluster = cluster(args)?;
    let progress = Progress::new(say);
    let operator =
        build_operator(&config, &OperatorImage { profile: args.profile.clone(), features: Vec::new() }, &progress)?;
    cluster.import_image(&operator.archive)?;
    let images = prepare_images(&cluster, &progress)?;
    let logs = config.logs().join("scenarios").join(std::process::id().to_string());
    let mut command = cargo::mortal(&program);
    command.arg(job(false).to_string()).env("BAILIWICK_TEST_CLUSTER", cluster.name());
    command.env("BAILIWICK_TEST_IMAGES", serde_json::to_string(&images)?).env("BAILIWICK_TEST_ARTIFACTS", &logs);
    command.env("BAILIWICK_TEST_RUN", std::process::id().to_string());
    if args.keep {
        command.env("BAILIWICK_TEST_KEEP", "1");
    }
    let code = answer(&mut command)?;
    say(&format!("what each namespace looked like in the end: {}", logs.display()));
    Ok(code)
}

fn cluster(args: &Args) -> Result<Cluster> {
    if let Some(name) = &args.cluster {
        return Cluster::open(name);
    }
    let name = format!("scenarios-{}", std::process::id());
    Cluster::up(&Options { ephemeral: true, progress: Progress::new(say), ..Options::named(name) })
}

fn answer(command: &mut Command) -> Result<ExitCode> {
    let code = command.status().context("start the scenarios")?.code().unwrap_or(BROKEN);
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}
