//! The cluster itself: reachable, new enough, serving what is needed.
//!
//! Owns the minimum version and the list of needed APIs. Must never go on without them. Reads from
//! the API server.

use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use crate::render::check::{Item, State};

/// The oldest Kubernetes that has everything: ValidatingAdmissionPolicy v1 (1.30), mutation by
/// bound tokens of Secrets and selectable fields of our kinds, as tested (1.33).
pub const MINIMUM: (u32, u32) = (1, 33);

/// What must be served: group and version, resource, what for.
const NEEDED: &[(&str, &str, &str)] = &[
    ("admissionregistration.k8s.io/v1", "validatingadmissionpolicies", "the fence"),
    ("admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", "the fence"),
    ("apiextensions.k8s.io/v1", "customresourcedefinitions", "incidents, changes, approvals, mandates, receipts"),
    ("authentication.k8s.io/v1", "selfsubjectreviews", "knowing who approves"),
    ("authorization.k8s.io/v1", "selfsubjectaccessreviews", "the preflight"),
    ("coordination.k8s.io/v1", "leases", "leader election"),
    ("discovery.k8s.io/v1", "endpointslices", "the analyzers"),
    ("policy/v1", "poddisruptionbudgets", "the operator's own availability"),
];

/// A version as `1.36` out of `v1.36.3+k3s1`, or `1` and `36+` of a provider.
pub fn parse(major: &str, minor: &str) -> Option<(u32, u32)> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((digits(major)?, digits(minor)?))
}

/// Looks at the server.
///
/// # Errors
/// Where it cannot be reached.
pub async fn look(cluster: &Cluster) -> Outcomes<Vec<Item>> {
    let info = cluster.client.apiserver_version().await;
    let info = info.map_err(|e| cluster.fault("read the server's version", &e))?;
    let words = format!("{} at {}", info.git_version, cluster.place.words());
    let mut items = vec![match parse(&info.major, &info.minor) {
        Some(version) if version >= MINIMUM => Item::new("server", State::Good, words),
        Some(_) => Item::new("server", State::Bad, format!("{words}: too old"))
            .next(format!("Kubernetes {}.{} is the oldest that will do", MINIMUM.0, MINIMUM.1)),
        None => Item::new("server", State::Unproved, format!("{words}: its version cannot be told")),
    }];
    items.push(apis(cluster).await);
    Ok(items)
}

async fn apis(cluster: &Cluster) -> Item {
    let mut missing = Vec::new();
    for (version, resource, what_for) in NEEDED {
        let served = cluster.client.list_api_group_resources(version).await;
        let there = served.is_ok_and(|list| list.resources.iter().any(|r| r.name == *resource));
        if !there {
            missing.push(format!("{resource}.{version} (for {what_for})"));
        }
    }
    if missing.is_empty() {
        Item::new("apis", State::Good, format!("all {} needed are served", NEEDED.len()))
    } else {
        Item::new("apis", State::Bad, format!("not served: {}", missing.join(", ")))
            .next("enable them on the API server, or use a newer Kubernetes")
    }
}

/// Refuses a cluster that will not do.
///
/// # Errors
/// Names what is missing.
pub async fn require(cluster: &Cluster) -> Outcomes<Vec<Item>> {
    let items = look(cluster).await?;
    match items.iter().find(|i| i.state == State::Bad) {
        None => Ok(items),
        Some(bad) => Err(Failure::error(format!("this cluster will not do: {}", bad.seen))
            .next(bad.next.clone().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_providers_are_read() {
        assert_eq!(parse("1", "36"), Some((1, 36)));
        assert_eq!(parse("1", "33+"), Some((1, 33)));
        assert_eq!(parse("v", ""), None);
        assert!(parse("1", "9").is_some_and(|v| v < MINIMUM));
        assert!(parse("2", "0").is_some_and(|v| v > MINIMUM));
    }
}
