//! The keeper: starts the node, joins its network to the host, and removes what is left when the node ends. It lives in the host's namespaces and in a session of its own, so that whatever kills the owner leaves it alive; the owner's death is an end of file on its stdin.

mod cleanup;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

pub(crate) use cleanup::clean;

use crate::helper::{self, Part};
use crate::{config::Config, lock::Lock, message::Message, spec::Spec, step};

enum Event {
    OwnerGone,
    Said(Message),
    NodeEnded,
}

/// Keeps the cluster in `dir` until its node ends.
pub(crate) fn run(dir: &Path) -> Result<()> {
    let spec = Spec::load(dir)?;
    let config = Config::from_env()?;
    // Waits for nobody but someone who is just asking whether it is held.
    let _lock = Lock::wait(&config, &spec.keeper_lock())?;
    write(&spec.keeper_pid_file(), &std::process::id().to_string())?;
    say(&Message::Kept);
    let outcome = keep(&spec);
    if let Err(error) = &outcome {
        say(&Message::Failed(format!("{error:#}")));
    }
    if !matches!(outcome, Ok(End::Wanted)) {
        save_logs(&config, &spec);
    }
    clean(&spec)?;
    outcome.map(|_| ())
}

/// Why a node ended.
enum End {
    /// Somebody asked, or its owner is gone.
    Wanted,
    /// By itself.
    Failed,
}

fn keep(spec: &Spec) -> Result<End> {
    let (events, inbox) = channel();
    let from_owner = events.clone();
    std::thread::spawn(move || {
        let mut sink = Vec::new();
        let _either_way_it_is_gone = std::io::stdin().read_to_end(&mut sink);
        from_owner.send(Event::OwnerGone)
    });
    let mut unshare = start_node(spec)?;
    let mut wire = unshare.stdin.take().context("open the node's stdin")?;
    listen(&mut unshare, events)?;
    if let Err(error) = join_network(spec, unshare.id(), &mut wire) {
        drop(wire);
        let _already_failing = end(&mut unshare);
        return Err(error);
    }
    let why = follow(spec, &inbox, wire);
    end(&mut unshare)?;
    Ok(why)
}

/// The node ends by itself when its wire is cut; one that hangs is killed.
fn end(unshare: &mut Child) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while unshare.try_wait().context("wait for the node to end")?.is_none() {
        if Instant::now() >= deadline {
            unshare.kill().context("kill the node")?;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Returns when the node has ended or must; dropping `wire` ends it.
fn follow(spec: &Spec, inbox: &Receiver<Event>, wire: ChildStdin) -> End {
    let (mut ready, mut why) = (false, End::Wanted);
    for event in inbox {
        match event {
            Event::OwnerGone if spec.ephemeral || !ready => break,
            Event::OwnerGone => {}
            Event::NodeEnded => break,
            Event::Said(message) => {
                if matches!(message, Message::Failed(_)) {
                    why = End::Failed;
                }
                if message == Message::Ready {
                    // Before the owner hears of it: it may exit at once.
                    ready = write(&spec.ready_file(), "").is_ok();
                }
                say(&message);
            }
        }
    }
    drop(wire);
    why
}

fn start_node(spec: &Spec) -> Result<Child> {
    let log = File::options().create(true).append(true).open(spec.log("node.log")).context("open the node's log")?;
    let mut unshare = Command::new("unshare");
    unshare.args(["--fork", "--pid", "--kill-child", "--mount", "--net", "--propagation", "private"]);
    helper::append(&mut unshare, &helper::this_program(), Part::Init, &spec.dir);
    unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    unshare.spawn().context("start the node: `unshare` cannot be run")
}

fn listen(unshare: &mut Child, events: Sender<Event>) -> Result<()> {
    let stdout = unshare.stdout.take().context("open the node's stdout")?;
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Ok(message) = serde_json::from_str(&line) {
                let _keeper_is_ending = events.send(Event::Said(message));
            }
        }
        events.send(Event::NodeEnded)
    });
    Ok(())
}

/// A veth pair between the host and the node's network namespace, which is found by its first process.
fn join_network(spec: &Spec, unshare: u32, wire: &mut ChildStdin) -> Result<()> {
    let init = first_child(unshare).context("find the node's first process")?;
    write(&spec.init_pid_file(), &init.to_string())?;
    let ip = |args: &[&str]| step::output("join the node's network to the host", step::command("ip").args(args));
    let veth = spec.veth();
    ip(&["link", "add", &veth, "type", "veth", "peer", "name", "eth0", "netns", &init.to_string()])?;
    ip(&["addr", "add", &format!("{}/30", spec.host_ip()), "dev", &veth])?;
    ip(&["link", "set", &veth, "up"])?;
    wire.write_all(b"wired\n").context("tell the node that its network is there")
}

fn first_child(parent: u32) -> Result<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        let children = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().with_context(|| format!("read {path}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("`unshare` made no process within 5 s")
}

/// To the owner, if it still listens.
fn say(message: &Message) {
    let Ok(line) = serde_json::to_string(message) else {
        return;
    };
    let _owner_may_be_gone = writeln!(std::io::stdout().lock(), "{line}");
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

/// A cluster that never became ready leaves its logs behind, one set per name.
fn save_logs(config: &Config, spec: &Spec) {
    let kept = config.logs().join(format!("failed-{}", spec.name));
    let _none_from_before = std::fs::remove_dir_all(&kept);
    let _best_effort =
        std::fs::create_dir_all(config.logs()).and_then(|()| std::fs::rename(spec.dir.join("log"), &kept));
}
