//! The node: two processes inside a cluster's own pid, mount and network namespaces. `init` is the first process there, so its end is the end of everything; it only adopts and reaps. `run` is its child, which mounts, wires, starts the components and minds them until it is told to stop or its keeper dies.

mod bring_up;
mod components;
mod control;
mod files;
mod mounts;
mod network;
mod probe;
mod supervisor;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::ExitStatus;
use std::sync::mpsc::{Sender, channel};

use anyhow::{Context as _, Result, bail};
use rustix::process::{WaitOptions, wait};

pub(crate) use files::write_all as write_files;
pub(crate) use probe::{api_server_ready, path};

use crate::helper::{self, Part};
use crate::{message::Message, spec::Spec};
use supervisor::Supervisor;

/// What can end the node, or bring it up.
pub(crate) enum Event {
    /// The keeper said that the veth is there.
    Wired,
    /// The keeper is gone: nobody would clean up later.
    KeeperGone,
    /// Asked to end.
    Stop,
    /// A component ended before the cluster was ready.
    Ended(String, ExitStatus),
    /// The cluster is ready, or why it will not be.
    BroughtUp(Result<()>),
}

/// The first process: starts the node proper and reaps whatever is orphaned, until the node proper ends.
pub(crate) fn init(dir: &Path) -> Result<()> {
    mounts::proc()?;
    let node = helper::command(Part::Node, dir).spawn().context("start the node's supervisor")?;
    let node = node.id();
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, _))) if pid.as_raw_nonzero().get().unsigned_abs() == node => {
                return Ok(());
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("wait for the node's processes"),
        }
    }
}

/// The node proper.
pub(crate) fn run(dir: &Path) -> Result<()> {
    let spec = Spec::load(dir)?;
    let (events, inbox) = channel();
    read_wire(events.clone());
    mounts::prepare(&spec)?;
    let supervisor = Supervisor::new(&spec, events.clone());
    control::listen(&spec, &supervisor, events.clone())?;
    for event in inbox {
        match event {
            Event::Wired => bring_up(&spec, &supervisor, events.clone()),
            Event::KeeperGone | Event::Stop => break,
            Event::Ended(component, status) => {
                let log = crate::step::tail(&spec.log(&format!("{component}.log")), 8);
                return fail(&format!("{component} ended during the start ({status}): {log}"));
            }
            Event::BroughtUp(Ok(())) => say(&Message::Ready),
            Event::BroughtUp(Err(error)) => return fail(&format!("{error:#}")),
        }
    }
    Ok(())
}

/// In a thread of its own: the keeper's death must be noticed in the middle of it.
fn bring_up(spec: &Spec, supervisor: &Supervisor, events: Sender<Event>) {
    let (spec, supervisor) = (spec.clone(), supervisor.clone());
    std::thread::spawn(move || {
        let outcome = bring_up::run(&spec, &supervisor, |step| say(&Message::Progress(step.to_owned())));
        if outcome.is_ok() {
            supervisor.came_up();
        }
        events.send(Event::BroughtUp(outcome))
    });
}

fn fail(why: &str) -> Result<()> {
    say(&Message::Failed(why.to_owned()));
    bail!("{why}")
}

fn read_wire(events: Sender<Event>) {
    std::thread::spawn(move || {
        for _line in BufReader::new(std::io::stdin()).lines().map_while(Result::ok) {
            let _node_is_ending = events.send(Event::Wired);
        }
        events.send(Event::KeeperGone)
    });
}

fn say(message: &Message) {
    let Ok(line) = serde_json::to_string(message) else {
        return;
    };
    let _keeper_may_be_gone = writeln!(std::io::stdout().lock(), "{line}");
}
