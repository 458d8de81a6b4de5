//! Minds the node's components: one thread each, which starts the program, waits for its end, and starts it again. A component that ends before the cluster is ready fails the bring-up instead. Owns all pids of components.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, kill_process};

use super::{Event, components::Component};
use crate::{message::Signal, spec::Spec};

/// Between a crash and the next start, as an init system would wait.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How long a component may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Default)]
struct Slot {
    pid: Option<Pid>,
    starts: u64,
    /// Set by whoever kills it: how long it stays down.
    down_for: Option<Duration>,
}

#[derive(Default)]
struct State {
    slots: BTreeMap<&'static str, Slot>,
    up: bool,
}

/// A handle; clones mind the same components.
#[derive(Clone)]
pub(super) struct Supervisor {
    spec: Spec,
    state: Arc<(Mutex<State>, Condvar)>,
    events: Sender<Event>,
}

impl Supervisor {
    pub(super) fn new(spec: &Spec, events: Sender<Event>) -> Self {
        Self { spec: spec.clone(), state: Arc::default(), events }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on a component that ends is started again.
    pub(super) fn came_up(&self) {
        self.state().up = true;
    }

    /// Starts `component` and keeps it running.
    pub(super) fn start(&self, component: Component) -> Result<()> {
        let child = self.spawn(&component)?;
        let this = self.clone();
        std::thread::spawn(move || this.mind(&component, child));
        Ok(())
    }

    fn spawn(&self, component: &Component) -> Result<Child> {
        let log = self.spec.log(&format!("{}.log", component.name));
        let log =
            File::options().create(true).append(true).open(&log).with_context(|| format!("open {}", log.display()))?;
        let mut command = Command::new(&component.program);
        command.args(&component.args).env("PATH", super::probe::path(&self.spec)).current_dir("/").stdin(Stdio::null());
        command.stdout(log.try_clone().context("share a log")?).stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("start {}: {} cannot be run", component.name, component.program.display()))?;
        let mut state = self.state();
        let slot = state.slots.entry(component.name).or_default();
        slot.pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        slot.starts += 1;
        self.state.1.notify_all();
        Ok(child)
    }

    fn mind(&self, component: &Component, mut child: Child) {
        loop {
            let Ok(status) = child.wait() else { return };
            let (pause, unexpected) = {
                let mut state = self.state();
                let up = state.up;
                let slot = state.slots.entry(component.name).or_default();
                slot.pid = None;
                let asked = slot.down_for.take();
                (asked.unwrap_or(BACK_OFF), asked.is_none() && !up)
            };
            if unexpected {
                let _node_is_ending = self.events.send(Event::Ended(component.name.to_owned(), status));
                return;
            }
            std::thread::sleep(pause);
            match self.spawn(component) {
                Ok(next) => child = next,
                Err(error) => {
                    let _node_is_ending = self.events.send(Event::BroughtUp(Err(error)));
                    return;
                }
            }
        }
    }

    /// Kills `component` and returns when it has been started again, `down_for` after its end.
    pub(super) fn restart(&self, component: &str, signal: Signal, down_for: Duration) -> Result<()> {
        let mut state = self.state();
        let names = state.slots.keys().copied().collect::<Vec<_>>().join(", ");
        let slot =
            state.slots.get_mut(component).ok_or_else(|| anyhow!("no component `{component}`; there are: {names}"))?;
        let Some(pid) = slot.pid else { bail!("{component} is down already") };
        let before = slot.starts;
        slot.down_for = Some(down_for);
        let signal = match signal {
            Signal::Kill => rustix::process::Signal::KILL,
            Signal::Term => rustix::process::Signal::TERM,
        };
        kill_process(pid, signal).with_context(|| format!("send {signal:?} to {component}"))?;
        let deadline = Instant::now() + down_for + PATIENCE;
        while state.slots.get(component).is_none_or(|slot| slot.starts == before) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{component} did not come back within {} s", (down_for + PATIENCE).as_secs());
            }
            state = self.state.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}
