//! Before anything is touched: can the demo be run here, and be believed?
//!
//! Owns the questions. Must never write. Asks the API server.

use super::people::People;
use super::story::Stop;
use crate::cluster::Cluster;
use crate::commands::check::running;
use crate::commands::suspend::fence;
use crate::exit::{Failure, Outcomes};
use crate::installed;
use crate::objects::apply::read;
use crate::render::check::State;
use bailiwick_api::manifests::Territory;
use bailiwick_api::manifests::policies::{deviation, objects};
use bailiwick_core::fence::SUSPEND_REVISION;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

/// Asks everything.
///
/// # Errors
/// Where an answer is such that the demo would fail, or harm.
pub(super) async fn look(cluster: &Cluster, territory: &Territory) -> Outcomes<()> {
    may_impersonate(cluster).await?;
    let operator = installed::operator(cluster).await?.as_ref().map(running);
    if let Some(item) = operator.filter(|item| item.state != State::Good) {
        let next = item.next.unwrap_or_default();
        return Err(Failure::error(format!("the operator does not run: {}", item.seen)).next(next));
    }
    for object in objects(territory) {
        if let Some(found) = deviation(&object, read(cluster, &object).await?.as_ref()) {
            return Err(Failure::error(format!("what is installed is not what this program knows: {found}"))
                .next("run the demo of the version that is installed, or install again: bailiwick install"));
        }
    }
    let suspended = fence(cluster).get_opt(SUSPEND_REVISION).await;
    match suspended.map_err(|e| cluster.fault("ask whether Bailiwick is suspended", &e))? {
        None => Ok(()),
        Some(_) => Err(Failure::error("Bailiwick is suspended here, so nothing would be repaired")
            .next("the demo ends no suspension but its own: bailiwick resume")),
    }
}

/// The demo's people are impersonated.
async fn may_impersonate(cluster: &Cluster) -> Outcomes<()> {
    let attributes = ResourceAttributes {
        verb: Some("impersonate".to_owned()),
        resource: Some("users".to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let answer = api.create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|e| cluster.fault("ask what you may do", &e))?;
    if answer.status.is_some_and(|s| s.allowed) {
        return Ok(());
    }
    Err(Failure::error("you may not impersonate users on this cluster, and the demo's people are impersonated")
        .next("run it as a cluster administrator, or on a cluster of its own: cargo xtask demo"))
}

/// The failure that a stop means outside a drill.
pub(super) fn fatal(stop: Stop) -> Failure {
    match stop {
        Stop::Broken(what) => Failure::error(what),
        Stop::Counted => Failure::error("the demo could not begin"),
    }
}

/// The people, by the kubeconfig that the flags name.
pub(super) async fn people(global: &crate::args::Global) -> Outcomes<People> {
    People::read(global).await.map_err(fatal)
}
