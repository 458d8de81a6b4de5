//! The revisions that a workload keeps.
//!
//! Owns reading them and comparing templates. Must never take a revision of another owner. The
//! comparisons are pure; listing reads from the API server.

use super::dynamic;
use crate::cluster::Cluster;
use crate::exit::Outcomes;
use bailiwick_core::action::Origin;
use bailiwick_core::names::ObjectName;
use bailiwick_core::object::Kind;
use bailiwick_core::plan::object::{annotation, controller, text_at};
use kube::api::ListParams;
use serde_json::Value;

/// One revision of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The ReplicaSet or ControllerRevision that holds it.
    pub source: ObjectName,
    /// Its number.
    pub number: i64,
    /// Its pod template, without what controllers add.
    pub template: Value,
}

impl Revision {
    /// Reads a ReplicaSet or ControllerRevision.
    pub fn read(object: &Value) -> Option<Self> {
        let held = if text_at(object, "/kind") == Some("ControllerRevision") {
            (object.pointer("/revision")?.as_i64()?, object.pointer("/data/spec/template")?)
        } else {
            let number = annotation(object, "deployment.kubernetes.io/revision")?.parse().ok()?;
            (number, object.pointer("/spec/template")?)
        };
        let source = ObjectName::parse(text_at(object, "/metadata/name")?).ok()?;
        Some(Self { source, number: held.0, template: bare(held.1) })
    }

    /// The claim that a value comes from here.
    pub fn origin(&self) -> Origin {
        Origin::RevisionHistory { source: self.source.clone(), revision: self.number }
    }

    /// A container of this revision.
    pub fn container(&self, name: &str) -> Option<&Value> {
        container_of(&self.template, name)
    }
}

/// A container of a pod template, init containers included.
pub fn container_of<'a>(template: &'a Value, name: &str) -> Option<&'a Value> {
    ["containers", "initContainers"].iter().find_map(|list| {
        let all = template.pointer(&format!("/spec/{list}"))?.as_array()?;
        all.iter().find(|c| text_at(c, "/name") == Some(name))
    })
}

/// A template without the labels and marks that controllers add to it.
pub fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Value::Object(map) = &mut template {
        map.remove("$patch");
    }
    if let Some(Value::Object(labels)) = template.pointer_mut("/metadata/labels") {
        for added in ["pod-template-hash", "controller-revision-hash", "pod-template-generation"] {
            labels.remove(added);
        }
    }
    if let Some(Value::Object(metadata)) = template.get_mut("metadata") {
        metadata.retain(|_, value| !value.is_null());
    }
    template
}

/// The newest revision with this template.
pub fn holding<'a>(revisions: &'a [Revision], template: &Value) -> Option<&'a Revision> {
    let wanted = bare(template);
    revisions.iter().filter(|r| r.template == wanted).max_by_key(|r| r.number)
}

/// The newest revision that is not the live one.
pub fn before<'a>(revisions: &'a [Revision], live: &Value) -> Option<&'a Revision> {
    let now = bare(live.pointer("/spec/template")?);
    revisions.iter().filter(|r| r.template != now).max_by_key(|r| r.number)
}

/// The revisions of a workload.
///
/// # Errors
/// Where they cannot be listed.
pub async fn revisions(cluster: &Cluster, workload: &Value, namespace: &str) -> Outcomes<Vec<Revision>> {
    let kind = match text_at(workload, "/kind") {
        Some("Deployment") => Kind::ReplicaSet,
        Some("StatefulSet" | "DaemonSet") => Kind::ControllerRevision,
        Some(_) | None => return Ok(Vec::new()),
    };
    let listed = dynamic(cluster, kind, namespace).list(&ListParams::default()).await;
    let listed = listed.map_err(|e| cluster.fault(&format!("list the revisions ({})", kind.served().resource), &e))?;
    let uid = text_at(workload, "/metadata/uid").unwrap_or_default();
    let objects = listed.items.iter().filter_map(|object| serde_json::to_value(object).ok());
    Ok(objects
        .map(|mut object| {
            object["kind"] = Value::from(kind.as_str());
            object
        })
        .filter(|object| controller(object).is_some_and(|(_, _, owner)| owner == uid))
        .filter_map(|object| Revision::read(&object))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn replica_set(name: &str, number: &str, image: &str) -> Value {
        json!({
            "kind": "ReplicaSet",
            "metadata": {"name": name, "annotations": {"deployment.kubernetes.io/revision": number}},
            "spec": {"template": {
                "metadata": {"labels": {"app": "web", "pod-template-hash": name}, "creationTimestamp": null},
                "spec": {"containers": [{"name": "app", "image": image}]}}}
        })
    }

    #[test]
    fn a_template_is_found_whatever_its_controller_added() {
        let all: Vec<Revision> = [replica_set("web-1", "1", "a"), replica_set("web-2", "2", "b")]
            .iter()
            .filter_map(Revision::read)
            .collect();
        let live =
            json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "b"}]}});
        assert_eq!(holding(&all, &live).map(|r| r.number), Some(2));
        assert_eq!(before(&all, &json!({"spec": {"template": live}})).map(|r| r.number), Some(1));
        assert_eq!(all[0].container("app").and_then(|c| text_at(c, "/image")), Some("a"));
    }

    #[test]
    fn controller_revisions_are_read_too() {
        let object = json!({"kind": "ControllerRevision", "metadata": {"name": "db-7"}, "revision": 3,
            "data": {"spec": {"template": {"$patch": "replace", "spec": {"containers": []}}}}});
        let revision = Revision::read(&object).unwrap();
        assert_eq!((revision.number, revision.template.get("$patch")), (3, None));
    }
}
