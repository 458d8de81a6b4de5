//! What is unusual about a pod: waiting, ended or restarted containers, conditions that do not hold.
//!
//! Owns the reading of pod status. Must never box anything for a pod that is simply well. No IO.

use super::intern::{Intern, Text};
use super::shape::{ContainerStatusShape, PodShape, TerminatedShape};
use jiff::Timestamp;

/// The unusual state of a pod.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Odd {
    /// Containers that are not simply running and ready (or, for init containers, done).
    pub containers: Box<[ContainerState]>,
    /// Why it has no node.
    pub unscheduled: Option<Box<Unscheduled>>,
    /// The pod's own reason, such as `Evicted`.
    pub reason: Option<Text>,
    /// The pod's own message; untrusted text.
    pub message: Option<Box<str>>,
    /// Since when it is being deleted.
    pub deleting: Option<Timestamp>,
    /// The finalizers that its deletion waits for.
    pub finalizers: Box<[Text]>,
}

/// Why a pod has no node.
#[derive(Debug, Clone, PartialEq)]
pub struct Unscheduled {
    /// `Unschedulable` or `SchedulingGated`.
    pub reason: Text,
    /// The scheduler's message, or the names of the gates; untrusted text.
    pub message: Box<str>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// A container that is not simply well.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerState {
    /// The container's name.
    pub name: Text,
    /// True for init containers, native sidecars included.
    pub init: bool,
    /// Ready to serve.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: u32,
    /// What it does now.
    pub now: Now,
    /// How it ended the last time.
    pub last: Option<Exit>,
}

/// What a container does now.
#[derive(Debug, Clone, PartialEq)]
pub enum Now {
    /// Not running yet, or not again.
    Waiting {
        /// The kubelet's reason.
        reason: Text,
        /// The kubelet's message; untrusted text.
        message: Box<str>,
    },
    /// Running.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// Ended.
    Ended(Exit),
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    /// The runtime's reason, such as `Error`, `OOMKilled`, `StartError`.
    pub reason: Text,
    /// The exit code.
    pub code: i32,
    /// The termination message; untrusted text.
    pub message: Box<str>,
    /// When it had started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

impl Odd {
    /// Reads what is unusual; `None` for a pod that is well.
    pub(crate) fn read(intern: &mut Intern, pod: &PodShape) -> Option<Box<Self>> {
        let status = &pod.status;
        let init = status.init_container_statuses.iter().filter_map(|c| read_container(intern, c, true));
        let mut containers: Vec<ContainerState> = init.collect();
        containers.extend(status.container_statuses.iter().filter_map(|c| read_container(intern, c, false)));
        let odd = Odd {
            containers: containers.into(),
            unscheduled: read_unscheduled(intern, pod),
            reason: intern.some_text(&status.reason),
            message: (!status.message.is_empty()).then(|| status.message.as_str().into()),
            deleting: pod.metadata.deletion_timestamp,
            finalizers: finalizers(intern, pod),
        };
        (odd != Odd::default()).then(|| Box::new(odd))
    }

    /// True where the scheduler passed cordoned nodes by.
    pub(crate) fn waits_for_cordoned(&self) -> bool {
        self.unscheduled.as_ref().is_some_and(|u| u.message.contains("unschedulable"))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let exit = |e: &Exit| e.message.len();
        let containers = self.containers.iter().map(|c| {
            let now = match &c.now {
                Now::Waiting { message, .. } => message.len(),
                Now::Running { .. } => 0,
                Now::Ended(e) => exit(e),
            };
            size_of::<ContainerState>() + now + c.last.as_ref().map_or(0, exit)
        });
        let unscheduled = self.unscheduled.as_ref().map_or(0, |u| size_of::<Unscheduled>() + u.message.len());
        size_of::<Self>() + containers.sum::<usize>() + unscheduled + self.message.as_ref().map_or(0, |m| m.len())
    }
}

/// Only of pods that are being deleted.
fn finalizers(intern: &mut Intern, pod: &PodShape) -> Box<[Text]> {
    let left = pod.metadata.finalizers.iter().filter(|_| pod.metadata.deletion_timestamp.is_some());
    left.map(|name| intern.text(name)).collect()
}

fn read_unscheduled(intern: &mut Intern, pod: &PodShape) -> Option<Box<Unscheduled>> {
    let c = pod.status.conditions.iter().find(|c| c.kind == "PodScheduled" && c.status == "False")?;
    let (reason, since) = (intern.text(&c.reason), c.last_transition_time);
    let gates: Vec<&str> = pod.spec.scheduling_gates.iter().map(|gate| gate.name.as_str()).collect();
    let message = if gates.is_empty() { c.message.clone() } else { gates.join(", ") };
    Some(Box::new(Unscheduled { reason, message: message.into(), since }))
}

fn read_container(intern: &mut Intern, c: &ContainerStatusShape, init: bool) -> Option<ContainerState> {
    let now = match (&c.state.waiting, &c.state.running, &c.state.terminated) {
        (Some(w), _, _) => Now::Waiting { reason: intern.text(&w.reason), message: w.message.as_str().into() },
        (None, Some(r), _) => Now::Running { since: r.started_at },
        (None, None, Some(t)) => Now::Ended(read_exit(intern, t)),
        // A status without a state is what the kubelet shows before it has looked.
        (None, None, None) => Now::Waiting { reason: intern.text(""), message: "".into() },
    };
    let well = match &now {
        Now::Running { .. } => c.ready,
        Now::Ended(exit) => exit.code == 0 && &*exit.reason == "Completed",
        Now::Waiting { .. } => false,
    };
    let last = c.last_state.terminated.as_ref().map(|t| read_exit(intern, t));
    if well && last.is_none() && c.restart_count == 0 {
        return None;
    }
    Some(ContainerState { name: intern.text(&c.name), init, ready: c.ready, restarts: c.restart_count, now, last })
}

fn read_exit(intern: &mut Intern, t: &TerminatedShape) -> Exit {
    Exit {
        reason: intern.text(&t.reason),
        code: if t.exit_code == 0 && t.signal > 0 { 128 + t.signal } else { t.exit_code },
        message: t.message.as_str().into(),
        started: t.started_at,
        finished: t.finished_at,
    }
}
