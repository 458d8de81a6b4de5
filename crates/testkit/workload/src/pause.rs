//! The sandbox container of every pod on the testbed: holds the pod's namespaces, reaps what is orphaned in a shared pid namespace, and ends on SIGTERM. Does no IO.

use std::process::ExitCode;

use rustix::process::{WaitOptions, wait};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> ExitCode {
    let Ok(mut signals) = Signals::new([SIGCHLD, SIGINT, SIGTERM]) else {
        return ExitCode::FAILURE;
    };
    for signal in signals.forever() {
        if signal != SIGCHLD {
            return ExitCode::SUCCESS;
        }
        while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
    }
    ExitCode::FAILURE
}
