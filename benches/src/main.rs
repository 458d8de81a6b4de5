//! `bailiwick-benches [NAME…] -o json|table`: runs benches and prints their figures.
//!
//! Owns the command line. Prints figures to stdout and progress to stderr.

use bailiwick_benches::record::table;
use bailiwick_benches::{Bench, Record, Setup};
use clap::{Parser, ValueEnum};
use std::io::Write as _;
use std::process::ExitCode;

/// Runs benches and prints their figures
///
/// Exits with 1 where a figure misses what it must keep, with 2 where a bench cannot run.
#[derive(Parser)]
#[command(name = "bailiwick-benches", max_term_width = 100)]
struct Args {
    /// Benches to run; where none is named, all that can run here
    names: Vec<String>,
    /// How to print the figures
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// List the benches and run none
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    setup: Setup,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Json,
    Table,
}

fn say(line: &str) {
    let _closed_terminal = writeln!(std::io::stderr(), "{line}");
}

fn list(benches: &[Box<dyn Bench>]) -> String {
    let width = benches.iter().map(|bench| bench.name().len()).max().unwrap_or(0);
    let line = |bench: &dyn Bench| {
        let needs = if bench.needs_cluster() { " (needs a cluster)" } else { "" };
        format!("{:width$}  {}{needs}\n", bench.name(), bench.about())
    };
    benches.iter().map(|bench| line(bench.as_ref())).collect()
}

/// The benches to run; one that was named must be able to.
fn chosen(args: &Args, benches: Vec<Box<dyn Bench>>) -> anyhow::Result<Vec<Box<dyn Bench>>> {
    if let Some(name) = args.names.iter().find(|name| !benches.iter().any(|bench| bench.name() == **name)) {
        anyhow::bail!("no bench is called {name:?}; there are:\n{}", list(&benches).trim_end());
    }
    let mut kept = Vec::new();
    for bench in benches {
        let named = args.names.iter().any(|name| name == bench.name());
        if !named && !args.names.is_empty() {
            continue;
        }
        if bench.needs_cluster() && !args.setup.has_cluster() {
            let why = format!("{} needs a cluster: --cluster NAME or --kubeconfig FILE", bench.name());
            anyhow::ensure!(!named, why);
            say(&format!("left out: {why}"));
            continue;
        }
        kept.push(bench);
    }
    Ok(kept)
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let benches = bailiwick_benches::all();
    if args.list {
        std::io::stdout().write_all(list(&benches).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut records = Vec::new();
    for bench in chosen(args, benches)? {
        say(&format!("{}: {}", bench.name(), bench.about()));
        records.extend(bench.run(&args.setup)?);
    }
    let text = match args.output {
        Output::Json => serde_json::to_string_pretty(&records)? + "\n",
        Output::Table => table(&records),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    let kept = records.iter().all(Record::holds);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> ExitCode {
    run(&Args::parse()).unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}
