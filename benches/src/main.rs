//! `bailiwick-bench [NAME…] -o json|table`: runs benches and prints their figures.
//!
//! Owns the command line. Prints figures to stdout and progress to stderr.

use bailiwick_benches::record::table;
use clap::{Parser, ValueEnum};
use std::io::Write as _;
use std::process::ExitCode;

/// Runs benches and prints their figures
#[derive(Parser)]
#[command(name = "bailiwick-bench")]
struct Args {
    /// Benches to run; all where none is named
    names: Vec<String>,
    /// How to print the figures
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Json,
    Table,
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let benches = bailiwick_benches::all();
    let known = |name: &String| benches.iter().any(|bench| bench.name() == name);
    if let Some(name) = args.names.iter().find(|name| !known(name)) {
        let all: Vec<_> = benches.iter().map(|bench| bench.name()).collect();
        anyhow::bail!("no bench is called {name:?}; there are: {}", all.join(", "));
    }
    let mut records = Vec::new();
    for bench in &benches {
        if args.names.is_empty() || args.names.iter().any(|name| name == bench.name()) {
            writeln!(std::io::stderr(), "{}: {}", bench.name(), bench.about())?;
            records.extend(bench.run()?);
        }
    }
    let text = match args.output {
        Output::Json => serde_json::to_string_pretty(&records)? + "\n",
        Output::Table => table(&records),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    let kept = records.iter().all(bailiwick_benches::Record::holds);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> ExitCode {
    run(&Args::parse()).unwrap_or_else(|error| {
        let _closed_terminal = writeln!(std::io::stderr(), "error: {error:#}");
        ExitCode::from(2)
    })
}
