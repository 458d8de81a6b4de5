//! A child through whom this process is ended: SIGINT and SIGTERM wait until it has ended, too.
//!
//! Owns the way of a signal from this process to its child. While one runs, a signal does not end this process: whoever started it goes on to clean up, and ends as the signal would have ended it.

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What a signal means for the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is told the same, and puts in order what it has to.
    TheSame,
    /// It is killed: all it works on goes as well.
    Nothing,
}

/// A signal ended a child before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interrupted(i32);

impl Interrupted {
    /// What a shell shows for a process that the signal ended.
    pub(super) fn exit_code(self) -> ExitCode {
        u8::try_from(128 + self.0).map_or(ExitCode::FAILURE, ExitCode::from)
    }
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0 == SIGTERM { "ended by SIGTERM" } else { "ended by SIGINT" })
    }
}

impl std::error::Error for Interrupted {}

/// Runs the child to its end and returns its exit code, if it has one.
///
/// # Errors
/// `Interrupted` where a signal came meanwhile.
pub(super) fn run(command: &mut Command, told: Told) -> Result<Option<i32>> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("listen to signals")?;
    let no_more = signals.handle();
    let mut child = command.spawn().context("start a child")?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("find a child")?;
    let it = pidfd_open(pid, PidfdFlags::empty()).context("hold a child")?;
    let came = AtomicI32::new(0);
    let status = std::thread::scope(|scope| {
        scope.spawn(|| {
            for signal in signals.forever() {
                came.store(signal, Ordering::Relaxed);
                let pass_on = match (told, signal) {
                    (Told::Nothing, _) => Signal::KILL,
                    (Told::TheSame, SIGTERM) => Signal::TERM,
                    (Told::TheSame, _) => Signal::INT,
                };
                let _ended_already = pidfd_send_signal(&it, pass_on);
            }
        });
        let status = child.wait();
        no_more.close();
        status
    });
    let status = status.context("wait for a child")?;
    match came.into_inner() {
        0 => Ok(status.code()),
        signal => Err(Interrupted(signal).into()),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{getpid, kill_process};

    use super::*;

    /// The child tells when it can be told, by making a file; what it does then is up to it.
    fn interrupted(told: Told, script: &str, signal: Signal) -> (Interrupted, bool) {
        let dir = tempfile::tempdir().unwrap();
        let (ready, tidy) = (dir.path().join("ready"), dir.path().join("tidy"));
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("READY", &ready).env("TIDY", &tidy);
        let sender = std::thread::spawn(move || {
            while !ready.exists() {
                std::thread::yield_now();
            }
            kill_process(getpid(), signal).unwrap();
        });
        let error = run(&mut command, told).unwrap_err();
        sender.join().unwrap();
        (*error.downcast_ref::<Interrupted>().unwrap(), tidy.exists())
    }

    const TIDY: &str = "trap ': > $TIDY; exit 0' INT TERM; : > $READY; while :; do sleep 0.05; done";

    // One test, because a signal is for the whole process.
    #[test]
    fn a_signal_is_passed_on_waited_for_and_told() {
        let (why, tidied) = interrupted(Told::TheSame, TIDY, Signal::TERM);
        assert!(tidied && why.exit_code() == ExitCode::from(143), "{why}");
        let (why, tidied) = interrupted(Told::TheSame, TIDY, Signal::INT);
        assert!(tidied && why.exit_code() == ExitCode::from(130), "{why}");
        let (why, tidied) = interrupted(Told::Nothing, TIDY, Signal::TERM);
        assert!(!tidied && why.exit_code() == ExitCode::from(143), "{why}");
        assert_eq!(run(Command::new("sh").args(["-c", "exit 7"]), Told::TheSame).unwrap(), Some(7));
    }
}
