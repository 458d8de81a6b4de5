//! `cargo xtask cluster`: a real Kubernetes on this machine, through `bailiwick-testbed`. Parses arguments and prints; does no work of its own.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bailiwick_testbed::{Cluster, Config, Listing, Options, Progress, Signal, ensure_binaries, ensure_prerequisites};
use clap::{Subcommand, ValueEnum};

use crate::{out, say};

/// Bring up, use and take down a real Kubernetes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask cluster up
  export KUBECONFIG=$(cargo xtask cluster kubeconfig)
  cargo xtask cluster exec -- kubectl get pods -A
  cargo xtask cluster restart kube-apiserver --down-for 2
  cargo xtask cluster user anna@example.com --group sre
  cargo xtask cluster down --all")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring a cluster up; the first time builds Kubernetes (≈ 10 minutes)
    #[command(after_help = "Examples:
  cargo xtask cluster up
  cargo xtask cluster up --name mine")]
    Up {
        #[command(flatten)]
        name: Name,
        /// Refuse to install missing Debian packages
        #[arg(long)]
        no_install: bool,
    },
    /// Take a cluster down and remove all it left
    #[command(after_help = "Examples:
  cargo xtask cluster down
  cargo xtask cluster down --all")]
    Down {
        #[command(flatten)]
        name: Name,
        /// Every cluster of this machine
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
    /// Show the clusters of this machine
    #[command(after_help = "Examples:
  cargo xtask cluster list
  cargo xtask cluster list -o json")]
    List {
        #[arg(short, long, value_enum, default_value = "table")]
        output: Format,
    },
    /// Print the path of the administrator's kubeconfig
    #[command(after_help = "Examples:
  cargo xtask cluster kubeconfig
  cargo xtask cluster kubeconfig --name mine")]
    Kubeconfig {
        #[command(flatten)]
        name: Name,
    },
    /// Run a command inside the node, where kubectl and ctr see the cluster
    #[command(after_help = "Examples:
  cargo xtask cluster exec -- kubectl get pods -A
  cargo xtask cluster exec --name mine -- ctr -n k8s.io images ls")]
    Exec {
        #[command(flatten)]
        name: Name,
        #[arg(last = true, required = true)]
        argv: Vec<std::ffi::OsString>,
    },
    /// Kill a component and start it again
    #[command(after_help = "Examples:
  cargo xtask cluster restart kube-apiserver --down-for 2
  cargo xtask cluster restart kubelet --gently")]
    Restart {
        /// For example kube-apiserver, etcd, kubelet
        component: String,
        #[command(flatten)]
        name: Name,
        /// Seconds between its end and its start
        #[arg(long, default_value_t = 0.0)]
        down_for: f64,
        /// End it with SIGTERM instead of SIGKILL
        #[arg(long)]
        gently: bool,
    },
    /// Make a person with a client certificate; prints the path of a kubeconfig
    #[command(after_help = "Examples:
  cargo xtask cluster user anna@example.com --group sre")]
    User {
        /// User name, as the cluster will see it
        user: String,
        #[command(flatten)]
        name: Name,
        /// A group the person is in (repeatable)
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Build the cluster's programs without starting anything
    #[command(after_help = "Examples:
  cargo xtask cluster build
  cargo xtask cluster build --with promtool")]
    Build {
        /// An optional program to build as well (repeatable): see testbed/versions.toml
        #[arg(long = "with", value_name = "PROGRAM")]
        with: Vec<String>,
        /// Refuse to install missing Debian packages
        #[arg(long)]
        no_install: bool,
    },
}

#[derive(clap::Args)]
struct Name {
    /// Which cluster
    #[arg(long, default_value = "dev")]
    name: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Name, state, address
    Table,
    /// And the kubeconfig and registry
    Wide,
    Json,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Up { name, no_install } => up(&name.name, !no_install)?,
        Command::Down { name, all } => down(&name.name, all)?,
        Command::List { output } => out(&render(&bailiwick_testbed::list()?, output)?)?,
        Command::Kubeconfig { name } => out(&Cluster::open(&name.name)?.kubeconfig().display().to_string())?,
        Command::Exec { name, argv } => return exec(&name.name, &argv),
        Command::Restart { component, name, down_for, gently } => {
            let down_for = Duration::try_from_secs_f64(down_for).context("--down-for must be a number of seconds")?;
            restart(
                &Cluster::open(&name.name)?,
                &component,
                down_for,
                if gently { Signal::Term } else { Signal::Kill },
            )?;
        }
        Command::User { user, name, groups } => {
            out(&Cluster::open(&name.name)?.kubeconfig_for(&user, &groups)?.display().to_string())?
        }
        Command::Build { with, no_install } => {
            ensure_prerequisites(!no_install, &Progress::new(say))?;
            ensure_binaries(&Config::from_env()?, &with, &Progress::new(say))?;
            out(&Config::from_env()?.bin().display().to_string())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn up(name: &str, install: bool) -> anyhow::Result<()> {
    let cluster = Cluster::up(&Options { install, progress: Progress::new(say), ..Options::named(name) })?;
    out(&cluster.kubeconfig().display().to_string())
}

fn down(name: &str, all: bool) -> anyhow::Result<()> {
    let names =
        if all { bailiwick_testbed::list()?.into_iter().map(|c| c.name).collect() } else { vec![name.to_owned()] };
    for name in names {
        let begin = Instant::now();
        match Cluster::down(&name)? {
            true => say(&format!("cluster `{name}` is gone ({:.1} s)", begin.elapsed().as_secs_f64())),
            false => say(&format!("there is no cluster `{name}`")),
        }
    }
    Ok(())
}

fn exec(name: &str, argv: &[std::ffi::OsString]) -> anyhow::Result<ExitCode> {
    let status = Cluster::open(name)?.exec(argv)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn restart(cluster: &Cluster, component: &str, down_for: Duration, signal: Signal) -> anyhow::Result<()> {
    let begin = Instant::now();
    cluster.restart(component, signal, down_for)?;
    say(&format!("{component} was started again after {:.1} s", begin.elapsed().as_secs_f64()));
    cluster.wait_ready(Duration::from_secs(60))?;
    say(&format!("the API server is ready after {:.1} s", begin.elapsed().as_secs_f64()));
    Ok(())
}

fn render(clusters: &[Listing], format: Format) -> anyhow::Result<String> {
    if matches!(format, Format::Json) {
        return Ok(serde_json::to_string_pretty(clusters)?);
    }
    let mut lines = vec![format!("{:<16} {:<9} {:<10} {:<14}", "NAME", "STATE", "LIFE", "ADDRESS")];
    for c in clusters {
        let life = if c.ephemeral { "ephemeral" } else { "lasting" };
        lines.push(format!("{:<16} {:<9} {:<10} {:<14}", c.name, format!("{:?}", c.state), life, c.address));
    }
    if matches!(format, Format::Wide) {
        let more = clusters.iter().map(|c| format!("{:<18} {}", c.registry, c.kubeconfig.display()));
        let more = std::iter::once(format!("{:<18} KUBECONFIG", "REGISTRY")).chain(more);
        lines = lines.into_iter().zip(more).map(|(line, more)| format!("{line} {more}")).collect();
    }
    Ok(lines.join("\n"))
}
