//! The fail points: what the operator's source says there are, and in whose life they are met. Reads the source.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use bailiwick_testkit::Result;

use crate::life::Life;

const OF_A_GRANT: &[&str] = &[
    "account-create",
    "account-secret",
    "account-binding",
    "account-token",
    "fence-created",
    "plan-granted",
    "arm-granted",
    "write-before",
    "write-after",
    "revoke-fence",
    "revoke-unbound",
    "revoke-secret-deleted",
    "receipt-before",
    "receipt-after",
    "persist-before",
    "persist-after",
    "effect-before",
    "effect-after",
];

/// Where between two requests there is nothing but a look at the world, one point of the two is enough: a second life need not be cut short at both.
const TWINS: &[&str] = &["account-create", "receipt-before", "receipt-after", "persist-before", "effect-before"];

const OF_AN_INCIDENT: &[&str] =
    &["incident.status.before", "incident.status.after", "incident.propose.before", "incident.propose.after"];

/// The points that a life is killed at: all of them once, and in the lives that follow but one of each pair.
pub(crate) fn of(life: Life) -> Vec<&'static str> {
    match life {
        Life::Quota => OF_A_GRANT.to_vec(),
        Life::Restart | Life::RollBack => OF_A_GRANT.iter().copied().filter(|p| !TWINS.contains(p)).collect(),
        Life::Incident => OF_AN_INCIDENT.to_vec(),
    }
}

/// How many passages of a point are worth a killing: of the twins the first, of the others all. What a pre-approved patch does after its first two passages, an approved deletion does as well.
pub(crate) fn worth(life: Life, point: &str, passages: u32) -> u32 {
    match life {
        _ if TWINS.contains(&point) => passages.min(1),
        Life::Restart => passages.min(2),
        // How often an Incident's status is written varies; each needs a workload of its own.
        Life::Incident => passages.min(7),
        Life::Quota | Life::RollBack => passages,
    }
}

/// Every name that the operator's source gives to `failpoint!`.
pub(crate) fn in_source() -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../operator/src");
    read(&source, &mut found).with_context(|| format!("read {}", source.display()))?;
    Ok(found)
}

fn read(dir: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, found)?;
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let calls = text.split("failpoint!(").skip(1).filter_map(|rest| rest.strip_prefix('"'));
        found.extend(calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    Ok(())
}
