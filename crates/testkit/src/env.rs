//! What the environment says about a test run; set by `cargo xtask test`.
//!
//! The only place that reads the environment. Nothing here is needed by the product.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::row::Torture;

/// References of the workload image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// Two that can be pulled, with `VERSION` 1.0.0 and 1.1.0 in their environment.
    pub good: [String; 2],
    /// The registry answers 404.
    pub absent: String,
    /// The registry answers 401.
    pub refused: String,
}

impl From<bailiwick_testbed::WorkloadImages> for Images {
    fn from(images: bailiwick_testbed::WorkloadImages) -> Self {
        Self { good: images.good, absent: images.absent, refused: images.refused }
    }
}

/// Which cluster the tests run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// One of this machine, by name.
    Testbed(String),
    /// One that the user has.
    Own { kubeconfig: PathBuf, context: Option<String> },
}

/// The environment, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Env {
    pub(crate) place: Place,
    pub(crate) images: Option<Images>,
    /// The operator's image as the cluster's nodes know it.
    pub(crate) operator_image: Option<String>,
    /// The operator's program, built with fail points.
    pub(crate) operator_program: Option<PathBuf>,
    /// The command `bailiwick`.
    pub(crate) cli: Option<PathBuf>,
    /// Where logs and descriptions are left for whoever reads a failure.
    pub(crate) artifacts: PathBuf,
    /// Where a skipped test says so.
    pub(crate) skipped: Option<PathBuf>,
    /// Marks what belongs to this run.
    pub(crate) run: Option<String>,
    /// Namespaces stay when a test ends.
    pub(crate) keep: bool,
    /// What `cargo xtask torture` asks for.
    pub(crate) torture: Option<Torture>,
}

const NO_CLUSTER: &str = "this test needs a cluster, and none was named: run `cargo xtask test`, or set BAILIWICK_TEST_CLUSTER to the name of one that `cargo xtask cluster list` shows";

impl Env {
    /// Reads `BAILIWICK_TEST_*`.
    pub(crate) fn read() -> Result<Self> {
        Self::resolve(|name| std::env::var_os(format!("BAILIWICK_TEST_{name}")).filter(|v| !v.is_empty()))
    }

    fn resolve(get: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let text = |name: &str| get(name).map(|v| v.to_string_lossy().into_owned());
        let place = match (text("CLUSTER"), get("KUBECONFIG")) {
            (Some(name), None) => Place::Testbed(name),
            (None, Some(file)) => Place::Own { kubeconfig: file.into(), context: text("CONTEXT") },
            (None, None) => bail!(NO_CLUSTER),
            (Some(_), Some(_)) => {
                bail!("BAILIWICK_TEST_CLUSTER and BAILIWICK_TEST_KUBECONFIG are both set: the tests run on one cluster")
            }
        };
        let images =
            text("IMAGES").map(|json| serde_json::from_str(&json).context("read BAILIWICK_TEST_IMAGES")).transpose()?;
        let artifacts = get("ARTIFACTS").map_or_else(|| std::env::temp_dir().join("bailiwick-test"), PathBuf::from);
        Ok(Self {
            place,
            images,
            operator_image: text("OPERATOR_IMAGE"),
            operator_program: get("OPERATOR").map(PathBuf::from),
            cli: get("CLI").map(PathBuf::from),
            artifacts,
            skipped: get("SKIPPED").map(PathBuf::from),
            run: text("RUN"),
            keep: get("KEEP").is_some(),
            torture: text("TORTURE")
                .map(|json| serde_json::from_str(&json).context("read BAILIWICK_TEST_TORTURE"))
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(vars: &[(&str, &str)]) -> Result<Env> {
        Env::resolve(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn without_a_cluster_it_says_what_to_run() {
        let error = resolve(&[]).unwrap_err().to_string();
        assert!(error.contains("cargo xtask test"), "{error}");
    }

    #[test]
    fn one_cluster_at_a_time() {
        assert!(resolve(&[("CLUSTER", "dev"), ("KUBECONFIG", "/k")]).is_err());
        let own = resolve(&[("KUBECONFIG", "/k"), ("CONTEXT", "kind")]).unwrap();
        let expected = Place::Own { kubeconfig: "/k".into(), context: Some("kind".into()) };
        assert_eq!(own.place, expected);
    }

    #[test]
    fn images_are_read() {
        let json = r#"{"good":["a","b"],"absent":"c","refused":"d"}"#;
        let env = resolve(&[("CLUSTER", "dev"), ("IMAGES", json)]).unwrap();
        assert_eq!(env.images.unwrap().good[1], "b");
        assert!(resolve(&[("CLUSTER", "dev"), ("IMAGES", "x")]).is_err());
    }
}
