//! `kind/name` as people write it.
//!
//! Owns the names by which people call kinds. Must never accept a kind the product does not know.
//! No IO.

use crate::suggest;
use bailiwick_core::names::ObjectName;
use bailiwick_core::object::Kind;

const SHORT: &[(&str, Kind)] = &[
    ("po", Kind::Pod),
    ("deploy", Kind::Deployment),
    ("rs", Kind::ReplicaSet),
    ("sts", Kind::StatefulSet),
    ("ds", Kind::DaemonSet),
    ("cj", Kind::CronJob),
    ("svc", Kind::Service),
    ("ing", Kind::Ingress),
    ("netpol", Kind::NetworkPolicy),
    ("pvc", Kind::PersistentVolumeClaim),
    ("pv", Kind::PersistentVolume),
    ("no", Kind::Node),
    ("ns", Kind::Namespace),
    ("quota", Kind::ResourceQuota),
    ("limits", Kind::LimitRange),
    ("hpa", Kind::HorizontalPodAutoscaler),
    ("pdb", Kind::PodDisruptionBudget),
    ("cm", Kind::ConfigMap),
    ("sa", Kind::ServiceAccount),
];

/// An object as named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: ObjectName,
}

fn kind(text: &str) -> Option<Kind> {
    let lower = text.to_lowercase();
    let bare = lower.split('.').next().unwrap_or(&lower);
    let named = |k: &&Kind| k.as_str().to_lowercase() == bare || k.served().resource == bare;
    let short = SHORT.iter().find(|(name, _)| *name == bare).map(|(_, kind)| *kind);
    short.or_else(|| Kind::ALL.iter().find(named).copied())
}

/// Parses `kind/name`.
///
/// # Errors
/// One sentence that says what is wrong and what was probably meant.
pub fn parse_target(text: &str) -> Result<Target, String> {
    let (given, name) =
        text.split_once('/').ok_or_else(|| format!("{text:?} is not KIND/NAME, such as deployment/web"))?;
    let kind = kind(given).ok_or_else(|| {
        let known = Kind::ALL.iter().map(|k| k.as_str()).chain(SHORT.iter().map(|(name, _)| *name));
        match suggest::nearest(given, known) {
            Some(found) => format!("no kind {given:?} is known: did you mean {found}?"),
            None => format!("no kind {given:?} is known"),
        }
    })?;
    let name = ObjectName::parse(name).map_err(|e| e.to_string())?;
    Ok(Target { kind, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_go_by_all_the_names_kubectl_knows() {
        for text in ["deployment/web", "Deployment/web", "deploy/web", "deployments/web", "deployments.apps/web"] {
            assert_eq!(parse_target(text).map(|t| t.kind), Ok(Kind::Deployment), "{text}");
        }
        assert_eq!(parse_target("quota/q").map(|t| t.kind), Ok(Kind::ResourceQuota));
        assert!(parse_target("deploymnet/web").is_err_and(|e| e.contains("did you mean Deployment?")));
        assert!(parse_target("web").is_err_and(|e| e.contains("KIND/NAME")));
        assert!(parse_target("pod/UPPER").is_err());
    }
}
