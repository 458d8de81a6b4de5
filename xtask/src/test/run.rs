//! Running one test runner: its output is read as it comes, logged, and cut off at a limit.

use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};

use super::outcome::{Outcome, Reading};
use crate::cargo::{Program, cargo, mortal};
use crate::workspace::Workspace;
use crate::{out, say};

const LOOK: Duration = Duration::from_millis(200);

/// What to run, and how.
pub(super) struct Job<'a> {
    pub(super) name: String,
    pub(super) program: &'a Program,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) limit: Duration,
    /// Lines are shown as they come, behind this text, not only if it fails.
    pub(super) live: Option<String>,
}

/// Runs the job to its end; a failed or endless runner is an outcome, not an error.
pub(super) fn run(job: &Job<'_>, workspace: &Workspace, dir: &Path) -> Result<Outcome> {
    let home = workspace.dir_of(&job.program.package)?;
    let mut command = mortal(&job.program.path);
    command
        .args(&job.args)
        .current_dir(&home)
        .env("CARGO_MANIFEST_DIR", &home)
        // Errors that tests return say where they come from; a trace of each hides that.
        .env("RUST_LIB_BACKTRACE", "0")
        .env("INSTA_WORKSPACE_ROOT", &workspace.root)
        .envs(job.env.iter().map(|(k, v)| (k, v)));
    watch(&job.name, command, (job.limit, job.live.as_deref()), dir)
}

/// The examples in the documentation, which Cargo alone can run.
pub(super) fn doc_tests(workspace: &Workspace, limit: Duration, dir: &Path) -> Result<Outcome> {
    let mut command = mortal(cargo());
    command.current_dir(&workspace.root).args(["test", "--quiet", "--workspace", "--doc"]);
    watch("unit docs", command, (limit, None), dir)
}

/// Runs the command and reads its output until it has ended or its time is over; then it is ended, with all that it started.
pub(super) fn watch(
    name: &str,
    mut command: Command,
    (limit, live): (Duration, Option<&str>),
    dir: &Path,
) -> Result<Outcome> {
    let (reader, writer) = std::io::pipe().context("open a pipe")?;
    let stderr = writer.try_clone().context("open a pipe")?;
    let begin = Instant::now();
    // A group of its own, so that the limit ends what it started as well.
    command.process_group(0);
    let mut child =
        command.stdin(Stdio::null()).stdout(writer).stderr(stderr).spawn().with_context(|| format!("start {name}"))?;
    // It holds the pipe's ends for writing.
    drop(command);
    let mut log = File::create(dir.join("output.log")).context("create a log")?;
    let mut reading = Reading::default();
    let mut lines = Vec::new();
    let heard = listen(reader);
    while let Some(line) = next(&heard, &mut child, begin + limit)? {
        writeln!(log, "{line}").context("write a log")?;
        reading.line(&line);
        if let Some(whose) = live {
            out(&format!("  {whose}{line}"))?;
        } else {
            lines.push(line);
        }
    }
    let ended = child.try_wait().context("wait for a runner")?;
    if ended.is_none() {
        end(&mut child)?;
        child.wait().context("wait for a runner")?;
        let why = format!("{name}: ended after {} s, which is the limit", limit.as_secs());
        say(&why);
        reading.line(&why);
    }
    let success = ended.is_some_and(|status| status.success());
    if live.is_none() && !success {
        out(&lines.join("\n"))?;
    }
    Ok(reading.outcome(name, success, begin.elapsed()))
}

fn end(child: &mut Child) -> Result<()> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("find a runner's group")?;
    kill_process_group(group, Signal::KILL).context("end a runner")
}

fn listen(reader: PipeReader) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if send.send(text).is_err() {
                return;
            }
        }
    });
    receive
}

/// The next line; `None` when the runner has ended and is silent, or its time is over. A grandchild may hold the pipe open longer than the runner lives.
fn next(heard: &Receiver<String>, child: &mut Child, deadline: Instant) -> Result<Option<String>> {
    loop {
        match heard.recv_timeout(LOOK) {
            Ok(line) => return Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => {
                return wait(child, deadline).map(|()| None);
            }
            Err(RecvTimeoutError::Timeout) => {
                let ended = child.try_wait().context("wait for a runner")?.is_some();
                if ended || Instant::now() >= deadline {
                    return Ok(None);
                }
            }
        }
    }
}

/// It closed its output; it ends in a moment.
fn wait(child: &mut Child, deadline: Instant) -> Result<()> {
    while child.try_wait().context("wait for a runner")?.is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
