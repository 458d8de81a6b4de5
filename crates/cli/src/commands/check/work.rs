//! The operator at work: running, leading, able to sign.
//!
//! Owns what counts as alive. Must never read the signing key, only whether it is there. Reads
//! from the API server.

use crate::cluster::Cluster;
use crate::exit::Outcomes;
use crate::fault;
use crate::installed::{self, LogEnd};
use crate::render::check::{Item, State};
use crate::when;
use crate::words::count;
use bailiwick_api::manifests::{OPERATOR, SIGNING_KEY_SECRET};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;

/// Looks at Deployment, lease and signing key.
pub(super) async fn look(cluster: &Cluster, operator: Outcomes<Option<Deployment>>) -> Vec<Item> {
    let mut items = vec![match &operator {
        Ok(Some(found)) => running(found),
        Ok(None) => Item::new("operator", State::Bad, "its Deployment is absent").next("bailiwick install"),
        Err(failure) => Item::new("operator", State::Unproved, failure.what.clone()),
    }];
    if let Ok(Some(found)) = &operator {
        items.extend(version(installed::image_of(found)));
        items.push(leader(cluster).await);
    }
    items.push(key(cluster).await);
    items
}

/// A word on an operator whose image says that it is of another version.
fn version(image: Option<&str>) -> Option<Item> {
    let ours = env!("CARGO_PKG_VERSION");
    let image = image?;
    let tag = installed::tag_of(image)?;
    let is_version = tag.starts_with(|c: char| c.is_ascii_digit()) && tag.contains('.');
    (is_version && tag != ours).then(|| {
        Item::new("version", State::Unproved, format!("the operator's image is {image}, this program is {ours}")).next(
            format!(
                "look with the bailiwick of {tag}; `bailiwick install` puts {ours} in place, whether newer or older"
            ),
        )
    })
}

/// Whether the operator's Deployment has all its replicas, and they are of its newest template.
pub fn running(operator: &Deployment) -> Item {
    let wanted = operator.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
    let ready = operator.status.as_ref().and_then(|s| s.ready_replicas).unwrap_or(0);
    let updated = operator.status.as_ref().and_then(|s| s.updated_replicas).unwrap_or(0);
    // Pods of before stay until enough new ones are ready.
    let rolled = updated >= wanted && operator.status.as_ref().and_then(|s| s.replicas).unwrap_or(0) <= updated;
    let observed = operator.status.as_ref().and_then(|s| s.observed_generation) >= operator.metadata.generation;
    let mut text = format!("{ready} of {} ready", count(wanted, "replica"));
    if observed && ready >= wanted && !rolled {
        text.push_str(", but a newer template is not rolled out");
    }
    if wanted == 0 {
        Item::new("operator", State::Bad, "it is scaled to zero")
            .next(format!("kubectl scale deployment/{OPERATOR} -n {SYSTEM_NAMESPACE} --replicas=1"))
    } else if ready >= wanted && rolled && observed {
        Item::new("operator", State::Good, text)
    } else {
        Item::new("operator", State::Bad, text)
            .next(format!("kubectl describe pods -n {SYSTEM_NAMESPACE} -l app.kubernetes.io/name={OPERATOR}"))
    }
}

async fn leader(cluster: &Cluster) -> Item {
    match cluster.within::<Lease>(SYSTEM_NAMESPACE).get_opt(OPERATOR).await {
        Ok(found) => led(found.as_ref(), when::now()),
        Err(error) => Item::new("leader", State::Unproved, cluster.fault("read the operator's lease", &error).what),
    }
}

/// Whether somebody leads and renewed in time.
pub fn led(lease: Option<&Lease>, now: Timestamp) -> Item {
    let spec = lease.and_then(|l| l.spec.as_ref());
    let holder = spec.and_then(|s| s.holder_identity.as_deref()).filter(|h| !h.is_empty());
    let (Some(holder), Some(renewed)) = (holder, spec.and_then(|s| s.renew_time.as_ref())) else {
        return Item::new("leader", State::Bad, "no operator leads")
            .next("is one running? kubectl get pods -n bailiwick-system");
    };
    let silent = now.duration_since(renewed.0);
    let limit = SignedDuration::from_secs(i64::from(spec.and_then(|s| s.lease_duration_seconds).unwrap_or(15)));
    let text = format!("{holder}, renewed {} ago", when::human(silent));
    // Clocks differ between machines: one more term is allowed before it is called silent.
    if silent <= limit + limit {
        Item::new("leader", State::Good, text)
    } else {
        Item::new("leader", State::Bad, format!("{text}: it is silent")).next("kubectl get pods -n bailiwick-system")
    }
}

