//! Who the API server takes us for.
//!
//! Owns the question. Must never claim an identity that the API server did not state. Asks the
//! API server.

use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use k8s_openapi::api::authentication::v1::{SelfSubjectReview, SelfSubjectReviewStatus};
use kube::Api;
use kube::api::PostParams;

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The user name.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// Asks the API server who we are.
///
/// # Errors
/// Where it does not say.
pub async fn who_am_i(cluster: &Cluster) -> Outcomes<Me> {
    let api: Api<SelfSubjectReview> = Api::all(cluster.client.clone());
    let asked = api.create(&PostParams::default(), &SelfSubjectReview::default()).await;
    let review = asked.map_err(|e| cluster.fault("ask who you are", &e))?;
    let info = review.status.and_then(|SelfSubjectReviewStatus { user_info }| user_info);
    let info = info.ok_or_else(|| Failure::error("the API server does not say who you are"))?;
    let user = info.username.filter(|name| !name.is_empty());
    Ok(Me {
        user: user.ok_or_else(|| {
            Failure::error("the API server knows no user name for you").next("log in, or use another context")
        })?,
        groups: info.groups.unwrap_or_default(),
    })
}
