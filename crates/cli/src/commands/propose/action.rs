//! From `--set KEY=VALUE` to a typed action.
//!
//! Owns which values each type takes and what origin they have. Must never claim an origin that a
//! value has not. No IO.

use super::parts;
use crate::exit::Failure;
use crate::objects::history::{Revision, before};
use crate::suggest;
use bailiwick_core::action::{Action, ChangeType, Origin, Param, ResourceName, Resources};
use bailiwick_core::names::{ContainerName, ObjectName, Uid};
use bailiwick_core::plan::object::text_at;
use bailiwick_core::quantity::Quantity;
use serde_json::Value;
use std::collections::BTreeMap;

/// Values as given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

/// What the cluster says, as far as the type needs it.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The target, if it exists.
    pub live: Option<&'a Value>,
    /// Its revisions.
    pub revisions: &'a [Revision],
    /// The change that keeps a copy.
    pub copy: Option<(ObjectName, Uid)>,
}

impl Values {
    /// Parses `KEY=VALUE`.
    ///
    /// # Errors
    /// Names the word that is not of that form, or is there twice.
    pub fn parse(words: &[String]) -> Result<Self, Failure> {
        let mut map = BTreeMap::new();
        for word in words {
            let pair = word.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
            let (key, value) = pair.ok_or_else(|| Failure::error(format!("--set {word:?} is not KEY=VALUE")))?;
            if map.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(Failure::error(format!("--set {key} is given twice")));
            }
        }
        Ok(Self(map))
    }

    /// A value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// True where no value is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True where the action is made from the revision history.
    pub fn wants_history(&self, change_type: ChangeType) -> bool {
        let parts = matches!(
            change_type,
            ChangeType::RolloutUndo | ChangeType::SetEnv | ChangeType::SetScheduling | ChangeType::SetVolumeRef
        );
        parts || self.0.contains_key("revision")
    }

    pub(super) fn need(&self, change_type: ChangeType, key: &str, example: &str) -> Result<&str, Failure> {
        self.get(key).ok_or_else(|| {
            Failure::error(format!("{change_type} needs {key}")).next(format!("add --set {key}={example}"))
        })
    }

    /// Every given key must be one of these.
    fn only(&self, change_type: ChangeType, keys: &[&str]) -> Result<(), Failure> {
        let Some(odd) = self.0.keys().find(|key| !keys.contains(&key.as_str())) else { return Ok(()) };
        let failure = Failure::error(format!("{change_type} takes no {odd:?}"));
        Err(match suggest::nearest(odd, keys.iter().copied()) {
            Some(found) => failure.next(format!("did you mean {found}?")),
            None if keys.is_empty() => failure.next("it takes no values"),
            None => failure.next(format!("it takes {}", keys.join(", "))),
        })
    }
}

/// The values that a type takes.
const fn keys(change_type: ChangeType) -> &'static [&'static str] {
    match change_type {
        ChangeType::RolloutUndo => &["revision"],
        ChangeType::SetImage => &["container", "image", "revision"],
        ChangeType::Scale => &["replicas"],
        ChangeType::SetResources => {
            &["container", "revision", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]
        }
        ChangeType::RestoreObject => &["copy"],
        ChangeType::PatchService => &["selector", "port", "targetPort", "internalTrafficPolicy"],
        ChangeType::PatchIngress => &["class", "host", "path", "service", "port"],
        ChangeType::PatchHPA => &["minReplicas", "maxReplicas", "target"],
        ChangeType::SetProbe => &[
            "container",
            "probe",
            "revision",
            "path",
            "port",
            "initialDelaySeconds",
            "periodSeconds",
            "timeoutSeconds",
            "failureThreshold",
        ],
        ChangeType::SetEnv => &["container", "variable", "revision"],
        ChangeType::SetScheduling => &["part", "revision"],
        ChangeType::SetVolumeRef => &["volume", "revision"],
        ChangeType::SetStrategy => &["maxSurge", "maxUnavailable"],
        ChangeType::RolloutRestart
        | ChangeType::DeletePod
        | ChangeType::DeleteResourceQuota
        | ChangeType::SuspendCronJob
        | ChangeType::ResumeCronJob
        | ChangeType::Cordon
        | ChangeType::Uncordon => &[],
    }
}

