//! The drills: their names, what each shows, and which of them stop the operator for a while.
//!
//! Owns the list. Must never run anything. No IO.

use clap::ValueEnum;
use serde::Serialize;

/// One drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Drill {
    /// A label draws the authority: inside it is repaired, outside it is refused
    Authority,
    /// A quota blocks a rollout; people decide by digest; the way back is decided as well
    Quota,
    /// The kernel kills a container; a bounded change repairs it, an unbounded leak is put back
    Memory,
    /// Approvals, status and fence are forged, an old approval is replayed
    Forgery,
    /// A one-shot token is stolen while the operator is dead; then everything is suspended
    Theft,
    /// A fence policy is deleted; the operator refuses to act
    Policy,
    /// The signed record is exported and verified; a flipped byte is found
    Receipts,
}

impl Drill {
    /// Every drill, in the order of the report.
    pub(super) const ALL: &'static [Drill] =
        &[Drill::Authority, Drill::Quota, Drill::Memory, Drill::Forgery, Drill::Theft, Drill::Policy, Drill::Receipts];

    /// Its number: the three attacks are one drill in parts.
    pub(super) const fn number(self) -> &'static str {
        match self {
            Drill::Authority => "1",
            Drill::Quota => "2",
            Drill::Memory => "3",
            Drill::Forgery => "4a",
            Drill::Theft => "4b",
            Drill::Policy => "4c",
            Drill::Receipts => "5",
        }
    }

    /// Its heading.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Drill::Authority => "Drill 1 · Authority by label",
            Drill::Quota => "Drill 2 · A quota, decided by people",
            Drill::Memory => "Drill 3 · Memory, within bounds",
            Drill::Forgery => "Drill 4a · Attacks: forged approvals, status and fence; a replayed digest",
            Drill::Theft => "Drill 4b · Attacks: a stolen one-shot token; the switch that stops everything",
            Drill::Policy => "Drill 4c · Attacks: a fence policy is deleted",
            Drill::Receipts => "Drill 5 · Receipts",
        }
    }

    /// True where everybody's changes wait meanwhile, not the demo's alone.
    pub(super) const fn stops_everyone(self) -> bool {
        match self {
            Drill::Theft | Drill::Policy => true,
            Drill::Authority | Drill::Quota | Drill::Memory | Drill::Forgery | Drill::Receipts => false,
        }
    }

    /// The namespaces it works in, before the prefix, each with whether it carries the territory's label.
    pub(super) const fn namespaces(self) -> &'static [(&'static str, bool)] {
        match self {
            Drill::Authority => &[("incident", true), ("payments", false)],
            Drill::Quota => &[("billing", true)],
            Drill::Memory => &[("memory", true)],
            Drill::Forgery => &[("forum", true)],
            Drill::Theft => &[("vault", true)],
            Drill::Policy => &[("gate", true)],
            Drill::Receipts => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_drills_share_a_namespace_or_a_name() {
        let mut names: Vec<&str> = Drill::ALL.iter().flat_map(|d| d.namespaces()).map(|(name, _)| *name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let mut numbers: Vec<&str> = Drill::ALL.iter().map(|d| d.number()).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), Drill::value_variants().len());
    }
}
