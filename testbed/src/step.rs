//! Runs other programs as named steps, so that a failure says which step failed, with what command and what it last said.

use std::ffi::OsStr;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::config::search_path;
use crate::progress::Progress;

/// How often a long build says that it is still alive.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Runs `command` to its end and returns its stdout; `step` is a verb phrase ("build etcd").
pub(crate) fn output(step: &str, command: &mut Command) -> Result<Vec<u8>> {
    let shown = show(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{step}: cannot start `{shown}`"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{step}: `{shown}` failed ({}): {}", output.status, last_lines(&String::from_utf8_lossy(&said), 20));
    }
    Ok(output.stdout)
}

/// Whether `command` ends with success; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|o| o.status.success())
}

/// A command for a program of the system, found even if root's search path lacks `/usr/sbin`.
pub(crate) fn command(program: &str) -> Command {
    Command::new(find(program).unwrap_or_else(|| program.into()))
}

/// Where `program` is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    search_path().into_iter().map(|dir| dir.join(program)).find(|path| path.exists())
}

/// A command for `program` that ends when this process is killed: a long build must not outlive who wanted it.
pub(crate) fn mortal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

/// Runs `command` to its end and returns whether it succeeded; says every 20 s that `label` is still being built.
pub(crate) fn patiently(command: &mut Command, label: &str, progress: &Progress) -> Result<bool> {
    let begin = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{label}: cannot start `{}`", show(command)))?;
    let mut next = HEARTBEAT;
    loop {
        if let Some(status) = child.try_wait().with_context(|| format!("{label}: wait for it"))? {
            return Ok(status.success());
        }
        if begin.elapsed() >= next {
            progress.line(format!("{label}: still building, {} s", begin.elapsed().as_secs()));
            next += HEARTBEAT;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The end of a log file, for an error message; empty if it cannot be read.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    const MOST: u64 = 16 * 1024;
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(log)?;
        let start = file.metadata()?.len().saturating_sub(MOST);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().map(|text| last_lines(&text, lines)).unwrap_or_default()
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
