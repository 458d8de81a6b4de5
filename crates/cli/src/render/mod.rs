//! Objects in, text out.
//!
//! Owns what people see. Pure: time, width and colour are arguments. Must never take text from an
//! object to the page but through [`crate::sheet`] and [`crate::table`]. No IO.

pub mod action;
pub mod change;
pub mod check;
pub mod explain;
pub mod findings;
pub mod incident;
pub mod list;
pub mod plan;
pub mod receipts;
pub mod timeline;

use crate::style::Role;
use bailiwick_api::IncidentPhase;
use bailiwick_core::finding::Severity;
use bailiwick_core::life::Phase;

/// How a phase is painted.
pub const fn phase_role(phase: Phase) -> Role {
    match phase {
        Phase::Recovered => Role::Good,
        Phase::AwaitingApproval | Phase::RollingBack | Phase::RolledBack | Phase::Expired | Phase::Cancelled => {
            Role::Warn
        }
        Phase::Refused | Phase::Rejected | Phase::Failed => Role::Bad,
        Phase::Proposed
        | Phase::Planned
        | Phase::PreApproved
        | Phase::Approved
        | Phase::Granting
        | Phase::Executing
        | Phase::Verifying => Role::Key,
    }
}

/// How an incident's phase is painted.
pub const fn incident_role(phase: IncidentPhase) -> Role {
    match phase {
        IncidentPhase::Open | IncidentPhase::Changing => Role::Key,
        IncidentPhase::Resolved => Role::Good,
        IncidentPhase::Escalated => Role::Bad,
        IncidentPhase::Dismissed => Role::Dim,
    }
}

/// How a severity is painted.
pub const fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Info => Role::Dim,
        Severity::Warning => Role::Warn,
        Severity::Critical => Role::Bad,
    }
}

/// A severity's name.
pub const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Info",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    }
}

/// A digest shortened for tables.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

#[cfg(test)]
pub(crate) mod fixtures;
