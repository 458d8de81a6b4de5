//! The process: how it was called, the runtime, the exit code.
//!
//! Owns start and end. Must never print but what completion and clap print. Reads arguments.

use bailiwick_cli::config::Called;
use bailiwick_cli::{args, commands, complete};
use clap::FromArgMatches as _;
use clap_complete::CompleteEnv;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Without a provider no TLS connection can be made; a second installation changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut words = std::env::args_os();
    let called = Called::by(words.next().as_ref());
    if called == Called::Completion {
        let words: Vec<_> = words.collect();
        let text = complete::for_kubectl(args::command(called), &words);
        let _ = std::io::stdout().write_all(text.as_bytes());
        return ExitCode::SUCCESS;
    }
    match CompleteEnv::with_factory(|| args::command(called)).try_complete(std::env::args_os(), None) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return usage(&error),
    }
    let matches = args::command(called).try_get_matches();
    let cli = match matches.and_then(|m| args::Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::from(bailiwick_cli::exit::Exit::Error.code()),
    };
    ExitCode::from(runtime.block_on(commands::main(cli, called)).code())
}

/// Help and versions are answers; everything else is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}
