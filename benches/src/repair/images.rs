//! The images that Deployments are made and broken with.
//!
//! Owns pushing them to a cluster of the testbed; of any other one they are named by the user.

use crate::Setup;
use anyhow::{Context as _, Result};
use bailiwick_testbed::{Cluster, Progress, prepare_images};

/// What the Deployments run.
pub(super) struct Images {
    /// It can be pulled.
    pub(super) good: String,
    /// The registry does not have its tag.
    pub(super) absent: String,
}

impl Images {
    pub(super) fn of(setup: &Setup) -> Result<Self> {
        let Some(name) = &setup.cluster else { return given(setup) };
        let images = prepare_images(&Cluster::open(name)?, &Progress::silent()).context("push the workload image")?;
        Ok(Self { good: images.good[0].clone(), absent: images.absent })
    }
}

fn given(setup: &Setup) -> Result<Images> {
    let good = setup.image.clone().context("--image: name a workload image that this cluster can pull")?;
    let tag_at = good.rfind(':').filter(|at| !good[*at..].contains('/')).unwrap_or(good.len());
    let absent = format!("{}:bailiwick-bench-absent", &good[..tag_at]);
    Ok(Images { good, absent })
}
