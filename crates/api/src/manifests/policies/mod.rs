//! The admission policies: what the API server itself refuses.
//!
//! Owns the policies and their bindings, generated from the catalogue and the territory. Must
//! never be weaker than what [`deviation`] compares with: the operator acts only while the
//! cluster's policies are equal to these. No IO.

mod cap;
mod compare;
mod fence;
mod floor;
mod form;
mod guard;
mod keeper;
mod ours;

pub use compare::{Deviation, deviation};
pub use keeper::is_lasting;

use super::options::Territory;
use serde_json::Value;

/// Names of all policies; each binding has the name of its policy.
pub const NAMES: &[&str] = &[
    keeper::NAME,
    fence::NAME,
    floor::NAME,
    guard::NAME,
    cap::NAME,
    ours::CHANGE_AUTHOR,
    ours::STATUS_AUTHOR,
    ours::APPROVAL_IDENTITY,
    ours::RECEIPT_LOG,
];

/// Policies that a one-shot account's writes meet.
pub const EXECUTOR: &[&str] = &[fence::NAME, floor::NAME];

/// Every policy with its binding, in the order of [`NAMES`], each with all defaults spelled out.
pub fn objects(territory: &Territory) -> Vec<Value> {
    let mut policies = vec![
        keeper::policy(),
        fence::policy(territory),
        floor::policy(territory),
        guard::policy(),
        cap::policy(territory),
    ];
    policies.extend(ours::policies());
    policies.into_iter().flat_map(form::Policy::into_objects).collect()
}
