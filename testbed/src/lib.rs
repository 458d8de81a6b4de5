//! A real Kubernetes on one machine, in seconds.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the keeper or the node if `args` ask for one.
pub fn helper_main(_args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    None
}
