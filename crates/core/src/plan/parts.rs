//! Parts of a pod template that go back to what a revision has: a variable, where pods run, what a
//! volume refers to.
//!
//! Owns what each part means in fields. Must never put anything into a template that the revision
//! has not. No IO.

use super::bounds::revision_container;
use super::build::{known_container, revision_template, set};
use super::object::text_at;
use crate::action::SchedulingPart;
use crate::reason::{Code, Reason};
use serde_json::{Value, json};

const POD: &str = "/spec/template/spec";

/// What a volume may refer to: the kind of volume and its field.
const REFERENCES: &[(&str, &str)] =
    &[("persistentVolumeClaim", "claimName"), ("configMap", "name"), ("secret", "secretName")];

fn missing(what: String) -> Reason {
    Reason::new(Code::TargetMissing, what)
}

fn proved(revision: Option<&Value>) -> Result<&Value, Reason> {
    revision.ok_or_else(|| Reason::plain(Code::OriginUnproven))
}

fn named(list: Option<&Value>, name: &str) -> Option<usize> {
    list?.as_array()?.iter().position(|item| text_at(item, "/name") == Some(name))
}

/// The variable as the revision has it, at its place; without it where the revision has none.
pub(super) fn variable(
    after: &mut Value,
    (container, variable): (&str, &str),
    revision: Option<&Value>,
) -> Result<(), Reason> {
    let pointer = known_container(after, container)?;
    let had = revision_container(proved(revision)?, container)
        .ok_or_else(|| missing(format!("the revision has no container {container:?}")))?
        .get("env");
    let mut list = after.pointer(&format!("{pointer}/env")).and_then(Value::as_array).cloned().unwrap_or_default();
    let now = list.iter().position(|entry| text_at(entry, "/name") == Some(variable));
    let old = named(had, variable).and_then(|at| Some((at, had?.get(at)?.clone())));
    match (now, old) {
        (Some(at), Some((_, entry))) => list[at] = entry,
        (None, Some((at, entry))) => list.insert(at.min(list.len()), entry),
        (Some(at), None) => {
            list.remove(at);
        }
        (None, None) => return Err(missing(format!("neither the workload nor the revision has {variable:?}"))),
    }
    let list = if list.is_empty() { None } else { Some(json!(list)) };
    put(after, &pointer, "env", list)
}

/// Where pods run, as the revision has it.
pub(super) fn scheduling(after: &mut Value, part: SchedulingPart, revision: Option<&Value>) -> Result<(), Reason> {
    let template = revision_template(revision)?;
    put(after, POD, part.as_str(), template.pointer(&format!("/spec/{}", part.as_str())).cloned())
}

/// What the volume refers to, as in the revision; the volume's kind stays.
pub(super) fn volume(after: &mut Value, volume: &str, revision: Option<&Value>) -> Result<(), Reason> {
    let template = revision_template(revision)?;
    let no_such = |whose: &str| missing(format!("{whose} has no volume {volume:?}"));
    let volumes = template.pointer("/spec/volumes");
    let old = named(volumes, volume).and_then(|at| volumes?.get(at)).ok_or_else(|| no_such("the revision"))?;
    let at = named(after.pointer(&format!("{POD}/volumes")), volume).ok_or_else(|| no_such("the workload"))?;
    let base = format!("{POD}/volumes/{at}");
    let referred = REFERENCES.iter().find_map(|(kind, field)| {
        let field = format!("/{kind}/{field}");
        after.pointer(&format!("{base}{field}"))?;
        Some((format!("{base}{field}"), text_at(old, &field)?.to_owned()))
    });
    let (pointer, name) = referred.ok_or_else(|| {
        Reason::new(Code::OutOfBounds, "the volume refers to no claim, ConfigMap or Secret, or to one of another kind")
    })?;
    set(after, &pointer, json!(name))
}

/// Sets or removes a key of an object.
fn put(after: &mut Value, parent: &str, key: &str, value: Option<Value>) -> Result<(), Reason> {
    match value {
        Some(value) => set(after, &format!("{parent}/{key}"), value),
        None => {
            if let Some(Value::Object(map)) = after.pointer_mut(parent) {
                map.remove(key);
            }
            Ok(())
        }
    }
}
