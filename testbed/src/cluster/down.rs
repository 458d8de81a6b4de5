//! Taking a cluster down, whatever state it is in. Asks first, kills the keeper if nobody answers, and removes what a dead one left.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::kill_process;

use super::{is_kept, read_pid, request, up};
use crate::message::Request;
use crate::spec::{Spec, check_name};
use crate::{config::Config, lock::Lock};

/// How long a node may take to end when asked.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn down(name: &str) -> Result<bool> {
    check_name(name)?;
    let config = Config::from_env()?;
    let dir = Spec::dir_of(&config, name);
    let found = dir.exists();
    if let Ok(spec) = Spec::load(&dir) {
        end(&config, &spec)?;
    }
    let _allocation = Lock::wait(&config, up::ALLOCATION)?;
    up::sweep(&config)?;
    Ok(found)
}

/// Returns when the cluster has no keeper any more.
fn end(config: &Config, spec: &Spec) -> Result<()> {
    if is_kept(config, spec)? && request(spec, &Request::Stop).is_err() {
        // Too early or too broken to answer: the keeper's end is the node's end.
        kill(&spec.keeper_pid_file())?;
    }
    let deadline = Instant::now() + PATIENCE;
    while is_kept(config, spec)? {
        if Instant::now() >= deadline {
            kill(&spec.keeper_pid_file())?;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The caller knows that the process lives: its lock is held.
fn kill(pid_file: &Path) -> Result<()> {
    match kill_process(read_pid(pid_file)?, rustix::process::Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("kill the cluster's keeper"),
    }
}
