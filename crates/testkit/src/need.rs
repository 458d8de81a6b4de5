//! What a test needs from its cluster, and saying so where it is not to be had.
//!
//! A skipped test is written into a file that `cargo xtask test` reads, so that it is counted and shown, never passed over. On a cluster of the testbed nothing may be skipped.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};

use crate::env::{Env, Place};

/// Something that not every cluster offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The workload image, with a tag that is absent and a registry that refuses.
    Images,
    /// The audit log of writes.
    Audit,
    /// Components can be killed and started again.
    Restart,
    /// An image of the operator that nodes can start.
    OperatorImage,
    /// A program of the operator with fail points.
    OperatorProgram,
    /// The command `bailiwick`.
    Cli,
}

impl Need {
    /// Why the need is not met; `None` if it is.
    fn unmet(self, env: &Env) -> Option<&'static str> {
        let own = matches!(env.place, Place::Own { .. });
        match self {
            Self::Images if own && env.images.is_none() => Some(
                "needs the workload image in a registry that this cluster reaches, which only `cargo xtask cluster` has",
            ),
            Self::Audit if own => Some("needs the API server's audit log"),
            Self::Restart if own => Some("kills components of the control plane"),
            Self::OperatorImage if own && env.operator_image.is_none() => {
                Some("needs the operator's image on the nodes: give --operator-image")
            }
            Self::OperatorProgram if env.operator_program.is_none() => {
                Some("needs the operator's program with fail points: BAILIWICK_TEST_OPERATOR")
            }
            Self::Cli if env.cli.is_none() => Some("needs the program `bailiwick`: BAILIWICK_TEST_CLI"),
            _ => None,
        }
    }
}

/// Whether a test can run. If not, on a cluster of the user's own the skip is written down; on one of the testbed it is an error, because everything can be had there.
pub(crate) fn met(env: &Env, needs: &[Need]) -> Result<bool> {
    let Some(why) = needs.iter().find_map(|need| need.unmet(env)) else {
        return Ok(true);
    };
    if matches!(env.place, Place::Testbed(_)) {
        bail!("{} {why}; `cargo xtask test` sets it", current_test());
    }
    let line = format!("{}\t{why}", current_test());
    if let Some(path) = &env.skipped {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| format!("open {}", path.display()))?;
        writeln!(file, "{line}").context("write down that a test was skipped")?;
    }
    Ok(false)
}

/// The test harness names its threads after their tests.
pub(crate) fn current_test() -> String {
    let thread = std::thread::current();
    thread.name().unwrap_or("a test").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(place: Place) -> Env {
        Env {
            place,
            images: None,
            operator_image: None,
            operator_program: None,
            cli: None,
            artifacts: std::env::temp_dir(),
            skipped: None,
            run: None,
            keep: false,
            torture: None,
        }
    }

    fn own() -> Place {
        Place::Own { kubeconfig: "/k".into(), context: None }
    }

    #[test]
    fn on_an_own_cluster_a_test_is_skipped_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut env = env(own());
        env.skipped = Some(dir.path().join("skipped"));
        assert!(!met(&env, &[Need::Audit]).unwrap());
        let said = std::fs::read_to_string(dir.path().join("skipped")).unwrap();
        assert!(said.contains("on_an_own_cluster") && said.contains("\tneeds the API server's audit log"), "{said}");
    }

    #[test]
    fn on_the_testbed_nothing_is_skipped() {
        let env = env(Place::Testbed("x".into()));
        assert!(met(&env, &[Need::Audit, Need::Restart, Need::Images]).unwrap());
        assert!(met(&env, &[Need::OperatorProgram]).is_err());
    }
}
