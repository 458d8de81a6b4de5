//! `Incident`: one thing that is wrong, with its evidence.
//!
//! Owns the wire form. Must never carry more evidence than the caps here allow. No IO.

use bailiwick_core::finding::{Candidate, Cause, Evidence, Severity};
use bailiwick_core::life::Condition;
use bailiwick_core::names::{ContainerName, ObjectName};
use bailiwick_core::object::ObjectRef;
use bailiwick_core::reason::Reason;
use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most pieces of evidence that a status keeps.
pub const MOST_EVIDENCE: usize = 16;
/// Most Changes that a status names.
pub const MOST_CHANGES: usize = 32;
/// Most candidate changes that a status keeps.
pub const MOST_CANDIDATES: usize = 8;

/// What is wrong, with what. Immutable.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "bailiwick.dev",
    version = "v1alpha1",
    kind = "Incident",
    plural = "incidents",
    namespaced,
    status = "IncidentStatus",
    derive = "PartialEq",
    shortname = "inc",
    category = "bailiwick",
    doc = "One thing that is wrong, with its evidence.",
    selectable = ".status.phase",
    printcolumn = r#"{"name": "Cause", "type": "string", "jsonPath": ".spec.cause"}"#,
    printcolumn = r#"{"name": "Subject", "type": "string", "jsonPath": ".spec.subject.name"}"#,
    printcolumn = r#"{"name": "Phase", "type": "string", "jsonPath": ".status.phase"}"#,
    printcolumn = r#"{"name": "Severity", "type": "string", "jsonPath": ".status.severity"}"#,
    printcolumn = r#"{"name": "Count", "type": "integer", "jsonPath": ".status.count"}"#,
    printcolumn = r#"{"name": "Last-Seen", "type": "date", "jsonPath": ".status.lastSeen"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name": "Kind", "type": "string", "jsonPath": ".spec.subject.kind", "priority": 1}"#,
    printcolumn = r#"{"name": "Container", "type": "string", "jsonPath": ".spec.container", "priority": 1}"#,
    printcolumn = r#"{"name": "Diagnosis", "type": "string", "jsonPath": ".status.diagnosis.text", "priority": 1}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self == oldSelf").message("an incident's spec is immutable"))]
pub struct IncidentSpec {
    /// What is wrong.
    pub cause: Cause,
    /// The owning workload, or the object itself where nothing owns it.
    pub subject: ObjectRef,
    /// The container concerned, where the cause is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerName>,
    /// The key by which findings coalesce into this Incident.
    #[schemars(length(min = 1, max = 512))]
    pub dedupe_key: String,
}

/// Where an Incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum IncidentPhase {
    /// Seen; nothing is being done yet.
    #[default]
    Open,
    /// A Change is under way.
    Changing,
    /// Ended: it is no longer wrong.
    Resolved,
    /// Ended here: people must look, with the reason and candidates given.
    Escalated,
    /// Ended: it was nothing, or its object is gone.
    Dismissed,
}

impl IncidentPhase {
    /// True where the Incident has ended (a resolved one may reopen within an hour).
    pub const fn is_terminal(self) -> bool {
        matches!(self, IncidentPhase::Resolved | IncidentPhase::Escalated | IncidentPhase::Dismissed)
    }

    /// The phase's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            IncidentPhase::Open => "Open",
            IncidentPhase::Changing => "Changing",
            IncidentPhase::Resolved => "Resolved",
            IncidentPhase::Escalated => "Escalated",
            IncidentPhase::Dismissed => "Dismissed",
        }
    }
}

/// Who explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DiagnosisSource {
    /// The deterministic analyzers.
    #[default]
    Rules,
    /// A model; what it cannot back with evidence is labelled a hypothesis.
    Model,
}

/// What is believed to be the matter, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Diagnosis {
    /// One or more sentences.
    #[schemars(length(max = 4096))]
    pub text: String,
    /// Who explains.
    pub source: DiagnosisSource,
}

/// What is known of the Incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentStatus {
    /// The generation of the specification this status is about.
    #[serde(default)]
    pub observed_generation: i64,
    /// Where it stands.
    #[serde(default)]
    pub phase: IncidentPhase,
    /// How bad it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// When it was first seen, by the API server's or kubelet's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// How often it began (a recurrence within an hour reopens it).
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub count: i64,
    /// When it came back after it had been gone, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub returns: Vec<Timestamp>,
    /// What it rests on, capped and redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub evidence: Vec<Evidence>,
    /// What is believed to be the matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// Names of the Changes made for it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub changes: Vec<ObjectName>,
    /// Changes that would mend it, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub candidates: Vec<Candidate>,
    /// The difference that the best candidate would make, for people to apply themselves;
    /// the first line says whether the API server confirmed it by a dry run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 16384))]
    pub diff: String,
    /// Why it stands where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Standard conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
