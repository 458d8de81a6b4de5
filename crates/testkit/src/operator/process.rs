//! The operator as a child of the test: it can be killed, die at a fail point, and be started again.
//!
//! Dies with the test. Its output is kept among the artifacts. Speaks HTTP to its admin port.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{Seen, wait_for};

const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

const LEAVES_WITHIN: Duration = Duration::from_secs(60);

/// Where admin ports are looked for.
const PORTS: Range<u16> = 20_000..30_000;

static COUNTER: AtomicU32 = AtomicU32::new(0);
static NEXT_PORT: AtomicU32 = AtomicU32::new(0);

/// How the operator is started.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    /// Fail points as in `FAILPOINTS`: `write-after=1*return` dies after the first write.
    pub failpoints: String,
    /// Its name in the leader election. The same name takes over its own lease at once.
    pub identity: String,
    /// Another way to the API server, such as a [`crate::Proxy`]'s.
    pub kubeconfig: Option<PathBuf>,
    /// More variables.
    pub env: Vec<(String, String)>,
}

impl Default for ProcessOptions {
    fn default() -> Self {
        Self { failpoints: String::new(), identity: "outside".to_owned(), kubeconfig: None, env: Vec::new() }
    }
}

impl ProcessOptions {
    /// Dies at `point` when it is reached for the first time, as `kill -9` would end it.
    pub fn dying_at(point: &str) -> Self {
        Self { failpoints: format!("{point}=1*return"), ..Self::default() }
    }

    /// Dies at `point` after it was passed `times` times.
    pub fn dying_after(point: &str, times: u32) -> Self {
        let failpoints =
            if times == 0 { format!("{point}=1*return") } else { format!("{point}={times}*off->1*return") };
        Self { failpoints, ..Self::default() }
    }
}

/// All that an operator outside of the cluster needs, to be started again and again.
#[derive(Debug, Clone)]
pub struct Outside {
    pub(super) program: PathBuf,
    pub(super) kubeconfig: PathBuf,
    pub(super) keys: PathBuf,
    pub(super) logs: PathBuf,
}

impl Outside {
    /// Starts one. Start none beside it unless the test wants two leaders.
    ///
    /// # Errors
    /// Fails where the program cannot be started.
    pub fn start(&self, options: ProcessOptions) -> Result<OperatorProcess> {
        let kubeconfig = options.kubeconfig.clone().unwrap_or_else(|| self.kubeconfig.clone());
        OperatorProcess::start((&self.program, &kubeconfig, &self.keys), &self.logs, options)
    }

    /// The kubeconfig with the token of the operator's account.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

/// A running operator; killed when this is dropped.
#[derive(Debug)]
pub struct OperatorProcess {
    child: Child,
    admin: SocketAddr,
    log: PathBuf,
}

impl OperatorProcess {
    pub(super) fn start(
        (program, kubeconfig, keys): (&Path, &Path, &Path),
        dir: &Path,
        options: ProcessOptions,
    ) -> Result<Self> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let log = dir.join(format!("outside-{}-{number}.log", std::process::id()));
        let output = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let admin = free_port()?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .env("KUBECONFIG", kubeconfig)
            .env("BAILIWICK_SIGNING_KEY_DIR", keys)
            .env("BAILIWICK_ADMIN_LISTEN", admin.to_string())
            .env("BAILIWICK_IDENTITY", &options.identity)
            // A machine with much to do must not cost it the lease.
            .env("BAILIWICK_LEASE_SECONDS", "15")
            .env("BAILIWICK_RENEW_SECONDS", "10")
            .env("BAILIWICK_RETRY_SECONDS", "1")
            .env("BAILIWICK_LOG", "info,bailiwick_operator=debug,bailiwick_kit=debug")
            .env("FAILPOINTS", &options.failpoints)
            .envs(options.env)
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("share a log")?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        Ok(Self { child, admin, log })
    }

    /// Returns when it says that it is ready.
    ///
    /// # Errors
    /// Fails where it ends first, or when `timeout` is over; its log's end is in the message.
    pub async fn ready(&mut self, timeout: Duration) -> Result<()> {
        wait_for("the operator to be ready", timeout, async || {
            if let Some(status) = self.child.try_wait().context("look after the operator")? {
                return Ok(Seen::Yes(Err(status)));
            }
            let (code, body) = self.readiness().await?;
            Ok(Seen::when(code == 200, Ok(()), body))
        })
        .await
        .and_then(|ready| ready.map_err(|status| anyhow::anyhow!("the operator ended ({status})")))
        .with_context(|| format!("the operator said:\n{}", self.last_words()))
    }

    /// Returns when it has ended by itself, as at a fail point.
    ///
    /// # Errors
    /// Fails when `timeout` is over; its log's end is in the message.
    pub async fn ended(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let ended = wait_for("the operator to end", timeout, async || {
            let status = self.child.try_wait().context("look after the operator")?;
            Ok(status.map_or_else(|| Seen::NotYet("it runs".to_owned()), Seen::Yes))
        });
        ended.await.with_context(|| format!("the operator said:\n{}", self.last_words()))
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// Fails where the system does not know the child.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait().context("look after the operator")?.is_none())
    }

