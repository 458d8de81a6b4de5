//! The cluster of a run and what the suites find on it. An ephemeral one dies with this process.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bailiwick_testbed::{
    BuiltOperator, Cluster, Config, OperatorImage, Options, Progress, build_operator, prepare_images,
};

use super::Args;
use super::discover::{Suite, Want};
use super::outcome::SKIPPED;
use crate::workspace::Workspace;
use crate::{cargo, say};

/// Fail points are compiled in.
const FAIL_POINTS: &str = "failpoints";

/// Where the suites run.
pub(super) enum Place {
    /// One of the testbed.
    Testbed(Cluster),
    /// The user's own.
    Own { kubeconfig: PathBuf, context: Option<String> },
}

type Variables = Vec<(String, String)>;

fn variable(name: &str, value: impl Into<String>) -> (String, String) {
    (format!("BAILIWICK_TEST_{name}"), value.into())
}

/// What differs from suite to suite.
pub(super) fn own_env(dir: &Path) -> Variables {
    vec![variable("ARTIFACTS", dir.display().to_string()), variable("SKIPPED", dir.join(SKIPPED).display().to_string())]
}

impl Place {
    /// The cluster of a lane; the first is the only one where the user names it.
    pub(super) fn open(config: &Config, args: &Args, lane: usize) -> Result<Self> {
        if args.context.is_some() || args.kubeconfig.is_some() {
            let kubeconfig = args.kubeconfig.clone().map_or_else(default_kubeconfig, Ok)?;
            return Ok(Self::Own { kubeconfig: std::path::absolute(kubeconfig)?, context: args.context.clone() });
        }
        if let Some(name) = &args.cluster {
            return Ok(Self::Testbed(Cluster::open(name)?));
        }
        let name = args.name.clone().unwrap_or_else(|| format!("test-{}", std::process::id()));
        let name = if lane == 0 { name } else { format!("{name}-{lane}") };
        let options = Options { ephemeral: true, progress: Progress::new(say), ..Options::named(name) };
        let cluster = Cluster::up(&options)
            .with_context(|| format!("bring up a cluster for the tests (its cache is {})", config.cache().display()))?;
        Ok(Self::Testbed(cluster))
    }

    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own { .. })
    }

    /// Builds and loads what the suites want, and tells them by variables.
    pub(super) fn prepare(
        &self,
        (config, workspace): (&Config, &Workspace),
        suites: &[Suite],
        args: &Args,
    ) -> Result<Variables> {
        let wanted = |want: Want| suites.iter().any(|s| s.wants.contains(&want));
        let operator = self.operator(config, &wanted)?;
        let mut all = match self {
            Self::Testbed(cluster) => prepare_testbed(cluster, operator.as_ref(), &wanted)?,
            Self::Own { kubeconfig, context } => {
                let mut all = vec![variable("KUBECONFIG", kubeconfig.display().to_string())];
                all.extend(context.iter().map(|c| variable("CONTEXT", c.as_str())));
                all.extend(args.operator_image.iter().map(|i| variable("OPERATOR_IMAGE", i.as_str())));
                all
            }
        };
        // It runs outside of the cluster as well.
        all.extend(operator.map(|operator| variable("OPERATOR", operator.program.display().to_string())));
        if wanted(Want::Cli) {
            say("building the command `bailiwick`");
            let path = cargo::binary(workspace, "bailiwick-cli", "bailiwick")?;
            all.push(variable("CLI", path.display().to_string()));
        }
        all.push(variable("RUN", std::process::id().to_string()));
        if args.keep {
            all.push(variable("KEEP", "1"));
        }
        Ok(all)
    }

    /// The operator with fail points, where a suite asks for it and the cluster does not bring its own.
    fn operator(&self, config: &Config, wanted: &dyn Fn(Want) -> bool) -> Result<Option<BuiltOperator>> {
        if !wanted(Want::OperatorProgram) && (self.is_own() || !wanted(Want::OperatorImage)) {
            return Ok(None);
        }
        let image = OperatorImage { profile: "dev".to_owned(), features: vec![FAIL_POINTS.to_owned()] };
        build_operator(config, &image, &Progress::new(say)).map(Some)
    }
}

fn prepare_testbed(
    cluster: &Cluster,
    operator: Option<&BuiltOperator>,
    wanted: &dyn Fn(Want) -> bool,
) -> Result<Variables> {
    let mut all = vec![variable("CLUSTER", cluster.name())];
    if wanted(Want::Images) {
        let images = prepare_images(cluster, &Progress::new(say))?;
        all.push(variable("IMAGES", serde_json::to_string(&images)?));
    }
    if let Some(operator) = operator {
        cluster.import_image(&operator.archive)?;
        all.push(variable("OPERATOR_IMAGE", OperatorImage::reference()));
    }
    Ok(all)
}

fn default_kubeconfig() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("KUBECONFIG").filter(|p| !p.is_empty()) {
        return Ok(path.into());
    }
    let home = std::env::var_os("HOME").context("find your kubeconfig: neither KUBECONFIG nor HOME is set")?;
    Ok(Path::new(&home).join(".kube/config"))
}
