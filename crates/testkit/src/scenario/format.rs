//! The form of `scenario.yaml`: what is set up, broken, expected, and must never be.
//!
//! Pure. Must never accept a field it does not know: a mistyped expectation would pass for none. docs/SCENARIOS.md explains every field; a test compares the two.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One fault, with what should be made of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// Short and unique, such as `S01`.
    pub id: String,
    /// In words with dashes.
    pub name: String,
    /// What it needs of a cluster.
    pub class: Class,
    /// One sentence for people.
    #[serde(default)]
    pub about: String,
    /// Belongs to the quick subset.
    #[serde(default)]
    pub smoke: bool,
    /// Its fault is felt outside of its namespace: nothing else runs meanwhile.
    #[serde(default)]
    pub alone: bool,
    /// It needs the metrics server.
    #[serde(default)]
    pub metrics: bool,
    /// Seconds after the fault within which everything must have come about.
    #[serde(default = "usual_seconds")]
    pub seconds: u64,
    /// Seconds that the end must hold.
    #[serde(default = "usual_hold")]
    pub hold_seconds: u64,
    /// What the product may do.
    #[serde(default)]
    pub mandate: MandateParts,
    /// Makes the ground; as the administrator.
    #[serde(default)]
    pub setup: Vec<Step>,
    /// What must hold before the fault.
    #[serde(default)]
    pub healthy: Vec<Check>,
    /// Breaks it; as a developer who may edit the namespace, where nobody else is named.
    #[serde(default)]
    pub fault: Vec<Step>,
    /// What the product should make of it: one entry for each thing that is wrong.
    pub expect: Vec<Expectation>,
    /// What must hold of the cluster in the end.
    #[serde(default)]
    pub oracle: Vec<Check>,
    /// What must not hold at any time after the fault.
    #[serde(default)]
    pub never: Vec<Check>,
    /// Puts back what is not of the namespace; always run, as the administrator.
    #[serde(default)]
    pub cleanup: Vec<Step>,
}

const fn usual_seconds() -> u64 {
    120
}

const fn usual_hold() -> u64 {
    30
}

/// What a scenario needs of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// An API server.
    A,
    /// And scheduler, controllers and nodes, which may be simulated.
    K,
    /// And a real kubelet.
    R,
}

/// What differs from the mandate that every scenario gets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MandateParts {
    /// Rules in place of the usual ones, without `namespaceSelector`: they hold in the scenario's namespaces alone.
    #[serde(default)]
    pub changes: Vec<Value>,
    /// Limits over the usual ones.
    #[serde(default)]
    pub limits: BTreeMap<String, Value>,
    /// Kinds of which copies are kept once they have been good for two seconds.
    #[serde(default)]
    pub keep_copies: Vec<String>,
}

/// An object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Needed for kinds that the product does not know.
    pub api_version: Option<String>,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// Where it is not the scenario's own.
    pub namespace: Option<String>,
}

/// One thing that somebody does; exactly one of `apply`, `patch`, `delete`, `exec`, `until` is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// A file of the folder whose objects are applied.
    pub apply: Option<String>,
    /// An object that gets a patch: `merge` or `json`.
    pub patch: Option<Target>,
    /// The merge patch (of the strategic kind where the object's kind has one).
    pub merge: Option<Value>,
    /// The JSON patch.
    pub json: Option<Value>,
    /// The subresource that gets the patch, such as `status`.
    pub subresource: Option<String>,
    /// An object that is deleted; the step ends when it is gone or on its way.
    pub delete: Option<Target>,
    /// A command that is run on the node, where `kubectl` is.
    pub exec: Option<Vec<String>>,
    /// Waited for.
    pub until: Option<Check>,
    /// Who does it: `administrator`, or a user's name.
    #[serde(rename = "as")]
    pub who: Option<String>,
    /// Whether a refusal or a failed command is all right.
    #[serde(default)]
    pub may_fail: bool,
}

/// Something that can be seen of the cluster; all that is given must hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// Needed for kinds that the product does not know.
    pub api_version: Option<String>,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// Where it is not the scenario's own.
    pub namespace: Option<String>,
    /// A state by name.
    pub is: Option<State>,
    /// Values by JSON pointer; `null` means that there is none.
    #[serde(default)]
    pub has: BTreeMap<String, Value>,
    /// Statuses of conditions by type.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
    /// Seconds without a break.
    #[serde(default, rename = "for")]
    pub lasts: u64,
}

/// A state that can be told by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It exists.
    Present,
    /// It does not exist.
    Absent,
    /// A workload: the newest template has all its replicas available and nothing else runs.
    Available,
    /// Anything with a condition `Ready`: it is true.
    Ready,
    /// A Service: an HTTP request through it is answered.
    Serving,
}

/// What should be made of one thing that is wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// Causes that would be right; none where nothing is wrong.
    #[serde(default)]
    pub cause: Vec<String>,
    /// Subjects that would be right.
    #[serde(default)]
    pub subject: Vec<Target>,
    /// What should come of it.
    pub outcome: Outcome,
}

/// What should come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// One of these Changes recovers it.
    Change(Vec<Wanted>),
    /// People are told, and nothing is changed.
    Escalate,
    /// Nobody is told and nothing is changed.
    Nothing,
}

/// A Change that would be right.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted {
    /// Its type.
    #[serde(rename = "type")]
    pub change_type: String,
    /// Its target; the subject where none is given.
    pub target: Option<Target>,
    /// Parameters that must have these values; others are free.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
}