    /// Ends it as `kill -9` does.
    ///
    /// # Errors
    /// Fails where the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("kill the operator")?;
        self.child.wait().context("wait for the operator")?;
        Ok(())
    }

    /// Asks it to end, as the kubelet does; see [`OperatorProcess::ended`].
    ///
    /// # Errors
    /// Fails where the system refuses.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM).context("end the operator")
    }

    /// Ends it as the kubelet does; its lease is free for another when this returns.
    ///
    /// # Errors
    /// Fails where the system refuses, or it does not end.
    pub async fn leave(&mut self) -> Result<()> {
        self.terminate()?;
        self.ended(LEAVES_WITHIN).await.map(|_| ())
    }

    /// Freezes it where it stands; see [`OperatorProcess::thaw`].
    ///
    /// # Errors
    /// Fails where the system refuses.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP).context("freeze the operator")
    }

    /// Lets it go on as if no time had passed for it.
    ///
    /// # Errors
    /// Fails where the system refuses.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT).context("thaw the operator")
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let raw = i32::try_from(self.child.id()).context("read a process id")?;
        let pid = Pid::from_raw(raw).context("read a process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// What it has written.
    ///
    /// # Errors
    /// Fails where the log cannot be read.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(&self.log).with_context(|| format!("read {}", self.log.display()))
    }

    /// Its measures, in OpenMetrics text.
    ///
    /// # Errors
    /// Fails where it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        match self.get("/metrics").await? {
            (200, body) => Ok(body),
            (code, body) => bail!("/metrics answered {code}: {body}"),
        }
    }

    /// What it says of its readiness: the status and its words.
    ///
    /// # Errors
    /// Fails where it does not answer.
    pub async fn readiness(&self) -> Result<(u16, String)> {
        self.get("/readyz").await
    }

    async fn get(&self, path: &str) -> Result<(u16, String)> {
        let (admin, path) = (self.admin, path.to_owned());
        tokio::task::spawn_blocking(move || get(admin, &path)).await.context("ask the operator")?
    }

    /// The end of what it has written.
    pub fn last_words(&self) -> String {
        let text = self.log().unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for OperatorProcess {
    fn drop(&mut self) {
        let _it_may_have_ended = self.kill();
    }
}

/// A port that nobody listens on. Below those that the system gives to outgoing connections, one of which might take it before the operator does; and each process of tests begins its search elsewhere.
fn free_port() -> Result<SocketAddr> {
    let first = std::process::id().wrapping_mul(101);
    for _ in 0..PORTS.len() {
        let offset = first.wrapping_add(NEXT_PORT.fetch_add(1, Ordering::Relaxed)) % u32::try_from(PORTS.len())?;
        let address = SocketAddr::from(([127, 0, 0, 1], PORTS.start + u16::try_from(offset)?));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port of {PORTS:?} is free")
}

fn get(admin: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&admin, HTTP_TIMEOUT).context("reach the operator's admin port")?;
    stream.set_read_timeout(Some(HTTP_TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("read the operator's answer")?;
    parse(&answer)
}

fn parse(answer: &str) -> Result<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a head")?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((code.context("an answer without a status")?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn start(program: &Path, dir: &Path) -> OperatorProcess {
        OperatorProcess::start((program, dir, dir), dir, ProcessOptions::dying_at("x")).unwrap()
    }

    #[tokio::test]
    async fn one_that_ends_at_once_is_told_with_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("operator");
        std::fs::write(&program, "#!/bin/sh\necho dying at $FAILPOINTS\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut process = start(&program, dir.path());
        let error = process.ready(Duration::from_secs(10)).await.unwrap_err();
        assert!(format!("{error:#}").contains("dying at x=1*return"), "{error:#}");
        assert!(process.ended(Duration::from_secs(1)).await.unwrap().success());
        assert!(!process.is_running().unwrap());
    }

    #[tokio::test]
    async fn one_that_runs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = start(Path::new("/usr/bin/yes"), dir.path());
        assert!(process.is_running().unwrap());
        process.terminate().unwrap();
        assert!(!process.ended(Duration::from_secs(5)).await.unwrap().success());
    }

    #[test]
    fn no_port_is_told_twice_or_taken() {
        let one = free_port().unwrap();
        let _taken = TcpListener::bind(one).unwrap();
        let others: Vec<SocketAddr> = (0..3).map(|_| free_port().unwrap()).collect();
        assert!(!others.contains(&one) && others[0] != others[1] && others[1] != others[2], "{one}: {others:?}");
    }

    #[test]
    fn answers_are_read() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno";
        assert_eq!(parse(answer).unwrap(), (503, "no".to_owned()));
    }
}
