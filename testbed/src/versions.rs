//! What the test cluster is built from: reads `versions.toml`, which is compiled in. Pure.

use anyhow::{Context as _, Result};
use serde::Deserialize;

const TEXT: &str = include_str!("../versions.toml");

/// The pinned versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The oldest Go release that can build all of it.
    pub go: String,
    /// Kubernetes itself.
    pub kubernetes: Kubernetes,
    #[serde(rename = "tool")]
    tools: Vec<Tool>,
}

/// Kubernetes: one module, many commands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// Version of `k8s.io/kubernetes`.
    pub version: String,
    /// Version of its staging modules (`k8s.io/api` and the like).
    pub staging: String,
    commands: Vec<String>,
    optional: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: String,
    package: String,
    version: String,
    #[serde(default)]
    tags: String,
    #[serde(default)]
    cgo: bool,
    #[serde(default)]
    optional: bool,
}

/// One program to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Artifact {
    /// Path under `bin/`.
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) ldflags: String,
    pub(crate) tags: String,
    pub(crate) cgo: bool,
    pub(crate) optional: bool,
    pub(crate) module: Module,
}

/// The throw-away Go module that a program is built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Module {
    /// Shared by all commands of Kubernetes.
    Kubernetes,
    /// Of one tool alone.
    Tool,
}

impl Artifact {
    /// Changes whenever the program would.
    pub(crate) fn stamp(&self) -> String {
        format!("{} {} cgo={} tags={} ldflags={}\n", self.package, self.version, self.cgo, self.tags, self.ldflags)
    }
}

impl Versions {
    /// The versions this build of the testbed was made with.
    pub fn pinned() -> Result<Self> {
        toml::from_str(TEXT).context("read testbed/versions.toml")
    }

    /// All programs, those of Kubernetes first because the others reuse what they compile.
    pub(crate) fn artifacts(&self) -> Vec<Artifact> {
        let k8s = &self.kubernetes;
        let required = k8s.commands.iter().map(|c| (c, false));
        let optional = k8s.optional.iter().map(|c| (c, true));
        let commands = required.chain(optional).map(|(command, optional)| k8s.artifact(command, optional));
        commands.chain(self.tools.iter().map(Tool::artifact)).collect()
    }
}

impl Kubernetes {
    fn artifact(&self, command: &str, optional: bool) -> Artifact {
        const PACKAGE: &str = "k8s.io/component-base/version";
        let mut numbers = self.version.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        Artifact {
            name: command.rsplit('/').next().unwrap_or(command).to_owned(),
            package: format!("k8s.io/kubernetes/{command}"),
            version: self.version.clone(),
            ldflags: format!(
                "-s -w -X {PACKAGE}.gitVersion={} -X {PACKAGE}.gitMajor={major} -X {PACKAGE}.gitMinor={minor}",
                self.version
            ),
            tags: String::new(),
            cgo: false,
            optional,
            module: Module::Kubernetes,
        }
    }
}

impl Tool {
    fn artifact(&self) -> Artifact {
        Artifact {
            name: self.name.clone(),
            package: self.package.clone(),
            version: self.version.clone(),
            ldflags: "-s -w".to_owned(),
            tags: self.tags.clone(),
            cgo: self.cgo,
            optional: self.optional,
            module: Module::Tool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_the_node_starts_is_pinned() {
        let versions = Versions::pinned().unwrap();
        let artifacts = versions.artifacts();
        for name in
            ["kube-apiserver", "kubelet", "kubectl", "etcd", "containerd", "runc", "cni/ptp", "registry", "coredns"]
        {
            let found = artifacts.iter().find(|a| a.name == name).unwrap();
            assert!(found.version.starts_with('v') && !found.optional, "{name}");
        }
        assert_eq!(versions.kubernetes.version.replace("v1.", "v0."), versions.kubernetes.staging);
    }

    #[test]
    fn a_stamp_changes_with_the_version() {
        let mut artifact = Versions::pinned().unwrap().artifacts().remove(0);
        let before = artifact.stamp();
        artifact.version.push_str("-next");
        assert_ne!(before, artifact.stamp());
    }
}
