//! The policies that speak only to one-shot accounts and the operator, proved by acting as them.
//!
//! Owns the identities that are taken on, and the requests. Must never send one that would be
//! kept, and never act as anybody unless the user asked for it. Asks the API server.

use super::{Held, dry, read};
use crate::args::Global;
use crate::cluster::{self, Cluster};
use crate::exit::Outcomes;
use bailiwick_api::manifests::{OPERATOR_USER, Territory};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, username};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ResourceQuota};
use kube::Api;
use kube::api::{ListParams, ObjectMeta};

/// Names of the policies that take such an identity.
pub const POLICIES: &[&str] = &["bailiwick-executor-floor", "bailiwick-operator-cap", "bailiwick-executor-fence"];

const NAME: &str = "bailiwick-check";
/// A name that no grant ever has: those end in the purpose and a number.
const ACCOUNT: &str = "bwk-check";
/// A place where neither account has any business.
const ELSEWHERE: &str = "default";
/// Without it, RBAC would refuse first and prove nothing of the policy.
const UNBOUND: &str = "system:masters";

/// Tries every policy of [`POLICIES`].
///
/// # Errors
/// Where the kubeconfig cannot be used.
pub async fn all(cluster: &Cluster, global: &Global, territory: &Territory) -> Outcomes<Vec<(&'static str, Held)>> {
    let account = acting(global, username(ACCOUNT)).await?;
    let operator = acting(global, OPERATOR_USER.to_owned()).await?;
    Ok(vec![
        (POLICIES[0], read(config_map(&account).await, POLICIES[0])),
        (POLICIES[1], read(config_map(&operator).await, POLICIES[1])),
        (POLICIES[2], fence(cluster, &account, territory).await),
    ])
}

async fn acting(global: &Global, user: String) -> Outcomes<Cluster> {
    let global = Global { as_user: Some(user), as_group: vec![UNBOUND.to_owned()], ..global.clone() };
    cluster::connect(&global).await
}

fn named() -> ObjectMeta {
    ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() }
}

/// Nothing of the catalogue, outside the territory.
async fn config_map(who: &Cluster) -> Result<ConfigMap, kube::Error> {
    let map = ConfigMap { metadata: named(), ..ConfigMap::default() };
    who.within::<ConfigMap>(ELSEWHERE).create(&dry(), &map).await
}

/// Something of the catalogue, in the territory, without a grant.
async fn fence(cluster: &Cluster, account: &Cluster, territory: &Territory) -> Held {
    let label = format!("{}={}", territory.key(), territory.value());
    let places = Api::<Namespace>::all(cluster.client.clone())
        .list_metadata(&ListParams::default().labels(&label).limit(50))
        .await;
    let place = match places {
        Ok(list) => {
            list.items.into_iter().filter(|n| n.metadata.deletion_timestamp.is_none()).find_map(|n| n.metadata.name)
        }
        Err(error) => return Held::Unknown(crate::fault::chain(&error)),
    };
    let Some(place) = place else {
        return Held::Unknown(format!("no namespace carries {label}, so there is nowhere to try"));
    };
    let quota = ResourceQuota { metadata: named(), ..ResourceQuota::default() };
    let held = read(account.within::<ResourceQuota>(&place).create(&dry(), &quota).await, POLICIES[2]);
    if held != Held::No {
        return held;
    }
    let revisions = crate::commands::suspend::fence(cluster)
        .list(&ListParams::default().labels(&format!("{FENCE_LABEL}={FENCE_VALUE}")))
        .await;
    match revisions {
        Ok(list) if list.items.is_empty() => {
            Held::Unknown("no revision of the fence exists, so the API server has nothing to compare with".to_owned())
        }
        Ok(_) | Err(_) => Held::No,
    }
}
