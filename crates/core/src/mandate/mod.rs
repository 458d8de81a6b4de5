//! What may be done where: mandates, and the verdict with every step that led to it.
//!
//! Owns the rules' form and their evaluation. Must never widen the territory: a mandate only
//! narrows. No IO.

mod explain;
mod image;
mod keep;
mod selector;
mod strictest;
mod window;

pub use explain::{Explanation, Question, Step, StepResult, explain};
pub use image::image_allowed;
pub use keep::{KeepCopies, KeptKind, kept_after};
pub use selector::{LabelSelector, Requirement, SelectorOperator};
pub use strictest::limits_in;
pub use window::{Day, Window};

use crate::action::ChangeType;
use crate::object::{Kind, ObjectRef};
use crate::quantity::Quantity;
use crate::reason::Reason;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ApprovalMode {
    /// The mandate itself: a standard change.
    PreApproved,
    /// A named human: a normal change.
    #[default]
    Human,
    /// Nobody: never done here.
    Refused,
}

/// People who may approve; empty means whoever RBAC gives the verb `approve`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approvers {
    /// User names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// Limits on parameter values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Bounds {
    /// Fewest replicas that `Scale` may set (default 1).
    pub min_replicas: i32,
    /// Most replicas that `Scale` may set (default 10).
    pub max_replicas: i32,
    /// Most CPU that `SetResources` may set for one container, as a quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cpu: Option<String>,
    /// Most memory that `SetResources` may set for one container, as a quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<String>,
    /// Image patterns `registry/repository[:tag]` with `*` for any run of characters but `/`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { min_replicas: 1, max_replicas: 10, max_cpu: None, max_memory: None, images: Vec::new() }
    }
}

impl Bounds {
    /// The bounds that satisfy both: the higher minimum, the lower maximum and caps. Image lists
    /// are joined only where one of them is empty; two lists keep the patterns they share, and two
    /// that share none allow no image at all.
    #[must_use]
    pub fn and(self, other: &Bounds) -> Bounds {
        let lower = |a: Option<String>, b: Option<&String>| match (a, b) {
            (Some(a), Some(b)) => match (Quantity::parse(&a), Quantity::parse(b)) {
                (Ok(x), Ok(y)) if y < x => Some(b.clone()),
                // A cap that cannot be read stays, so that the check refuses it by name.
                (Ok(_), Err(_)) => Some(b.clone()),
                (Ok(_) | Err(_), Ok(_) | Err(_)) => Some(a),
            },
            (a, b) => a.or_else(|| b.cloned()),
        };
        let images = match (self.images.is_empty(), other.images.is_empty()) {
            (true, _) => other.images.clone(),
            (false, true) => self.images,
            (false, false) => shared_patterns(self.images, &other.images),
        };
        Bounds {
            min_replicas: self.min_replicas.max(other.min_replicas),
            max_replicas: self.max_replicas.min(other.max_replicas),
            max_cpu: lower(self.max_cpu, other.max_cpu.as_ref()),
            max_memory: lower(self.max_memory, other.max_memory.as_ref()),
            images,
        }
    }
}

/// The patterns that both lists hold. An empty list would mean that none was given, so where
/// nothing is shared a pattern stays that no image matches: references have no blanks.
fn shared_patterns(ours: Vec<String>, theirs: &[String]) -> Vec<String> {
    let shared: Vec<String> = ours.into_iter().filter(|p| theirs.contains(p)).collect();
    if shared.is_empty() { vec!["no pattern in common".to_owned()] } else { shared }
}

/// One rule of a mandate; within a mandate the first rule that matches decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Namespaces by label; absent selects all of the territory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Change types; empty selects all (but pre-approves only tier 1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<ChangeType>,
    /// Who decides.
    #[serde(default)]
    pub approval: ApprovalMode,
    /// Limits on values.
    #[serde(default)]
    pub bounds: Bounds,
    /// Who may approve.
    #[serde(default)]
    pub approvers: Approvers,
    /// How many different people must approve (1 to 10, default 1).
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub quorum: u32,
    /// User names, beside the operator, whose proposals may be pre-approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposers: Vec<String>,
    /// When pre-approval holds; empty means always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
}

const fn one() -> u32 {
    1
}

