//! Containers that end again and again by themselves.
//!
//! Owns when an end is one of many, and the variables that a container lacks. Must never report a container that
//! runs well since its last end, nor a pod of a Job that may still succeed. No IO.

use super::case::{Case, Sign};
use super::exit;
use super::history::{self, History};
use super::job;
use super::restore;
use super::text::{has_any, quote, restarts};
use crate::action::{Action, Param};
use crate::finding::{Candidate, Cause};
use crate::index::{ContainerState, Exit, Now, Pod, Template, Thing};
use crate::names::{ContainerName, VariableName};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};

/// A container that ended and runs again for this long is over it.
const OVER_IT: SignedDuration = SignedDuration::from_mins(2);

/// What a crashing container shows.
pub(crate) fn sign<'a>(case: &Case<'a>, pod: Pod<'a>, state: &ContainerState) -> Option<Sign<'a>> {
    let (exit, path, why) = telling_exit(case, &pod, state)?;
    let (cause, what) = verdict(case, &pod, state, (exit.as_ref(), why));
    let ended = exit.as_ref().map_or_else(String::new, exit::describe);
    let times = restarts(state.restarts);
    let said = exit.as_ref().map(|exit| exit.message.trim()).filter(|m| !m.is_empty());
    let said = said.or(Some(why).filter(|w| exit.is_none() && !w.is_empty()));
    let said = said.map_or_else(String::new, |m| format!(": {}", quote(last_lines(m), 120)));
    let what = what.map_or_else(String::new, |what| format!(": {what}"));
    let detail = format!("{ended}{times}{what}{said}");
    let path = format!("status.{}[{}].{path}", super::statuses(state), state.name);
    let value = exit.as_ref().map_or_else(
        || why.to_owned(),
        |e| format!("reason {}, exit code {}, message {}", e.reason, e.code, e.message),
    );
    let since = first_crash(case, &pod, state, exit.as_ref());
    Some(Sign {
        cause,
        container: Some(state.name.clone()),
        pod,
        since,
        detail: detail.trim_start_matches([',', ':', ' ']).to_owned(),
        evidence: case.in_pod(&pod, &path, &value).into_iter().collect(),
        mend: candidates,
    })
}

/// The last words first, then what the container lacks, then what else speaks for one cause.
fn verdict(
    case: &Case<'_>,
    pod: &Pod<'_>,
    state: &ContainerState,
    (exit, why): (Option<&Exit>, &str),
) -> (Cause, Option<String>) {
    let missing = || missing_config(case, pod, state, exit);
    let lacking =
        || missing().map(|name| (Cause::CrashMissingConfig, Some(format!("{} is missing", quote(&name, 60)))));
    exit::told(case, pod, exit, why).or_else(lacking).unwrap_or_else(|| exit::guessed(case, pod, state))
}

/// The exit that says it, where to find it, and the kubelet's word where there was no exit.
fn telling_exit<'s>(
    case: &Case<'_>,
    pod: &Pod<'_>,
    state: &'s ContainerState,
) -> Option<(Option<Exit>, &'static str, &'s str)> {
    let job = matches!(case.subject.kind, Kind::Job | Kind::CronJob);
    match &state.now {
        Now::Waiting { reason, .. } if &**reason == "CrashLoopBackOff" => {
            Some((state.last.clone(), "lastState.terminated", ""))
        }
        Now::Waiting { reason, message } if matches!(&**reason, "RunContainerError" | "CreateContainerError") => {
            Some((state.last.clone(), "state.waiting", message))
        }
        // What speaks of configuration is another analyzer's to tell, or to wait for.
        Now::Waiting { reason, message } if &**reason == "CreateContainerConfigError" => {
            // The pod's name, which comes after, may speak of anything.
            let said = message.split_once(" (pod: ").map_or(&**message, |(said, _)| said);
            let other = !has_any(said, &["configmap", "secret", "couldn't find key", "not yet"]);
            other.then_some((None, "state.waiting", &**message))
        }
        Now::Waiting { .. } => None,
        Now::Ended(exit) if exit.code == 0 => None,
        // One failed pod of a Job is what back-off limits are for; a failed Job is not.
        Now::Ended(_) if job && !gave_up(case) => None,
        Now::Ended(exit) => (state.restarts > 0 || state.init || job || pod.template().restarts_never)
            .then(|| (Some(exit.clone()), "state.terminated", "")),
        Now::Running { since } => {
            let last = state.last.as_ref().filter(|exit| exit.code != 0 && state.restarts > 1)?;
            let recent = since.is_some_and(|at| case.age(at) < OVER_IT);
            if let (true, Some(at)) = (recent, since) {
                case.look_again(at.checked_add(OVER_IT).unwrap_or(case.now));
            }
            recent.then(|| (Some(last.clone()), "lastState.terminated", ""))
        }
    }
}

