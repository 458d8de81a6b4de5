//! A handle on one cluster: where its things are, and what can be done to it from outside. Runs `nsenter`; talks to the node's control socket and to the cluster's registry.

mod down;
mod listing;
mod up;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustix::process::Pid;

pub use listing::{Listing, State, list};

use crate::message::{Answer, Request, Signal};
use crate::{
    config::Config, kubeconfig, lock::Lock, node, oci, pki, progress::Progress, spec::Spec, spec::check_name, step,
};

/// What a new cluster shall be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names it among the clusters of this machine.
    pub name: String,
    /// It dies with this process, however that ends.
    pub ephemeral: bool,
    /// Missing Debian packages may be installed.
    pub install: bool,
    /// Image archives to import before it is ready.
    pub images: Vec<PathBuf>,
    /// Hears of every step.
    pub progress: Progress,
}

impl Options {
    /// A cluster that outlives this process, with missing packages installed and nobody listening.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ephemeral: false, install: true, images: Vec::new(), progress: Progress::silent() }
    }
}

/// A cluster of this machine. Dropping the handle of an ephemeral one takes it down.
#[derive(Debug)]
pub struct Cluster {
    spec: Spec,
    config: Config,
    _owner: Option<up::Owner>,
}

fn is_kept(config: &Config, spec: &Spec) -> Result<bool> {
    Ok(Lock::try_take(config, &spec.keeper_lock())?.is_none())
}

impl Cluster {
    /// Brings a cluster up, building its programs if need be; returns when pods can be created. One that is up already is returned as it is, unless an ephemeral one is wanted.
    pub fn up(options: &Options) -> Result<Self> {
        up::up(options)
    }

    /// A handle on a cluster that is ready.
    pub fn open(name: &str) -> Result<Self> {
        let config = Config::from_env()?;
        check_name(name)?;
        let dir = Spec::dir_of(&config, name);
        let how = format!("bring it up with `cargo xtask cluster up --name {name}`");
        ensure!(dir.exists(), "there is no cluster `{name}`: {how}");
        let spec = Spec::load(&dir)?;
        let ready = is_kept(&config, &spec)? && spec.ready_file().exists();
        ensure!(ready, "cluster `{name}` is not ready: {how}");
        Ok(Self { spec, config, _owner: None })
    }

