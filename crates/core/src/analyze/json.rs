//! The stable shape that `bailiwick diagnose -o json` prints; documented in `docs/DIAGNOSE-JSON.md`.
//!
//! Owns the names and types of that output. Must never lose a field or change its type: fields
//! are only added. No IO.

use crate::action::{Action, Origin};
use crate::finding::{Candidate, Cause, Evidence, Finding, Severity};
use crate::object::ObjectRef;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingJson {
    /// What is wrong.
    pub cause: Cause,
    /// How bad it is.
    pub severity: Severity,
    /// The workload or object concerned.
    pub subject: ObjectRef,
    /// The container concerned, or null.
    pub container: Option<String>,
    /// One sentence.
    pub summary: String,
    /// Since when (RFC 3339, UTC).
    pub since: Timestamp,
    /// What it rests on; never empty.
    pub evidence: Vec<Evidence>,
    /// Changes that would mend it, best first.
    pub candidates: Vec<CandidateJson>,
}

/// A change that would mend a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateJson {
    /// The change's type, as in a Mandate.
    #[serde(rename = "type")]
    pub change_type: crate::action::ChangeType,
    /// The object it would change.
    pub target: ObjectRef,
    /// Its parameters.
    pub parameters: Vec<ParameterJson>,
    /// Why it would help.
    pub why: String,
}

/// One parameter of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterJson {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: serde_json::Value,
    /// Where the value came from; null for a parameter that only names a part of the target.
    pub origin: Option<Origin>,
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        Self {
            cause: finding.cause,
            severity: finding.severity,
            subject: finding.subject.clone(),
            container: finding.container.as_ref().map(ToString::to_string),
            summary: finding.summary.clone(),
            since: finding.since,
            evidence: finding.evidence.clone(),
            candidates: finding.candidates.iter().map(CandidateJson::from).collect(),
        }
    }
}

impl From<&Candidate> for CandidateJson {
    fn from(candidate: &Candidate) -> Self {
        Self {
            change_type: candidate.action.change_type(),
            target: candidate.target.clone(),
            parameters: parameters(&candidate.action),
            why: candidate.why.clone(),
        }
    }
}

fn parameters(action: &Action) -> Vec<ParameterJson> {
    let part = |name: &str, value: &str| ParameterJson { name: name.to_owned(), value: value.into(), origin: None };
    match action {
        Action::RolloutUndo { revision } => {
            vec![given("revision", revision.value, &revision.origin)]
        }
        Action::SetImage { container, image } => {
            vec![part("container", container.as_str()), given("image", image.value.as_str(), &image.origin)]
        }
        Action::SetResources { container, resources } => {
            let value = serde_json::to_value(&resources.value).unwrap_or_default();
            vec![part("container", container.as_str()), given("resources", value, &resources.origin)]
        }
        Action::Scale { replicas } => vec![given("replicas", replicas.value, &replicas.origin)],
        Action::RestoreObject { copy } => vec![given("copy", copy.value.as_str(), &copy.origin)],
        Action::PatchService { settings } => {
            vec![given("settings", serde_json::to_value(&settings.value).unwrap_or_default(), &settings.origin)]
        }
        Action::PatchHPA { settings } => {
            vec![given("settings", serde_json::to_value(&settings.value).unwrap_or_default(), &settings.origin)]
        }
        Action::PatchIngress { settings } => {
            vec![given("settings", serde_json::to_value(&settings.value).unwrap_or_default(), &settings.origin)]
        }
        Action::SetProbe { container, probe, settings } => {
            let value = serde_json::to_value(&settings.value).unwrap_or_default();
            let named = [part("container", container.as_str()), part("probe", probe.as_str())];
            named.into_iter().chain([given("settings", value, &settings.origin)]).collect()
        }
        Action::SetEnv { container, variable, revision } => vec![
            part("container", container.as_str()),
            part("variable", variable.as_str()),
            given("revision", revision.value, &revision.origin),
        ],
        Action::SetScheduling { part: of, revision } => {
            vec![part("part", of.as_str()), given("revision", revision.value, &revision.origin)]
        }
        Action::SetVolumeRef { volume, revision } => {
            vec![part("volume", volume.as_str()), given("revision", revision.value, &revision.origin)]
        }
        Action::SetStrategy { strategy } => {
            vec![given("strategy", serde_json::to_value(&strategy.value).unwrap_or_default(), &strategy.origin)]
        }
        Action::RolloutRestart {}
        | Action::DeletePod {}
        | Action::DeleteResourceQuota {}
        | Action::SuspendCronJob {}
        | Action::ResumeCronJob {}
        | Action::Cordon {}
        | Action::Uncordon {} => Vec::new(),
    }
}

fn given(name: &str, value: impl Into<serde_json::Value>, origin: &Origin) -> ParameterJson {
    ParameterJson { name: name.to_owned(), value: value.into(), origin: Some(origin.clone()) }
}

/// The list that is printed.
pub fn findings(findings: &[Finding]) -> Vec<FindingJson> {
    findings.iter().map(FindingJson::from).collect()
}

#[cfg(test)]
mod tests;
