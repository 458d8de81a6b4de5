//! Logs: one line per event, on standard error, as JSON or for people.
//!
//! Owns their form. Must never be set up twice. Writes to standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// Why logs cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("log filter")]
    Filter(#[from] ParseError),
    /// Logs were set up already.
    #[error("logs are set up already")]
    Twice(#[from] TryInitError),
}

/// Sets logs up for the whole process.
///
/// # Errors
/// Where the filter cannot be read, or logs were set up before.
pub fn init(filter: &str, format: Format) -> Result<(), TelemetryError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Json => base.json().flatten_event(true).with_current_span(false).finish().try_init()?,
        Format::Text => base.with_ansi(false).finish().try_init()?,
    }
    Ok(())
}
