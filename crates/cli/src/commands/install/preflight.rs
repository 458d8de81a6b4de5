//! Before anything is written: may the caller do all of it?
//!
//! Owns the list of permissions an installation takes. Must never write. Asks the API server.

use crate::cluster::Cluster;
use crate::commands::Session;
use crate::exit::{Failure, Outcomes};
use crate::objects::apply::{apply, resource_of};
use crate::words::count;
use bailiwick_api::manifests::Step;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One right: verb, group, resource, namespace (empty for the cluster).
type Right = (String, String, String, String);

/// Every right that putting these objects in place takes.
pub(super) fn needed(steps: &[Step]) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for object in steps.iter().flat_map(|s| &s.objects) {
        let resource = resource_of(object);
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
        for verb in ["create", "patch", "get"] {
            rights.insert((verb.to_owned(), resource.group.clone(), resource.plural.clone(), namespace.to_owned()));
        }
    }
    let system = SYSTEM_NAMESPACE.to_owned();
    for verb in ["create", "get"] {
        rights.insert((verb.to_owned(), String::new(), "secrets".to_owned(), system.clone()));
        rights.insert((verb.to_owned(), String::new(), "configmaps".to_owned(), system.clone()));
    }
    rights
}

/// Asks for every right.
///
/// # Errors
/// Names all that are missing.
pub(super) async fn look(cluster: &Cluster, steps: &[Step]) -> Outcomes<()> {
    let api: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (verb, group, resource, namespace) in needed(steps) {
        let attributes = ResourceAttributes {
            verb: Some(verb.clone()),
            group: Some(group.clone()),
            resource: Some(resource.clone()),
            namespace: Some(namespace.clone()),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let answer =
            api.create(&PostParams::default(), &review).await.map_err(|e| cluster.fault("ask what you may do", &e))?;
        if !answer.status.is_some_and(|s| s.allowed) {
            let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
            let dot = if group.is_empty() { String::new() } else { format!(".{group}") };
            missing.entry(format!("{resource}{dot}{place}")).or_default().push(verb);
        }
    }
    if missing.is_empty() {
        return roles(cluster, steps).await;
    }
    Err(Failure::error(format!("nothing was installed: you may not {}", words(&missing)))
        .next("install as a cluster administrator, or hand the file over: bailiwick install --export"))
}

/// What is missing, a verb named once for each resource.
fn words(missing: &BTreeMap<String, Vec<String>>) -> String {
    let each: Vec<String> = missing.iter().map(|(what, verbs)| format!("{} {what}", verbs.join("/"))).collect();
    each.join(", ")
}

/// Whoever makes a role must hold what is in it: a dry run tells.
async fn roles(cluster: &Cluster, steps: &[Step]) -> Outcomes<()> {
    for object in steps.iter().flat_map(|s| &s.objects) {
        if object.get("kind").and_then(Value::as_str) == Some("ClusterRole") {
            apply(cluster, object, true)
                .await
                .map_err(|failure| Failure { what: format!("nothing was installed: {}", failure.what), ..failure })?;
        }
    }
    Ok(())
}

/// Applies by server-side dry run what does not depend on what is not there yet.
///
/// # Errors
/// Where the API server refuses one.
pub(super) async fn try_out(session: &Session, cluster: &Cluster, steps: &[Step]) -> Outcomes<()> {
    for step in steps {
        let (mut tried, mut skipped) = (0, 0);
        for object in &step.objects {
            let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
            let alone = object.pointer("/metadata/namespace").is_none() && kind != "ClusterRoleBinding";
            if alone {
                apply(cluster, object, true).await?;
                tried += 1;
            } else {
                skipped += 1;
            }
        }
        let later = if skipped > 0 { format!(", {skipped} only once the rest is there") } else { String::new() };
        session.out.progress('✔', &format!("{}: {} would be accepted{later}", step.name, count(tried, "object")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_api::manifests::{InstallOptions, install};

    #[test]
    fn every_object_and_the_key_are_asked_for() {
        let steps = install(&InstallOptions::new("x").unwrap());
        let rights = needed(&steps);
        let has = |verb: &str, resource: &str, namespace: &str| {
            rights.iter().any(|(v, _, r, n)| v == verb && r == resource && n == namespace)
        };
        assert!(has("create", "validatingadmissionpolicies", ""));
        assert!(has("patch", "clusterroles", ""));
        assert!(has("create", "secrets", "bailiwick-system"));
        assert!(has("create", "roles", "bailiwick-grants"));
        assert!(!has("get", "secrets", "bailiwick-grants"));
    }
}