async fn key(cluster: &Cluster) -> Item {
    let secret = cluster.within::<Secret>(SYSTEM_NAMESPACE).get_metadata_opt(SIGNING_KEY_SECRET).await;
    let stated = signing_key(cluster).await;
    match secret {
        Ok(None) => Item::new("signing key", State::Bad, "absent: without it nothing is executed")
            .next("bailiwick install makes one"),
        _ if stated.state == State::Bad => stated,
        Ok(Some(_)) => Item::new(
            "signing key",
            State::Good,
            format!("Secret {SIGNING_KEY_SECRET} is there, {}; its content was not read", stated.seen),
        ),
        Err(error) if fault::is_forbidden(&error) => Item::new(
            "signing key",
            State::Unproved,
            format!("you may not read the metadata of Secret {SIGNING_KEY_SECRET}; {}", stated.seen),
        ),
        Err(error) => Item::new("signing key", State::Unproved, cluster.fault("look for the signing key", &error).what),
    }
}

/// The stated public key, and whether it is the one that has to sign the next receipt.
pub async fn signing_key(cluster: &Cluster) -> Item {
    let stated = match installed::public_key(cluster).await {
        Ok(stated) => stated.map(|key| key.id().to_string()),
        Err(failure) => return Item::new("signing key", State::Unproved, failure.what),
    };
    match installed::log_end(cluster).await {
        Ok(end) => continued(stated.as_deref(), end.as_ref()),
        Err(failure) => Item::new("signing key", State::Unproved, failure.what),
    }
}

fn continued(stated: Option<&str>, end: Option<&LogEnd>) -> Item {
    match (stated, end) {
        (Some(stated), Some(end)) if stated != end.key => Item::new(
            "signing key",
            State::Bad,
            format!("public key {stated}, but the log up to receipt {} is signed with {}: nothing is executed, for no other key goes on with it", end.name, end.key),
        )
        .next(format!("put the old Secret {SIGNING_KEY_SECRET} back; or export the receipts and begin a new log: bailiwick uninstall, bailiwick install")),
        (Some(stated), _) => Item::new("signing key", State::Note, format!("public key {stated}")),
        (None, _) => Item::new("signing key", State::Note, "no public key is stated"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_leader_that_does_not_renew_is_silent() {
        let lease: Lease = serde_json::from_value(json!({
            "metadata": {"name": OPERATOR},
            "spec": {"holderIdentity": "pod-1", "leaseDurationSeconds": 15, "renewTime": "2026-11-21T12:00:00.000000Z"}
        }))
        .unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(led(Some(&lease), at("2026-11-21T12:00:10Z")).state, State::Good);
        assert_eq!(led(Some(&lease), at("2026-11-21T12:05:00Z")).state, State::Bad);
        assert_eq!(led(None, at("2026-11-21T12:05:00Z")).state, State::Bad);
    }

    #[test]
    fn a_key_that_did_not_sign_the_log_is_named() {
        let end = LogEnd { name: "000000000002".into(), key: "aa".into() };
        let other = continued(Some("bb"), Some(&end));
        assert!(other.state == State::Bad && other.seen.contains("000000000002 is signed with aa"), "{}", other.seen);
        assert_eq!(continued(Some("aa"), Some(&end)).state, State::Note);
        assert_eq!(continued(Some("bb"), None).state, State::Note);
        assert_eq!(continued(None, Some(&end)).state, State::Note);
    }

    #[test]
    fn an_operator_without_ready_replicas_is_not_running() {
        let of = |wanted: i32, ready: i32, (updated, all): (i32, i32)| -> Deployment {
            serde_json::from_value(json!({
                "metadata": {"generation": 2},
                "spec": {"replicas": wanted, "selector": {}, "template": {}},
                "status": {"readyReplicas": ready, "updatedReplicas": updated, "replicas": all, "observedGeneration": 2}
            }))
            .unwrap()
        };
        assert_eq!(running(&of(1, 1, (1, 1))).state, State::Good);
        assert_eq!(running(&of(1, 0, (1, 1))).state, State::Bad);
        let stuck = running(&of(1, 1, (1, 2)));
        assert_eq!(
            (stuck.state, &*stuck.seen),
            (State::Bad, "1 of 1 replica ready, but a newer template is not rolled out")
        );
        assert!(running(&of(0, 0, (0, 0))).seen.contains("zero"));
    }

    #[test]
    fn an_operator_of_another_version_is_named() {
        let ours = concat!("r.example:5000/operator:", env!("CARGO_PKG_VERSION"));
        for image in [ours, "r.example:5000/operator", "r.example/operator:main", "operator@sha256:00"] {
            assert!(version(Some(image)).is_none(), "{image}");
        }
        assert!(version(Some("r.example:5000/operator:9.9.9@sha256:00")).is_some_and(|i| i.seen.contains("9.9.9")));
        assert!(version(None).is_none());
    }
}