/// The action of a type with these values.
///
/// # Errors
/// Names the value that is missing, unknown or malformed.
pub fn build(change_type: ChangeType, values: &Values, known: &Known<'_>) -> Result<Action, Failure> {
    values.only(change_type, keys(change_type))?;
    match change_type {
        ChangeType::RolloutUndo => {
            let revision = revision(values.get("revision"), known)?;
            Ok(Action::RolloutUndo { revision: Param::new(revision.number, revision.origin()) })
        }
        ChangeType::SetImage => set_image(values, known),
        ChangeType::RolloutRestart => Ok(Action::RolloutRestart {}),
        ChangeType::DeletePod => Ok(Action::DeletePod {}),
        ChangeType::Scale => {
            let text = values.need(change_type, "replicas", "3")?;
            let number =
                text.parse().map_err(|_| Failure::error(format!("replicas: {text:?} is not a whole number")))?;
            Ok(Action::Scale { replicas: Param::new(number, Origin::Human {}) })
        }
        ChangeType::SetResources => set_resources(values, known),
        ChangeType::DeleteResourceQuota => Ok(Action::DeleteResourceQuota {}),
        ChangeType::SuspendCronJob => Ok(Action::SuspendCronJob {}),
        ChangeType::ResumeCronJob => Ok(Action::ResumeCronJob {}),
        ChangeType::Cordon => Ok(Action::Cordon {}),
        ChangeType::Uncordon => Ok(Action::Uncordon {}),
        ChangeType::PatchService => parts::patch_service(values),
        ChangeType::PatchIngress => parts::patch_ingress(values),
        ChangeType::PatchHPA => parts::patch_hpa(values),
        ChangeType::SetProbe => parts::set_probe(values, known),
        ChangeType::SetEnv => parts::set_env(values, known),
        ChangeType::SetScheduling => parts::set_scheduling(values, known),
        ChangeType::SetVolumeRef => parts::set_volume_ref(values, known),
        ChangeType::SetStrategy => parts::set_strategy(values),
        ChangeType::RestoreObject => {
            values.need(change_type, "copy", "CHANGE")?;
            let (change, uid) = known.copy.clone().ok_or_else(|| Failure::error("that change keeps no copy"))?;
            let origin = Origin::KeptCopy { change: change.clone(), uid };
            Ok(Action::RestoreObject { copy: Param::new(change, origin) })
        }
    }
}

/// The revision with that number, or the one before the live one.
pub(super) fn revision<'a>(number: Option<&str>, known: &Known<'a>) -> Result<&'a Revision, Failure> {
    let Some(text) = number else {
        let found = known.live.and_then(|live| before(known.revisions, live));
        return found.ok_or_else(|| Failure::error("there is no earlier revision to go back to"));
    };
    let number: i64 = text.parse().map_err(|_| Failure::error(format!("revision: {text:?} is not a whole number")))?;
    known.revisions.iter().find(|r| r.number == number).ok_or_else(|| {
        let mut kept: Vec<i64> = known.revisions.iter().map(|r| r.number).collect();
        kept.sort_unstable();
        let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
        Failure::error(format!("there is no revision {number}")).next(format!("kept are: {}", kept.join(", ")))
    })
}

/// The container that is named, or the only one there is.
pub(super) fn container(change_type: ChangeType, values: &Values, known: &Known<'_>) -> Result<ContainerName, Failure> {
    let all = known.live.and_then(|l| l.pointer("/spec/template/spec/containers")).and_then(Value::as_array);
    let only = all.filter(|all| all.len() == 1).and_then(|all| text_at(&all[0], "/name"));
    let name = match (values.get("container"), only) {
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => values.need(change_type, "container", "NAME")?,
    };
    ContainerName::parse(name).map_err(|e| Failure::error(e.to_string()))
}

fn set_image(values: &Values, known: &Known<'_>) -> Result<Action, Failure> {
    let container = container(ChangeType::SetImage, values, known)?;
    let image = match (values.get("image"), values.get("revision")) {
        (Some(_), Some(_)) => return Err(Failure::error("image and revision exclude each other")),
        (Some(image), None) => Param::new(image.to_owned(), Origin::Human {}),
        (None, number) => {
            if number.is_none() {
                values.need(ChangeType::SetImage, "image", "REGISTRY/NAME:TAG")?;
            }
            let revision = revision(number, known)?;
            let image = revision.container(container.as_str()).and_then(|c| text_at(c, "/image"));
            let image = image
                .ok_or_else(|| Failure::error(format!("revision {} has no container {container}", revision.number)))?;
            Param::new(image.to_owned(), revision.origin())
        }
    };
    Ok(Action::SetImage { container, image })
}

fn set_resources(values: &Values, known: &Known<'_>) -> Result<Action, Failure> {
    let container = container(ChangeType::SetResources, values, known)?;
    let (resources, origin) = match values.get("revision") {
        Some(number) => {
            let revision = revision(Some(number), known)?;
            let had = |key: &str| {
                let (part, name) = key.split_once('.').unwrap_or((key, ""));
                revision
                    .container(container.as_str())
                    .and_then(|c| text_at(c, &format!("/resources/{part}/{name}")))
                    .map(str::to_owned)
            };
            (amounts(had)?, revision.origin())
        }
        None => (amounts(|key| values.get(key).map(str::to_owned))?, Origin::Human {}),
    };
    if resources == Resources::default() {
        return Err(Failure::error("SetResources needs at least one amount").next("add --set limits.memory=256Mi"));
    }
    Ok(Action::SetResources { container, resources: Param::new(resources, origin) })
}

fn amounts(get: impl Fn(&str) -> Option<String>) -> Result<Resources, Failure> {
    let part = |part: &str| -> Result<BTreeMap<ResourceName, String>, Failure> {
        let mut map = BTreeMap::new();
        for name in [ResourceName::Cpu, ResourceName::Memory] {
            let key = format!("{part}.{}", name.as_str());
            if let Some(text) = get(&key) {
                Quantity::parse(&text).map_err(|e| Failure::error(format!("{key}: {e}")))?;
                map.insert(name, text);
            }
        }
        Ok(map)
    };
    Ok(Resources { requests: part("requests")?, limits: part("limits")? })
}

#[cfg(test)]
#[path = "action_tests.rs"]
mod tests;
