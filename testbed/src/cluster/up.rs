//! Bringing a cluster up, on the owner's side: find it a place, write its files, start its keeper, listen. Holds the allocation lock until the keeper has taken over, so that nobody mistakes a beginning for a ruin.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::{Cluster, Options, is_kept};
use crate::helper::{self, Part};
use crate::message::Message;
use crate::spec::{self, Spec};
use crate::{
    build, config::Config, images, keeper, kubeconfig, lock::Lock, node, pki, prerequisites, progress::Progress,
};

/// Guards the set of clusters.
pub(super) const ALLOCATION: &str = "clusters";

/// What the owner of an ephemeral cluster holds: the keeper sees the pipe close when this process ends.
#[derive(Debug)]
pub(super) struct Owner {
    keeper: Child,
    pipe: Option<ChildStdin>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _keeper_logs_its_own_end = self.keeper.wait();
    }
}

pub(super) fn up(options: &Options) -> Result<Cluster> {
    let config = Config::from_env()?;
    let progress = &options.progress;
    spec::check_name(&options.name)?;
    prerequisites::ensure_prerequisites(options.install, progress)?;
    build::ensure_binaries(&config, &[], progress)?;
    let pause = images::pause(&config, progress)?;
    let _one_at_a_time = Lock::wait(&config, &format!("up-{}", options.name))?;
    let begin = Instant::now();
    let allocation = Lock::wait(&config, ALLOCATION)?;
    sweep(&config)?;
    let dir = Spec::dir_of(&config, &options.name);
    if dir.exists() {
        return reuse(config, &dir, options);
    }
    let mut images = vec![pause];
    images.extend_from_slice(&options.images);
    let index = spec::allocate(|index| {
        specs(&config).iter().any(|s| s.index == index) || Path::new("/sys/class/net").join(spec::veth(index)).exists()
    })?;
    let spec = Spec { name: options.name.clone(), index, ephemeral: options.ephemeral, dir, bin: config.bin(), images };
    let start = || -> Result<(Owner, Lines<BufReader<ChildStdout>>)> {
        write(&spec)?;
        start_keeper(&spec)
    };
    let (owner, messages) = match start() {
        Ok(started) => started,
        Err(error) => {
            keeper::clean(&spec)?;
            return Err(error);
        }
    };
    drop(allocation);
    follow(&config, &spec, messages, (begin, progress))?;
    Ok(Cluster { _owner: keep(owner, options.ephemeral), spec, config })
}

/// One that is up already; sweeping has removed the dead.
fn reuse(config: Config, dir: &Path, options: &Options) -> Result<Cluster> {
    let spec = Spec::load(dir)?;
    let name = &spec.name;
    ensure!(
        !options.ephemeral && !spec.ephemeral,
        "a cluster `{name}` is in use already: choose another name, or run `cargo xtask cluster down --name {name}`"
    );
    ensure!(spec.ready_file().exists(), "cluster `{name}` is just going down: try again in a few seconds");
    options.progress.line(format!("cluster `{name}` is up already"));
    Ok(Cluster { spec, config, _owner: None })
}

/// A cluster that shall outlive its owner loses the pipe, which its keeper takes for what it is.
fn keep(mut owner: Owner, ephemeral: bool) -> Option<Owner> {
    if ephemeral {
        return Some(owner);
    }
    drop(owner.pipe.take());
    std::mem::forget(owner);
    None
}

/// Every cluster that has a directory.
pub(super) fn specs(config: &Config) -> Vec<Spec> {
    let entries = std::fs::read_dir(config.clusters()).into_iter().flatten().flatten();
    let mut specs: Vec<Spec> = entries.filter_map(|entry| Spec::load(&entry.path()).ok()).collect();
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    specs
}

/// Removes what is left of clusters whose keepers were killed. The caller holds the allocation lock, so a directory without a readable specification is nobody's beginning.
pub(super) fn sweep(config: &Config) -> Result<()> {
    for entry in std::fs::read_dir(config.clusters()).into_iter().flatten().flatten() {
        if Spec::load(&entry.path()).is_err() {
            std::fs::remove_dir_all(entry.path()).with_context(|| format!("remove {}", entry.path().display()))?;
        }
    }
    for spec in specs(config) {
        if !is_kept(config, &spec)? {
            keeper::clean(&spec).with_context(|| format!("remove the dead cluster `{}`", spec.name))?;
        }
    }
    Ok(())
}

fn write(spec: &Spec) -> Result<()> {
    let socket = spec.control_socket();
    ensure!(
        socket.as_os_str().len() < 108,
        "{} is too long for a Unix socket: set BAILIWICK_CACHE to a shorter path, or choose a shorter name",
        socket.display()
    );
    spec.save()?;
    node::write_files(spec)?;
    pki::create(spec)?;
    kubeconfig::write_components(spec)
}

/// In a session of its own, so that neither a terminal nor a killed process group takes it along.
fn start_keeper(spec: &Spec) -> Result<(Owner, Lines<BufReader<ChildStdout>>)> {
    let log = File::create(spec.log("keeper.log")).context("create the keeper's log")?;
    let mut command = Command::new("setsid");
    helper::append(&mut command, &helper::this_program(), Part::Keeper, &spec.dir);
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    let mut keeper = command.spawn().context("start the cluster's keeper: `setsid` cannot be run")?;
    let stdout = keeper.stdout.take().context("open the keeper's stdout")?;
    let pipe = keeper.stdin.take();
    let owner = Owner { keeper, pipe };
    let mut messages = BufReader::new(stdout).lines();
    match next(&mut messages) {
        Some(Message::Kept) => Ok((owner, messages)),
        _ => {
            drop(owner);
            let said = crate::step::tail(&spec.log("keeper.log"), 5);
            Err(anyhow!(
                "start the cluster's keeper: it did not take over. {said}\nDoes this program's `main` begin with `bailiwick_testbed::helper_main`?"
            ))
        }
    }
}

fn next(messages: &mut Lines<BufReader<ChildStdout>>) -> Option<Message> {
    serde_json::from_str(&messages.next()?.ok()?).ok()
}

fn follow(
    config: &Config,
    spec: &Spec,
    mut messages: Lines<BufReader<ChildStdout>>,
    (begin, progress): (Instant, &Progress),
) -> Result<()> {
    let at = |text: &str| progress.line(format!("{:5.1} s  {text}", begin.elapsed().as_secs_f64()));
    let mut why = None;
    while let Some(message) = next(&mut messages) {
        match message {
            Message::Kept => {}
            Message::Progress(text) => at(&text),
            Message::Ready => {
                at(&format!("cluster `{}` is ready", spec.name));
                return Ok(());
            }
            Message::Failed(reason) => why = why.or(Some(reason)),
        }
    }
    let logs = config.logs().join(format!("failed-{}", spec.name));
    wait_gone(spec);
    let why = why.unwrap_or_else(|| "its keeper ended without a word".to_owned());
    bail!("bring up cluster `{}`: {why}{}\nIts logs are in {}", spec.name, advice(&why), logs.display())
}

/// What to do about limits of the host, which all clusters of the machine share and which no cluster may change.
fn advice(why: &str) -> &'static str {
    if why.contains("inotify_init: too many open files") {
        return "\nAll inotify instances of this machine are in use, about 20 by each cluster: take one down, or run `sysctl -w fs.inotify.max_user_instances=1024`";
    }
    ""
}

/// The keeper moves the logs and removes the rest; an error must not be reported before that.
fn wait_gone(spec: &Spec) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while spec.dir.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
}
