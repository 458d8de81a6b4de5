//! `cargo xtask image`: container images built from this workspace, through `bailiwick-testbed`. Parses arguments and prints; does no work of its own.

use std::process::ExitCode;

use bailiwick_testbed::{Cluster, Config, OperatorImage, Progress, build_operator, prepare_images};
use clap::Subcommand;

use crate::{out, say};

/// Build container images.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask image operator --profile dev --load dev
  cargo xtask image workload --load dev")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The operator, statically linked; prints the path of an OCI archive
    #[command(after_help = "Examples:
  cargo xtask image operator
  cargo xtask image operator --profile dev --load dev")]
    Operator {
        /// Import it into this cluster
        #[arg(long, value_name = "NAME")]
        load: Option<String>,
        /// Cargo profile
        #[arg(long, default_value = "release")]
        profile: String,
        /// Cargo features, separated by commas
        #[arg(long, value_delimiter = ',')]
        features: Vec<String>,
    },
    /// The workload that breaks on request; pushed to a cluster's registry with two tags
    #[command(after_help = "Examples:
  cargo xtask image workload --load dev")]
    Workload {
        /// The cluster
        #[arg(long, value_name = "NAME", default_value = "dev")]
        load: String,
    },
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Operator { load, profile, features } => {
            let image = OperatorImage { profile, features };
            let archive = build_operator(&Config::from_env()?, &image, &Progress::new(say))?.archive;
            if let Some(name) = load {
                Cluster::open(&name)?.import_image(&archive)?;
                say(&format!("loaded {} into `{name}`", OperatorImage::reference()));
            }
            out(&archive.display().to_string())?;
        }
        Command::Workload { load } => {
            let images = prepare_images(&Cluster::open(&load)?, &Progress::new(say))?;
            out(&serde_json::to_string_pretty(&images)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