/// Rates, delays and thresholds, in seconds where a unit applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Changes that may be executed at the same time (default 3).
    #[schemars(range(min = 1, max = 100))]
    pub concurrent: u32,
    /// Changes that may be executed in an hour (default 10).
    #[schemars(range(min = 1, max = 10_000))]
    pub per_hour: u32,
    /// Seconds between two changes of one workload (default 1800).
    #[schemars(range(min = 0, max = 86_400))]
    pub cool_down_seconds: u32,
    /// Seconds a finding must last before something is proposed (default 20).
    #[schemars(range(min = 0, max = 3_600))]
    pub healthy_delay_seconds: u32,
    /// Seconds a workload must stay healthy to count as recovered (default 30).
    #[schemars(range(min = 1, max = 3_600))]
    pub hold_seconds: u32,
    /// Seconds in which it must recover after the write (default 600).
    #[schemars(range(min = 5, max = 7_200))]
    pub recovery_window_seconds: u32,
    /// Seconds after the write in which a late recovery is still recorded (default 1800).
    #[schemars(range(min = 0, max = 86_400))]
    pub late_recovery_seconds: u32,
    /// Seconds an approval may be awaited and, once given, stays usable (default 3600).
    #[schemars(range(min = 10, max = 86_400))]
    pub approval_ttl_seconds: u32,
    /// Failed changes within the breaker's window that open the breaker (default 3).
    #[schemars(range(min = 1, max = 100))]
    pub breaker_failures: u32,
    /// Seconds over which failed changes are counted (default 1800).
    #[schemars(range(min = 10, max = 86_400))]
    pub breaker_window_seconds: u32,
    /// Incidents of one cause that may begin within the storm's window; one more is a storm (default 10).
    #[schemars(range(min = 1, max = 10_000))]
    pub storm_incidents: u32,
    /// Seconds over which incidents of one cause are counted (default 300).
    #[schemars(range(min = 1, max = 3_600))]
    pub storm_window_seconds: u32,
    /// Seconds after a change's write in which an incident of the same object counts as caused by
    /// it (default 900).
    #[schemars(range(min = 0, max = 86_400))]
    pub cascade_window_seconds: u32,
    /// How often an incident may come back within the window of flapping before only people change
    /// it (default 5).
    #[schemars(range(min = 1, max = 20))]
    pub flap_recurrences: u32,
    /// Seconds over which an incident's returns are counted (default 3600).
    #[schemars(range(min = 1, max = 86_400))]
    pub flap_window_seconds: u32,
}

impl Limits {
    /// How long a finding must last before something is proposed.
    pub fn healthy_delay(&self) -> SignedDuration {
        seconds(self.healthy_delay_seconds)
    }

    /// How long health must last to be believed.
    pub fn hold(&self) -> SignedDuration {
        seconds(self.hold_seconds)
    }
}

/// Whole seconds as a duration.
pub(crate) fn seconds(of: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(of))
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent: 3,
            per_hour: 10,
            cool_down_seconds: 1800,
            healthy_delay_seconds: 20,
            hold_seconds: 30,
            recovery_window_seconds: 600,
            late_recovery_seconds: 1800,
            approval_ttl_seconds: 3600,
            breaker_failures: 3,
            breaker_window_seconds: 1800,
            storm_incidents: 10,
            storm_window_seconds: 300,
            cascade_window_seconds: 900,
            flap_recurrences: 5,
            flap_window_seconds: 3600,
        }
    }
}

/// Objects that are never changed, by kind, namespace and name; each absent part matches any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Protect {
    /// The kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Protect {
    /// True if every part that is given matches; a protection without parts covers everything.
    pub fn covers(&self, target: &ObjectRef) -> bool {
        self.kind.is_none_or(|k| k == target.kind)
            && self.namespace.as_deref().is_none_or(|n| n == target.namespace_str())
            && self.name.as_deref().is_none_or(|n| n == target.name.as_str())
    }
}

/// A mandate as evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// The object's name.
    pub name: String,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
    /// Its limits.
    pub limits: Limits,
    /// What it protects.
    pub protect: Vec<Protect>,
    /// Of what copies are kept, if of anything.
    pub keep_copies: Option<KeepCopies>,
}

/// The outcome of evaluating the mandates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// A standard change.
    PreApproved,
    /// A normal change: needs a human.
    NeedsApproval,
    /// Never done.
    Refused,
}

/// The verdict that is recorded in the Change, with the rule's particulars frozen into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// Why, most telling reason first; never empty.
    pub reasons: Vec<Reason>,
    /// The mandate whose rule decided, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<String>,
    /// Who may approve.
    #[serde(default)]
    pub approvers: Approvers,
    /// How many different people must approve.
    #[serde(default = "one")]
    pub quorum: u32,
    /// The limits that hold for this change.
    #[serde(default)]
    pub limits: Limits,
}