    /// Takes down the cluster `name`, whatever state it is in; false if there was none.
    pub fn down(name: &str) -> Result<bool> {
        down::down(name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The administrator's kubeconfig; it holds its certificates and can be copied.
    pub fn kubeconfig(&self) -> PathBuf {
        self.spec.kubeconfig("admin")
    }

    /// A kubeconfig of the person `user` in `groups`, who has a client certificate and no rights until some are bound.
    pub fn kubeconfig_for(&self, user: &str, groups: &[String]) -> Result<PathBuf> {
        ensure!(!user.is_empty(), "a person needs a name");
        let identity = pki::sign_person(&self.spec, user, groups)?;
        let mut file = oci::hex_digest([user, &groups.join("\0")].join("\0").as_bytes());
        file.truncate(12);
        let readable: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
        let path = self.spec.dir.join("people").join(format!("{readable}-{file}.kubeconfig"));
        kubeconfig::write(&self.spec, user, &identity, &path)?;
        Ok(path)
    }

    /// `host:port` of a registry that answers: what was pushed, and 404 to the rest.
    pub fn registry(&self) -> String {
        self.spec.registry()
    }

    /// `host:port` of a registry that refuses everyone with 401.
    pub fn refusing_registry(&self) -> String {
        self.spec.refusing_registry()
    }

    /// The node's address, seen from the host and from pods.
    pub fn address(&self) -> std::net::Ipv4Addr {
        self.spec.node_ip()
    }

    /// The API server's log of writes: one JSON object of `audit.k8s.io/v1` per line, at level Metadata, complete when the write is answered.
    pub fn audit_log(&self) -> PathBuf {
        self.spec.log("audit.log")
    }

    /// The components' logs.
    pub fn logs(&self) -> PathBuf {
        self.spec.dir.join("log")
    }

    /// A command inside the node's namespaces, where `kubectl`, `ctr`, `nft` and the like see the cluster.
    pub fn command<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<Command> {
        let (program, args) = argv.split_first().context("run a command in the node: none was given")?;
        let init = read_pid(&self.spec.init_pid_file())?;
        let mut path = std::ffi::OsString::from("PATH=");
        path.push(node::path(&self.spec));
        let mut command = Command::new("nsenter");
        command.args(["--target", &init.as_raw_nonzero().to_string(), "--pid", "--mount", "--net", "--", "env"]);
        command
            .arg(path)
            .arg(variable("KUBECONFIG", &self.kubeconfig()))
            .arg(variable("KUBECACHEDIR", &self.spec.dir.join("kubecache")));
        command.arg("CONTAINERD_ADDRESS=/run/containerd.sock").arg("CONTAINERD_NAMESPACE=k8s.io");
        command.arg(program).args(args);
        Ok(command)
    }

    /// Runs a command inside the node with this process's stdin, stdout and stderr.
    pub fn exec<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<ExitStatus> {
        self.command(argv)?.status().context("run a command in the node: `nsenter` cannot be started")
    }

    /// Runs a command inside the node and returns its stdout; a failure carries what it said.
    pub fn output<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<String> {
        let stdout = step::output("run a command in the node", &mut self.command(argv)?)?;
        String::from_utf8(stdout).context("read the output of a command in the node")
    }

    /// Kills `component` (`kube-apiserver`, `etcd`, `kubelet`, …) and returns when it was started again, `down_for` after its end. It then still needs a moment to be ready: see [`Cluster::wait_ready`].
    pub fn restart(&self, component: &str, signal: Signal, down_for: Duration) -> Result<()> {
        request(&self.spec, &Request::Restart { component: component.to_owned(), signal, down_for })
    }

    /// Returns when the API server says that it is ready.
    pub fn wait_ready(&self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while !node::api_server_ready(&self.spec) {
            ensure!(
                Instant::now() < deadline,
                "the API server of `{}` was not ready within {} s; its log is {}",
                self.name(),
                timeout.as_secs(),
                self.logs().join("kube-apiserver.log").display()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Makes the image in `archive` known to the node, as if it had been pulled.
    pub fn import_image(&self, archive: &Path) -> Result<()> {
        let argv: [&OsStr; 4] = ["ctr".as_ref(), "images".as_ref(), "import".as_ref(), archive.as_os_str()];
        self.output(&argv).with_context(|| format!("import {}", archive.display()))?;
        Ok(())
    }

    /// Pushes the image in `archive` to the registry as `repository` under every tag of `tags`, and returns its digest.
    pub fn push_image(&self, archive: &Path, repository: &str, tags: &[&str]) -> Result<String> {
        oci::push(archive, &self.registry(), repository, tags)
            .with_context(|| format!("push {} to {}/{repository}", archive.display(), self.registry()))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}

fn variable(name: &str, path: &Path) -> std::ffi::OsString {
    let mut variable = std::ffi::OsString::from(name);
    variable.push("=");
    variable.push(path);
    variable
}

fn read_pid(path: &Path) -> Result<Pid> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    text.trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
        .with_context(|| format!("read {}: `{text}` is no process id", path.display()))
}

fn request(spec: &Spec, request: &Request) -> Result<()> {
    let path = spec.control_socket();
    let mut stream = UnixStream::connect(&path)
        .with_context(|| format!("reach the node of `{}` at {}", spec.name, path.display()))?;
    writeln!(stream, "{}", serde_json::to_string(request)?).context("ask the node")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).context("hear the node's answer")?;
    if line.is_empty() {
        bail!("the node of `{}` ended before it answered", spec.name);
    }
    let answer: Answer = serde_json::from_str(&line).context("read the node's answer")?;
    answer.map_err(|why| anyhow!(why))
}
