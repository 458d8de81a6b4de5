//! The sweeper: authority that no running Change needs.
//!
//! Owns finding it by name and by label. Must never touch an account that a Change still uses.
//! Talks to the API server.

use super::accounts::{CHANGE_ANNOTATION, CHANGE_UID_ANNOTATION, GRANT_LABEL};
use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_api::Change;
use bailiwick_core::fence::{ACCOUNT_PREFIX, GRANTS_NAMESPACE};
use bailiwick_core::life::Grant;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ListParams};
use std::collections::{BTreeMap, BTreeSet};

/// Removes leftovers; what cannot be removed now is tried again at the next sweep.
pub(crate) async fn sweep(ctx: &Context) {
    if let Err(error) = try_sweep(ctx).await {
        tracing::warn!(error, "the sweep for leftover grants failed and will be repeated");
    }
}

async fn try_sweep(ctx: &Context) -> Result<(), String> {
    let found = candidates(ctx).await?;
    if found.is_empty() {
        return Ok(());
    }
    // The Changes are read after the candidates: whoever makes an account has recorded it before.
    let needed = needed(ctx).await?;
    for (account, places) in found.into_iter().filter(|(account, _)| !needed.contains(account)) {
        tracing::warn!(grant.account = account, "removing a grant that no running Change needs");
        ctx.fence.take(ctx, &account).await.map_err(|e| e.to_string())?;
        for place in places {
            ctx.accounts.unbind(ctx, &account, place.as_deref()).await.map_err(|e| e.to_string())?;
        }
        ctx.accounts.remove(ctx, &account).await.map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Where a binding is: in a namespace, or in none.
type Place = Option<String>;

/// Accounts that exist in any form, with the places where their bindings are or may be.
async fn candidates(ctx: &Context) -> Result<BTreeMap<String, BTreeSet<Place>>, String> {
    let mut found: BTreeMap<String, BTreeSet<Place>> = BTreeMap::new();
    for account in ctx.fence.accounts(ctx).await.map_err(|e| e.to_string())? {
        found.entry(account).or_default();
    }
    let accounts: Api<ServiceAccount> = Api::namespaced(ctx.client.clone(), GRANTS_NAMESPACE);
    ctx.metrics.api(Call::Revoke, "list");
    let list = accounts.list_metadata(&ListParams::default()).await.map_err(|e| e.to_string())?;
    for meta in list.items.into_iter().map(|a| a.metadata) {
        if let Some(name) = ours(&meta) {
            let namespace =
                meta.annotations.as_ref().and_then(|a| a.get(CHANGE_ANNOTATION)).and_then(|c| c.split_once('/'));
            found.entry(name).or_default().extend(namespace.map(|(namespace, _)| Some(namespace.to_owned())));
        }
    }
    for meta in bindings(ctx).await?.into_iter().filter(is_marked) {
        if let Some(name) = ours(&meta) {
            found.entry(name).or_default().insert(meta.namespace.clone());
        }
    }
    Ok(found)
}

/// The bindings of grants, in namespaces and everywhere.
async fn bindings(ctx: &Context) -> Result<Vec<ObjectMeta>, String> {
    let of_grants = ListParams::default().labels(GRANT_LABEL);
    let within: Api<RoleBinding> = Api::all(ctx.client.clone());
    ctx.metrics.api(Call::Revoke, "list");
    let within = within.list_metadata(&of_grants).await.map_err(|e| e.to_string())?;
    let everywhere: Api<ClusterRoleBinding> = Api::all(ctx.client.clone());
    ctx.metrics.api(Call::Revoke, "list");
    let everywhere = everywhere.list_metadata(&of_grants).await.map_err(|e| e.to_string())?;
    let everywhere = everywhere.items.into_iter().map(|b| b.metadata);
    Ok(within.items.into_iter().map(|b| b.metadata).chain(everywhere).collect())
}

/// True for what says for which Change it was made.
fn is_marked(meta: &ObjectMeta) -> bool {
    meta.annotations.as_ref().is_some_and(|a| a.contains_key(CHANGE_UID_ANNOTATION))
}

fn ours(meta: &ObjectMeta) -> Option<String> {
    meta.name.clone().filter(|name| name.starts_with(ACCOUNT_PREFIX))
}

/// Accounts that a Change has recorded and not yet seen revoked.
async fn needed(ctx: &Context) -> Result<BTreeSet<String>, String> {
    let api: Api<super::stores::Guarded<Change>> = Api::all(ctx.client.clone());
    ctx.metrics.api(Call::Revoke, "list");
    let list = api.list(&ListParams::default()).await.map_err(|e| e.to_string())?;
    let mut needed = BTreeSet::new();
    for guarded in list.items {
        let Ok(change) = guarded.0 else { continue };
        let Some(record) = change.status.filter(|r| !r.phase.is_terminal() || r.ending.is_some()) else { continue };
        let live = |g: &&Grant| g.revoked_at.is_none();
        let grants = record.planning.iter().chain(record.executions.iter().map(|e| &e.grant));
        needed.extend(grants.filter(live).map(|g| g.account.clone()));
    }
    Ok(needed)
}
