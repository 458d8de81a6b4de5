//! Of what the operator keeps last-known-good copies: only where a mandate asks for it.
//!
//! Owns the form of that wish and where it holds. Must never name Secrets. No IO.

use super::selector::LabelSelector;
use super::{Mandate, seconds};
use crate::object::Kind;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A kind of which copies may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum KeptKind {
    /// ConfigMaps that pods read.
    ConfigMap,
    /// Services that lead to pods.
    Service,
}

impl KeptKind {
    /// The kind itself.
    pub const fn kind(self) -> Kind {
        match self {
            KeptKind::ConfigMap => Kind::ConfigMap,
            KeptKind::Service => Kind::Service,
        }
    }
}

/// Of what a copy is kept while it is good, so that `RestoreObject` can put it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeepCopies {
    /// Namespaces by label; absent selects all of the territory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// The kinds.
    #[schemars(length(min = 1, max = 2))]
    pub kinds: Vec<KeptKind>,
    /// Seconds for which everything that uses an object must have been well (default 300).
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 86_400))]
    pub good_for_seconds: u32,
}

const fn usual() -> u32 {
    300
}

/// How long an object of that kind must have been good before a copy is kept of it in a namespace with
/// these labels, by the strictest mandate that asks for copies; none where none does.
pub fn kept_after(mandates: &[Mandate], kind: Kind, namespace: &BTreeMap<String, String>) -> Option<SignedDuration> {
    let wishes = mandates.iter().filter_map(|mandate| mandate.keep_copies.as_ref());
    let here = wishes.filter(|keep| {
        keep.kinds.iter().any(|kept| kept.kind() == kind)
            && keep.namespace_selector.as_ref().is_none_or(|selector| selector.matches(namespace))
    });
    here.map(|keep| seconds(keep.good_for_seconds)).max()
}
