//! Which clusters this machine has, and what became of them. Reads only.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::{is_kept, up};
use crate::{config::Config, lock::Lock, spec::Spec};

/// What became of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum State {
    /// Pods can be created.
    Ready,
    /// Coming up or going down.
    Changing,
    /// Its keeper was killed; the next `up` or `down` removes what is left.
    Dead,
}

/// A line of [`list`].
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: State,
    /// Whether it dies with its owner.
    pub ephemeral: bool,
    /// The node's address, seen from the host.
    pub address: String,
    /// The registry that answers.
    pub registry: String,
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
}

/// All clusters of this machine, by name.
pub fn list() -> Result<Vec<Listing>> {
    let config = Config::from_env()?;
    let _allocation = Lock::wait(&config, up::ALLOCATION)?;
    up::specs(&config).into_iter().map(|spec| listing(&config, &spec)).collect()
}

fn listing(config: &Config, spec: &Spec) -> Result<Listing> {
    let state = match (is_kept(config, spec)?, spec.ready_file().exists()) {
        (true, true) => State::Ready,
        (true, false) => State::Changing,
        (false, _) => State::Dead,
    };
    Ok(Listing {
        name: spec.name.clone(),
        state,
        ephemeral: spec.ephemeral,
        address: spec.node_ip().to_string(),
        registry: spec.registry(),
        kubeconfig: spec.kubeconfig("admin"),
    })
}
