//! What an exit code and a container's last words say of why it ended.
//!
//! Owns the reading of the messages that kernels, runtimes, resolvers and the API server write. Must
//! never know an application's own words, but for the names of variables it lacks. No IO.

use super::case::Case;
use super::history::History;
use super::job;
use super::resolve;
use super::text::{has_any, quote, quoted_after};
use crate::finding::Cause;
use crate::index::{ContainerState, Exit, Now, Pod, Template};
use jiff::SignedDuration;

/// What the runtime itself ends with where the kernel refuses the program. Why, it says in the log alone.
const NOT_EXECUTED: i32 = 255;
/// Times of a container's start and end are whole seconds.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// How it ended, for people.
pub(super) fn describe(exit: &Exit) -> String {
    let why = match exit.code {
        _ if is_other_architecture(&exit.message) => " (built for another architecture)",
        126 => " (the command cannot be executed)",
        127 => " (command not found)",
        137 => " (killed)",
        139 => " (segmentation fault)",
        143 => " (terminated)",
        128 if lacks_command(&exit.message) => " (command not found)",
        _ => "",
    };
    if &*exit.reason == "StartError" {
        format!("cannot be started, exit code {}{why}", exit.code)
    } else {
        format!("ends with exit code {}{why}", exit.code)
    }
}

fn is_other_architecture(message: &str) -> bool {
    has_any(message, &["exec format error"])
}

/// The runtime speaks of the command where it executes it, and else of a profile, a directory or a user.
fn lacks_command(message: &str) -> bool {
    let executes = has_any(message, &["exec: ", "exec /", "exec \""]);
    let fails =
        has_any(message, &["no such file or directory", "permission denied", "is a directory", "not a directory"]);
    has_any(message, &["executable file not found"]) || (executes && fails)
}

/// What the last words say by themselves; more telling than any guess.
pub(super) fn told(case: &Case<'_>, pod: &Pod<'_>, exit: Option<&Exit>, why: &str) -> Option<(Cause, Option<String>)> {
    let message = exit.map(|e| &*e.message).filter(|m| !m.is_empty()).unwrap_or(why);
    let code = exit.map_or(128, |e| e.code);
    let starting = exit.is_none_or(|e| &*e.reason == "StartError");
    if is_other_architecture(message) {
        return Some((Cause::WrongArchitecture, None));
    }
    if matches!(code, 126 | 127) || (starting && code == 128 && lacks_command(message)) {
        return Some((Cause::CommandNotFound, None));
    }
    // The runtime's own words where there is no end, or none but that of the attempt to start.
    if starting && code == 128 && !message.is_empty() {
        return Some((Cause::ContainerNotMade, None));
    }
    if has_any(message, &["address already in use", "eaddrinuse"]) {
        return Some((Cause::PortConflict, Some("another process of the pod has its port".to_owned())));
    }
    if has_any(message, &["no space left on device", "enospc"]) {
        return Some((Cause::VolumeFull, Some("a volume it writes to is full".to_owned())));
    }
    if let Some(what) = denied(message) {
        return Some((Cause::AccessDenied, Some(what)));
    }
    resolve::verdict(case, pod, message).map(|(cause, what)| (cause, Some(what)))
}

/// The API server's own sentence: `is forbidden: User "…" cannot list resource "pods" in API group ""`.
fn denied(message: &str) -> Option<String> {
    let user = quoted_after(message, "forbidden: User ")?;
    let (_, rest) = message.split_once(" cannot ")?;
    let (verb, rest) = rest.split_once(" resource ")?;
    let resource = quoted_after(rest, "").filter(|_| !verb.contains(' '))?;
    let group = quoted_after(rest, "in API group ").map_or_else(String::new, |group| format!(".{group}"));
    let place = quoted_after(rest, "in the namespace ");
    let place =
        place.map_or_else(|| " in the whole cluster".to_owned(), |ns| format!(" in namespace {}", quote(ns, 60)));
    let who = user.strip_prefix("system:serviceaccount:").map_or(user, |account| account);
    Some(format!("no role lets {} {verb} {}{place}", quote(who, 90), quote(&format!("{resource}{group}"), 60)))
}

/// What else speaks for one cause, where the last words say nothing.
pub(super) fn guessed(case: &Case<'_>, pod: &Pod<'_>, state: &ContainerState) -> (Cause, Option<String>) {
    let hosts = pod.template().container(&state.name).map_or(&[][..], |c| &*c.hosts);
    if let Some(name) = hosts.iter().find_map(|host| resolve::absent_service(case, pod, host)) {
        let what = format!("its command speaks of Service {}, which does not exist", quote(name, 80));
        return (Cause::ServiceMissing, Some(what));
    }
    if let Some((port, other)) = shared_port(pod, &state.name) {
        let what = format!("container {} of the pod declares the same port {port}", quote(other, 60));
        return (Cause::PortConflict, Some(what));
    }
    if is_never_executed(case, pod, state) {
        let what = "at once and without a word, as one does whose program the processor cannot execute, and no pod \
            is known to have run its image";
        return (Cause::WrongArchitecture, Some(what.to_owned()));
    }
    if job::is_spent(case) {
        return (Cause::JobBackoffLimitExceeded, Some("the Job tried as often as it may, and gave up".to_owned()));
    }
    (Cause::CrashLoop, None)
}

/// True where it ends as if its program had never begun, every time, and nothing is known to have run its image.
fn is_never_executed(case: &Case<'_>, pod: &Pod<'_>, state: &ContainerState) -> bool {
    let now = match &state.now {
        Now::Ended(exit) => Some(exit),
        Now::Waiting { .. } | Now::Running { .. } => None,
    };
    let at_once = |exit: &Exit| {
        let took = exit.started.zip(exit.finished).map(|(from, to)| to.duration_since(from));
        exit.code == NOT_EXECUTED && exit.message.trim().is_empty() && took.is_some_and(|took| took <= AT_ONCE)
    };
    let ends: Vec<&Exit> = now.into_iter().chain(&state.last).collect();
    let Some(image) = pod.template().container(&state.name).map(|c| &c.image) else { return false };
    state.restarts > 0 && !ends.is_empty() && ends.iter().all(|exit| at_once(exit)) && !has_run(case, image)
}

/// True where a pod that is ready runs an image, or a revision with it served.
fn has_run(case: &Case<'_>, image: &str) -> bool {
    let has = |template: &Template| template.containers.iter().any(|c| *c.image == *image);
    case.view.pods().any(|pod| pod.ready() && has(pod.template())) || History::of(case).good(case, has).is_some()
}

/// A port that this container declares and another that runs beside it, too.
fn shared_port<'p>(pod: &Pod<'p>, name: &str) -> Option<(u16, &'p str)> {
    let template = pod.template();
    let own = template.container(name)?;
    let beside = |c: &&crate::index::Container| {
        &*c.name != name && c.role != crate::index::Role::Init && own.role != crate::index::Role::Init
    };
    let crashes =
        |name: &str| pod.odd().is_some_and(|odd| odd.containers.iter().any(|c| &*c.name == name && c.restarts > 0));
    template.containers.iter().filter(beside).filter(|c| !crashes(&c.name)).find_map(|other| {
        let same = |p: &&crate::index::ContainerPort| {
            other.ports.iter().any(|q| q.number == p.number && q.other_protocol == p.other_protocol)
        };
        Some((own.ports.iter().find(same)?.number, &*other.name))
    })
}

#[cfg(test)]
mod tests;
