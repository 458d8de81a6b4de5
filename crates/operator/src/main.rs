//! The operator's process.
//!
//! Owns the exit code: 0 after an orderly stop, 1 after any other, 2 where it could not begin.
//! Must never hold logic. Writes to standard error what comes before logs.

use bailiwick_kit::said::said;
use bailiwick_kit::telemetry;
use bailiwick_operator::config::{Config, Flags};
use bailiwick_operator::{failpoints, run};
use clap::Parser;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match begin() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::from(2)
        }
    }
}

fn begin() -> Result<bool, Box<dyn Error>> {
    let config: Config = Flags::parse().resolve()?;
    telemetry::init(&config.log, config.log_format)?;
    let _armed = failpoints::armed();
    // A second provider can only have been installed by a test.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run::run(config))?)
}

fn complain(error: &(dyn Error + 'static)) {
    let text = said(error);
    // With standard error closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "error: {text}");
}