fn gave_up(case: &Case<'_>) -> bool {
    let job = job::counting(case).and_then(Thing::workload);
    job.is_some_and(|w| w.condition("Failed").is_some_and(|c| c.holds) || w.failed > 1)
}

/// The last two lines of a message: programs say why at the end. A container runtime says it
/// behind its own name for the step that failed.
fn last_lines(message: &str) -> &str {
    let step = ["unable to start container process: ", "error during container init: "];
    let message = step.iter().fold(message, |m, words| m.split_once(words).map_or(m, |(_, rest)| rest));
    let trimmed = message.trim_end();
    let from = trimmed.rmatch_indices('\n').nth(1).map_or(0, |(at, _)| at + 1);
    trimmed.get(from..).unwrap_or(trimmed)
}

fn first_crash(case: &Case<'_>, pod: &Pod<'_>, state: &ContainerState, exit: Option<&Exit>) -> Option<Timestamp> {
    let backed_off = case.event(pod, Some(&state.name), "BackOff", |_| true).and_then(|e| e.first);
    let ended = exit.and_then(|e| e.finished);
    [backed_off, ended].into_iter().flatten().min().or(pod.created())
}

/// The name of a variable that the container lacks: one that the last revision which served
/// defined, or that the termination message calls missing and the template does not define.
fn missing_config(case: &Case<'_>, pod: &Pod<'_>, state: &ContainerState, exit: Option<&Exit>) -> Option<String> {
    let defined = pod.template().container(&state.name)?;
    let is_defined = |name: &str| defined.env.iter().any(|(n, _)| &**n == name);
    let said = exit.map(|e| &*e.message).unwrap_or_default();
    let complains = has_any(
        said,
        &[
            "not set",
            "missing",
            "required",
            "undefined",
            "must be set",
            "unset",
            "keyerror",
            "not defined",
            "is empty",
            "not found",
            "not present",
            "notpresent",
        ],
    );
    if complains
        && let Some(name) =
            said.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).find(|w| is_variable(w) && !is_defined(w))
    {
        return Some(name.to_owned());
    }
    let history = History::of(case);
    if !history.is_newest(pod) {
        return None;
    }
    let good = history.good(case, |t| t.container(&state.name).is_some())?;
    let before = good.template.container(&state.name)?;
    before.env.iter().map(|(n, _)| &**n).find(|name| !is_defined(name)).map(str::to_owned)
}

/// `DATABASE_URL`: what programs call their variables, and not a word like `ERROR`.
fn is_variable(word: &str) -> bool {
    word.len() >= 4
        && word.contains('_')
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// The Service that is gone, or back to the newest revision that served, whatever differs: a crash has no narrower suspect.
fn candidates<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let undo = history::undo_if_new(case, history, pods, |old: &Template, new: &Template| std::ptr::eq(old, new));
    let missing = undo.as_ref().filter(|_| sign.cause == Cause::CrashMissingConfig);
    let narrower = missing.and_then(|_| variable(case, history, sign.container.as_deref()?));
    let gone = Some(sign).filter(|sign| sign.cause == Cause::ServiceMissing);
    let back = gone.and_then(|sign| restore::service(case, &sign.pod, sign.container.as_deref()));
    back.into_iter().chain(undo).chain(narrower).collect()
}

/// The one variable that the newest revision which served defined, and this one does not.
fn variable<'a>(case: &Case<'a>, history: &History<'a>, container: &str) -> Option<Candidate> {
    let now = history.newest()?.template.container(container)?;
    let good = history.good(case, |template| template.container(container).is_some())?;
    let had = good.template.container(container)?.env.iter().map(|(name, _)| name);
    let mut lost = had.filter(|name| !now.env.iter().any(|(n, _)| n == *name));
    let name = lost.next().filter(|_| lost.next().is_none())?;
    let revision = Param::new(good.number, good.origin()?);
    let (container, variable) = (ContainerName::parse(container).ok()?, VariableName::parse(&**name).ok()?);
    Some(Candidate {
        action: Action::SetEnv { container, variable, revision },
        target: case.subject.clone(),
        why: format!("revision {} served with this variable", good.number),
    })
}

#[cfg(test)]
mod tests;
